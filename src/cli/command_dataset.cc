// dataset create | register | list | show | versions | files | update | delete | runs | download | local-files
#include <fmt/format.h>

#include "base/files.hh"
#include "cli/command.hh"
#include "cli/datasets.hh"
#include "cli/models.hh"

namespace werkbank::cli {
namespace {

constexpr size_t kTableRows = 50;
constexpr uint64_t kSpecificationBytesMax = 256 * 1024 * 1024;

struct CreateOptions {
  std::string specification;
};

void declare_create(CLI::App& verb, CreateOptions& options) {
  verb.add_option("--spec", options.specification, "A file with the specification in JSON; - for stdin")->required();
}

Result<int> create_one(Context& context, const CreateOptions& options) {
  TRY(const std::string text,
      read_file(options.specification == "-" ? "/dev/stdin" : options.specification, kSpecificationBytesMax));
  Result<json::value> specification = parse_json(text, {.size_bytes_max = kSpecificationBytesMax});
  if (!specification) return fail_in(options.specification, std::move(specification).error());
  TRY(const json::value dataset, create_dataset(context, std::move(*specification)));
  CHECK_OK(context.print(dataset, dataset_detail_columns()));
  return kExitDone;
}

struct RegisterOptions {
  std::string name, kind = "file", description, format, separator;
  std::vector<std::string> paths, tags;
  bool new_version = false;
};

void declare_register(CLI::App& verb, RegisterOptions& options) {
  verb.add_option("NAME", options.name, "The dataset's name")->required();
  add_repeatable(verb, "--path", options.paths, "DATASTORE/PATH, DATASTORE/PATTERN (train/**/*.csv) or a URL (repeatable)")
      ->required();
  verb.add_option("--kind", options.kind, "file, or tabular for the rows of tables in the files")
      ->check(CLI::IsMember({"file", "tabular"}))
      ->capture_default_str();
  verb.add_option("--format", options.format, "Of tables (default: by the ending of the first path)")
      ->check(CLI::IsMember({"delimited", "parquet", "jsonLines"}));
  verb.add_option("--separator", options.separator, "Between the columns of delimited files (default: by their ending)");
  verb.add_option("-d,--description", options.description, "What it is");
  add_repeatable(verb, "--tag", options.tags, "NAME=VALUE, or NAME (repeatable)");
  verb.add_flag("--new-version", options.new_version, "Make a new version where the name is known with other content");
}

// How the files of tables are read (docs/reference/datasets.md): what the Python package's factories say by default.
json::object reader_of(const RegisterOptions& options) {
  if (options.kind == "file") return {};
  const std::string path = options.paths.front().substr(0, options.paths.front().find_first_of("?#"));
  std::string format = options.format;
  if (format.empty() && path.ends_with(".parquet")) format = "parquet";
  if (format.empty() && (path.ends_with(".jsonl") || path.ends_with(".json") || path.ends_with(".ndjson"))) format = "jsonLines";
  if (format.empty()) format = "delimited";
  json::object reader{{"format", format}, {"includePath", false}, {"types", json::object()}};
  if (format != "parquet") reader["encoding"] = "utf8";
  if (format == "jsonLines") reader["invalidLines"] = "error";
  if (format != "delimited") return reader;
  const std::string usual = path.ends_with(".tsv") ? "\t" : ",";
  reader["separator"] = options.separator.empty() ? usual : options.separator;
  reader["header"] = "same";
  reader["inferTypes"] = true;
  reader["multiLine"] = reader["emptyAsString"] = false;
  return reader;
}

Result<int> register_one(Context& context, const RegisterOptions& options) {
  if (options.kind == "file" && !(options.format.empty() && options.separator.empty()))
    return fail(errors::usage, "--format and --separator are of tables", "Add --kind tabular.");
  json::array sources;
  for (const std::string& path : options.paths) {
    TRY(json::object source, dataset_source_from(path));
    sources.push_back(std::move(source));
  }
  TRY(json::object tags, labels_from(options.tags, "tag"));
  const json::object specification{{"kind", options.kind},
                                   {"sources", std::move(sources)},
                                   {"reader", reader_of(options)},
                                   {"register", json::object{{"name", options.name},
                                                             {"description", options.description},
                                                             {"tags", std::move(tags)},
                                                             {"createNewVersion", options.new_version}}}};
  TRY(const json::value dataset, create_dataset(context, specification));
  CHECK_OK(context.print(dataset, dataset_detail_columns()));
  return kExitDone;
}

struct ListOptions : DatasetFilters {
  std::optional<size_t> top;
};

void declare_top(CLI::App& verb, ListOptions& options) {
  verb.add_option("-n,--top,--limit", options.top, "At most this many (default: 50 in a table, otherwise all)");
}

void declare_list(CLI::App& verb, ListOptions& options) {
  verb.add_option("--kind", options.kind, "Only these")->check(CLI::IsMember({"file", "tabular"}));
  add_repeatable(verb, "--tag", options.tags, "Only datasets with this tag: NAME or NAME=VALUE (repeatable)");
  declare_top(verb, options);
}

void declare_versions(CLI::App& verb, ListOptions& options) {
  verb.add_option("NAME", options.name, "The dataset's name")->required();
  declare_top(verb, options);
}

Result<int> print_list(Context& context, const std::string& target, std::optional<size_t> top,
                       const std::vector<Column>& columns) {
  TRY(client::Session* const server, context.session());
  const size_t usual = context.prints_table() ? kTableRows : SIZE_MAX;
  TRY(client::ListAnswer answer, client::fetch_some(*server, target, top.value_or(usual)));
  const size_t shown = answer.items.size();
  CHECK_OK(context.print(json::value(std::move(answer.items)), columns));
  context.tell_cut(shown, answer.more);
  return kExitDone;
}

Result<int> list_datasets(Context& context, const ListOptions& options) {
  TRY(const std::string target, datasets_route(context, options));
  return print_list(context, target, options.top, dataset_columns());
}

Result<int> list_versions(Context& context, const ListOptions& options) {
  TRY([[maybe_unused]] const json::value known, fetch_dataset_document(context, options.name));  // names the nearest else
  return list_datasets(context, options);
}

struct ReferenceOptions {
  std::string reference;
  std::optional<size_t> top;
};

void declare_reference(CLI::App& verb, ReferenceOptions& options) {
  verb.add_option("DATASET", options.reference, "NAME:VERSION, NAME for the newest version, or an id")->required();
}

void declare_runs(CLI::App& verb, ReferenceOptions& options) {
  declare_reference(verb, options);
  verb.add_option("-n,--top,--limit", options.top, "At most this many (default: 50 in a table, otherwise all)");
}

void declare_delete(CLI::App& verb, ReferenceOptions& options) {
  verb.add_option("DATASET", options.reference, "NAME with all its versions, or NAME:VERSION")->required();
}

Result<int> show_one(Context& context, const ReferenceOptions& options) {
  TRY(const json::value dataset, fetch_dataset_document(context, options.reference));
  CHECK_OK(context.print(dataset, dataset_detail_columns()));
  return kExitDone;
}

Result<int> list_files(Context& context, const ReferenceOptions& options) {
  TRY(json::array files, dataset_files(context, options.reference));
  CHECK_OK(context.print(json::value(std::move(files)), {text_column("Name", "name"), number_column("Bytes", "sizeBytes"),
                                                         text_column("Path", "path"), text_column("Hash", "hash")}));
  return kExitDone;
}

Result<int> list_runs(Context& context, const ReferenceOptions& options) {
  TRY(const std::string target, dataset_route(context, options.reference));
  return print_list(context, target + "/runs", options.top,
                    {text_column("Run", "runId"), text_column("Direction", "direction"), text_column("Port", "port"),
                     text_column("Mode", "mode"), text_column("Dataset", "datasetId")});
}

Result<int> delete_one(Context& context, const ReferenceOptions& options) {
  CHECK_OK(delete_dataset(context, options.reference));
  context.terminal().say(fmt::format("Deleted the dataset {}; its files stay where they are", visible(options.reference)));
  return kExitDone;
}

Result<int> local_files(Context& context, const ReferenceOptions& options) {
  TRY(json::array files, local_dataset_files(context, options.reference));
  CHECK_OK(context.print(json::value(std::move(files)),
                         {text_column("Name", "name"), number_column("Bytes", "sizeBytes"), text_column("File", "file")}));
  return kExitDone;
}

struct UpdateOptions {
  std::string reference;
  std::vector<std::string> tags, removed;
  std::optional<std::string> description;
};

void declare_update(CLI::App& verb, UpdateOptions& options) {
  verb.add_option("DATASET", options.reference, "NAME:VERSION, or NAME for the newest version")->required();
  verb.add_option("TAG", options.tags, "NAME=VALUE, or NAME for an empty value");
  add_repeatable(verb, "--remove", options.removed, "Remove this tag (repeatable)");
  verb.add_option("-d,--description", options.description, "A new description");
}

Result<int> update_one(Context& context, const UpdateOptions& options) {
  TRY(json::object tags, labels_from(options.tags, "tag"));
  for (const std::string& name : options.removed) tags[name] = nullptr;
  json::object change;
  if (!tags.empty()) change["tags"] = std::move(tags);
  if (options.description) change["description"] = *options.description;
  if (change.empty()) return fail(errors::usage, "nothing to change: name a tag, --remove or --description");
  TRY(const std::string target, dataset_route(context, options.reference));
  TRY(client::Session* const server, context.session());
  TRY(const json::value dataset, server->send_json(net::Method::kPatch, target, change));
  CHECK_OK(context.print(dataset, dataset_detail_columns()));
  return kExitDone;
}

struct DownloadOptions {
  std::string reference;
  DataTransfer transfer;
};

void declare_download(CLI::App& verb, DownloadOptions& options) {
  verb.add_option("DATASET", options.reference, "NAME:VERSION, NAME for the newest version, or an id")->required();
  verb.add_option("--target", options.transfer.folder, "The folder for its files")->required();
  verb.add_flag("--overwrite", options.transfer.overwrite, "Replace files that are there; without it they are skipped");
  verb.add_option("--threads", options.transfer.threads, "How many files at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  verb.add_flag("--events", options.transfer.events, "A JSON line for each step, and nothing else on stdout")->group("");
}

Result<int> download_one(Context& context, const DownloadOptions& options) {
  TRY(const json::object answer, download_dataset(context, options.reference, options.transfer));
  if (options.transfer.events) return kExitDone;
  if (context.prints_table()) {
    context.terminal().clear_progress();
    context.terminal().say(fmt::format("Downloaded {} files, {} were there already ({})", plain_text(answer.at("files")),
                                       plain_text(answer.at("skipped")),
                                       human_bytes(answer.at("sizeBytes").to_number<uint64_t>())));
    return kExitDone;
  }
  CHECK_OK(context.print(answer, {}));
  return kExitDone;
}

void add_reading_verbs(CLI::App& noun, Context& context) {
  add_verb<ListOptions>(noun, context, {"list", "List the newest version of each", "  werkbank dataset list --tag area=mnist"},
                        declare_list, list_datasets);
  add_verb<ListOptions>(noun, context, {"versions", "List all versions of one", "  werkbank dataset versions digits"},
                        declare_versions, list_versions);
  add_verb<ReferenceOptions>(noun, context, {"show", "Show one", "  werkbank dataset show digits:2"}, declare_reference,
                             show_one);
  add_verb<ReferenceOptions>(noun, context, {"files", "List its files", "  werkbank dataset files digits"}, declare_reference,
                             list_files);
  add_verb<ReferenceOptions>(noun, context, {"runs", "List the runs that read or made it", "  werkbank dataset runs digits:2"},
                             declare_runs, list_runs);
  add_verb<DownloadOptions>(noun, context,
                            {"download", "Download its files; what broke off is taken up again",
                             "  werkbank dataset download digits:2 --target ./digits"},
                            declare_download, download_one);
  add_verb<ReferenceOptions>(noun, context,
                             {"local-files", "Say where its files can be read on this machine; what lies elsewhere is fetched",
                              "  werkbank dataset local-files digits -o json"},
                             declare_reference, local_files);
}

}  // namespace

void add_dataset_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "dataset", "Datasets: files and tables that stay as they were registered");
  add_verb<CreateOptions>(
      noun, context,
      {"create", "Save a dataset from a specification, and register it where that says so",
       "  werkbank dataset create --spec digits.json\n"
       "  echo '{\"kind\":\"file\",\"sources\":[{\"datastore\":\"workspaceblobstore\",\"path\":\"digits\"}]}' \\\n"
       "      | werkbank dataset create --spec -"},
      declare_create, create_one);
  add_verb<RegisterOptions>(noun, context,
                            {"register", "Register files in datastores and behind URLs under a name",
                             "  werkbank dataset register digits --path 'workspaceblobstore/digits/**/*.gz'\n"
                             "  werkbank dataset register titanic --kind tabular --path https://example.com/titanic.csv\n"
                             "  werkbank dataset register digits --path workspaceblobstore/digits --new-version"},
                            declare_register, register_one);
  add_reading_verbs(noun, context);
  add_verb<UpdateOptions>(noun, context,
                          {"update", "Change what is said of a version",
                           "  werkbank dataset update digits:2 quality=good --remove draft -d 'all digits'"},
                          declare_update, update_one);
  add_verb<ReferenceOptions>(
      noun, context,
      {"delete", "Delete a name with all versions, or one of them; the files stay", "  werkbank dataset delete digits:1"},
      declare_delete, delete_one, {.output = false})
      ->alias("unregister");
}

}  // namespace werkbank::cli
