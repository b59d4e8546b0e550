#include "runner/data_places.hh"

#include <array>
#include <functional>

namespace werkbank::runner {
namespace {

constexpr std::string_view kReference = "AZUREML_DATAREFERENCE_";
constexpr std::array<std::string_view, 3> kMarks{"DatasetConsumptionConfig:", "DatasetOutputConfig:", "$AZUREML_DATAREFERENCE_"};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

using Place = std::function<std::string(const std::string& name, const std::string& place)>;

// The text with every mark and the name behind it replaced, where the name is one.
std::string replaced(const std::string& text, const TextMap& places, const Place& as) {
  std::string made;
  size_t at = 0;
  while (at < text.size()) {
    size_t end = at;
    for (const std::string_view mark : kMarks) {
      if (text.compare(at, mark.size(), mark) != 0) continue;
      end = at + mark.size();
      const size_t start = end;
      while (end < text.size() && is_word(text[end])) ++end;
      const auto found = places.find(text.substr(start, end - start));
      if (found != places.end()) {
        made += as(found->first, found->second);
      } else {
        made += text.substr(at, end - at);
      }
      break;
    }
    if (end == at) made += text[end++];
    at = end;
  }
  return made;
}

std::string upper(std::string text) {
  for (char& c : text) c = (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

void append(std::string& list, std::string_view separator, const std::string& item) {
  if (!list.empty()) list += separator;
  list += item;
}

}  // namespace

std::string with_places(const std::string& argument, const TextMap& places) {
  return replaced(argument, places, [](const std::string&, const std::string& place) { return place; });
}

std::string with_place_variables(const std::string& command, const TextMap& places) {
  return replaced(command, places,
                  [](const std::string& name, const std::string&) { return "\"${" + std::string(kReference) + name + "}\""; });
}

TextMap place_variables(const LaunchPlan& plan, const TextMap& places) {
  TextMap variables;
  for (const auto& [name, place] : places) {
    variables[name] = place;
    variables[upper(name)] = place;
    variables[std::string(kReference) + name] = place;
  }
  std::string inputs, outputs, links;
  for (const RunInput& input : plan.inputs) {
    if (!input.dataset_id.empty()) append(inputs, ",", input.name + ":" + std::string(to_string(input.mode)));
  }
  for (const RunOutput& output : plan.outputs) append(output.mode == DataMode::kLink ? links : outputs, ";", output.name);
  if (!inputs.empty()) variables["AZUREML_DATASET_ENVIRONMENT_VARS"] = inputs;
  if (!outputs.empty()) variables["AZUREML_DATASET_FILE_OUTPUTS"] = outputs;
  if (!links.empty()) variables["AZUREML_LINK_DATASET_OUTPUTS"] = links;
  return variables;
}

}  // namespace werkbank::runner
