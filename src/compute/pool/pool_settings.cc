#include "compute/pool/pool_settings.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace werkbank::compute {
namespace {

constexpr int64_t kNodesMax = 10'000;
constexpr int64_t kIdleSecondsMax = 365 * 24 * 3600;

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// A whole number, or a text that is one: v1's users write '300'.
void read_number(JsonReader& reader, const char* key, int64_t minimum, int64_t maximum, int64_t& number) {
  const json::value* const value = reader.value(key);
  if (value == nullptr) return;
  std::optional<int64_t> read;
  if (value->is_int64()) read = value->get_int64();
  if (value->is_double() && value->get_double() == static_cast<double>(static_cast<int64_t>(value->get_double())))
    read = static_cast<int64_t>(value->get_double());
  if (value->is_string()) {
    const json::string& text = value->get_string();
    int64_t parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error == std::errc() && end == text.data() + text.size()) read = parsed;
  }
  if (!read) return reader.refuse(key, fmt::format("{} is no whole number", json::serialize(*value)));
  if (*read < minimum || *read > maximum)
    return reader.refuse(key, fmt::format("is {}, and has to be from {} to {}", *read, minimum, maximum));
  number = *read;
}

void read_priority(JsonReader& reader, PoolSettings& settings) {
  const std::optional<std::string> text = reader.optional_string("vmPriority");
  if (!text) return;
  const std::string priority = lower_case(*text);
  if (priority != "dedicated" && priority != "lowpriority")
    return reader.refuse("vmPriority", fmt::format("{:?} is neither dedicated nor lowpriority", *text));
  settings.low_priority = priority == "lowpriority";
}

void refuse_network(JsonReader& reader, Status& network) {
  for (const char* const key : {"vnetResourcegroupName", "vnetName", "subnetName"}) {
    const std::string name = reader.string_or(key);
    if (name.empty() || !network) continue;
    network =
        fail(errors::network_unknown, fmt::format("settings.{}: the network {:?} is not declared; there is none", key, name),
             "Leave vnet_resourcegroup_name, vnet_name and subnet_name out: nodes use this machine's network.");
  }
}

}  // namespace

Result<PoolSettings> pool_settings_from_json(const json::object& value, const PoolSettings* previous) {
  const json::value document(value);
  JsonReader reader(document, "settings");
  PoolSettings settings = previous == nullptr ? PoolSettings{} : *previous;
  if (previous == nullptr) {
    settings.vm_size = reader.string_or("vmSize");
    if (settings.vm_size.empty()) reader.refuse("vmSize", "is missing: a pool needs a size for its nodes");
    read_priority(reader, settings);
    settings.admin_username = reader.string_or("adminUsername");
    settings.remote_login_port_public_access = reader.string_or("remoteLoginPortPublicAccess", "NotSpecified");
  } else {
    for (const char* const fixed : {"vmSize", "vmPriority"}) {
      if (reader.has(fixed)) reader.refuse(fixed, "cannot be changed; delete the pool and make it anew");
    }
  }
  read_number(reader, "minNodes", 0, kNodesMax, settings.min_nodes);
  read_number(reader, "maxNodes", 1, kNodesMax, settings.max_nodes);
  read_number(reader, "idleSecondsBeforeScaledown", 0, kIdleSecondsMax, settings.idle_seconds_before_scaledown);
  settings.delete_with_runs = reader.bool_or("deleteWithRuns", settings.delete_with_runs);
  if (reader.has("identityType")) settings.identity_type = reader.string_or("identityType");
  if (reader.has("identityIds")) settings.identity_ids = reader.strings_or_empty("identityIds");
  Status network;
  refuse_network(reader, network);
  if (settings.min_nodes > settings.max_nodes) {
    reader.refuse("minNodes", fmt::format("is {}, more than maxNodes, which is {}", settings.min_nodes, settings.max_nodes));
  }
  CHECK_OK(reader.finish());
  CHECK_OK(network);
  return settings;
}

json::object to_json(const PoolSettings& settings) {
  return {{"vmSize", settings.vm_size},
          {"vmPriority", settings.low_priority ? "lowpriority" : "dedicated"},
          {"minNodes", settings.min_nodes},
          {"maxNodes", settings.max_nodes},
          {"idleSecondsBeforeScaledown", settings.idle_seconds_before_scaledown},
          {"deleteWithRuns", settings.delete_with_runs},
          {"adminUsername", settings.admin_username},
          {"remoteLoginPortPublicAccess", settings.remote_login_port_public_access},
          {"identityType", settings.identity_type},
          {"identityIds", json::array(settings.identity_ids.begin(), settings.identity_ids.end())}};
}

}  // namespace werkbank::compute
