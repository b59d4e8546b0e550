#include "compute/local/builder_process.hh"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/hash.hh"
#include "base/limits.hh"
#include "base/log.hh"
#include "base/process_tree.hh"
#include "domain/submitter.hh"
#include "domain/work_folder.hh"

namespace werkbank::compute {
namespace {

constexpr std::string_view kReady = "READY ";
constexpr std::string_view kFailed = "FAILED ";
constexpr size_t kPieceBytes = 256 * 1024;
constexpr int kBuilderTries = 3;
constexpr std::chrono::milliseconds kAskForCancelEvery{100};
constexpr std::chrono::milliseconds kGrace{3000};

bool may_become(std::string_view line, std::string_view word) {
  const size_t common = std::min(line.size(), word.size());
  return line.substr(0, common) == word.substr(0, common);
}

Error error_of(std::string_view text) {
  Error error;
  error.code = &errors::environment_failed;
  const Result<json::value> document = parse_json(text);
  if (!document) {
    error.message = "the builder failed and its reason does not read";
    return error;
  }
  JsonReader reader(*document, "FAILED");
  if (const ErrorCode* const known = find_error_code(reader.string_or("code"))) error.code = known;
  error.message = reader.string_or("message", "the environment could not be built");
  error.hint = reader.string_or("hint");
  return error;
}

bool steers_builds(std::string_view variable) {
  for (const std::string_view prefix : {"UV_", "PIP_", "PYENV_"}) {
    if (variable.starts_with(prefix)) return true;
  }
  return variable == "WERKBANK_UV" || variable.starts_with("WERKBANK_FAILPOINTS");
}

// Where packages come from and how the net is reached is the machine's business; the server's own secrets are not the builder's.
std::map<std::string, std::string> builder_environment(const std::string& mark) {
  std::map<std::string, std::string> variables;
  for (const auto& [name, value] : current_environment()) {
    if (travels_with_run(name) || steers_builds(name)) variables.emplace(name, value);
  }
  variables.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  variables[std::string(kAttemptMarkVariable)] = mark;
  return variables;
}

Status end_builder(const std::string& mark, pid_t builder) {
  ProcessSelection selection;
  selection.ancestor = builder;
  selection.variable = kAttemptMarkVariable;
  selection.value = mark;
  EndOptions options;
  options.grace = kGrace;
  const Status ended = end_processes(selection, options);
  waitpid(builder, nullptr, 0);
  return ended;
}

}  // namespace

void BuilderOutput::talk(std::string_view bytes) {
  // The answer is on the last line: what looked like it and was not the last was talk, too.
  if (!answer_line_.empty()) sink_(std::exchange(answer_line_, {}) + "\n");
  sink_(bytes);
}

void BuilderOutput::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const std::string_view part = bytes.substr(0, newline == bytes.npos ? bytes.npos : newline + 1);
    bytes.remove_prefix(part.size());
    if (in_talk_) {
      talk(part);
      in_talk_ = !part.ends_with('\n');
      continue;
    }
    held_ += part;
    const bool may_be_answer = may_become(held_, kReady) || may_become(held_, kFailed);
    if (!may_be_answer) {
      talk(std::exchange(held_, {}));
      in_talk_ = !part.ends_with('\n');
    } else if (held_.ends_with('\n')) {
      end_line();
    }
  }
}

void BuilderOutput::end_line() {
  std::string line = std::exchange(held_, {});
  if (!line.starts_with(kReady) && !line.starts_with(kFailed)) return talk(line);
  if (!answer_line_.empty()) talk("");
  if (line.ends_with('\n')) line.pop_back();
  answer_line_ = std::move(line);
}

void BuilderOutput::finish() {
  if (!held_.empty()) end_line();
}

Result<ReadyEnvironment> BuilderOutput::answer() const {
  const std::string_view line(answer_line_);
  if (line.starts_with(kFailed)) return fail(error_of(line.substr(kFailed.size())));
  if (!line.starts_with(kReady))
    return fail(errors::environment_failed, "the builder ended without saying whether the environment is ready");
  TRY(const json::value document, parse_json(line.substr(kReady.size())));
  return ready_environment_from_json(document);
}

namespace {

struct BuilderFiles {
  std::filesystem::path recipe;
  // A file and not a pipe: when this server dies, the builder goes on and fills the cache.
  std::filesystem::path output;
};

// One builder from its start to its end, its output into `talk`. False where it was canceled.
Result<bool> follow_builder(const BuilderCall& call, const BuilderFiles& files, BuilderOutput& talk,
                            const std::function<bool()>& canceled) {
  CHECK_OK(write_file_atomically(files.output, "", 0600, false));
  const Fd inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (inotify) inotify_add_watch(inotify.get(), files.output.c_str(), IN_MODIFY);

  const std::string mark = "build-" + random_hex(16);
  SpawnPlan plan;
  plan.argv = {call.runner_binary.native(), "build", call.cache_folder.native()};
  plan.environment = builder_environment(mark);
  pass_open_files_limit(plan.environment, call.open_files);
  plan.working_directory = call.scratch_folder;
  plan.stdin_path = files.recipe;
  plan.stdout_path = files.output;
  plan.stderr_path = files.output;
  plan.new_session = true;
  TRY(const pid_t builder, spawn_process(plan));
  const Fd handle = process_handle(builder);

  uint64_t offset = 0;
  bool has_ended = false;
  while (true) {
    const Result<std::string> bytes = read_file_range(files.output, offset, kPieceBytes);
    if (bytes && !bytes->empty()) {
      offset += bytes->size();
      talk.feed(*bytes);
      continue;
    }
    if (has_ended) return true;
    if (canceled()) {
      if (const Status ended = end_builder(mark, builder); !ended)
        log_warning("builder not ended: {}", ended.error().to_string());
      return false;
    }
    std::array<pollfd, 2> polled{pollfd{handle.get(), POLLIN, 0}, pollfd{inotify.get(), POLLIN, 0}};
    poll(polled.data(), polled.size(), static_cast<int>(kAskForCancelEvery.count()));
    std::array<char, 4096> events{};
    while (inotify && read(inotify.get(), events.data(), events.size()) > 0) {}
    has_ended = waitpid(builder, nullptr, WNOHANG) != 0;  // what it wrote last is read in the next turn
  }
}

}  // namespace

Result<ReadyEnvironment> run_builder(const BuilderCall& call, const EnvironmentRecipe& recipe, const OutputSink& output,
                                     const std::function<bool()>& canceled) {
  CHECK_OK(make_directories(call.scratch_folder));
  const BuilderFiles files{call.scratch_folder / "recipe.json", call.scratch_folder / "output.txt"};
  CHECK_OK(write_file_atomically(files.recipe, json::serialize(to_json(recipe)), 0600, false));
  for (int tries = 1;; ++tries) {
    BuilderOutput talk(output);
    TRY(const bool has_ended, follow_builder(call, files, talk, canceled));
    if (!has_ended) return fail(errors::environment_failed, "the build was canceled");
    talk.finish();
    if (talk.has_answer() || tries == kBuilderTries) return talk.answer();
    log_warning("builder ended without an answer, starting another one hash={}", recipe.hash);
    output("The builder was killed; another one is started.\n");
  }
}

}  // namespace werkbank::compute
