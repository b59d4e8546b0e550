#include "domain/model.hh"

#include <charconv>

#include <fmt/format.h>

#include "domain/names.hh"

namespace werkbank {
namespace {

std::optional<int64_t> version_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number < 1 || text[0] == '0') return std::nullopt;
  return number;
}

std::optional<double> positive(JsonReader& reader, std::string_view key) {
  if (reader.value(key) == nullptr) return std::nullopt;
  const double number = reader.double_or(key, 1);
  if (!(number > 0)) reader.refuse(key, "must be more than 0");
  return number;
}

}  // namespace

std::string model_id(const ModelKey& key) { return fmt::format("{}:{}", key.name, key.version); }

Result<ModelKey> parse_model_id(std::string workspace, std::string_view text) {
  const size_t colon = text.rfind(':');
  ModelKey key{std::move(workspace), std::string(text.substr(0, colon)), 0};
  CHECK_OK(check_model_name(key.name));
  if (colon == std::string_view::npos) return key;
  const std::optional<int64_t> version = version_number(text.substr(colon + 1));
  if (!version) {
    return fail(errors::invalid_request, fmt::format("{:?} is not the id of a model: after the ':' comes a number from 1", text),
                "Write NAME for the newest version, or NAME:VERSION.");
  }
  key.version = *version;
  return key;
}

json::array to_json(const std::vector<DatasetLink>& datasets) {
  json::array list;
  for (const DatasetLink& dataset : datasets) list.push_back(json::object{{"name", dataset.scenario}, {"id", dataset.id}});
  return list;
}

Result<std::vector<DatasetLink>> dataset_links_from_json(const json::value& value, const std::string& path) {
  const json::array* const list = value.if_array();
  if (list == nullptr) return fail(errors::invalid_request, fmt::format("{} must be a list", path));
  std::vector<DatasetLink> datasets;
  for (size_t i = 0; i < list->size(); ++i) {
    JsonReader reader((*list)[i], fmt::format("{}[{}]", path, i));
    DatasetLink dataset{reader.required_string("name"), reader.required_string("id")};
    if (dataset.id.empty()) reader.refuse("id", "is empty");
    CHECK_OK(reader.finish());
    datasets.push_back(std::move(dataset));
  }
  return datasets;
}

json::value to_json(const ModelResources& resources) {
  if (resources == ModelResources()) return nullptr;
  const auto number_or_null = [](const auto& number) { return number ? json::value(*number) : json::value(nullptr); };
  return json::object{{"cpu", number_or_null(resources.cpu)},
                      {"memoryInGb", number_or_null(resources.memory_gb)},
                      {"gpu", number_or_null(resources.gpu)}};
}

Result<ModelResources> model_resources_from_json(const json::value& value, const std::string& path) {
  ModelResources resources;
  if (value.is_null()) return resources;
  JsonReader reader(value, path);
  resources.cpu = positive(reader, "cpu");
  resources.memory_gb = positive(reader, "memoryInGb");
  if (reader.value("gpu") != nullptr) resources.gpu = reader.int_or("gpu", 0, 0, 1024);
  CHECK_OK(reader.finish());
  return resources;
}

json::object to_json(const Model& model) {
  return {{"workspace", model.key.workspace},
          {"name", model.key.name},
          {"version", model.key.version},
          {"id", model_id(model.key)},
          {"description", model.description},
          {"framework", model.framework},
          {"frameworkVersion", model.framework_version},
          {"tags", text_map_to_json(model.tags)},
          {"properties", text_map_to_json(model.properties)},
          {"contentId", model.content.hex()},
          {"fileCount", model.file_count},
          {"sizeBytes", model.size_bytes},
          {"runId", model.run_id},
          {"experiment", model.experiment},
          {"runPath", model.run_path},
          {"datasets", to_json(model.datasets)},
          {"sampleInputDatasetId", model.sample_input},
          {"sampleOutputDatasetId", model.sample_output},
          {"resourceConfiguration", to_json(model.resources)},
          {"createdBy", model.created_by},
          {"createdUtc", format_utc(model.created_ms)},
          {"modifiedUtc", format_utc(model.modified_ms)},
          {"revision", model.revision}};
}

}  // namespace werkbank
