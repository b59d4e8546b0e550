#include "client/project/run_config_data.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace werkbank::client {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// What JSON refuses is told with the place of the entry in the file.
template <typename T>
Result<T> at_line(Result<T> read, const std::string& name, const YamlNode& at) {
  if (read) return read;
  std::string message = read.error().message;
  const size_t path = message.find("[0].");  // of the one port that was checked
  if (message.starts_with("run.") && path != message.npos) message = fmt::format("'{}': {}", at.text, message.substr(path + 4));
  std::string hint = read.error().hint;
  if (hint.empty()) hint = "docs/guide/datasets.md tells what data, dataReferences and outputData hold.";
  return yaml_error(name, at, message, std::move(hint));
}

std::string text_of(const json::object* object, std::string_view key) {
  if (object == nullptr) return {};
  const json::value* const found = object->if_contains(key);
  if (found == nullptr) return {};
  if (found->is_string()) return std::string(found->get_string());
  return found->is_int64() ? std::to_string(found->get_int64()) : std::string();
}

const json::object* part_of(const json::object* object, std::string_view key) {
  const json::value* const found = object == nullptr ? nullptr : object->if_contains(key);
  return found == nullptr ? nullptr : found->if_object();
}

bool truth_of(const json::object* object, std::string_view key) {
  const json::value* const found = object == nullptr ? nullptr : object->if_contains(key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

// "./a/b/" is "a/b".
std::string clean_path(std::string path) {
  while (path.starts_with("./")) path.erase(0, 2);
  while (path.starts_with('/')) path.erase(0, 1);
  while (path.ends_with('/')) path.pop_back();
  return path == "." ? std::string() : path;
}

std::string dataset_of(const json::object& dataset) {
  if (const std::string id = text_of(&dataset, "datasetId"); !id.empty()) return id;
  const std::string named = text_of(&dataset, "datasetName"), version = text_of(&dataset, "datasetVersion");
  return named.empty() || version.empty() ? named : named + ":" + version;
}

Status check_section(const YamlNode& at, const std::string& name, std::string_view section) {
  if (at.kind == YamlNode::Kind::kMap) return {};
  return yaml_error(name, at, fmt::format("'{}' is {}, not a map of names", section, yaml_kind_name(at)));
}

Status check_entry(const YamlEntry& entry, const std::string& name) {
  if (entry.value.kind == YamlNode::Kind::kMap) return {};
  return yaml_error(name, entry.value, fmt::format("'{}' is {}, not a map", entry.key.text, yaml_kind_name(entry.value)));
}

// One port, checked by the rules of a submission.
Result<RunInput> checked_input(const json::object& port) {
  TRY(std::vector<RunInput> read, [&]() -> Result<std::vector<RunInput>> {
    const json::array list{port};
    return run_inputs_from_json(&list, "run");
  }());
  return std::move(read.front());
}

Result<RunOutput> checked_output(const json::object& port) {
  TRY(std::vector<RunOutput> read, [&]() -> Result<std::vector<RunOutput>> {
    const json::array list{port};
    return run_outputs_from_json(&list, "run");
  }());
  return std::move(read.front());
}

Result<RunInput> read_input(const std::string& key, const json::object& data) {
  json::object port{{"name", key},
                    {"mode", lower(text_of(&data, "mechanism"))},
                    {"pathOnCompute", text_of(&data, "pathOnCompute")},
                    {"overwrite", truth_of(&data, "overwrite")}};
  if (port["mode"] == "") port["mode"] = "direct";
  const json::object* const location = part_of(&data, "dataLocation");
  const json::object* const dataset = part_of(location, "dataset");
  const json::object* const place = part_of(location, "dataPath");
  if (const std::string id = dataset == nullptr ? std::string() : dataset_of(*dataset); !id.empty()) {
    port["datasetId"] = id;
  } else if (const std::string datastore = text_of(place, "datastoreName"); !datastore.empty()) {
    port["datastore"] = datastore;
    port["path"] = clean_path(text_of(place, "relativePath"));
  } else if (!text_of(part_of(location, "uri"), "path").empty()) {
    return fail(errors::not_supported, fmt::format("the input '{}' is a web address", key),
                "Register it once, and name the dataset: werkbank dataset register NAME --kind file --path URL.");
  } else {
    return fail(errors::config_invalid, fmt::format("the input '{}' says nowhere where its data lie", key),
                "dataLocation needs a dataset (datasetId, or datasetName) or a dataPath (datastoreName, relativePath).");
  }
  return checked_input(port);
}

Result<RunOutput> read_output(const std::string& key, const json::object& output) {
  const json::object* const place = part_of(part_of(&output, "outputLocation"), "dataPath");
  const json::object* const options = part_of(&output, "additionalOptions");
  const json::object* const upload = part_of(options, "uploadOptions");
  const json::object* const registration = part_of(options, "registrationOptions");
  json::object port{{"name", key},
                    {"mode", lower(text_of(&output, "mechanism"))},
                    {"datastore", text_of(place, "datastoreName")},
                    {"path", clean_path(text_of(place, "relativePath"))},
                    {"pathOnCompute", text_of(options, "pathOnCompute")},
                    {"overwrite", truth_of(upload, "overwrite")},
                    {"registerName", text_of(registration, "name")},
                    {"registerDescription", text_of(registration, "description")}};
  if (port["mode"] == "") port["mode"] = "mount";
  const json::object* const globs = part_of(upload, "sourceGlobs");
  if (const json::value* const patterns = globs == nullptr ? nullptr : globs->if_contains("globPatterns"))
    port["sourceGlobs"] = patterns->is_string() ? json::value(json::array{*patterns}) : *patterns;
  if (const json::object* const tags = part_of(registration, "tags")) port["registerTags"] = *tags;
  const std::string reader = text_of(part_of(registration, "datasetRegistrationOptions"), "additionalTransformation");
  if (!reader.empty()) {
    TRY(port["reader"], parse_json(reader));
  }
  return checked_output(port);
}

}  // namespace

Status read_data_inputs(const YamlNode& at, const std::string& name, std::vector<RunInput>& inputs) {
  CHECK_OK(check_section(at, name, "data"));
  for (const YamlEntry& entry : at.entries) {
    CHECK_OK(check_entry(entry, name));
    const json::value data = to_json(entry.value);
    TRY(RunInput input, at_line(read_input(entry.key.text, data.get_object()), name, entry.key));
    inputs.push_back(std::move(input));
  }
  return {};
}

Status read_data_references(const YamlNode& at, const std::string& name, std::vector<RunInput>& inputs,
                            std::vector<RunOutput>& outputs) {
  CHECK_OK(check_section(at, name, "dataReferences"));
  for (const YamlEntry& entry : at.entries) {
    CHECK_OK(check_entry(entry, name));
    const json::value value = to_json(entry.value);
    const json::object& reference = value.get_object();
    json::object port{{"name", entry.key.text},
                      {"mode", lower(text_of(&reference, "mode"))},
                      {"datastore", text_of(&reference, "dataStoreName")},
                      {"path", clean_path(text_of(&reference, "pathOnDataStore"))},
                      {"pathOnCompute", text_of(&reference, "pathOnCompute")},
                      {"overwrite", truth_of(&reference, "overwrite")}};
    if (port["mode"] == "") port["mode"] = "mount";
    if (port["mode"] == "upload") {
      TRY(RunOutput output, at_line(checked_output(port), name, entry.key));
      outputs.push_back(std::move(output));
      continue;
    }
    if (port["datastore"] == "")
      return yaml_error(name, entry.key, fmt::format("the data reference '{}' names no datastore", entry.key.text),
                        "Give it a dataStoreName: workspaceblobstore is there in every workspace.");
    TRY(RunInput input, at_line(checked_input(port), name, entry.key));
    inputs.push_back(std::move(input));
  }
  return {};
}

Status read_data_outputs(const YamlNode& at, const std::string& name, std::vector<RunOutput>& outputs) {
  CHECK_OK(check_section(at, name, "outputData"));
  for (const YamlEntry& entry : at.entries) {
    CHECK_OK(check_entry(entry, name));
    const json::value output = to_json(entry.value);
    TRY(RunOutput read, at_line(read_output(entry.key.text, output.get_object()), name, entry.key));
    outputs.push_back(std::move(read));
  }
  return {};
}

}  // namespace werkbank::client
