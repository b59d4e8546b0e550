// doctor: checks what a run needs, one line each, with what to do.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>

#include "base/clock.hh"
#include "base/file_system.hh"
#include "base/files.hh"
#include "base/process.hh"
#include "cli/command.hh"
#include "cli/progress.hh"
#include "client/server_process.hh"
#include "mount/mount_table.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kFreeBytesWarn = uint64_t{2} << 30;
constexpr uint64_t kFreeBytesFail = uint64_t{100} << 20;
constexpr UtcMs kPlausibleTime = 1'735'689'600'000;  // 2025-01-01: before this the machine's clock is not set

DoctorCheck ok(std::string name, std::string finding) { return {std::move(name), CheckState::kOk, std::move(finding), {}}; }
DoctorCheck warn(std::string name, std::string finding, std::string remedy) {
  return {std::move(name), CheckState::kWarning, std::move(finding), std::move(remedy)};
}
DoctorCheck failed(std::string name, std::string finding, std::string remedy) {
  return {std::move(name), CheckState::kFailed, std::move(finding), std::move(remedy)};
}

std::string value_of(const std::map<std::string, std::string>& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

// The nearest folder that is there: a home that was never used is judged by its parent.
fs::path existing_ancestor(fs::path folder) {
  std::error_code ignored;
  while (!folder.empty() && folder != folder.root_path() && !fs::exists(folder, ignored)) folder = folder.parent_path();
  return folder;
}

DoctorCheck check_home(const fs::path& home) {
  const fs::path there = existing_ancestor(home);
  if (access(there.c_str(), W_OK | X_OK) == 0) return ok("home", home.string());
  return failed("home", fmt::format("{} cannot be written by this user", there.string()),
                "Correct its permissions, or set WERKBANK_HOME to another folder.");
}

DoctorCheck check_file_system(const fs::path& home) {
  const auto kind = file_system_kind(home);
  const std::string remedy = "Set WERKBANK_HOME to a folder on a local disk.";
  if (!kind) return failed("file system", kind.error().message, remedy);
  if (!kind->network.empty()) {
    return failed("file system",
                  fmt::format("{} lies on {}, where a database cannot be locked safely", home.string(), kind->network), remedy);
  }
  if (kind->unknown.empty()) return ok("file system", "local");
  return warn("file system", fmt::format("{} lies on {}, which may be behind a network", home.string(), kind->unknown),
              "Fine where it is on this machine; else set WERKBANK_HOME to a folder on a local disk.");
}

DoctorCheck check_space(const fs::path& home) {
  struct statvfs info{};
  if (statvfs(existing_ancestor(home).c_str(), &info) != 0) {
    return failed("free space", errno_error(errno, home.string()).message, "Set WERKBANK_HOME to a folder on a local disk.");
  }
  const uint64_t free_bytes = static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  const std::string finding = fmt::format("{} free", human_bytes(free_bytes));
  if (free_bytes >= kFreeBytesWarn) return ok("free space", finding);
  const std::string remedy = "Free space there: snapshots, outputs and environments are kept below WERKBANK_HOME.";
  return free_bytes < kFreeBytesFail ? failed("free space", finding, remedy) : warn("free space", finding, remedy);
}

DoctorCheck check_socket(const fs::path& home) {
  constexpr size_t kPlainMax = 107;
  const std::string path = (home / "server.sock").string();
  if (path.size() <= kPlainMax) return ok("socket", path);
  return ok("socket", fmt::format("{} ({} bytes: reached through its folder)", path, path.size()));
}

DoctorCheck check_server(Context& context) {
  const auto address = client::find_server(context.environment());
  if (!address) return failed("server", address.error().to_string(), std::string(address.error().remedy()));
  client::Session session(*address, {});
  const auto answer = session.get("/api/v1");
  if (answer && answer->is_object()) {
    const json::value* const version = answer->as_object().if_contains("version");
    const std::string text = version == nullptr ? "?" : plain_text(*version);
    const std::string finding = fmt::format("version {} at {}", text, address->url);
    if (text == context.programs().version) return ok("server", finding);
    return warn("server", finding,
                fmt::format("This command is version {}. Start the server anew: werkbank server stop; runs go on.",
                            context.programs().version));
  }
  if (!answer && answer.error().code == &errors::server_unreachable && address->local) {
    return ok("server", "not running; it is started when a command needs it");
  }
  if (answer)
    return failed("server", fmt::format("{} is no Werkbank server", address->url), "Correct WERKBANK_URL, or unset it.");
  return failed("server", answer.error().to_string(), std::string(answer.error().remedy()));
}

DoctorCheck check_uv(const std::map<std::string, std::string>& environment) {
  std::vector<fs::path> places;
  if (const std::string named = value_of(environment, "WERKBANK_UV"); !named.empty()) places.emplace_back(named);
  places.push_back(own_executable().parent_path() / "uv");
  for (const fs::path& place : places) {
    if (access(place.c_str(), X_OK) == 0) return ok("uv", place.string());
  }
  if (const auto found = find_program("uv", value_of(environment, "PATH"))) return ok("uv", found->string());
  return warn("uv", "not found",
              "It is fetched with pip when the first environment is built; without a package index, install uv and name it in "
              "WERKBANK_UV.");
}

DoctorCheck check_interpreters(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> found;
  const std::string path = value_of(environment, "PATH");
  const auto add = [&](const fs::path& interpreter) {
    std::error_code ignored;
    if (access(interpreter.c_str(), X_OK) == 0 && fs::is_regular_file(interpreter, ignored))
      found.push_back(interpreter.string());
  };
  static constexpr std::array kNames{"python",     "python3",    "python3.6",  "python3.7",  "python3.8", "python3.9",
                                     "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"};
  for (const std::string_view name : kNames) {
    if (const auto interpreter = find_program(name, path)) add(*interpreter);
  }
  const std::string root = value_of(environment, "PYENV_ROOT");
  const fs::path versions = (root.empty() ? fs::path(value_of(environment, "HOME")) / ".pyenv" : fs::path(root)) / "versions";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(versions, ignored)) add(entry.path() / "bin" / "python");
  if (!found.empty()) return ok("python", fmt::format("{}", fmt::join(found, ", ")));
  return warn("python", "no interpreter was found in PATH or pyenv",
              "Install Python, or let uv fetch one: runs need it on this machine.");
}

DoctorCheck check_time() {
  const UtcMs now = system_clock().utc_now_ms();
  if (now > kPlausibleTime) return ok("time", format_utc(now));
  return failed("time", format_utc(now), "Set the machine's clock: logins with an end and the order of runs depend on it.");
}

DoctorCheck check_mount() {
  if (const Status possible = mount::check_mounts_possible(); !possible)
    return warn("mount", possible.error().message, std::string(possible.error().remedy()));
  return ok("mount", "FUSE works for this user");
}

struct DoctorOptions {
  bool verify = false;
};

void declare_doctor(CLI::App& verb, DoctorOptions& options) {
  verb.add_flag("--verify", options.verify, "Read all stored files, too, and compare them with their hashes (takes a while)");
}

json::object document_of(const DoctorCheck& check) {
  const std::string_view state = check.state == CheckState::kOk ? "ok" : check.state == CheckState::kWarning ? "warn" : "fail";
  return {{"check", check.name}, {"state", state}, {"finding", check.finding}, {"remedy", check.remedy}};
}

std::string line_of(const DoctorCheck& check, const Terminal& terminal) {
  const Colour colour = check.state == CheckState::kOk        ? Colour::kGreen
                        : check.state == CheckState::kWarning ? Colour::kYellow
                                                              : Colour::kRed;
  const std::string_view state = check.state == CheckState::kOk ? "ok  " : check.state == CheckState::kWarning ? "warn" : "fail";
  std::string line = fmt::format("{}  {:<12} {}\n", terminal.paint_out(colour, state), check.name, visible(check.finding));
  if (!check.remedy.empty()) line += fmt::format("      {:<12} {}\n", "", check.remedy);
  return line;
}

DoctorCheck verify_content(Context& context, const fs::path& home) {
  Progress progress(context.terminal());
  const auto show = [&](uint64_t bytes) { progress.show(fmt::format("{} read", human_bytes(bytes))); };
  DoctorCheck check = context.programs().verify(home, show);
  context.terminal().clear_progress();
  return check;
}

Result<int> examine(Context& context, const DoctorOptions& options) {
  std::vector<DoctorCheck> checks;
  if (const auto home = client::find_home(context.environment())) {
    checks = {check_home(*home), check_file_system(*home), check_space(*home), check_socket(*home)};
    checks.push_back(check_server(context));
    if (context.programs().doctor) {
      for (DoctorCheck& check : context.programs().doctor(*home)) checks.push_back(std::move(check));
    }
    if (options.verify && context.programs().verify) checks.push_back(verify_content(context, *home));
  } else {
    checks.push_back(failed("home", home.error().to_string(), std::string(home.error().remedy())));
  }
  checks.push_back(check_uv(context.environment()));
  checks.push_back(check_interpreters(context.environment()));
  checks.push_back(check_mount());
  checks.push_back(check_time());
  bool any_failed = false;
  json::array documents;
  std::string lines;
  for (const DoctorCheck& check : checks) {
    any_failed = any_failed || check.state == CheckState::kFailed;
    documents.push_back(document_of(check));
    lines += line_of(check, context.terminal());
  }
  if (context.query.empty() && context.format(context.default_format) == OutputFormat::kTable) {
    context.terminal().out(lines);
  } else {
    CHECK_OK(context.print(json::value(std::move(documents)), {}));
  }
  return any_failed ? kExitFailed : kExitDone;
}

}  // namespace

void add_doctor_command(CLI::App& app, Context& context) {
  add_verb<DoctorOptions>(app, context, {"doctor", "Check the home, the server, uv, Python; say what to do", "  werkbank doctor"},
                          declare_doctor, examine, {.workspace = false});
}

}  // namespace werkbank::cli
