#include "access/permission.hh"

#include <fmt/format.h>

namespace werkbank::access {
namespace {

std::optional<Role> role_needed(Permission permission) {
  switch (permission) {
    case Permission::kRead:
      return Role::kReader;
    case Permission::kWrite:
    case Permission::kJob:
    case Permission::kContent:
      return Role::kContributor;
    case Permission::kOwn:
      return Role::kOwner;
    default:
      return std::nullopt;
  }
}

std::string place_of(const Subject& subject) {
  return subject.workspace.empty() ? "this installation" : fmt::format("workspace {:?}", subject.workspace);
}

Status deny(std::string message, std::string hint = {}) { return fail(errors::denied, std::move(message), std::move(hint)); }

Status authorize_token(const Identity& identity, Permission permission, const Subject& subject) {
  const std::optional<Role> needed = role_needed(permission);
  if (!needed) return deny("a login token cannot do this: it is for a run's own runner");
  const bool everywhere = identity.workspace == "*";
  // A route without a workspace shows what the login may see of all of them; to change the installation takes a role everywhere.
  const bool in_place =
      everywhere || (subject.workspace.empty() ? *needed == Role::kReader : subject.workspace == identity.workspace);
  if (in_place && identity.role >= *needed) return {};
  const std::string held = everywhere ? "everywhere" : fmt::format("in workspace {:?}", identity.workspace);
  return deny(fmt::format("this takes the role {} in {}; the token has the role {} {}", to_string(*needed), place_of(subject),
                          to_string(identity.role), held));
}

Status authorize_run_token(const Identity& identity, Permission permission, const Subject& subject) {
  if (identity.run_ended) {
    return fail(errors::unauthenticated, fmt::format("the run {:?} has ended, and its token with it", identity.run.run_id),
                "Use a login token: werkbank token create.");
  }
  const bool in_workspace = subject.workspace.empty() || subject.workspace == identity.run.workspace;
  const bool is_own_run =
      subject.workspace == identity.run.workspace && !subject.run_id.empty() && subject.run_id == identity.run.run_id;
  bool allowed = false;
  switch (permission) {
    case Permission::kRead:
      allowed = in_workspace;
      break;
    case Permission::kWrite:
      allowed = is_own_run || (in_workspace && !subject.run_id.empty() && subject.is_descendant);
      break;
    case Permission::kJob:
    case Permission::kContent:
      allowed = in_workspace && !subject.workspace.empty();
      break;
    default:
      break;
  }
  if (allowed) return {};
  return deny(
      fmt::format("the token of run {:?} in workspace {:?} does not reach this", identity.run.run_id, identity.run.workspace),
      "A job writes to its own run and its children, and reads its workspace. Use a login token for the rest.");
}

Status authorize_runner_token(const Identity& identity, Permission permission, const Subject& subject) {
  const bool in_workspace = subject.workspace == identity.run.workspace;
  const bool is_own_run = in_workspace && !subject.run_id.empty() && subject.run_id == identity.run.run_id;
  const bool brings = in_workspace && (permission == Permission::kRead || permission == Permission::kContent);
  const bool reports = is_own_run && permission == Permission::kRunner;
  if (!brings && !reports) {
    return deny(fmt::format("the token of the runner of run {:?} does not reach this", identity.run.run_id),
                "A runner brings files and reports of its own run, nothing else.");
  }
  if (identity.run_ended && !reports) {
    return fail(errors::unauthenticated,
                fmt::format("the run {:?} has ended, and its runner's token with it", identity.run.run_id));
  }
  return {};
}

}  // namespace

Status authorize(const Identity& identity, Permission permission, const Subject& subject) {
  if (permission == Permission::kPublic) return {};
  if (identity.kind == LoginKind::kNobody) {
    return fail(errors::unauthenticated, identity.refusal.empty() ? "this takes a login" : identity.refusal,
                "Run `az login` (or `werkbank login`), or set WERKBANK_TOKEN: `werkbank token create` makes one on the server's "
                "machine.");
  }
  if (permission == Permission::kLocalOnly) {
    if (identity.kind == LoginKind::kUnixSocket) return {};
    return deny("this is done on the server's own machine only", "Run the command there, without WERKBANK_URL.");
  }
  switch (identity.kind) {
    case LoginKind::kUnixSocket:
    case LoginKind::kNoAuth:
      if (permission != Permission::kRunner) return {};
      return deny("this takes the token of the run's own runner");
    case LoginKind::kToken:
      return authorize_token(identity, permission, subject);
    case LoginKind::kRunToken:
      return authorize_run_token(identity, permission, subject);
    case LoginKind::kRunnerToken:
      return authorize_runner_token(identity, permission, subject);
    case LoginKind::kNobody:
      break;
  }
  return fail(errors::unauthenticated, "this takes a login");
}

}  // namespace werkbank::access
