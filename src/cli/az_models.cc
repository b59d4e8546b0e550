// az ml model register | list | show | download | update | delete (2017, and 2018 to 2020)
#include <fmt/format.h>

#include "base/files.hh"
#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/models.hh"

namespace werkbank::cli {
namespace {

// As the extension printed a model.
json::object v1_document(const json::value& model) {
  static constexpr std::pair<std::string_view, std::string_view> kFields[] = {{"createdTime", "createdUtc"},
                                                                              {"description", "description"},
                                                                              {"experimentName", "experiment"},
                                                                              {"framework", "framework"},
                                                                              {"frameworkVersion", "frameworkVersion"},
                                                                              {"id", "id"},
                                                                              {"name", "name"},
                                                                              {"properties", "properties"},
                                                                              {"runId", "runId"},
                                                                              {"sampleInputDatasetId", "sampleInputDatasetId"},
                                                                              {"sampleOutputDatasetId", "sampleOutputDatasetId"},
                                                                              {"tags", "tags"},
                                                                              {"version", "version"}};
  json::object document;
  for (const auto& [ours, field] : kFields) {
    const json::value* const value = model.is_object() ? model.as_object().if_contains(field) : nullptr;
    const bool is_empty = value == nullptr || (value->is_string() && value->get_string().empty());
    document[ours] = is_empty ? json::value(nullptr) : *value;
  }
  return document;
}

std::vector<Column> columns() {
  return {text_column("Name", "name"), text_column("Version", "version"), text_column("Id", "id"), text_column("RunId", "runId"),
          time_column("CreatedTime", "createdTime")};
}

Status print_model(Context& context, const json::value& model) { return context.print(v1_document(model), columns()); }

struct RegisterOptions {
  ModelRequest model;
  std::string old_path, asset_path, run_file, t, experiment;
};

void declare_register(CLI::App& verb, RegisterOptions& options) {
  ModelRequest& model = options.model;
  verb.add_option("-n,--name", model.name, "The model's name; it gets the next version")->required();
  verb.add_option("-p,--model-path", model.path, "A file or folder here");
  verb.add_option("-m,--model", options.old_path, "The same, as in 2017");
  verb.add_option("--asset-path", options.asset_path, "A file or folder of the run (outputs/model.pkl)");
  verb.add_option("-r,--run-id", model.run, "The run it came from");
  verb.add_option("-f,--run-metadata-file", options.run_file, "The file that submit-script -t wrote, in place of --run-id");
  verb.add_option("-e,--experiment-name", options.experiment, "Taken; a run's id says it already");
  verb.add_option("-d,--description", model.description, "What it is");
  verb.add_option("--model-framework", model.framework, "What it is made with");
  verb.add_option("--mfv,--model-framework-version", model.framework_version, "And its version");
  verb.add_option("--cc,--cpu-cores", model.cpu, "CPU cores that a service of it takes")->check(CLI::PositiveNumber);
  verb.add_option("--gb,--memory-gb", model.memory_gb, "And memory in GB")->check(CLI::PositiveNumber);
  verb.add_option("--gc,--gpu-cores", model.gpu, "And GPUs")->check(CLI::NonNegativeNumber);
  verb.add_option("--sample-input-dataset-id", model.sample_input, "A dataset that is like what it takes");
  verb.add_option("--sample-output-dataset-id", model.sample_output, "A dataset that is like what it answers");
  add_repeatable(verb, "--tag", model.tags, "NAME=VALUE (repeatable)");
  add_repeatable(verb, "--property", model.properties, "NAME=VALUE, which never changes (repeatable)");
  verb.add_option("-t,--output-metadata-file", options.t, "With -m (2017) a tag; otherwise where the answer is written as JSON");
}

Result<std::string> run_of_file(const std::string& file) {
  TRY(const std::string text, read_file(file, 1 << 20));
  TRY(const json::value document, parse_json(text));
  for (const std::string_view key : {"runId", "run_id"}) {
    const json::value* const id = document.is_object() ? document.as_object().if_contains(key) : nullptr;
    if (id != nullptr && id->is_string() && !id->get_string().empty()) return std::string(id->get_string());
  }
  return fail(errors::config_invalid, fmt::format("{} names no run: it has no runId", file),
              "It is what `az ml run submit-script -t FILE` writes.");
}

Result<int> register_one(Context& context, const RegisterOptions& options) {
  ModelRequest request = options.model;
  if (!options.old_path.empty() && !request.path.empty())
    return fail(errors::usage, "-m and -p are the same, in the words of 2017 and of 2018: give one of them");
  if (!options.old_path.empty()) {
    request.path = options.old_path;
    if (!options.t.empty()) request.tags.push_back(options.t);
  } else if (!options.t.empty()) {
    context.metadata_file = options.t;
  }
  if (!options.run_file.empty()) {
    TRY(request.run, run_of_file(options.run_file));
  }
  if (request.path.empty() && request.run.empty())
    return fail(errors::usage, "this names neither a file nor a run",
                "Give -p PATH, or --run-id RUN with --asset-path outputs/….");
  if (!request.path.empty() && !options.asset_path.empty())
    return fail(errors::usage, "-p is a path here, --asset-path one of the run: give one of them");
  if (request.path.empty()) {
    request.path = options.asset_path.empty() ? request.name : options.asset_path;
    request.path_in_run = true;
  }
  TRY(const json::value model, register_model(context, request));
  CHECK_OK(print_model(context, model));
  return kExitDone;
}

void declare_list(CLI::App& verb, ModelFilters& options) {
  verb.add_option("-n,--model-name", options.name, "Only versions of this model");
  verb.add_flag("-l,--latest", options.latest, "Of each name only the newest version");
  verb.add_option("--run-id", options.run, "Only models that came from this run");
  verb.add_option("--model-framework", options.framework, "Only models made with it");
  verb.add_option("--dataset-id", options.dataset, "Only models that name this dataset");
  add_repeatable(verb, "--tag", options.tags, "NAME or NAME=VALUE (repeatable)");
  add_repeatable(verb, "--property", options.properties, "NAME or NAME=VALUE (repeatable)");
}

Result<json::array> find_models(Context& context, const ModelFilters& filters) {
  TRY(const std::string target, models_route(context, filters));
  TRY(client::Session* const server, context.session());
  return client::fetch_list(*server, target, SIZE_MAX);
}

Result<int> list_models(Context& context, const ModelFilters& options) {
  TRY(const json::array models, find_models(context, options));
  json::array documents;
  for (const json::value& model : models) documents.push_back(v1_document(model));
  CHECK_OK(context.print(json::value(std::move(documents)), columns()));
  return kExitDone;
}

struct ModelOptions {
  ModelFilters filters;
  std::string id, old_model, version;
};

void declare_show(CLI::App& verb, ModelOptions& options) {
  verb.add_option("-i,--model-id", options.id, "NAME:VERSION");
  verb.add_option("-n,--model-name", options.filters.name, "A name: its newest version, or the one of -v");
  verb.add_option("-m,--model", options.old_model, "NAME or NAME:VERSION, as in 2017");
  verb.add_option("-v,--version", options.version, "A version");
  verb.add_option("--run-id", options.filters.run, "Only one that came from this run");
  add_repeatable(verb, "--tag", options.filters.tags, "NAME or NAME=VALUE (repeatable)");
  add_repeatable(verb, "--property", options.filters.properties, "NAME or NAME=VALUE (repeatable)");
}

Result<int> show_model(Context& context, const ModelOptions& options) {
  std::string model = !options.id.empty() ? options.id : options.old_model;
  if (model.empty() && options.filters.name.empty())
    return fail(errors::usage, "this names no model", "Give -i NAME:VERSION, or -n NAME.");
  if (model.empty() && !options.version.empty()) model = options.filters.name + ":" + options.version;
  if (model.empty()) {
    TRY(const json::array found, find_models(context, options.filters));
    if (found.empty())
      return fail(errors::model_not_found, fmt::format("no model {:?} matches", options.filters.name), "az ml model list");
    CHECK_OK(print_model(context, found.front()));
    return kExitDone;
  }
  TRY(const json::value found, fetch_model(context, model));
  CHECK_OK(print_model(context, found));
  return kExitDone;
}

struct DownloadOptions {
  std::string id, folder;
  bool overwrite = false;
};

void declare_download(CLI::App& verb, DownloadOptions& options) {
  verb.add_option("-i,--model-id", options.id, "NAME:VERSION, or NAME for the newest version")->required();
  verb.add_option("-t,--target-dir", options.folder, "Where to")->required();
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there");
}

Result<int> download(Context& context, const DownloadOptions& options) {
  TRY(const std::string id, model_id_of(context, options.id));
  TRY(const json::array files, download_model(context, id, options.folder, options.overwrite));
  json::array paths;
  for (const json::value& file : files) paths.push_back(file.as_object().at("file"));
  CHECK_OK(context.print(json::object{{"id", id}, {"downloaded", std::move(paths)}}, {}));
  return kExitDone;
}

struct UpdateOptions {
  std::string id;
  std::vector<std::string> tags, removed, properties;
  std::optional<std::string> description;
};

void declare_update(CLI::App& verb, UpdateOptions& options) {
  verb.add_option("-i,--model-id", options.id, "NAME:VERSION")->required();
  add_repeatable(verb, "--add-tag", options.tags, "NAME=VALUE (repeatable)");
  add_repeatable(verb, "--remove-tag", options.removed, "A tag's name (repeatable)");
  add_repeatable(verb, "--add-property", options.properties, "NAME=VALUE, which is set once (repeatable)");
  verb.add_option("-d,--description", options.description, "A new description");
}

Result<int> update(Context& context, const UpdateOptions& options) {
  TRY(json::object tags, labels_from(options.tags, "tag"));
  TRY(json::object properties, labels_from(options.properties, "property"));
  for (const std::string& name : options.removed) tags[name] = nullptr;
  json::object change{{"tags", std::move(tags)}, {"properties", std::move(properties)}};
  if (options.description) change["description"] = *options.description;
  TRY(const std::string target, model_route(context, options.id));
  TRY(client::Session* const server, context.session());
  TRY(const json::value model, server->send_json(net::Method::kPatch, target, change));
  CHECK_OK(print_model(context, model));
  return kExitDone;
}

struct DeleteOptions {
  std::string id;
  bool yes = false;
};

void declare_delete(CLI::App& verb, DeleteOptions& options) {
  verb.add_option("-i,--model-id", options.id, "NAME:VERSION")->required();
  verb.add_flag("-y,--yes", options.yes)->group("");
}

Result<int> remove(Context& context, const DeleteOptions& options) {
  CHECK_OK(delete_model(context, options.id));
  return kExitDone;
}

}  // namespace

void add_az_models(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "model", "Registered models");
  add_az_place(*add_verb<RegisterOptions>(
                   noun, context,
                   {"register", "Register a file or folder as the next version of a model",
                    "  az ml model register -n sklearn_mnist --asset-path outputs/sklearn_mnist_model.pkl --run-id RUN\n"
                    "  az ml model register -n sklearn_mnist -p model.pkl --tag area=mnist\n"
                    "  az ml model register -m model.pkl -n sklearn_mnist -d digits"},
                   declare_register, register_one, kAzVerb),
               context);
  add_az_place(*add_verb<ModelFilters>(noun, context, {"list", "List models", "  az ml model list -l -o table"}, declare_list,
                                       list_models, kAzVerb),
               context);
  add_az_place(*add_verb<ModelOptions>(noun, context, {"show", "Show one model", "  az ml model show -i sklearn_mnist:1"},
                                       declare_show, show_model, kAzVerb),
               context);
  add_az_place(*add_verb<DownloadOptions>(
                   noun, context, {"download", "Fetch a model's files", "  az ml model download -i sklearn_mnist:1 -t models"},
                   declare_download, download, kAzVerb),
               context);
  add_az_place(*add_verb<UpdateOptions>(noun, context,
                                        {"update", "Change tags and the description; add properties",
                                         "  az ml model update -i sklearn_mnist:1 --add-tag stage=live"},
                                        declare_update, update, kAzVerb),
               context);
  add_az_place(
      *add_verb<DeleteOptions>(
          noun, context, {"delete", "Delete a model; refused while something uses it", "  az ml model delete -i sklearn_mnist:1"},
          declare_delete, remove, kAzVerb),
      context);
  for (const std::string_view verb : {"deploy", "package", "profile"})
    add_az_later(noun, context,
                 {verb, "services for models come", "`az ml model download` fetches the model where it is needed."});
}

}  // namespace werkbank::cli
