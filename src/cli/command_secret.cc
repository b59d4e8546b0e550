// secret set | list | show | delete
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

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

// Typed text stays invisible while this lives.
class SilentInput {
 public:
  SilentInput() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~SilentInput() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  SilentInput(const SilentInput&) = delete;
  SilentInput& operator=(const SilentInput&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

// From stdin and nowhere else: arguments are seen by every process of the machine.
Result<Secret> read_value(Terminal& terminal, const std::string& name) {
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
  if (value.ends_with('\n')) value.pop_back();
  if (value.empty()) return fail(errors::usage, "the value is empty", "Give it on stdin: werkbank secret set NAME < FILE");
  return Secret(std::move(value));
}

Result<std::string> route_of(Context& context, const std::string& name) {
  return context.route("/secrets/" + net::encode_segment(name));
}

Result<int> set_secret(Context& context, const NameOptions& options) {
  TRY(const Secret value, read_value(context.terminal(), options.name));
  if (!is_valid_utf8(value.reveal()))
    return fail(errors::usage, "the value is no UTF-8 text", "Encode binary values, with base64 for instance.");
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
  CHECK_OK(context.print(json::value(std::move(items)), {}));
  return kExitDone;
}

Result<int> show_secret(Context& context, const NameOptions& options) {
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
  add_verb<NameOptions>(
      noun, context,
      {"set", "Store a secret; its value comes from stdin", "  werkbank secret set database-password < password.txt"},
      declare_name, set_secret, {.output = false});
  add_verb<NoOptions>(noun, context, {"list", "List the names", "  werkbank secret list"}, nullptr, list_secrets);
  add_verb<NameOptions>(noun, context, {"show", "Print a secret's value", "  werkbank secret show database-password"},
                        declare_name, show_secret);
  add_verb<NameOptions>(noun, context, {"delete", "Delete a secret", "  werkbank secret delete database-password"}, declare_name,
                        delete_secret, {.output = false});
}

}  // namespace werkbank::cli
