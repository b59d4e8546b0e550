#include "runner/build_resolution.hh"

#include <fmt/format.h>

#include <algorithm>

namespace werkbank::runner {
namespace {

constexpr int kRelaxationsMax = 50;

std::string first_version_in(std::string_view lock, const std::string& name) {
  while (!lock.empty()) {
    const size_t newline = lock.find('\n');
    const std::string_view line = lock.substr(0, newline);
    lock = newline == std::string_view::npos ? std::string_view() : lock.substr(newline + 1);
    const size_t equals = line.find("==");
    if (equals != std::string_view::npos && requirement_name(line) == name) {
      return std::string(line.substr(equals + 2, line.find_first_of(" ;", equals) - equals - 2));
    }
  }
  return {};
}

bool is_pinned(const std::string& requirement) { return relaxed(requirement) != requirement; }

bool is_about_wheels(FailureCause cause) { return cause == FailureCause::kNoWheel || cause == FailureCause::kPythonTooOld; }

// What no other interpreter and no other pin could mend.
bool is_hopeless(FailureCause cause) {
  return cause == FailureCause::kNetwork || cause == FailureCause::kDiskFull || cause == FailureCause::kUnknownPackage;
}

}  // namespace

Resolver::Resolver(const UvTool& uv, const EnvironmentRecipe& recipe, std::vector<Interpreter> interpreters)
    : uv_(uv), recipe_(recipe), interpreters_(std::move(interpreters)) {}

Result<Resolution> Resolver::resolve(const std::vector<Interpreter>& candidates) {
  if (recipe_.requirements.empty()) return Resolution{candidates.front(), "", SourceBuilds::kRefused};
  auto exact = try_all(candidates, recipe_.requirements);
  if (exact || recipe_.policy == PinPolicy::kExact || is_hopeless(failure_.cause)) return exact;
  return try_nearest(candidates);
}

Result<Resolution> Resolver::try_all(const std::vector<Interpreter>& candidates, const std::vector<std::string>& requirements) {
  for (const Interpreter& candidate : candidates) {
    say(fmt::format("Resolving {} requirements for Python {}", requirements.size(), candidate.version));
    TRY(const CommandResult result, uv_.resolve(candidate, requirements, SourceBuilds::kRefused));
    if (result.exit_code == 0) return Resolution{candidate, result.output, SourceBuilds::kRefused};
    const BuildFailure failure = read_failure(result.output);
    if (&candidate == &candidates.front()) failure_ = failure;
    if (is_hopeless(failure.cause)) {
      failure_ = failure;
      return fail(explain(candidate, requirements));
    }
    say(fmt::format("  not for Python {}: {}", candidate.version, failure.reason));
  }
  // A package that has wheels for another interpreter of this machine is not compiled here for minutes: the answer names that
  // interpreter.
  const Interpreter& wanted = candidates.front();
  const auto requirement = requirement_of(requirements, failure_.package);
  const bool wheels_elsewhere = requirement && std::ranges::any_of(interpreters_, [&](const Interpreter& other) {
                                  return other.minor != wanted.minor && resolves(other, *requirement);
                                });
  if (is_about_wheels(failure_.cause) && !wheels_elsewhere) {
    TRY(const CommandResult result, uv_.resolve(wanted, requirements, SourceBuilds::kAllowed));
    if (result.exit_code == 0) {
      say(fmt::format("{} comes as source only: it is built here", failure_.package));
      return Resolution{wanted, result.output, SourceBuilds::kAllowed};
    }
    failure_ = read_failure(result.output);
  }
  return fail(explain(wanted, requirements));
}

Result<Resolution> Resolver::try_nearest(const std::vector<Interpreter>& candidates) {
  std::vector<std::string> requirements = recipe_.requirements;
  for (int turn = 0; turn < kRelaxationsMax; ++turn) {
    bool changed = false;
    const auto relax = [&changed](std::string& requirement) {
      const std::string wider = relaxed(requirement);
      if (wider == requirement) return;
      say(fmt::format("Policy nearest: {} becomes {}", requirement, wider));
      requirement = wider;
      changed = true;
    };
    // The one that failed gives way first; where it cannot, all do.
    for (std::string& requirement : requirements) {
      if (requirement_name(requirement) == failure_.package) relax(requirement);
    }
    if (!changed) std::ranges::for_each(requirements, relax);
    if (!changed) break;
    auto found = try_all(candidates, requirements);
    if (found) {
      for (size_t i = 0; i < requirements.size(); ++i) {
        if (requirements[i] == recipe_.requirements[i]) continue;
        const std::string name = requirement_name(requirements[i]);
        found->relaxed.push_back(fmt::format("{} -> {}=={}", recipe_.requirements[i], name, first_version_in(found->lock, name)));
      }
    }
    if (found || is_hopeless(failure_.cause)) return found;
  }
  return fail(explain(candidates.front(), requirements));
}

bool Resolver::resolves(const Interpreter& interpreter, const std::string& requirement) {
  const auto result = uv_.resolve(interpreter, {requirement}, SourceBuilds::kRefused);
  return result && result->exit_code == 0;
}

std::string Resolver::what_would_work(const Interpreter& wanted, const std::string& requirement) {
  std::vector<std::string> hints;
  const std::string name = requirement_name(requirement);
  const auto any_version = uv_.resolve(wanted, {name}, SourceBuilds::kRefused);
  if (any_version && any_version->exit_code == 0) {
    const std::string version = first_version_in(any_version->output, name);
    if (!version.empty()) hints.push_back(fmt::format("for Python {} there is {}=={}", wanted.minor, name, version));
  }
  std::vector<std::string> minors;
  for (const Interpreter& other : interpreters_) {
    const bool new_minor = other.minor != wanted.minor && (minors.empty() || minors.back() != other.minor);
    if (new_minor && resolves(other, requirement)) minors.push_back(other.minor);
  }
  if (!minors.empty()) hints.push_back(fmt::format("{} itself works with Python {}", requirement, fmt::join(minors, ", ")));
  if (hints.empty()) return {};
  return fmt::format(
      "On this machine {}.{}", fmt::join(hints, "; "),
      recipe_.policy == PinPolicy::kExact && is_pinned(requirement) ? " Or let pins give way with the policy \"nearest\"." : "");
}

Error Resolver::explain_output(const Interpreter& interpreter, std::string_view uv_output) {
  failure_ = read_failure(uv_output);
  return explain(interpreter, recipe_.requirements);
}

Error Resolver::explain(const Interpreter& wanted, const std::vector<std::string>& requirements) {
  const auto requirement = requirement_of(requirements, failure_.package);
  const std::string shown = requirement ? *requirement : failure_.package;
  const std::string subject = failure_.package.empty() ? std::string("the requirements")
                              : requirement            ? fmt::format("requirement '{}'", shown)
                                                       : fmt::format("package '{}', which another requirement asks for", shown);
  Error error{&errors::environment_failed, "", "", {}};
  switch (failure_.cause) {
    case FailureCause::kUnknownPackage: {
      const auto meant = probably_meant(failure_.package);
      error.message = fmt::format("{}: there is no package named '{}'", subject, failure_.package);
      error.hint = meant ? fmt::format("Did you mean {}?", *meant)
                         : "Check the spelling, or name the index that has it with --extra-index-url.";
      return error;
    }
    case FailureCause::kNetwork:
      error.code = &errors::unavailable;
      error.message = fmt::format("the package index does not answer: {}", failure_.reason);
      error.hint =
          "Check the network and proxy; an index of your own is taken from pip's configuration (index-url) or --index-url.";
      return error;
    case FailureCause::kDiskFull:
      error.code = &errors::disk_full;
      error.message = fmt::format("the disk is full while the environment is built: {}", failure_.reason);
      return error;
    case FailureCause::kNoVersion:
      error.message = fmt::format("{}: there is no such version for Python {}", subject, wanted.version);
      break;
    case FailureCause::kNoWheel:
      error.message = fmt::format("{}: there is no wheel of it for Python {}", subject, wanted.version);
      break;
    case FailureCause::kPythonTooOld:
      error.message = fmt::format("{}: it does not work with Python {}", subject, wanted.version);
      break;
    case FailureCause::kBuildFailed:
      error.message =
          fmt::format("{}: there is no wheel of it for Python {}, and building it from source failed", subject, wanted.version);
      break;
    case FailureCause::kConflict:
      error.message = fmt::format("the requirements exclude each other ({}): {}", subject, failure_.reason);
      error.hint = "Loosen one of the pins that the message names.";
      if (recipe_.policy == PinPolicy::kExact && std::ranges::any_of(requirements, is_pinned)) {
        error.hint = "Loosen one of the pins that the message names, or let pins give way with the policy \"nearest\".";
      }
      return error;
    case FailureCause::kOther:
      error.message = fmt::format("the requirements cannot be installed: {}", failure_.reason);
      return error;
  }
  if (requirement) error.hint = what_would_work(wanted, *requirement);
  const auto meant = probably_meant(failure_.package);
  if (requirement && meant && error.hint.empty()) error.hint = fmt::format("Did you mean {}?", *meant);
  if (error.hint.empty()) error.hint = fmt::format("uv says: {}", failure_.reason);
  return error;
}

}  // namespace werkbank::runner
