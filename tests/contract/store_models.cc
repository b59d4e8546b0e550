// The contract of store/models.hh, run against every implementation.
#include "store/models.hh"

#include <set>
#include <thread>

#include "support/store_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

namespace {

Model new_model(const std::string& name, const std::string& workspace = "default") {
  Model model;
  model.key = {workspace, name, 0};
  model.content = Hash::of("content of " + name);
  model.file_count = 1;
  model.size_bytes = 7;
  model.created_by = "ada";
  model.created_ms = model.modified_ms = 1000;
  return model;
}

template <typename World>
Model add(World& world, const Model& model) {
  return put<Model>(*world.store, [model](Transaction& t) { return t.edit_models().create(model); });
}

template <typename World>
std::optional<Model> look(World& world, const ModelKey& key) {
  return get<std::optional<Model>>(*world.store, [&](Reader& r) { return r.models().find(key); });
}

template <typename World>
std::vector<std::string> names(World& world, ModelQuery query) {
  query.workspace = "default";
  std::vector<std::string> found;
  do {
    const Page<Model> page = get<Page<Model>>(*world.store, [&](Reader& r) { return r.models().list(query); });
    for (const Model& model : page.items) found.push_back(model_id(model.key));
    query.cursor = page.next;
  } while (!query.cursor.empty());
  return found;
}

template <typename World>
std::string change(World& world, const std::function<Status(ModelWriter&)>& action) {
  return code(do_write(*world.store, [action](Transaction& t) { return action(t.edit_models()); }));
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE_TEMPLATE("a model is kept whole, and its versions are numbered", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  Model model = new_model("sklearn_mnist");
  model.description = "digits 🎉";
  model.framework = "ScikitLearn";
  model.framework_version = "0.22.1";
  model.tags = {{"area", "mnist"}, {"empty", ""}};
  model.properties = {{"p", "\"quoted\" \\ and ünï"}};
  model.run_id = "r1";
  model.experiment = "digits";
  model.run_path = "outputs/m.pkl";
  model.datasets = {{"training data", "d1"}, {"", "d2"}};
  model.sample_input = "d3";
  model.sample_output = "d4";
  model.resources.cpu = 0.5;
  model.resources.gpu = 1;
  CHECK(add(world, model).key.version == 1);
  CHECK(add(world, model).key.version == 2);
  CHECK(add(world, new_model("other")).key.version == 1);
  world.reopen();
  const std::optional<Model> found = look(world, {"default", "sklearn_mnist", 1});
  REQUIRE(found);
  model.key.version = model.revision = 1;
  CHECK(json::serialize(to_json(*found)) == json::serialize(to_json(model)));
  CHECK(look(world, {"default", "sklearn_mnist", 0})->key.version == 2);
  CHECK(!look(world, {"default", "sklearn_mnist", 3}));
  CHECK(!look(world, {"default", "nothing", 0}));
  CHECK(!look(world, {"elsewhere", "sklearn_mnist", 1}));
  CHECK(change(world, [](ModelWriter& models) -> Status {
          CHECK_OK(models.create(new_model("m", "nowhere")));
          return {};
        }) == "workspace_not_found");
}

TEST_CASE_TEMPLATE("a version is never given again", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  add(world, new_model("m"));
  add(world, new_model("m"));
  CHECK(change(world, [](ModelWriter& models) { return models.remove({"default", "m", 2}); }) == "ok");
  CHECK(change(world, [](ModelWriter& models) { return models.remove({"default", "m", 2}); }) == "model_not_found");
  CHECK(look(world, {"default", "m", 0})->key.version == 1);
  CHECK(change(world, [](ModelWriter& models) { return models.remove({"default", "m", 1}); }) == "ok");
  CHECK(!look(world, {"default", "m", 0}));
  world.reopen();
  CHECK(add(world, new_model("m")).key.version == 3);
}

TEST_CASE_TEMPLATE("what a refused write registered is not there", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  CHECK(change(world, [](ModelWriter& models) -> Status {
          CHECK_OK(models.create(new_model("m")));
          return fail(errors::denied, "after all not");
        }) == "denied");
  CHECK(names(world, {}).empty());
  CHECK(add(world, new_model("m")).key.version == 1);
}

TEST_CASE_TEMPLATE("registrations at once get versions of their own", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  constexpr int kThreads = 4, kEach = 10;
  std::vector<std::vector<int64_t>> given(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&world, &mine = given[static_cast<size_t>(i)]] {
      for (int n = 0; n < kEach; ++n) {
        std::function<Result<Model>(Transaction&)> apply = [](Transaction& t) { return t.edit_models().create(new_model("m")); };
        const Result<Model> model = sync_wait(werkbank::store::write<Model>(*world.store, std::move(apply)));
        mine.push_back(model ? model->key.version : -1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<int64_t> all;
  for (const auto& mine : given) all.insert(mine.begin(), mine.end());
  CHECK(all.size() == kThreads * kEach);
  CHECK(*all.begin() == 1);
  CHECK(*all.rbegin() == kThreads * kEach);
}

TEST_CASE_TEMPLATE("models are listed by all that is asked for, the last one first", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  make_experiment(*world.store, "digits", "elsewhere");
  Model model = new_model("a");
  model.tags = {{"stage", "test"}, {"area", "mnist"}};
  model.run_id = "r1";
  add(world, model);  // a:1
  model.tags = {{"stage", "live"}};
  model.properties = {{"k", "v"}};
  model.framework = "ScikitLearn";
  model.datasets = {{"training", "d1"}};
  add(world, model);  // a:2
  model = new_model("b");
  model.tags = {{"stage", "test"}};
  add(world, model);  // b:1
  add(world, new_model("a", "elsewhere"));
  CHECK(names(world, {}) == Names{"b:1", "a:2", "a:1"});
  CHECK(names(world, {.name = "a"}) == Names{"a:2", "a:1"});
  CHECK(names(world, {.run_id = "r1"}) == Names{"a:2", "a:1"});
  CHECK(names(world, {.framework = "scikitlearn"}) == Names{"a:2"});
  CHECK(names(world, {.dataset_id = "d1"}) == Names{"a:2"});
  CHECK(names(world, {.dataset_id = "d2"}).empty());
  CHECK(names(world, {.tags = {{"stage", ""}}}) == Names{"b:1", "a:2", "a:1"});
  CHECK(names(world, {.tags = {{"stage", "test"}}}) == Names{"b:1", "a:1"});
  CHECK(names(world, {.tags = {{"stage", "test"}, {"area", "mnist"}}}) == Names{"a:1"});
  CHECK(names(world, {.properties = {{"k", "v"}}}) == Names{"a:2"});
  CHECK(names(world, {.properties = {{"k", "w"}}}).empty());
  CHECK(names(world, {.latest = true}) == Names{"b:1", "a:2"});
  CHECK(names(world, {.tags = {{"stage", "test"}}, .latest = true}) == Names{"b:1", "a:1"});
  CHECK(names(world, {.limit = 1}) == Names{"b:1", "a:2", "a:1"});
  CHECK(names(world, {.latest = true, .limit = 1}) == Names{"b:1", "a:2"});
  for (const ModelQuery& bad : {ModelQuery{.limit = 0}, ModelQuery{.limit = 1001}, ModelQuery{.cursor = "xyz"}})
    CHECK(code(world.store->read([&](Reader& r) -> Status {
            CHECK_OK(r.models().list(bad));
            return {};
          })) == "invalid_request");
  CHECK(get<int64_t>(*world.store, [](Reader& r) { return r.models().count("default"); }) == 3);
}

TEST_CASE_TEMPLATE("a model changes but for its content and origin", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  const Model before = add(world, new_model("m"));
  Model wanted = before;
  wanted.description = "better";
  wanted.tags = {{"a", "b"}};
  wanted.datasets = {{"x", "d1"}};
  wanted.resources.memory_gb = 2;
  wanted.modified_ms = 2000;
  wanted.content = Hash::of("something else");
  wanted.run_id = "another";
  wanted.created_by = "eve";
  CHECK(change(world, [wanted](ModelWriter& models) {
          Model model = wanted;
          return models.update(model);
        }) == "ok");
  world.reopen();
  const Model after = *look(world, before.key);
  CHECK(after.description == "better");
  CHECK(after.tags == wanted.tags);
  CHECK(after.datasets == wanted.datasets);
  CHECK(after.resources == wanted.resources);
  CHECK(after.modified_ms == 2000);
  CHECK(after.revision == 2);
  CHECK(after.content == before.content);
  CHECK(after.run_id.empty());
  CHECK(after.created_by == "ada");
  CHECK(change(world, [](ModelWriter& models) {
          Model none = new_model("none");
          none.key.version = 1;
          return models.update(none);
        }) == "model_not_found");
}

TEST_CASE_TEMPLATE("a model that is used stays", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  const ModelKey key = add(world, new_model("m")).key;
  add(world, new_model("m"));
  const ModelUser service{"service", "digits"}, image{"image", "digits:1"};
  CHECK(change(world, [&](ModelWriter& models) { return models.put_user({"default", "m", 9}, service); }) == "model_not_found");
  for (const ModelUser& user : {service, image, service})
    CHECK(change(world, [&](ModelWriter& models) { return models.put_user(key, user); }) == "ok");
  world.reopen();
  CHECK(get<std::vector<ModelUser>>(*world.store, [&](Reader& r) { return r.models().users(key); }) ==
        std::vector<ModelUser>{image, service});
  const Status refused = do_write(*world.store, [&](Transaction& t) { return t.edit_models().remove(key); });
  CHECK(code(refused) == "model_in_use");
  CHECK(refused.error().message.find("digits:1") != std::string::npos);
  CHECK(look(world, key));
  CHECK(change(world, [&](ModelWriter& models) { return models.remove({"default", "m", 2}); }) == "ok");
  CHECK(change(world, [&](ModelWriter& models) { return models.drop_user(key, image); }) == "ok");
  CHECK(change(world, [&](ModelWriter& models) { return models.drop_user(key, image); }) == "not_found");
  CHECK(change(world, [&](ModelWriter& models) { return models.drop_user(key, service); }) == "ok");
  CHECK(change(world, [&](ModelWriter& models) { return models.remove(key); }) == "ok");
}

TEST_CASE_TEMPLATE("models stay when their run goes, and go with their workspace", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  make_experiment(*world.store, "digits", "elsewhere");
  create(*world.store, new_run(experiment, "r1"));
  Model model = new_model("m");
  model.run_id = "r1";
  const ModelKey key = add(world, model).key;
  const Model other = add(world, new_model("n", "elsewhere"));
  must(do_write(*world.store, [](Transaction& t) { return t.purge_run({"default", "r1"}); }));
  CHECK(look(world, key)->run_id == "r1");
  const auto roots = [&](const std::string& except) {
    const auto found = get<std::vector<Hash>>(*world.store, [&](Reader& r) { return r.models().content_roots(except); });
    return std::set<Hash>(found.begin(), found.end());
  };
  CHECK(roots("") == std::set<Hash>{model.content, other.content});
  CHECK(roots("default") == std::set<Hash>{other.content});
  CHECK(change(world, [&](ModelWriter& models) { return models.put_user(key, {"service", "s"}); }) == "ok");
  must(do_write(*world.store, [](Transaction& t) { return t.delete_workspace("default"); }));
  CHECK(!look(world, key));
  CHECK(look(world, other.key));
  make_experiment(*world.store, "again");
  CHECK(add(world, new_model("m")).key.version == 1);
  CHECK(get<std::vector<ModelUser>>(*world.store, [&](Reader& r) { return r.models().users(key); }).empty());
}
