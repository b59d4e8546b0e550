#include "registry/model_content.hh"

#include <doctest/doctest.h>

namespace werkbank::registry {
namespace {

Artifact file(const std::string& path) {
  Artifact artifact;
  artifact.path = path;
  artifact.hash = Hash::of(path).hex();
  artifact.size_bytes = path.size();
  return artifact;
}

Run make_run(RunStatus status) {
  Run run;
  run.key = {"default", "r1"};
  run.status = status;
  return run;
}

const std::vector<Artifact> kFiles{file("azureml-logs/70_driver_log.txt"), file("outputs/model.pkl"),
                                   file("outputs/net/config.json"), file("outputs/net/weights/0.bin"),
                                   file("outputs/network.txt")};

std::vector<std::string> paths(std::string_view path) {
  const auto manifest = manifest_of_run_files(make_run(RunStatus::kCompleted), kFiles, path);
  REQUIRE_MESSAGE(manifest, manifest.error().to_string());
  CHECK(SnapshotManifest::parse(manifest->to_text()));
  std::vector<std::string> found;
  for (const SnapshotEntry& entry : manifest->entries) found.push_back(entry.path);
  return found;
}

Error refusal(std::string_view path, RunStatus status = RunStatus::kCompleted, const std::vector<Artifact>& files = kFiles) {
  const auto manifest = manifest_of_run_files(make_run(status), files, path);
  REQUIRE(!manifest);
  return manifest.error();
}

using Paths = std::vector<std::string>;

TEST_CASE("a file or folder of a run, under its own name") {
  CHECK(paths("outputs/model.pkl") == Paths{"model.pkl"});
  CHECK(paths("./outputs/model.pkl") == Paths{"model.pkl"});
  CHECK(paths("outputs/net") == Paths{"net/config.json", "net/weights/0.bin"});
  CHECK(paths("outputs/net/") == Paths{"net/config.json", "net/weights/0.bin"});
  CHECK(paths("outputs/net/weights") == Paths{"weights/0.bin"});
  CHECK(paths("outputs").size() == 4);
}

TEST_CASE("what is not there is refused with what is") {
  const Error wrong_folder = refusal("model.pkl");
  CHECK(wrong_folder.code == &errors::model_path_not_found);
  CHECK(wrong_folder.message ==
        "run \"r1\" has no file or folder \"model.pkl\"; its files are: outputs/model.pkl, outputs/net/config.json, "
        "outputs/net/weights/0.bin, outputs/network.txt, azureml-logs/70_driver_log.txt");
  CHECK(wrong_folder.hint == "Did you mean \"outputs/model.pkl\"?");
  CHECK(refusal("outputs/modle.pkl").hint == "Did you mean \"outputs/model.pkl\"?");
  CHECK(refusal("outputs/ne").hint == "Did you mean \"outputs/net\"?");
  CHECK(refusal("something/else").hint.empty());
  const Error running = refusal("outputs/model.pkl", RunStatus::kRunning, {});
  CHECK(running.message == "run \"r1\" has no file or folder \"outputs/model.pkl\"; it has no files");
  CHECK(running.hint.starts_with("The run is Running"));
  for (const char* path : {"", "..", "outputs/../x", "/etc/passwd"}) CHECK(refusal(path).code == &errors::path_refused);
}

TEST_CASE("what still grows is no file yet") {
  Artifact growing = file("logs/a.txt");
  growing.hash.clear();
  CHECK(refusal("logs/a.txt", RunStatus::kRunning, {growing}).code == &errors::model_path_not_found);
}

}  // namespace
}  // namespace werkbank::registry
