#include "domain/model.hh"

#include <doctest/doctest.h>

namespace werkbank {
namespace {

std::string refusal(std::string_view id) {
  const Result<ModelKey> key = parse_model_id("default", id);
  return key ? "taken" : std::string(key.error().code->id);
}

TEST_CASE("a model is named by its name, or its name and version") {
  const Result<ModelKey> newest = parse_model_id("default", "sklearn_mnist");
  REQUIRE(newest);
  CHECK(*newest == ModelKey{"default", "sklearn_mnist", 0});
  const Result<ModelKey> third = parse_model_id("default", "a.b-c:3");
  REQUIRE(third);
  CHECK(*third == ModelKey{"default", "a.b-c", 3});
  CHECK(model_id(*third) == "a.b-c:3");
  for (const char* id : {"m:", "m:0", "m:-1", "m:03", "m:latest", "m:99999999999999999999"})
    CHECK_MESSAGE(refusal(id) == "invalid_request", id);
  for (const char* id : {"", ":1", "-m", "m/n", "m n", "m:1:2", "../m", "ä"}) CHECK_MESSAGE(refusal(id) == "name_refused", id);
  CHECK(refusal(std::string(255, 'm')) == "taken");
  CHECK(refusal(std::string(256, 'm')) == "name_refused");
}

TEST_CASE("what a model asks for is positive, or is not said") {
  const auto read = [](const char* text) { return model_resources_from_json(json::parse(text), "request.resources"); };
  CHECK(*read("null") == ModelResources());
  CHECK(to_json(ModelResources()).is_null());
  const auto some = read(R"({"cpu": 1, "memoryInGb": 0.5, "gpu": null})");
  REQUIRE(some);
  CHECK(json::serialize(to_json(*some)) == R"({"cpu":1E0,"memoryInGb":5E-1,"gpu":null})");
  for (const char* text :
       {R"({"cpu": 0})", R"({"cpu": "1"})", R"({"memoryInGb": -1})", R"({"gpu": 0.5})", R"({"cpus": 1})", "[]"})
    CHECK_MESSAGE(!read(text), text);
}

TEST_CASE("links to datasets read back as they were written") {
  const std::vector<DatasetLink> datasets{{"training data", "a1"}, {"", "b2"}};
  const auto read = dataset_links_from_json(to_json(datasets), "request.datasets");
  REQUIRE(read);
  CHECK(*read == datasets);
  for (const char* text : {"{}", R"([{"name": "x"}])", R"([{"name": "x", "id": ""}])", R"([1])"})
    CHECK_MESSAGE(!dataset_links_from_json(json::parse(text), "request.datasets"), text);
}

TEST_CASE("the document of a model") {
  Model model;
  model.key = {"default", "sklearn_mnist", 2};
  model.framework = "ScikitLearn";
  model.framework_version = "0.22.1";
  model.tags = {{"area", "mnist"}};
  model.content = Hash::of("manifest");
  model.file_count = 1;
  model.size_bytes = 7;
  model.run_id = "r1";
  model.experiment = "digits";
  model.run_path = "outputs/m.pkl";
  model.datasets = {{"training", "d1"}};
  model.created_by = "ada";
  model.created_ms = model.modified_ms = 1000;
  model.revision = 1;
  CHECK(json::serialize(to_json(model)) ==
        R"({"workspace":"default","name":"sklearn_mnist","version":2,"id":"sklearn_mnist:2","description":"",)"
        R"("framework":"ScikitLearn","frameworkVersion":"0.22.1","tags":{"area":"mnist"},"properties":{},)"
        R"("contentId":")" +
            model.content.hex() +
            R"(","fileCount":1,"sizeBytes":7,"runId":"r1","experiment":"digits","runPath":"outputs/m.pkl",)"
            R"("datasets":[{"name":"training","id":"d1"}],"sampleInputDatasetId":"","sampleOutputDatasetId":"",)"
            R"("resourceConfiguration":null,"createdBy":"ada","createdUtc":"1970-01-01T00:00:01.000000Z",)"
            R"("modifiedUtc":"1970-01-01T00:00:01.000000Z","revision":1})");
}

}  // namespace
}  // namespace werkbank
