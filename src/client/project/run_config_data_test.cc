#include "client/project/run_config_data.hh"

#include <doctest/doctest.h>

using namespace werkbank;
using namespace werkbank::client;

namespace {

YamlNode yaml(const char* text) {
  Result<YamlNode> read = parse_yaml(text, "c");
  REQUIRE(read);
  return std::move(*read);
}

}  // namespace

TEST_CASE("data of a run configuration becomes inputs") {
  std::vector<RunInput> inputs;
  const Status read = read_data_inputs(yaml(R"(
train: {dataLocation: {dataset: {datasetName: mnist, datasetVersion: 2}}, mechanism: Mount, pathOnCompute: here}
raw: {dataLocation: {dataset: {datasetId: 0123}}}
place: {dataLocation: {dataPath: {datastoreName: workspaceblobstore, relativePath: ./a/b/}}, mechanism: download, overwrite: true}
)"),
                                       "c", inputs);
  REQUIRE_MESSAGE(read, read.error().to_string());
  REQUIRE(inputs.size() == 3);
  CHECK(inputs[0].dataset_id == "mnist:2");
  CHECK(inputs[0].mode == DataMode::kMount);
  CHECK(inputs[0].path_on_compute == "here");
  CHECK(inputs[1].mode == DataMode::kDirect);
  CHECK(inputs[2].datastore == "workspaceblobstore");
  CHECK(inputs[2].path == "a/b");
  CHECK(inputs[2].overwrite);
}

TEST_CASE("data references are inputs, and outputs where they upload") {
  std::vector<RunInput> inputs;
  std::vector<RunOutput> outputs;
  const Status read = read_data_references(yaml(R"(
in: {dataStoreName: d, pathOnDataStore: /x, mode: download}
out: {dataStoreName: d, pathOnDataStore: y, mode: upload, overwrite: true}
)"),
                                           "c", inputs, outputs);
  REQUIRE_MESSAGE(read, read.error().to_string());
  REQUIRE(inputs.size() == 1);
  CHECK(inputs[0].path == "x");
  REQUIRE(outputs.size() == 1);
  CHECK(outputs[0].mode == DataMode::kUpload);
  CHECK(outputs[0].overwrite);
}

TEST_CASE("output data becomes outputs with what is registered of them") {
  std::vector<RunOutput> outputs;
  const Status read = read_data_outputs(yaml(R"(
made:
  outputLocation: {dataPath: {datastoreName: d, relativePath: 'of/{run-id}'}}
  mechanism: upload
  additionalOptions:
    registrationOptions: {name: made, description: by a run, tags: {a: b},
                          datasetRegistrationOptions: {additionalTransformation: '{"format":"delimited"}'}}
    uploadOptions: {overwrite: true, sourceGlobs: {globPatterns: ['*.csv']}}
plain: {}
)"),
                                        "c", outputs);
  REQUIRE_MESSAGE(read, read.error().to_string());
  REQUIRE(outputs.size() == 2);
  CHECK(outputs[0].path == "of/{run-id}");
  CHECK(outputs[0].register_name == "made");
  CHECK(outputs[0].register_tags.at("a") == "b");
  CHECK(outputs[0].reader.at("format") == "delimited");
  CHECK(outputs[0].source_globs == std::vector<std::string>{"*.csv"});
  CHECK(outputs[1].mode == DataMode::kMount);
}

TEST_CASE("what is wrong is told with its line") {
  std::vector<RunInput> inputs;
  std::vector<RunOutput> outputs;
  CHECK(read_data_inputs(yaml("a: 1"), "c", inputs).error().message.starts_with("c:1"));
  CHECK(read_data_inputs(yaml("\na: {mechanism: mount}"), "c", inputs).error().message.starts_with("c:2"));
  CHECK(read_data_references(yaml("\n\na: {mode: mount}"), "c", inputs, outputs).error().message.starts_with("c:3"));
  CHECK(read_data_outputs(yaml("a: {mechanism: carry}"), "c", outputs).error().code == &errors::config_invalid);
  CHECK(read_data_outputs(yaml("- a"), "c", outputs).error().code == &errors::config_invalid);
}
