#include "data/s3/signature_v4.hh"

#include <doctest/doctest.h>

#include "data/rest/signing.hh"

using namespace werkbank;
using namespace werkbank::data;

namespace {

const V4Key kKey{"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "us-east-1"};

std::string signature(const V4Request& request) {
  const std::string text = v4_authorization(request, kKey);
  return text.substr(text.rfind('=') + 1);
}

}  // namespace

// The examples that Amazon publishes with the protocol ("Signature Calculations for the Authorization Header").
TEST_CASE("requests are signed as in the published examples") {
  const std::string empty = sha256_hex("");
  V4Request get{.verb = "GET", .path = "/test.txt", .payload_hash = empty};
  get.headers = {{"host", "examplebucket.s3.amazonaws.com"},
                 {"range", "bytes=0-9"},
                 {"x-amz-content-sha256", empty},
                 {"x-amz-date", "20130524T000000Z"}};
  CHECK(signature(get) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

  V4Request list{.verb = "GET", .path = "/", .query = {{"prefix", "J"}, {"max-keys", "2"}}, .payload_hash = empty};
  list.headers = {
      {"host", "examplebucket.s3.amazonaws.com"}, {"x-amz-content-sha256", empty}, {"x-amz-date", "20130524T000000Z"}};
  CHECK(signature(list) == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");

  V4Request lifecycle = list;
  lifecycle.query = {{"lifecycle", ""}};
  CHECK(signature(lifecycle) == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST_CASE("digests as others write them") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(md5_hex("") == "d41d8cd98f00b204e9800998ecf8427e");
}
