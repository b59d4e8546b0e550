// What every store must do with the records of compute targets.
#include "store/targets.hh"

#include "support/store_worlds.hh"

namespace werkbank::store::testing {
namespace {

ComputeTargetRecord record_of(const std::string& workspace, const std::string& name) {
  ComputeTargetRecord record;
  record.workspace = workspace;
  record.name = name;
  record.kind = "AmlCompute";
  record.id = "id-" + name;
  record.settings = {{"maxNodes", 4}};
  record.created_ms = record.modified_ms = 5;
  return record;
}

Status put_workspaces(Transaction& transaction) {
  Workspace workspace;
  for (const char* const name : {"one", "two"}) {
    workspace.name = name;
    CHECK_OK(transaction.put_workspace(workspace));
  }
  return {};
}

std::vector<std::string> names(Store& store, const std::string& workspace) {
  std::vector<std::string> found;
  for (const auto& each :
       get<std::vector<ComputeTargetRecord>>(store, [&](Reader& reader) { return reader.targets().targets(workspace); }))
    found.push_back(each.workspace + "/" + each.name);
  return found;
}

using Names = std::vector<std::string>;

TEST_CASE_TEMPLATE("compute targets are kept by workspace and name, replaced and deleted", World, ALL_STORES) {
  World world;
  must(do_write(*world.store, [](Transaction& t) -> Status {
    CHECK_OK(put_workspaces(t));
    CHECK_OK(t.edit_targets().put_target(record_of("one", "b")));
    CHECK_OK(t.edit_targets().put_target(record_of("one", "a")));
    CHECK_OK(t.edit_targets().put_target(record_of("two", "b")));
    ComputeTargetRecord changed = record_of("one", "b");
    changed.settings["maxNodes"] = 7;
    return t.edit_targets().put_target(changed);
  }));
  world.reopen();
  CHECK(names(*world.store, "one") == Names{"one/a", "one/b"});
  CHECK(names(*world.store, "") == Names{"one/a", "one/b", "two/b"});
  const auto found =
      get<std::optional<ComputeTargetRecord>>(*world.store, [](Reader& r) { return r.targets().target("one", "b"); });
  REQUIRE(found);
  CHECK(found->settings.at("maxNodes").as_int64() == 7);
  CHECK(found->id == "id-b");
  CHECK_FALSE(get<std::optional<ComputeTargetRecord>>(*world.store, [](Reader& r) { return r.targets().target("two", "a"); }));
  must(do_write(*world.store, [](Transaction& t) { return t.edit_targets().delete_target("one", "b"); }));
  CHECK(code(do_write(*world.store, [](Transaction& t) { return t.edit_targets().delete_target("one", "b"); })) == "not_found");
  CHECK(names(*world.store, "") == Names{"one/a", "two/b"});
}

TEST_CASE_TEMPLATE("a compute target needs its workspace, and goes with it", World, ALL_STORES) {
  World world;
  must(do_write(*world.store, put_workspaces));
  CHECK(code(do_write(*world.store, [](Transaction& t) { return t.edit_targets().put_target(record_of("three", "a")); })) ==
        "workspace_not_found");
  must(do_write(*world.store, [](Transaction& t) -> Status {
    CHECK_OK(t.edit_targets().put_target(record_of("one", "a")));
    return t.edit_targets().put_target(record_of("two", "a"));
  }));
  must(do_write(*world.store, [](Transaction& t) { return t.delete_workspace("one"); }));
  CHECK(names(*world.store, "") == Names{"two/a"});
}

TEST_CASE_TEMPLATE("a write that fails leaves the compute targets as they were", World, ALL_STORES) {
  World world;
  must(do_write(*world.store, [](Transaction& t) -> Status {
    CHECK_OK(put_workspaces(t));
    return t.edit_targets().put_target(record_of("one", "a"));
  }));
  CHECK_FALSE(do_write(*world.store, [](Transaction& t) -> Status {
    CHECK_OK(t.edit_targets().delete_target("one", "a"));
    CHECK_OK(t.edit_targets().put_target(record_of("one", "c")));
    return t.edit_targets().delete_target("one", "nothing");
  }));
  CHECK(names(*world.store, "") == Names{"one/a"});
}

}  // namespace
}  // namespace werkbank::store::testing
