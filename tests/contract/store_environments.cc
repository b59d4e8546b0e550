// The contract of store/environments.hh, run against every implementation.
#include "store/environments.hh"

#include "support/store_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

namespace {

EnvironmentVersion version_of(const std::string& name, const std::string& called, const std::string& content = "c") {
  EnvironmentVersion version{.workspace = "default", .content_hash = content, .created_ms = 3};
  version.definition.name = name;
  version.definition.version = called;
  version.definition.pip_requirements = {name + "==" + called};
  return version;
}

EnvironmentVersion add(Store& store, const EnvironmentVersion& version) {
  return put<EnvironmentVersion>(store, [version](Transaction& t) { return t.edit_environments().create(version); });
}

std::optional<EnvironmentVersion> find_version(Store& store, const std::string& name, const std::string& called) {
  return get<std::optional<EnvironmentVersion>>(
      store, [&](Reader& reader) { return reader.environments().version("default", name, called); });
}

std::optional<EnvironmentVersion> find_labelled(Store& store, const std::string& name, const std::string& label) {
  return get<std::optional<EnvironmentVersion>>(
      store, [&](Reader& reader) { return reader.environments().labelled("default", name, label); });
}

}  // namespace

TEST_CASE_TEMPLATE("versions are called by numbers, or as their user wants", World, ALL_STORES) {
  World world;
  CHECK(add(*world.store, version_of("a", "")).definition.version == "1");
  const EnvironmentVersion blue = add(*world.store, version_of("a", "blue"));
  CHECK(blue.definition.version == "blue");
  CHECK(blue.number == 2);
  CHECK(add(*world.store, version_of("a", "")).definition.version == "2");
  CHECK(add(*world.store, version_of("a", "7")).definition.version == "7");
  CHECK(add(*world.store, version_of("a", "7.1")).definition.version == "7.1");
  CHECK(add(*world.store, version_of("a", "99999999999999999999")).number == 6);
  CHECK(add(*world.store, version_of("a", "")).definition.version == "8");
  CHECK(add(*world.store, version_of("b", "")).definition.version == "1");
  for (const char* const taken : {"1", "blue", "7"}) {
    const EnvironmentVersion again = version_of("a", taken);
    CHECK(code(do_write(*world.store, [again](Transaction& t) -> Status {
            TRY([[maybe_unused]] const EnvironmentVersion made, t.edit_environments().create(again));
            return {};
          })) == "already_exists");
  }
  world.reopen();
  CHECK(find_version(*world.store, "a", "")->definition.version == "8");
  CHECK(find_version(*world.store, "a", "blue")->number == 2);
  CHECK(find_version(*world.store, "a", "2")->number == 3);
  CHECK(find_version(*world.store, "a", "1")->definition.pip_requirements == std::vector<std::string>{"a=="});
  CHECK_FALSE(find_version(*world.store, "a", "3"));
  CHECK_FALSE(find_version(*world.store, "c", ""));
  CHECK(find_version(*world.store, "a", "1")->created_ms == 3);
  const auto newest =
      get<std::vector<EnvironmentVersion>>(*world.store, [](Reader& reader) { return reader.environments().newest("default"); });
  REQUIRE(newest.size() == 2);
  CHECK(newest[0].definition.version == "8");
  CHECK(newest[1].definition.name == "b");
  CHECK(get<std::vector<EnvironmentVersion>>(*world.store, [](Reader& reader) {
          return reader.environments().versions("default", "a");
        }).size() == 7);
  CHECK(get<std::vector<EnvironmentVersion>>(*world.store, [](Reader& reader) {
          return reader.environments().newest("other");
        }).empty());
}

TEST_CASE_TEMPLATE("a version is found by its content, the newest first", World, ALL_STORES) {
  World world;
  add(*world.store, version_of("a", "", "x"));
  add(*world.store, version_of("a", "", "y"));
  add(*world.store, version_of("a", "", "x"));
  const auto of_content = [&](const std::string& name, const std::string& content) {
    const auto found = get<std::optional<EnvironmentVersion>>(
        *world.store, [&](Reader& reader) { return reader.environments().of_content("default", name, content); });
    return found ? found->definition.version : "";
  };
  CHECK(of_content("a", "x") == "3");
  CHECK(of_content("a", "y") == "2");
  CHECK(of_content("a", "z").empty());
  CHECK(of_content("b", "x").empty());
}

TEST_CASE_TEMPLATE("what came with a run is told from what was registered", World, ALL_STORES) {
  World world;
  EnvironmentVersion brought = version_of("a", "");
  brought.submitted = true;
  brought = add(*world.store, brought);
  CHECK(find_version(*world.store, "a", "1")->submitted);
  must(do_write(*world.store, [brought](Transaction& t) { return t.edit_environments().mark_registered(brought); }));
  CHECK_FALSE(find_version(*world.store, "a", "1")->submitted);
}

TEST_CASE_TEMPLATE("a label points at one version", World, ALL_STORES) {
  World world;
  const EnvironmentVersion first = add(*world.store, version_of("a", ""));
  const EnvironmentVersion second = add(*world.store, version_of("a", ""));
  add(*world.store, version_of("b", ""));
  must(do_write(*world.store, [&](Transaction& t) -> Status {
    CHECK_OK(t.edit_environments().put_label(first, "stable"));
    CHECK_OK(t.edit_environments().put_label(first, "old one"));
    return t.edit_environments().put_label(second, "stable");
  }));
  world.reopen();
  CHECK(find_labelled(*world.store, "a", "stable")->definition.version == "2");
  CHECK(find_labelled(*world.store, "a", "old one")->labels == std::vector<std::string>{"old one"});
  CHECK_FALSE(find_labelled(*world.store, "b", "stable"));
  CHECK_FALSE(find_labelled(*world.store, "a", "new"));
  CHECK(find_version(*world.store, "a", "2")->labels == std::vector<std::string>{"stable"});
  must(do_write(*world.store, [&](Transaction& t) { return t.edit_environments().put_label(first, "a"); }));
  CHECK(find_version(*world.store, "a", "1")->labels == std::vector<std::string>{"a", "old one"});
  must(do_write(*world.store, [](Transaction& t) { return t.edit_environments().remove_label("default", "a", "stable"); }));
  CHECK_FALSE(find_labelled(*world.store, "a", "stable"));
  CHECK(code(do_write(*world.store, [](Transaction& t) {
          return t.edit_environments().remove_label("default", "a", "stable");
        })) == "not_found");
  make_experiment(*world.store);
  must(do_write(*world.store, [](Transaction& t) { return t.delete_workspace("default"); }));
  CHECK_FALSE(find_version(*world.store, "a", ""));
  add(*world.store, version_of("a", ""));
  CHECK_FALSE(find_labelled(*world.store, "a", "old one"));
}
