#include "runner/data_places.hh"

#include <doctest/doctest.h>

using namespace werkbank;
using namespace werkbank::runner;

TEST_CASE("placeholders become places, whole names only, and unknown ones stay") {
  const TextMap places{{"a", "/d/a"}, {"ab", "/d/ab"}, {"out", "/d/out dir"}};
  CHECK(with_places("DatasetConsumptionConfig:a", places) == "/d/a");
  CHECK(with_places("DatasetConsumptionConfig:ab", places) == "/d/ab");
  CHECK(with_places("--x=$AZUREML_DATAREFERENCE_ab/sub:$AZUREML_DATAREFERENCE_a", places) == "--x=/d/ab/sub:/d/a");
  CHECK(with_places("DatasetOutputConfig:out", places) == "/d/out dir");
  CHECK(with_places("DatasetConsumptionConfig:abc $AZUREML_DATAREFERENCE_", places) ==
        "DatasetConsumptionConfig:abc $AZUREML_DATAREFERENCE_");
  CHECK(with_places("", places).empty());
  CHECK(with_places("$", places) == "$");
}

TEST_CASE("in a command a place is its variable, whatever it is called") {
  const TextMap places{{"a", "/d/it's $(here)"}};
  CHECK(with_place_variables("ls DatasetConsumptionConfig:a/x", places) == "ls \"${AZUREML_DATAREFERENCE_a}\"/x");
}

TEST_CASE("a script finds inputs and outputs by variables") {
  LaunchPlan plan;
  plan.inputs = {{.name = "train", .mode = DataMode::kMount, .dataset_id = "1"},
                 {.name = "raw", .mode = DataMode::kDirect, .dataset_id = "2"},
                 {.name = "ref", .mode = DataMode::kDownload, .datastore = "d"}};
  plan.outputs = {{.name = "made"}, {.name = "more", .mode = DataMode::kUpload}, {.name = "tied", .mode = DataMode::kLink}};
  const TextMap variables =
      place_variables(plan, {{"train", "/in/train"}, {"raw", "2"}, {"ref", "/in/ref"}, {"made", "/out/made"}});
  CHECK(variables.at("train") == "/in/train");
  CHECK(variables.at("TRAIN") == "/in/train");
  CHECK(variables.at("AZUREML_DATAREFERENCE_ref") == "/in/ref");
  CHECK(variables.at("raw") == "2");
  CHECK(variables.at("AZUREML_DATASET_ENVIRONMENT_VARS") == "train:mount,raw:direct");
  CHECK(variables.at("AZUREML_DATASET_FILE_OUTPUTS") == "made;more");
  CHECK(variables.at("AZUREML_LINK_DATASET_OUTPUTS") == "tied");
}
