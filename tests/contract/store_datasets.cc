// The contract of store/datasets.hh, run against every store.
#include "store/datasets.hh"

#include "support/store_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

namespace {

Dataset dataset(const std::string& what, const std::string& workspace = "default", DatasetKind kind = DatasetKind::kFile) {
  Dataset made;
  made.workspace = workspace;
  made.content = Hash::of(what);
  made.id = dataset_id(made.content);
  made.kind = kind;
  made.definition = {{"sources", json::array{json::object{{"datastore", "workspaceblobstore"}, {"path", what}}}}};
  made.file_count = 4;
  made.size_bytes = 1ULL << 40;
  made.created_by = "ada";
  made.created_ms = 77;
  return made;
}

Dataset save(Store& store, const Dataset& value) {
  return put<Dataset>(store, [value](Transaction& t) { return t.edit_datasets().save(value); });
}

DatasetVersion add(Store& store, const std::string& name, const Dataset& value, UtcMs now = 100, TextMap tags = {}) {
  save(store, value);
  DatasetVersion version;
  version.key = {value.workspace, name, 0};
  version.dataset = value;
  version.description = "of " + name;
  version.tags = std::move(tags);
  version.created_by = "bob";
  version.created_ms = version.modified_ms = now;
  return put<DatasetVersion>(store, [version](Transaction& t) { return t.edit_datasets().register_version(version); });
}

std::optional<DatasetVersion> look_up(Store& store, const std::string& name, int64_t version = 0) {
  return get<std::optional<DatasetVersion>>(store, [&](Reader& r) { return r.datasets().find({"default", name, version}); });
}

std::vector<std::string> listed(Store& store, DatasetQuery query) {
  query.workspace = "default";
  std::vector<std::string> names;
  do {
    const auto page = get<Page<DatasetVersion>>(store, [&](Reader& r) { return r.datasets().list(query); });
    for (const DatasetVersion& each : page.items) names.push_back(each.key.name + ":" + std::to_string(each.key.version));
    query.cursor = page.next;
  } while (!query.cursor.empty());
  return names;
}

std::vector<DatasetUse> uses(Store& store, DatasetUseQuery query) {
  query.workspace = "default";
  query.limit = 1;
  std::vector<DatasetUse> found;
  do {
    const auto page = get<Page<DatasetUse>>(store, [&](Reader& r) { return r.datasets().uses(query); });
    found.insert(found.end(), page.items.begin(), page.items.end());
    query.cursor = page.next;
  } while (!query.cursor.empty());
  return found;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE_TEMPLATE("a dataset is kept as it was saved, and saving it again changes nothing", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  const Dataset mnist = dataset("mnist");
  save(*world.store, mnist);
  Dataset again = mnist;
  again.created_by = "eve";
  CHECK(save(*world.store, again).created_by == "ada");
  world.reopen();
  const auto found =
      get<std::optional<Dataset>>(*world.store, [&](Reader& r) { return r.datasets().saved("default", mnist.id); });
  REQUIRE(found);
  CHECK(found->kind == DatasetKind::kFile);
  CHECK(found->definition == mnist.definition);
  CHECK(found->content == mnist.content);
  CHECK(found->file_count == 4);
  CHECK(found->size_bytes == 1ULL << 40);
  CHECK(found->created_ms == 77);
  CHECK(!get<std::optional<Dataset>>(*world.store, [&](Reader& r) { return r.datasets().saved("other", mnist.id); }));
  const Status homeless = do_write(*world.store, [](Transaction& t) -> Status {
    TRY([[maybe_unused]] const Dataset saved, t.edit_datasets().save(dataset("x", "nowhere")));
    return {};
  });
  CHECK(homeless.error().code == &errors::workspace_not_found);
}

TEST_CASE_TEMPLATE("versions of a dataset are numbered, and no number comes twice", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  CHECK(add(*world.store, "mnist", dataset("a")).key.version == 1);
  CHECK(add(*world.store, "mnist", dataset("b")).key.version == 2);
  CHECK(add(*world.store, "other", dataset("b")).key.version == 1);
  must(do_write(*world.store, [](Transaction& t) { return t.edit_datasets().remove({"default", "mnist", 2}); }));
  CHECK(look_up(*world.store, "mnist")->key.version == 1);
  CHECK(add(*world.store, "mnist", dataset("c")).key.version == 3);
  world.reopen();
  CHECK(look_up(*world.store, "mnist")->dataset.id == dataset("c").id);
  CHECK(look_up(*world.store, "mnist", 1)->description == "of mnist");
  CHECK(!look_up(*world.store, "mnist", 2));
  must(do_write(*world.store, [](Transaction& t) { return t.edit_datasets().remove({"default", "mnist", 0}); }));
  CHECK(!look_up(*world.store, "mnist"));
  CHECK(add(*world.store, "mnist", dataset("a")).key.version == 4);
  const Status gone = do_write(*world.store, [](Transaction& t) { return t.edit_datasets().remove({"default", "no", 0}); });
  CHECK(gone.error().code == &errors::dataset_not_found);
}

TEST_CASE_TEMPLATE("a version's description and tags change, and nothing else", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  DatasetVersion version = add(*world.store, "mnist", dataset("a"), 100, {{"k", "v"}});
  CHECK(version.revision == 1);
  version.description = "new";
  version.tags = {{"x", "y"}};
  version.modified_ms = 200;
  version.created_by = "eve";
  version = put<DatasetVersion>(*world.store, [version](Transaction& t) -> Result<DatasetVersion> {
    DatasetVersion changed = version;
    CHECK_OK(t.edit_datasets().update(changed));
    return changed;
  });
  world.reopen();
  const auto found = look_up(*world.store, "mnist");
  CHECK(found->description == "new");
  CHECK(found->tags == TextMap{{"x", "y"}});
  CHECK(found->created_by == "bob");
  CHECK(found->modified_ms == 200);
  CHECK(found->revision == 2);
}

TEST_CASE_TEMPLATE("registered datasets are listed by name, filtered and in pages", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  add(*world.store, "b", dataset("1"), 1, {{"k", "v"}});
  add(*world.store, "b", dataset("2"), 2, {{"k", "w"}});
  add(*world.store, "a", dataset("3", "default", DatasetKind::kTabular), 3);
  add(*world.store, "c", dataset("4"), 4, {{"k", "v"}, {"l", ""}});
  CHECK(listed(*world.store, {}) == Names{"a:1", "b:2", "c:1"});
  CHECK(listed(*world.store, {.limit = 1}) == Names{"a:1", "b:2", "c:1"});
  CHECK(listed(*world.store, {.name = "b", .limit = 1}) == Names{"b:2", "b:1"});
  CHECK(listed(*world.store, {.kind = DatasetKind::kTabular}) == Names{"a:1"});
  CHECK(listed(*world.store, {.tags = {{"k", "v"}}}) == Names{"c:1"});
  CHECK(listed(*world.store, {.tags = {{"k", ""}}}) == Names{"b:2", "c:1"});
  const auto by_id = get<std::optional<DatasetVersion>>(
      *world.store, [](Reader& r) { return r.datasets().find_by_id("default", dataset("1").id); });
  CHECK(by_id->key.version == 1);
}

TEST_CASE_TEMPLATE("runs and datasets know each other", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  const Dataset in = save(*world.store, dataset("in")), out = save(*world.store, dataset("out"));
  for (const char* id : {"r1", "r2"}) {
    Run run = new_run(experiment, id);
    if (run.key.run_id == "r2") run.status = RunStatus::kCompleted;
    put<Run>(*world.store, [run](Transaction& t) { return t.create_run(run, nullptr, nullptr); });
  }
  const auto note = [&](const DatasetUse& use) {
    return do_write(*world.store, [use](Transaction& t) { return t.edit_datasets().note_use(use); });
  };
  const DatasetUse first{{"default", "r1"}, in.id, false, "train", "mount"};
  must(note(first));
  must(note(first));
  must(note({{"default", "r1"}, out.id, true, "made", "upload"}));
  must(note({{"default", "r2"}, in.id, false, "train", "direct"}));
  CHECK(note({{"default", "r3"}, in.id, false, "x", "mount"}).error().code == &errors::run_not_found);
  CHECK(note({{"default", "r1"}, dataset_id(Hash::of("?")), false, "x", "mount"}).error().code == &errors::dataset_not_found);
  world.reopen();
  const auto of_run = uses(*world.store, {.run_id = "r1"});
  REQUIRE(of_run.size() == 2);
  CHECK(of_run[0] == first);
  CHECK(of_run[1].is_output);
  CHECK(uses(*world.store, {.dataset_id = in.id}).size() == 2);
  const auto readers =
      get<std::vector<RunKey>>(*world.store, [&](Reader& r) { return r.datasets().unfinished_readers("default", in.id); });
  CHECK(readers == std::vector<RunKey>{{"default", "r1"}});
  must(do_write(*world.store, [](Transaction& t) { return t.purge_run({"default", "r1"}); }));
  CHECK(uses(*world.store, {.dataset_id = in.id}).size() == 1);
  CHECK(get<std::vector<Hash>>(*world.store, [](Reader& r) { return r.datasets().content_roots(""); }).size() == 2);
  CHECK(get<std::vector<Hash>>(*world.store, [](Reader& r) { return r.datasets().content_roots("default"); }).empty());
  must(do_write(*world.store, [](Transaction& t) { return t.delete_workspace("default"); }));
  CHECK(get<std::vector<Hash>>(*world.store, [](Reader& r) { return r.datasets().content_roots(""); }).empty());
}

TEST_CASE_TEMPLATE("an attempt remembers how each of its ranks ended", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  const Run run = new_run(experiment, "r1");
  put<Run>(*world.store, [run](Transaction& t) { return t.create_run(run, nullptr, nullptr); });
  Attempt attempt;
  attempt.run = run.key;
  attempt.rank_ends[1] = {.kind = RunEndKind::kExitCode, .exit_code = 3};
  attempt.rank_ends[0] = {.kind = RunEndKind::kSignal, .signal = 9};
  must(do_write(*world.store, [attempt](Transaction& t) { return t.put_attempt(attempt); }));
  world.reopen();
  const auto found = get<std::vector<Attempt>>(*world.store, [&](Reader& r) { return r.attempts(run.key); });
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].rank_ends.size() == 2);
  CHECK(found[0].rank_ends.at(0).signal == 9);
  CHECK(found[0].rank_ends.at(1).exit_code == 3);
}
