// The contract of store/datastores.hh, run against every store.
#include "store/datastores.hh"

#include "support/store_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

namespace {

DatastoreRecord record(const std::string& name, const std::string& workspace = "default") {
  DatastoreRecord made;
  made.datastore = {.workspace = workspace,
                    .name = name,
                    .kind = DatastoreKind::kAzureBlob,
                    .settings = {{"account", "acc"}, {"container", "data"}},
                    .created_by = "ada",
                    .created_ms = 77};
  made.sealed = std::string("sea\0led", 7);
  return made;
}

Status put(Store& store, const DatastoreRecord& value) {
  return do_write(store, [value](Transaction& t) { return t.edit_datastores().put(value); });
}

std::optional<DatastoreRecord> look_up(Store& store, const std::string& name, const std::string& workspace = "default") {
  return get<std::optional<DatastoreRecord>>(store, [&](Reader& r) { return r.datastores().find(workspace, name); });
}

std::vector<std::string> names(Store& store, const std::string& workspace = "default") {
  std::vector<std::string> found;
  for (const auto& each : get<std::vector<DatastoreRecord>>(store, [&](Reader& r) { return r.datastores().list(workspace); }))
    found.push_back(each.datastore.name);
  return found;
}

std::string chosen(Store& store) {
  return get<std::string>(store, [](Reader& r) { return r.datastores().default_name("default"); });
}

}  // namespace

TEST_CASE_TEMPLATE("a datastore is kept as it was put, and found whatever the case of its name", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  must(put(*world.store, record("Zoo")));
  must(put(*world.store, record("ark")));
  world.reopen();
  const auto found = look_up(*world.store, "zOO");
  REQUIRE(found);
  CHECK(found->datastore.name == "Zoo");
  CHECK(found->datastore.kind == DatastoreKind::kAzureBlob);
  CHECK(found->datastore.settings == TextMap{{"account", "acc"}, {"container", "data"}});
  CHECK(found->datastore.created_by == "ada");
  CHECK(found->datastore.created_ms == 77);
  CHECK(found->sealed == std::string("sea\0led", 7));
  CHECK(names(*world.store) == std::vector<std::string>{"ark", "Zoo"});
  DatastoreRecord other = record("ZOO");
  other.datastore.kind = DatastoreKind::kS3;
  other.sealed.clear();
  must(put(*world.store, other));
  CHECK(names(*world.store) == std::vector<std::string>{"ark", "Zoo"});
  CHECK(look_up(*world.store, "zoo")->datastore.kind == DatastoreKind::kS3);
  CHECK(look_up(*world.store, "zoo")->sealed.empty());
  CHECK(!look_up(*world.store, "bear"));
  CHECK(code(put(*world.store, record("a", "nowhere"))) == "workspace_not_found");
}

TEST_CASE_TEMPLATE("the default is chosen, and gone with its datastore", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  const auto choose = [&](const std::string& workspace, const std::string& name) {
    return do_write(*world.store, [=](Transaction& t) { return t.edit_datastores().choose_default(workspace, name); });
  };
  const auto remove = [&](const std::string& name) {
    return do_write(*world.store, [=](Transaction& t) { return t.edit_datastores().remove("default", name); });
  };
  CHECK(chosen(*world.store).empty());
  must(put(*world.store, record("one")));
  must(put(*world.store, record("two")));
  must(choose("default", "One"));
  CHECK(chosen(*world.store) == "One");
  must(remove("two"));
  CHECK(chosen(*world.store) == "One");
  must(remove("ONE"));
  CHECK(chosen(*world.store).empty());
  CHECK(code(remove("one")) == "datastore_not_found");
  CHECK(code(choose("nowhere", "one")) == "workspace_not_found");
}

TEST_CASE_TEMPLATE("a workspace's datastores go with it, and a refused write leaves nothing", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  make_experiment(*world.store, "e", "other");
  must(put(*world.store, record("mine")));
  must(put(*world.store, record("mine", "other")));
  const Status refused = do_write(*world.store, [](Transaction& t) -> Status {
    CHECK_OK(t.edit_datastores().put(record("half")));
    CHECK_OK(t.edit_datastores().choose_default("default", "half"));
    return fail(errors::internal, "no");
  });
  CHECK(code(refused) == "internal");
  CHECK(names(*world.store) == std::vector<std::string>{"mine"});
  CHECK(chosen(*world.store).empty());
  must(do_write(*world.store, [](Transaction& t) { return t.edit_datastores().choose_default("default", "mine"); }));
  must(do_write(*world.store, [](Transaction& t) { return t.delete_workspace("default"); }));
  CHECK(names(*world.store).empty());
  CHECK(chosen(*world.store).empty());
  CHECK(names(*world.store, "other") == std::vector<std::string>{"mine"});
}
