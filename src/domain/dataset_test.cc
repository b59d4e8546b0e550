#include "domain/dataset.hh"

#include <doctest/doctest.h>

using namespace werkbank;

namespace {

json::value document() {
  return json::parse(R"({"kind":"file","sources":[{"datastore":"d","path":"a/*.csv"},{"url":"https://h/x.csv"}],
    "files":[{"source":0,"path":"a/b.csv","name":"b.csv","sizeBytes":3,"etag":"e"},
             {"source":1,"path":"https://h/x.csv","name":"x.csv","sizeBytes":4}]})");
}

Error refused(json::value value) {
  const auto read = dataset_content_from_json(value, "dataset");
  REQUIRE(!read);
  return read.error();
}

}  // namespace

TEST_CASE("a dataset's document reads back as it was written") {
  const auto content = dataset_content_from_json(document(), "dataset");
  REQUIRE(content);
  CHECK(content->files[1].path == "https://h/x.csv");
  const auto again = dataset_content_from_json(json::parse(canonical_json(to_json(*content))), "dataset");
  REQUIRE_MESSAGE(again, again.error().to_string());
  CHECK(canonical_json(to_json(*again)) == canonical_json(to_json(*content)));
}

TEST_CASE("a dataset's document is refused whole, by the field that is wrong") {
  json::value value = document();
  value.at("files").at(0).as_object()["path"] = "../x";
  CHECK(refused(value).to_string().find("dataset.files[0].path") != std::string::npos);
  value = document();
  value.at("files").at(1).as_object()["name"] = "b.csv";
  CHECK(refused(value).to_string().find("two files are called") != std::string::npos);
  value = document();
  value.at("files").at(1).as_object()["name"] = "b.csv/x";
  CHECK(refused(value).to_string().find("below the file") != std::string::npos);
  value = document();
  value.at("sources").at(1).as_object()["url"] = "file:///etc/passwd";
  CHECK(refused(value).code == &errors::invalid_request);
  value = document();
  value.at("files").at(1).as_object()["source"] = 2;
  CHECK(refused(value).code == &errors::invalid_request);
}

TEST_CASE("references name a version or the newest one") {
  CHECK(parse_dataset_reference("w", "mnist")->version == 0);
  CHECK(parse_dataset_reference("w", "mnist:latest")->version == 0);
  CHECK(parse_dataset_reference("w", "mnist digits:12")->version == 12);
  for (const char* text : {"mnist:0", "mnist:x", "mnist:", ":1", "a/b", "a:1:2"}) CHECK(!parse_dataset_reference("w", text));
  const std::string id = dataset_id(Hash::of("x"));
  CHECK(is_dataset_id(id));
  CHECK(!is_dataset_id("mnist"));
  CHECK(!check_dataset_name(id));
}
