// az ml dataset register | list | show | unregister, as the extension had it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/files.hh"
#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/datasets.hh"

namespace werkbank::cli {
namespace {

constexpr std::string_view kTemplate = R"json({
  "datasetType": "File",
  "parameters": {
    "path": [
      {"datastoreName": "workspaceblobstore", "relativePath": "digits/**/*.gz"},
      "https://example.com/more.gz"
    ]
  },
  "registration": {"name": "digits", "description": "", "tags": {}, "createNewVersion": true},
  "schemaVersion": 1
}
)json";

struct RegisterOptions {
  std::string file;
  bool show_template = false, skip_validation = false;
};

void declare_register(CLI::App& verb, RegisterOptions& options) {
  verb.add_option("-f,--file", options.file, "A JSON file that describes the dataset");
  verb.add_flag("--show-template", options.show_template, "Print such a file, and do nothing else");
  verb.add_flag("--skip-validation", options.skip_validation, "Register it also where its path matches no file yet");
}

Result<json::object> source_of(const json::value& path) {
  if (const json::string* const url = path.if_string()) return json::object{{"url", *url}};
  JsonReader reader(path, "parameters.path");
  const std::string datastore = reader.required_string("datastoreName");
  const std::string place = reader.string_or("relativePath");
  CHECK_OK(reader.finish());
  return json::object{{"datastore", datastore}, {"path", place}};
}

Result<json::array> sources_of(const json::value* paths) {
  json::array sources;
  if (paths == nullptr) return fail(errors::invalid_request, "parameters.path: is missing");
  if (!paths->is_array()) {
    TRY(json::object source, source_of(*paths));
    sources.push_back(std::move(source));
    return sources;
  }
  for (const json::value& path : paths->get_array()) {
    TRY(json::object source, source_of(path));
    sources.push_back(std::move(source));
  }
  return sources;
}

// A word of the file and what the document says for it.
using Word = std::pair<std::string_view, std::string_view>;
constexpr std::array kFormats{Word{"delimited_files", "delimited"}, Word{"json_lines_files", "jsonLines"},
                              Word{"parquet_files", "parquet"}};
constexpr std::array kHeaders{Word{"all_files_have_same_headers", "same"}, Word{"no_headers", "none"},
                              Word{"only_first_file_has_headers", "first"}, Word{"combine_all_files_headers", "combine"},
                              Word{"all_files_have_different_headers", "combine"}};

template <size_t count>
Result<std::string> translated(const std::array<Word, count>& words, const std::string& text, std::string_view field) {
  const auto* const found = std::ranges::find(words, text, &Word::first);
  if (found != words.end()) return std::string(found->second);
  std::string known;
  for (const Word& word : words) known += fmt::format("{}{}", known.empty() ? "" : ", ", word.first);
  return fail(errors::invalid_request, fmt::format("parameters.{}: {:?} is none of {}", field, text, known));
}

Result<json::object> reader_of(JsonReader& parameters) {
  const std::string type = parameters.string_or("sourceType", "delimited_files");
  const std::string header = parameters.string_or("header", "all_files_have_same_headers");
  json::object reader{{"includePath", parameters.bool_or("includePath", false)}, {"types", json::object()}};
  const std::string separator = parameters.string_or("separator", ",");
  const std::string partition = parameters.string_or("partitionFormat");
  if (!partition.empty()) reader["partitionFormat"] = partition;
  TRY(const std::string format, translated(kFormats, type, "sourceType"));
  reader["format"] = format;
  if (format != "parquet") reader["encoding"] = "utf8";
  if (format == "jsonLines") reader["invalidLines"] = "error";
  if (format != "delimited") return reader;
  TRY(reader["header"], translated(kHeaders, header, "header"));
  reader["separator"] = separator;
  reader["inferTypes"] = true;
  reader["multiLine"] = reader["emptyAsString"] = false;
  return reader;
}

// The specification that create_dataset() takes.
Result<json::object> specification_of(const json::value& document, bool validate) {
  JsonReader reader(document, "file");
  const std::string type = reader.required_string("datasetType");
  const json::value* const parameters = reader.value("parameters");
  const json::object* const registration = reader.object("registration");
  reader.int_or("schemaVersion", 1, 1, 1);
  if (type != "File" && type != "Tabular") reader.refuse("datasetType", fmt::format("{:?} is neither File nor Tabular", type));
  if (parameters == nullptr) reader.refuse("parameters", "is missing");
  if (registration == nullptr) reader.refuse("registration", "is missing");
  CHECK_OK(reader.finish());
  JsonReader inner(*parameters, "parameters");
  json::object specification{{"kind", type == "File" ? "file" : "tabular"}, {"register", *registration}, {"validate", validate}};
  TRY(specification["sources"], sources_of(inner.value("path")));
  if (type == "Tabular") {
    TRY(specification["reader"], reader_of(inner));
  }
  CHECK_OK(inner.finish());
  return specification;
}

Result<int> register_one(Context& context, const RegisterOptions& options) {
  if (options.show_template) {
    context.terminal().out(std::string(kTemplate));
    return kExitDone;
  }
  if (options.file.empty()) return fail(errors::usage, "this names no file", "Give -f FILE; --show-template prints one.");
  TRY(const std::string text, read_file(options.file));
  Result<json::value> document = parse_json(text);
  if (!document) return fail_in(options.file, std::move(document).error());
  Result<json::object> specification = specification_of(*document, !options.skip_validation);
  if (!specification) return fail_in(options.file, std::move(specification).error());
  TRY(const json::value dataset, create_dataset(context, std::move(*specification)));
  CHECK_OK(context.print(dataset, dataset_columns()));
  return kExitDone;
}

Result<int> list_all(Context& context, const NoOptions&) {
  TRY(const std::string target, datasets_route(context, {}));
  TRY(client::Session* const server, context.session());
  TRY(json::array datasets, client::fetch_list(*server, target, 100'000));
  CHECK_OK(context.print(json::value(std::move(datasets)), dataset_columns()));
  return kExitDone;
}

struct NameOptions {
  std::string name, id, version;
};

void declare_name(CLI::App& verb, NameOptions& options) {
  auto* const name = verb.add_option("-n,--name", options.name, "The dataset's name");
  verb.add_option("-i,--id", options.id, "Its id")->excludes(name);
}

void declare_show(CLI::App& verb, NameOptions& options) {
  declare_name(verb, options);
  verb.add_option("-v,--version", options.version, "A version of the name (default: the newest)");
}

Result<std::string> reference_of(const NameOptions& options) {
  if (!options.id.empty()) return options.id;
  if (options.name.empty()) return fail(errors::usage, "this names no dataset", "Give -n NAME, or -i ID.");
  return options.version.empty() ? options.name : fmt::format("{}:{}", options.name, options.version);
}

Result<int> show_one(Context& context, const NameOptions& options) {
  TRY(const std::string reference, reference_of(options));
  TRY(const json::value dataset, fetch_dataset_document(context, reference));
  CHECK_OK(context.print(dataset, dataset_columns()));
  return kExitDone;
}

// An id is of one version; what is unregistered is the name.
Result<int> unregister(Context& context, const NameOptions& options) {
  TRY(std::string reference, reference_of(options));
  if (options.name.empty()) {
    TRY(const json::value dataset, fetch_dataset_document(context, reference));
    JsonReader reader(dataset, "dataset");
    reference = reader.required_string("name");
    CHECK_OK(reader.finish(false));
  }
  CHECK_OK(delete_dataset(context, reference));
  return kExitDone;
}

}  // namespace

void add_az_datasets(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "dataset", "Datasets: files and tables that stay as they were registered");
  const auto place = [&context](CLI::App* verb) { add_az_place(*verb, context); };
  place(add_verb<RegisterOptions>(noun, context,
                                  {"register", "Register what a file describes",
                                   "  az ml dataset register --show-template > digits.json\n"
                                   "  az ml dataset register -f digits.json"},
                                  declare_register, register_one, kAzVerb));
  place(add_verb<NoOptions>(noun, context, {"list", "List the newest version of each", "  az ml dataset list -o table"}, nullptr,
                            list_all, kAzVerb));
  place(add_verb<NameOptions>(noun, context, {"show", "Show one", "  az ml dataset show -n digits -v 2"}, declare_show, show_one,
                              kAzVerb));
  place(add_verb<NameOptions>(
      noun, context,
      {"unregister", "Forget a name with all its versions; the files stay", "  az ml dataset unregister -n digits"}, declare_name,
      unregister, kAzVerb));
  for (const std::string_view verb : {"archive", "deprecate", "reactivate"}) {
    add_az_later(noun, context,
                 {verb, "states of datasets come", "A tag says the same: `werkbank dataset update NAME state=archived`."});
  }
}

}  // namespace werkbank::cli
