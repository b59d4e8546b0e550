#include "domain/data_port.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/files.hh"

namespace werkbank {
namespace {

constexpr std::array<std::string_view, 5> kModes{"direct", "mount", "download", "upload", "link"};
constexpr size_t kNameBytesMax = 255;

std::optional<DataMode> parse_mode(std::string_view text) {
  const auto found = std::ranges::find(kModes, text);
  if (found == kModes.end()) return std::nullopt;
  return static_cast<DataMode>(found - kModes.begin());
}

// A variable and a folder are called so.
bool is_port_name(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, is_word);
}

std::string read_name(JsonReader& reader) {
  std::string name = reader.required_string("name");
  if (!is_port_name(name))
    reader.refuse("name", fmt::format("{:?} is not a name of 1 to {} letters, digits and _", name, kNameBytesMax));
  return name;
}

DataMode read_mode(JsonReader& reader, std::string_view fallback, std::initializer_list<DataMode> allowed) {
  const std::string text = reader.string_or("mode", fallback);
  const std::optional<DataMode> mode = parse_mode(text);
  if (mode && std::ranges::find(allowed, *mode) != allowed.end()) return *mode;
  reader.refuse("mode", fmt::format("{:?} is not a mode of this", text));
  return *allowed.begin();
}

bool has_nul(std::string_view text) { return text.find('\0') != text.npos; }

// A path in a datastore: "" or a relative one.
Status check_path(const std::string& text, const std::string& where) {
  if (text.empty()) return {};
  Result<RelativePath> safe = RelativePath::parse(text);
  if (!safe) return fail_in(where, std::move(safe).error());
  return {};
}

Result<RunInput> input_from_json(const json::value& value, const std::string& path) {
  JsonReader reader(value, path);
  RunInput input;
  input.name = read_name(reader);
  input.mode = read_mode(reader, "mount", {DataMode::kDirect, DataMode::kMount, DataMode::kDownload});
  input.dataset_id = reader.string_or("datasetId");
  input.datastore = reader.string_or("datastore");
  input.path = reader.string_or("path");
  input.path_on_compute = reader.string_or("pathOnCompute");
  input.overwrite = reader.bool_or("overwrite", false);
  if (input.dataset_id.empty() == input.datastore.empty())
    reader.refuse("datasetId", "exactly one of datasetId and datastore is needed");
  if (input.dataset_id.empty() && input.mode == DataMode::kDirect) reader.refuse("mode", "only a dataset can be direct");
  if (has_nul(input.path_on_compute)) reader.refuse("pathOnCompute", "holds a NUL character");
  CHECK_OK(reader.finish());
  CHECK_OK(check_path(input.path, path + ".path"));
  return input;
}

Result<RunOutput> output_from_json(const json::value& value, const std::string& path) {
  JsonReader reader(value, path);
  RunOutput output;
  output.name = read_name(reader);
  output.mode = read_mode(reader, "mount", {DataMode::kMount, DataMode::kUpload, DataMode::kLink});
  output.datastore = reader.string_or("datastore");
  output.path = reader.string_or("path");
  output.path_on_compute = reader.string_or("pathOnCompute");
  output.overwrite = reader.bool_or("overwrite", false);
  output.source_globs = reader.strings_or_empty("sourceGlobs");
  output.register_name = reader.string_or("registerName");
  output.register_description = reader.string_or("registerDescription");
  for (auto& [key, text] : reader.string_map_or_empty("registerTags"))
    output.register_tags.insert_or_assign(std::move(key), std::move(text));
  if (const json::object* const table = reader.object("reader")) output.reader = *table;
  if (has_nul(output.path_on_compute)) reader.refuse("pathOnCompute", "holds a NUL character");
  CHECK_OK(reader.finish());
  CHECK_OK(check_path(output.path, path + ".path"));
  return output;
}

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

}  // namespace

std::string_view to_string(DataMode mode) { return kModes[static_cast<size_t>(mode)]; }

json::object to_json(const RunInput& input) {
  return {{"name", input.name},
          {"mode", to_string(input.mode)},
          {"datasetId", input.dataset_id},
          {"datastore", input.datastore},
          {"path", input.path},
          {"pathOnCompute", input.path_on_compute},
          {"overwrite", input.overwrite}};
}

json::object to_json(const RunOutput& output) {
  json::object tags;
  for (const auto& [key, value] : output.register_tags) tags[key] = value;
  return {{"name", output.name},
          {"mode", to_string(output.mode)},
          {"datastore", output.datastore},
          {"path", output.path},
          {"pathOnCompute", output.path_on_compute},
          {"overwrite", output.overwrite},
          {"sourceGlobs", texts(output.source_globs)},
          {"registerName", output.register_name},
          {"registerDescription", output.register_description},
          {"registerTags", std::move(tags)},
          {"reader", output.reader}};
}

Result<std::vector<RunInput>> run_inputs_from_json(const json::array* list, const std::string& path) {
  std::vector<RunInput> inputs;
  if (list == nullptr) return inputs;
  for (const json::value& value : *list) {
    TRY(RunInput input, input_from_json(value, fmt::format("{}.inputs[{}]", path, inputs.size())));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

Result<std::vector<RunOutput>> run_outputs_from_json(const json::array* list, const std::string& path) {
  std::vector<RunOutput> outputs;
  if (list == nullptr) return outputs;
  for (const json::value& value : *list) {
    TRY(RunOutput output, output_from_json(value, fmt::format("{}.outputs[{}]", path, outputs.size())));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

Status check_data_ports(const std::vector<RunInput>& inputs, const std::vector<RunOutput>& outputs, const std::string& path) {
  std::set<std::string> names;
  const auto add = [&](const std::string& name) -> Status {
    if (names.insert(name).second) return {};
    return fail(errors::invalid_request, fmt::format("{}: two inputs or outputs are called {:?}", path, name),
                "Give each a name of its own.");
  };
  for (const RunInput& input : inputs) CHECK_OK(add(input.name));
  for (const RunOutput& output : outputs) CHECK_OK(add(output.name));
  return {};
}

}  // namespace werkbank
