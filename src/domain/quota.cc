#include "domain/quota.hh"

#include <fmt/format.h>

#include <array>

namespace werkbank {
namespace {

struct Resource {
  const char* key;
  const char* text;
  const char* option;
  int64_t QuotaAmounts::* amount;
  std::optional<int64_t> QuotaLimits::* limit;
};

constexpr std::array<Resource, 5> kResources{
    {{"cores", "cores", "--cores", &QuotaAmounts::cores, &QuotaLimits::cores},
     {"gpus", "GPUs", "--gpus", &QuotaAmounts::gpus, &QuotaLimits::gpus},
     {"memoryMib", "MiB of memory", "--memory", &QuotaAmounts::memory_mib, &QuotaLimits::memory_mib},
     {"diskMib", "MiB of disk", "--disk", &QuotaAmounts::disk_mib, &QuotaLimits::disk_mib},
     {"runs", "runs", "--runs", &QuotaAmounts::runs, &QuotaLimits::runs}}};

constexpr int64_t kLimitMax = int64_t{1} << 50;

std::string sentence(const std::string& whose, const QuotaShortage& shortage) {
  return fmt::format("the quota of {} is {} {}: {} in use, {} more wanted", whose, shortage.limit, shortage.resource,
                     shortage.used, shortage.wanted);
}

}  // namespace

QuotaAmounts& QuotaAmounts::operator+=(const QuotaAmounts& other) {
  for (const Resource& resource : kResources) this->*resource.amount += other.*resource.amount;
  return *this;
}

QuotaLimits Quotas::of_user(const std::string& user) const {
  QuotaLimits limits = each_user;
  const auto own = users.find(user);
  if (own == users.end()) return limits;
  for (const Resource& resource : kResources) {
    if (own->second.*resource.limit) limits.*resource.limit = own->second.*resource.limit;
  }
  return limits;
}

std::optional<QuotaShortage> find_shortage(const QuotaLimits& limits, const QuotaAmounts& used, const QuotaAmounts& wanted) {
  for (const Resource& resource : kResources) {
    const std::optional<int64_t>& limit = limits.*resource.limit;
    if (!limit) continue;
    // Disk space is not asked for: who has reached the limit may leave no more.
    const bool is_disk = resource.amount == &QuotaAmounts::disk_mib;
    const int64_t has = used.*resource.amount, more = wanted.*resource.amount;
    const bool is_beyond = is_disk ? wanted.runs > 0 && has >= *limit : more > 0 && has + more > *limit;
    if (is_beyond) return QuotaShortage{resource.text, resource.option, *limit, has, more};
  }
  return std::nullopt;
}

std::optional<std::string> QuotaBook::refusal(const std::string& user, const QuotaAmounts& wanted) const {
  if (const auto shortage = find_shortage(quotas.workspace, used, wanted)) return sentence("the workspace", *shortage);
  const auto own = used_by.find(user);
  const QuotaAmounts users_own = own == used_by.end() ? QuotaAmounts{} : own->second;
  if (const auto shortage = find_shortage(quotas.of_user(user), users_own, wanted))
    return sentence(fmt::format("user {:?}", user), *shortage);
  return std::nullopt;
}

std::optional<std::string> QuotaBook::refusal_for_ever(const std::string& user, const QuotaAmounts& wanted) const {
  QuotaBook empty{quotas, {}, {}};
  empty.used.disk_mib = used.disk_mib;
  if (const auto own = used_by.find(user); own != used_by.end()) empty.used_by[user].disk_mib = own->second.disk_mib;
  return empty.refusal(user, wanted);
}

std::string QuotaBook::hint(const std::string& workspace, const std::string& user, const QuotaAmounts& wanted) const {
  if (const auto shortage = find_shortage(quotas.workspace, used, wanted))
    return fmt::format("Ask for less, or have an owner of the installation raise it: werkbank quota set {} N -w {}",
                       shortage->option, workspace);
  const auto own = used_by.find(user);
  const auto shortage = find_shortage(quotas.of_user(user), own == used_by.end() ? QuotaAmounts{} : own->second, wanted);
  return fmt::format("Ask for less, or have an owner of the installation raise it: werkbank quota set {} N --user {} -w {}",
                     shortage ? shortage->option : "--runs", user, workspace);
}

void QuotaBook::take(const std::string& user, const QuotaAmounts& amounts) {
  used += amounts;
  used_by[user] += amounts;
}

json::object to_json(const QuotaAmounts& amounts) {
  json::object document;
  for (const Resource& resource : kResources) document[resource.key] = amounts.*resource.amount;
  return document;
}

json::object to_json(const QuotaLimits& limits) {
  json::object document;
  for (const Resource& resource : kResources) {
    const std::optional<int64_t>& limit = limits.*resource.limit;
    document[resource.key] = limit ? json::value(*limit) : json::value(nullptr);
  }
  return document;
}

json::object to_json(const Quotas& quotas) {
  json::object users;
  for (const auto& [user, limits] : quotas.users) users[user] = to_json(limits);
  return {{"workspace", to_json(quotas.workspace)}, {"eachUser", to_json(quotas.each_user)}, {"users", std::move(users)}};
}

Status change_limits(QuotaLimits& limits, const json::value& value, const std::string& path) {
  JsonReader reader(value, path);
  QuotaLimits changed = limits;
  for (const Resource& resource : kResources) {
    const json::value* const given = reader.value(resource.key);  // null is not told from what is not there
    if (!value.is_object() || !value.get_object().contains(resource.key)) continue;
    if (given == nullptr)
      changed.*resource.limit = std::nullopt;
    else if (given->is_int64() && given->get_int64() >= 0 && given->get_int64() <= kLimitMax)
      changed.*resource.limit = given->get_int64();
    else
      reader.refuse(resource.key, "is neither a whole number from 0 on nor null");
  }
  CHECK_OK(reader.finish());
  limits = changed;
  return {};
}

Result<Quotas> quotas_from_json(const json::value& value) {
  JsonReader reader(value, "quotas");
  Quotas quotas;
  if (const json::value* const workspace = reader.value("workspace"))
    CHECK_OK(change_limits(quotas.workspace, *workspace, "quotas.workspace"));
  if (const json::value* const each = reader.value("eachUser"))
    CHECK_OK(change_limits(quotas.each_user, *each, "quotas.eachUser"));
  if (const json::object* const users = reader.object("users")) {
    for (const auto& [user, limits] : *users) {
      CHECK_OK(change_limits(quotas.users[std::string(user)], limits, "quotas.users"));
    }
  }
  CHECK_OK(reader.finish());
  return quotas;
}

}  // namespace werkbank
