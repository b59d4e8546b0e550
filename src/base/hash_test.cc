#include "base/hash.hh"

#include <doctest/doctest.h>

#include <set>

#include "base/files.hh"

using namespace werkbank;

TEST_CASE("hashes are BLAKE2b-256") {
  // The digests of "" and "abc" with an output of 32 bytes, as b2sum -l 256 prints them.
  CHECK(Hash::of("").hex() == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  CHECK(Hash::of("abc").hex() == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST_CASE("pieces and files hash as the whole") {
  const std::string bytes = [] {
    std::string text;
    for (int i = 0; i < 300'000; ++i) text += std::to_string(i);
    return text;
  }();
  Hasher hasher;
  for (size_t i = 0; i < bytes.size(); i += 1000) hasher.update(std::string_view(bytes).substr(i, 1000));
  CHECK(hasher.finish() == Hash::of(bytes));
  const auto path = std::filesystem::temp_directory_path() / ("wb-hash-" + random_hex(8));
  REQUIRE(write_file_atomically(path, bytes));
  CHECK(Hash::of_file(path).value() == Hash::of(bytes));
  CHECK(remove_tree(path));
  CHECK_FALSE(Hash::of_file(path));
}

TEST_CASE("Hash::parse takes 64 lower-case digits only") {
  const std::string hex = Hash::of("x").hex();
  CHECK(Hash::parse(hex).value() == Hash::of("x"));
  for (const std::string& text : {std::string(), hex.substr(1), hex + "0", "G" + hex.substr(1), "A" + hex.substr(1)}) {
    CHECK_FALSE(Hash::parse(text));
  }
}

TEST_CASE("base64url goes both ways and refuses what is not canonical") {
  for (const std::string& bytes :
       {std::string(), std::string("f"), std::string("fo"), std::string("foo"), std::string("\xff\xfe\x00", 3)}) {
    CHECK(base64url_decode(base64url_encode(bytes)).value() == bytes);
  }
  CHECK(base64url_encode("\xfb\xff") == "-_8");
  for (const char* text : {"-_8=", "+/8", "a", "-_9", "-_ 8"}) {
    CAPTURE(text);
    CHECK_FALSE(base64url_decode(text));
  }
}

TEST_CASE("random names differ and have their form") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = random_uuid();
    CHECK(uuid.size() == 36);
    CHECK(uuid[14] == '4');
    CHECK(std::string("89ab").find(uuid[19]) != std::string::npos);
    CHECK(seen.insert(uuid).second);
  }
  CHECK(random_hex(5).size() == 10);
}
