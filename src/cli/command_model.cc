// model register | list | show | download | update | delete
#include <fmt/format.h>

#include "cli/command.hh"
#include "cli/models.hh"

namespace werkbank::cli {
namespace {

constexpr size_t kTableRows = 50;

std::vector<Column> detail_columns() {
  return {text_column("Model", "id"),
          text_column("Workspace", "workspace"),
          text_column("Description", "description"),
          text_column("Framework", "framework"),
          text_column("FrameworkVersion", "frameworkVersion"),
          text_column("Tags", "tags"),
          text_column("Properties", "properties"),
          text_column("Run", "runId"),
          text_column("Experiment", "experiment"),
          text_column("RunPath", "runPath"),
          text_column("Datasets", "datasets"),
          number_column("Files", "fileCount"),
          number_column("Bytes", "sizeBytes"),
          text_column("Content", "contentId"),
          text_column("User", "createdBy"),
          time_column("Created", "createdUtc"),
          time_column("Modified", "modifiedUtc")};
}

void declare_register(CLI::App& verb, ModelRequest& options) {
  verb.add_option("NAME", options.name, "The model's name; it gets the next version")->required();
  verb.add_option("PATH", options.path, "A file or folder here; with --run, one of the run (outputs/model.pkl)")->required();
  verb.add_option("-r,--run", options.run, "The run whose file or folder PATH is");
  verb.add_option("-d,--description", options.description, "What it is");
  verb.add_option("--framework", options.framework, "What it is made with (ScikitLearn, PyTorch, TensorFlow, Onnx …)");
  verb.add_option("--framework-version", options.framework_version, "And its version");
  add_repeatable(verb, "--tag", options.tags, "NAME=VALUE, or NAME (repeatable)");
  add_repeatable(verb, "--property", options.properties, "NAME=VALUE, which never changes (repeatable)");
}

Result<int> register_one(Context& context, const ModelRequest& options) {
  ModelRequest request = options;
  request.path_in_run = !request.run.empty();
  TRY(const json::value model, register_model(context, request));
  CHECK_OK(context.print(model, detail_columns()));
  return kExitDone;
}

struct ListOptions : ModelFilters {
  std::optional<size_t> top;
};

void declare_list(CLI::App& verb, ListOptions& options) {
  verb.add_option("NAME", options.name, "Only versions of this model");
  verb.add_option("-r,--run", options.run, "Only models that came from this run");
  verb.add_option("--framework", options.framework, "Only models made with it");
  add_repeatable(verb, "--tag", options.tags, "Only models with this tag: NAME or NAME=VALUE (repeatable)");
  add_repeatable(verb, "--property", options.properties, "Only models with this property (repeatable)");
  verb.add_flag("-l,--latest", options.latest, "Of each name only the newest version");
  verb.add_option("-n,--top,--limit", options.top, "At most this many (default: 50 in a table, otherwise all)")
      ->check(CLI::PositiveNumber);
}

Result<int> list_models(Context& context, const ListOptions& options) {
  TRY(const std::string target, models_route(context, options));
  TRY(client::Session* const server, context.session());
  const size_t usual = context.prints_table() ? kTableRows : SIZE_MAX;
  TRY(client::ListAnswer models, client::fetch_some(*server, target, options.top.value_or(usual)));
  const size_t shown = models.items.size();
  CHECK_OK(context.print(json::value(std::move(models.items)), model_columns()));
  context.tell_cut(shown, models.more);
  return kExitDone;
}

struct ModelOptions {
  std::string model, folder;
  bool overwrite = false;
};

void declare_show(CLI::App& verb, ModelOptions& options) {
  verb.add_option("MODEL", options.model, "NAME:VERSION, or NAME for the newest version")->required();
}

Result<int> show_model(Context& context, const ModelOptions& options) {
  TRY(const json::value model, fetch_model(context, options.model));
  CHECK_OK(context.print(model, detail_columns()));
  return kExitDone;
}

void declare_download(CLI::App& verb, ModelOptions& options) {
  declare_show(verb, options);
  verb.add_option("-d,--output-dir", options.folder, "Where to (default: the current folder)");
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there");
}

Result<int> download_files_of(Context& context, const ModelOptions& options) {
  TRY(const json::array files,
      download_model(context, options.model, options.folder.empty() ? "." : options.folder, options.overwrite));
  CHECK_OK(context.print(json::value(files),
                         {text_column("Path", "path"), number_column("Bytes", "sizeBytes"), text_column("File", "file")}));
  return kExitDone;
}

struct UpdateOptions {
  std::string model;
  std::vector<std::string> tags, removed, properties;
  std::optional<std::string> description, framework, framework_version;
};

void declare_update(CLI::App& verb, UpdateOptions& options) {
  verb.add_option("MODEL", options.model, "NAME:VERSION")->required();
  verb.add_option("TAG", options.tags, "NAME=VALUE, or NAME for an empty value");
  add_repeatable(verb, "--remove", options.removed, "Remove this tag (repeatable)");
  add_repeatable(verb, "--property", options.properties, "NAME=VALUE, which is set once (repeatable)");
  verb.add_option("-d,--description", options.description, "A new description");
  verb.add_option("--framework", options.framework, "What it is made with");
  verb.add_option("--framework-version", options.framework_version, "And its version");
}

Result<int> update_model(Context& context, const UpdateOptions& options) {
  TRY(json::object tags, labels_from(options.tags, "tag"));
  TRY(json::object properties, labels_from(options.properties, "property"));
  for (const std::string& name : options.removed) tags[name] = nullptr;
  json::object change;
  if (!tags.empty()) change["tags"] = std::move(tags);
  if (!properties.empty()) change["properties"] = std::move(properties);
  if (options.description) change["description"] = *options.description;
  if (options.framework) change["framework"] = *options.framework;
  if (options.framework_version) change["frameworkVersion"] = *options.framework_version;
  if (change.empty())
    return fail(errors::usage, "nothing to change: name a tag, --remove, --property, --description or --framework");
  TRY(const std::string target, model_route(context, options.model));
  TRY(client::Session* const server, context.session());
  TRY(const json::value model, server->send_json(net::Method::kPatch, target, change));
  CHECK_OK(context.print(model, detail_columns()));
  return kExitDone;
}

struct DeleteOptions {
  std::vector<std::string> models;
};

void declare_delete(CLI::App& verb, DeleteOptions& options) {
  verb.add_option("MODEL", options.models, "NAME:VERSION, one or several")->required();
}

Result<int> delete_models(Context& context, const DeleteOptions& options) {
  for (const std::string& model : options.models) CHECK_OK(delete_model(context, model));
  return kExitDone;
}

}  // namespace

void add_model_commands(CLI::App& app, Context& context) {
  CLI::App& model = *add_noun(app, "model", "Register models and fetch them");
  add_verb<ModelRequest>(model, context,
                         {"register", "Register a file or folder as the next version of a model",
                          "  werkbank model register sklearn_mnist outputs/sklearn_mnist_model.pkl --run RUN\n"
                          "  werkbank model register sklearn_mnist model.pkl --framework ScikitLearn --tag area=mnist"},
                         declare_register, register_one);
  add_verb<ListOptions>(model, context,
                        {"list", "List models, the last registered first",
                         "  werkbank model list --latest\n  werkbank model list sklearn_mnist --tag area=mnist\n"
                         "  werkbank model list --run RUN -o json --query \"[].id\""},
                        declare_list, list_models);
  add_verb<ModelOptions>(model, context,
                         {"show", "Show one model",
                          "  werkbank model show sklearn_mnist:1\n  werkbank model show sklearn_mnist -o json --query runId"},
                         declare_show, show_model);
  add_verb<ModelOptions>(model, context,
                         {"download", "Fetch a model's files", "  werkbank model download sklearn_mnist:1 -d models"},
                         declare_download, download_files_of);
  add_verb<UpdateOptions>(model, context,
                          {"update", "Change tags, the description, the framework; add properties",
                           "  werkbank model update sklearn_mnist:1 stage=live --remove draft"},
                          declare_update, update_model);
  add_verb<DeleteOptions>(
      model, context, {"delete", "Delete models; refused while something uses them", "  werkbank model delete sklearn_mnist:1"},
      declare_delete, delete_models, {.output = false});
}

}  // namespace werkbank::cli
