// How a compute target makes environments ready, finds them ready, fails to, and is told to stop.
#include <atomic>

#include "support/target_bench.hh"

namespace werkbank::test {
namespace {

EnvironmentRecipe system_recipe(const std::string& interpreter) {
  EnvironmentRecipe recipe;
  recipe.kind = "system";
  recipe.interpreter = interpreter;
  recipe.hash = recipe_hash(recipe);
  return recipe;
}

// A stand-in for the runner's builder with this shell text.
std::string builder_script(const LocalBench& bench, const std::string& text) {
  const std::filesystem::path path = bench.folder / "builder";
  REQUIRE(write_file_atomically(path, "#!/bin/sh\n" + text, 0755));
  return path.native();
}

TEST_CASE("an environment is made ready once") {
  LocalBench bench;
  const EnvironmentRecipe recipe = system_recipe("/bin/sh");
  bench.open(builder_script(bench, R"(
cat > "$2.recipe"
echo "Looking"; printf 'READYing '; echo 'really'
echo 'READY {"hash":"","interpreter":"/bin/sh","pythonVersion":"3.11.2","hasAzureml":true,"variables":{"A":"b"}}'
)"));
  std::string output;
  const compute::OutputSink sink = [&output](std::string_view bytes) { output += bytes; };
  const Result<ReadyEnvironment> first = bench.target().prepare(recipe, sink, [] { return false; });
  REQUIRE(first);
  CHECK(first->interpreter == "/bin/sh");
  CHECK(first->has_azureml);
  CHECK(output == "Looking\nREADYing really\n");
  CHECK(read_file(bench.folder / "environments.recipe").has_value());
  CHECK(std::filesystem::is_empty(bench.folder / "work" / "builds"));

  SUBCASE("found again without a builder, by another server too") {
    bench.open("/nowhere/werkbank-runner");
    const Result<ReadyEnvironment> again = bench.target().prepare(recipe, sink, [] { return false; });
    REQUIRE(again);
    CHECK(again->variables == first->variables);
    CHECK_FALSE(bench.target().prepare(system_recipe("/bin/true"), sink, [] { return false; }));
  }
  SUBCASE("a built one is found by its file") {
    EnvironmentRecipe built = recipe;
    built.kind = "uv";
    built.hash = recipe_hash(built);
    REQUIRE(make_directories(bench.folder / "environments" / built.hash));
    ReadyEnvironment ready = *first;
    ready.hash = built.hash;
    const std::filesystem::path file = bench.folder / "environments" / built.hash / "ready.json";
    REQUIRE(write_file_atomically(file, json::serialize(to_json(ready))));
    bench.open("/nowhere/werkbank-runner");
    CHECK(bench.target().prepare(built, sink, [] { return false; }));
    ready.interpreter = "/nowhere/python";
    REQUIRE(write_file_atomically(file, json::serialize(to_json(ready))));
    CHECK_FALSE(bench.target().prepare(built, sink, [] { return false; }));
  }
}

TEST_CASE("an environment that cannot be made says why") {
  LocalBench bench;
  std::string output;
  const compute::OutputSink sink = [&output](std::string_view bytes) { output += bytes; };
  const EnvironmentRecipe recipe = system_recipe("/nowhere/python");
  std::string code = "requirement_invalid";
  SUBCASE("the builder's own words") {
    bench.open(
        builder_script(bench, R"(echo talk; echo 'FAILED {"code":"requirement_invalid","message":"m","hint":"h"}'; exit 1)"));
  }
  SUBCASE("a builder that dies") {
    bench.open(builder_script(bench, "echo talk; kill -9 $$"));
    code = "environment_failed";
  }
  SUBCASE("the real builder") { code = "interpreter_not_found"; }
  const Result<ReadyEnvironment> ready = bench.target().prepare(recipe, sink, [] { return false; });
  REQUIRE_FALSE(ready);
  CHECK(ready.error().code->id == code);
  CHECK(output.find("FAILED") == output.npos);
}

TEST_CASE("a canceled build leaves nobody") {
  LocalBench bench;
  bench.open(builder_script(bench, R"(
(setsid sh -c 'trap "" TERM; echo $$ > "$0"; while :; do sleep 1; done' "$2.daemon" &)
while [ ! -s "$2.daemon" ]; do sleep 0.02; done
echo started; sleep 600)"));
  std::atomic<bool> started{false};
  const compute::OutputSink sink = [&started](std::string_view) { started = true; };
  const Result<ReadyEnvironment> ready =
      bench.target().prepare(system_recipe("/bin/sh"), sink, [&started] { return started.load(); });
  CHECK_FALSE(ready);
  CHECK(std::filesystem::is_empty(bench.folder / "work" / "builds"));
  const Result<ProcessId> daemon = process_id_of(std::stoi(read_file(bench.folder / "environments.daemon").value()));
  CHECK((!daemon || !is_alive(*daemon)));
}

}  // namespace
}  // namespace werkbank::test
