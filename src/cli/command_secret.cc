// secret set | list | get (show) | delete
#include <fmt/format.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>

#include "base/files.hh"
#include "cli/command.hh"

namespace werkbank::cli {
namespace {

constexpr size_t kSecretMax = 1024 * 1024;

struct NameOptions {
  std::string name;
};

void declare_name(CLI::App& verb, NameOptions& options) {
  verb.add_option("NAME", options.name, "The secret's name")->required();
}

struct SetOptions {
  std::string name, file;
  const CLI::App* line = nullptr;  // for what stood there and is no option
};

void declare_set(CLI::App& verb, SetOptions& options) {
  verb.add_option("NAME", options.name, "The secret's name")->required();
  verb.add_option("--file", options.file, "Read the value from this file");
  verb.allow_extras();  // so that a value is refused without being shown again
  options.line = &verb;
}

// The only thing a signal handler may touch: how the terminal was.
termios terminal_before{};
void restore_and_end(int signal_number) {
  tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

// Typed text stays invisible while this lives; who ends the command by Ctrl-C sees again what is typed.
class SilentInput {
 public:
  SilentInput() {
    if (tcgetattr(STDIN_FILENO, &terminal_before) != 0) return;
    for (const int number : kEnding) signal(number, restore_and_end);
    termios silent = terminal_before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~SilentInput() {
    if (!changed_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_before);
    for (const int number : kEnding) signal(number, SIG_DFL);
  }
  SilentInput(const SilentInput&) = delete;
  SilentInput& operator=(const SilentInput&) = delete;

 private:
  static constexpr std::array kEnding{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  bool changed_ = false;
};

// One newline at the end is the editor's or the shell's, not the value's.
Result<Secret> checked(std::string value) {
  if (value.ends_with('\n')) value.pop_back();
  if (value.empty()) return fail(errors::usage, "the value is empty", "Give it on stdin: werkbank secret set NAME < FILE");
  if (!is_valid_utf8(value) || value.find('\0') != std::string::npos) {
    return fail(errors::usage, "the value is no UTF-8 text, or holds a NUL character",
                "Encode binary values, with base64 for instance.");
  }
  return Secret(std::move(value));
}

Result<Secret> read_stdin(Terminal& terminal, const std::string& name) {
  const bool person = isatty(STDIN_FILENO) == 1;
  std::string value;
  const SilentInput silent;
  if (person) terminal.say(fmt::format("Value of {} (not shown), then Enter:", visible(name)));
  char buffer[4096];
  while (true) {
    const ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0) return std::unexpected(errno_error(errno, "stdin"));
    if (count == 0) break;
    value.append(buffer, static_cast<size_t>(count));
    if (value.size() > kSecretMax) return fail(errors::too_large, fmt::format("a secret has at most {} bytes", kSecretMax));
    if (person && value.back() == '\n') break;
  }
  return checked(std::move(value));
}

// From stdin or a file: arguments are seen by every process of the machine, and kept in the shell's history.
Result<Secret> read_value(Terminal& terminal, const SetOptions& options) {
  if (options.line->remaining_size() > 0) {
    return fail(errors::usage,
                "the value of a secret is not taken from the command line, where others can read it; nothing was stored",
                fmt::format("Take another value, and give it on stdin or by --file: werkbank secret set {} < FILE",
                            visible(options.name)));
  }
  if (options.file.empty()) return read_stdin(terminal, options.name);
  TRY(std::string text, read_file(options.file, kSecretMax));
  return checked(std::move(text));
}

Result<std::string> route_of(Context& context, const std::string& name) {
  return context.route("/secrets/" + net::encode_segment(name));
}

Result<int> set_secret(Context& context, const SetOptions& options) {
  TRY(const Secret value, read_value(context.terminal(), options));
  TRY(const std::string target, route_of(context, options.name));
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value answer,
      server->send_json(net::Method::kPut, target, json::object{{"value", value.reveal()}}));
  context.terminal().say(fmt::format("Stored {}", visible(options.name)));
  return kExitDone;
}

Result<int> list_secrets(Context& context, const NoOptions&) {
  TRY(const std::string target, context.route("/secrets"));
  TRY(client::Session* const server, context.session());
  TRY(json::array items, client::fetch_list(*server, target, 100'000));
  CHECK_OK(context.print(json::value(std::move(items)), {text_column("Name", "name"), time_column("Created", "createdUtc")}));
  return kExitDone;
}

Result<int> get_secret(Context& context, const NameOptions& options) {
  TRY(const std::string target, route_of(context, options.name));
  TRY(client::Session* const server, context.session());
  TRY(const json::value secret, server->get(target + "/value"));
  if (!context.output.empty() || !context.query.empty()) {
    CHECK_OK(context.print(secret, {}));
    return kExitDone;
  }
  JsonReader reader(secret, "secret");
  const std::string value = reader.required_string("value");
  CHECK_OK(reader.finish(false));
  context.terminal().out(value + (context.terminal().out_is_terminal() ? "\n" : ""));
  return kExitDone;
}

Result<int> delete_secret(Context& context, const NameOptions& options) {
  TRY(const std::string target, route_of(context, options.name));
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value gone, server->send_empty(net::Method::kDelete, target));
  context.terminal().say(fmt::format("Deleted {}", visible(options.name)));
  return kExitDone;
}

}  // namespace

void add_secret_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "secret", "Passwords and keys, sealed on the server");
  add_verb<SetOptions>(noun, context,
                       {"set", "Store a secret; its value comes from stdin, a file, or is typed unseen",
                        "  werkbank secret set database-password\n"
                        "  werkbank secret set database-password < password.txt\n"
                        "  werkbank secret set deploy-key --file id_ed25519"},
                       declare_set, set_secret, {.output = false});
  add_verb<NoOptions>(noun, context, {"list", "List the names", "  werkbank secret list"}, nullptr, list_secrets);
  add_verb<NameOptions>(noun, context, {"get", "Print a secret's value", "  werkbank secret get database-password"}, declare_name,
                        get_secret)
      ->alias("show");
  add_verb<NameOptions>(noun, context, {"delete", "Delete a secret", "  werkbank secret delete database-password"}, declare_name,
                        delete_secret, {.output = false});
}

}  // namespace werkbank::cli
