// The roles of a member in a workspace; each includes those before it.
#pragma once

#include <optional>
#include <string_view>

namespace werkbank {

enum class Role { kReader, kContributor, kOwner };

constexpr std::string_view to_string(Role role) {
  return role == Role::kOwner ? "owner" : role == Role::kContributor ? "contributor" : "reader";
}
constexpr std::optional<Role> parse_role(std::string_view text) {
  if (text == "owner") return Role::kOwner;
  if (text == "contributor") return Role::kContributor;
  if (text == "reader") return Role::kReader;
  return std::nullopt;
}

}  // namespace werkbank
