#include "base/spawn.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

namespace werkbank {
namespace {

// posix_spawn's two objects, freed at the end. The add functions fail only for want of memory.
class SpawnSettings {
 public:
  SpawnSettings() {
    WB_INVARIANT(posix_spawn_file_actions_init(&actions) == 0);
    WB_INVARIANT(posix_spawnattr_init(&attributes) == 0);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }

  void open(int number, const std::filesystem::path& path, int flags) {
    WB_INVARIANT(posix_spawn_file_actions_addopen(&actions, number, path.c_str(), flags, 0600) == 0);
  }
  void duplicate(int from, int to) { WB_INVARIANT(posix_spawn_file_actions_adddup2(&actions, from, to) == 0); }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

Status check_plan(const SpawnPlan& plan) {
  const auto has_nul = [](std::string_view text) { return text.find('\0') != text.npos; };
  if (plan.argv.empty() || plan.argv[0].empty()) return fail(errors::invalid_request, "a process needs a program");
  for (const std::string& argument : plan.argv) {
    if (has_nul(argument)) return fail(errors::invalid_request, fmt::format("an argument of {} holds a NUL", plan.argv[0]));
  }
  for (const auto& [name, value] : plan.environment) {
    if (name.empty() || name.find('=') != name.npos || has_nul(name) || has_nul(value)) {
      return fail(errors::invalid_request, fmt::format("the variable {:?} has a name or value that no process can get", name));
    }
  }
  for (const auto* path : {&plan.working_directory, &plan.stdin_path, &plan.stdout_path, &plan.stderr_path}) {
    if (has_nul(path->native())) return fail(errors::path_refused, fmt::format("the path {:?} holds a NUL", path->native()));
  }
  struct stat status{};
  const std::filesystem::path& folder = plan.working_directory;
  if (!folder.empty() && (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))) {
    return fail(errors::not_found, fmt::format("there is no folder {} to run {} in", folder.native(), plan.argv[0]));
  }
  return {};
}

Result<std::string> program_of(const SpawnPlan& plan) {
  if (plan.argv[0].find('/') != std::string::npos) return plan.argv[0];
  const auto path_value = plan.environment.find("PATH");
  if (path_value != plan.environment.end()) {
    if (const auto found = find_program(plan.argv[0], path_value->second)) return found->native();
  }
  return fail(errors::not_found, fmt::format("there is no program {:?} in PATH", plan.argv[0]), "Install it, or correct PATH.");
}

// Paths of the caller are opened before the change of folder, so that relative ones mean what they say.
void set_streams(SpawnSettings& settings, const SpawnPlan& plan, const detail::SpawnDescriptors& descriptors) {
  constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND;
  if (!plan.stdin_path.empty()) settings.open(STDIN_FILENO, plan.stdin_path, O_RDONLY);
  if (descriptors.out >= 0) {
    settings.duplicate(descriptors.out, STDOUT_FILENO);
  } else if (!plan.stdout_path.empty()) {
    settings.open(STDOUT_FILENO, plan.stdout_path, kAppend);
  }
  if (descriptors.err >= 0) {
    settings.duplicate(descriptors.err, STDERR_FILENO);
  } else if (!plan.stderr_path.empty() && plan.stderr_path == plan.stdout_path && descriptors.out < 0) {
    settings.duplicate(STDOUT_FILENO, STDERR_FILENO);
  } else if (!plan.stderr_path.empty()) {
    settings.open(STDERR_FILENO, plan.stderr_path, kAppend);
  }
  if (!plan.working_directory.empty()) {
    WB_INVARIANT(posix_spawn_file_actions_addchdir_np(&settings.actions, plan.working_directory.c_str()) == 0);
  }
  // Ours are all O_CLOEXEC; this is for descriptors that a library or our own parent left open.
  WB_INVARIANT(posix_spawn_file_actions_addclosefrom_np(&settings.actions, 3) == 0);
}

// Handlers and blocked signals are this process's own affair.
void set_signals(SpawnSettings& settings, bool new_session, bool new_group) {
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&settings.attributes, &all);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  if (new_session) flags |= POSIX_SPAWN_SETSID;
  if (new_group && !new_session) flags |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&settings.attributes, static_cast<short>(flags));
}

}  // namespace

Result<pid_t> detail::spawn_with(const SpawnPlan& plan, const SpawnDescriptors& descriptors) {
  CHECK_OK(check_plan(plan));
  TRY(const std::string program, program_of(plan));
  SpawnSettings settings;
  set_streams(settings, plan, descriptors);
  set_signals(settings, plan.new_session, descriptors.new_group);

  std::vector<char*> argv;
  for (const std::string& argument : plan.argv) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  variables.reserve(plan.environment.size());
  for (const auto& [name, value] : plan.environment) variables.push_back(name + '=' + value);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &settings.actions, &settings.attributes, argv.data(), envp.data());
  if (error == 0) return pid;
  Error failure = errno_error(error, fmt::format("start {}", program));
  if (error == ENOENT || error == ENOTDIR) failure.code = &errors::not_found;
  return fail(std::move(failure));
}

Result<pid_t> spawn_process(const SpawnPlan& plan) { return detail::spawn_with(plan, {}); }

}  // namespace werkbank
