#include "api/device_logins.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hh"

namespace werkbank::api {
namespace {

constexpr std::string_view kLetters = "BCDFGHJKLMNPQRSTVWXZ";
constexpr size_t kCodeLetters = 8;
constexpr const char* kAgain = "Run `az login` again: a code is good for a quarter of an hour, and once.";

// Twenty letters, drawn evenly: a byte beyond the last whole multiple of twenty is not used.
std::string new_user_code() {
  constexpr unsigned kFairMax = 256 / kLetters.size() * kLetters.size();
  std::string code;
  while (code.size() < kCodeLetters) {
    const unsigned byte = static_cast<unsigned>(std::stoul(random_hex(1), nullptr, 16));
    if (byte < kFairMax) code += kLetters[byte % kLetters.size()];
  }
  return code;
}

std::string letters_of(const std::string& text) {
  std::string letters;
  for (const char c : text) {
    if (c >= 'a' && c <= 'z') letters += static_cast<char>(c - 'a' + 'A');
    if (c >= 'A' && c <= 'Z') letters += c;
  }
  return letters;
}

}  // namespace

Result<DeviceLogins::Begun> DeviceLogins::begin(UtcMs now) {
  const std::lock_guard lock(mutex_);
  forget_old(now);
  if (pending_.size() >= kPendingMax && !drop_oldest()) {
    return fail(errors::unavailable, fmt::format("{} logins wait to be collected already", pending_.size()),
                "Try again in a few minutes.");
  }
  Begun begun{.device_code = random_hex(32), .user_code = new_user_code()};
  pending_[Hash::of(begun.device_code).hex()] = {begun.user_code, now + kWaitSeconds * 1000, std::nullopt};
  begun.user_code.insert(kCodeLetters / 2, "-");
  return begun;
}

Status DeviceLogins::check(const std::string& user_code, UtcMs now) {
  const std::string letters = letters_of(user_code);
  const std::lock_guard lock(mutex_);
  forget_old(now);
  const bool waits =
      std::ranges::any_of(pending_, [&](const auto& entry) { return entry.second.user_code == letters && !entry.second.grant; });
  if (waits) return {};
  return fail(errors::not_found, "no login waits for this code", kAgain);
}

Status DeviceLogins::approve(const std::string& user_code, LoginGrant grant, UtcMs now) {
  const std::string letters = letters_of(user_code);
  const std::lock_guard lock(mutex_);
  forget_old(now);
  for (auto& [hash, pending] : pending_) {
    if (pending.user_code != letters || pending.grant) continue;
    pending.grant = std::move(grant);
    return {};
  }
  return fail(errors::not_found, "no login waits for this code", kAgain);
}

Result<std::optional<LoginGrant>> DeviceLogins::take(const std::string& device_code, UtcMs now) {
  const std::lock_guard lock(mutex_);
  forget_old(now);
  const auto found = pending_.find(Hash::of(device_code).hex());
  if (found == pending_.end()) return fail(errors::not_found, "this login is not known, or was waited for too long", kAgain);
  std::optional<LoginGrant> grant = std::move(found->second.grant);
  if (grant) pending_.erase(found);
  return grant;
}

bool DeviceLogins::drop_oldest() {
  auto oldest = pending_.end();
  for (auto entry = pending_.begin(); entry != pending_.end(); ++entry) {
    if (entry->second.grant) continue;
    if (oldest == pending_.end() || entry->second.ends_ms < oldest->second.ends_ms) oldest = entry;
  }
  if (oldest == pending_.end()) return false;
  pending_.erase(oldest);
  return true;
}

void DeviceLogins::forget_old(UtcMs now) {
  std::erase_if(pending_, [now](const auto& entry) { return entry.second.ends_ms <= now; });
}

}  // namespace werkbank::api
