// What every command works with: the environment, the terminal, the way to the server, the project's workspace, the output
// format.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cli/cli.hh"
#include "cli/output.hh"
#include "cli/terminal.hh"
#include "client/session.hh"

namespace werkbank::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitRefused = 2;
inline constexpr int kExitInterrupted = 130;

class Context {
 public:
  Context(const CliPrograms& programs, std::map<std::string, std::string> environment, Terminal& terminal);

  const CliPrograms& programs() const { return programs_; }
  const std::map<std::string, std::string>& environment() const { return environment_; }
  Terminal& terminal() { return terminal_; }
  // The connection, made at the first call. Starting the local server is said on the terminal.
  Result<client::Session*> session();
  // The next session() is made anew (after a login).
  void forget_session() { session_.reset(); }
  // --workspace, else the project's configuration above `folder`, else "default".
  Result<std::string> workspace(const std::filesystem::path& folder = ".");
  // "/api/v1/workspaces/<workspace>" + path
  Result<std::string> route(std::string_view path);
  // A workspace that the project's configuration names, and not yet on the local server, is made: names are free there.
  Status ensure_workspace(const std::string& name);
  // Prints what --query leaves, in the format of -o or else `fallback`.
  Status print(const json::value& value, const std::vector<Column>& columns, OutputFormat fallback);
  Status print(const json::value& value, const std::vector<Column>& columns) { return print(value, columns, default_format); }
  OutputFormat format(OutputFormat fallback) const;
  // Does a person read the answer? Without -o, --query and a format of another program.
  bool prints_table() const { return query.empty() && format(default_format) == OutputFormat::kTable; }
  // "2 of 3 …" is never left unsaid: a list that was cut is told on stderr.
  void tell_cut(size_t shown, bool more);
  // Where the studio shows a run; without an address that a browser opens, the command that shows it.
  Result<std::string> web_view(const std::string& workspace, const std::string& run);

  // Set by the command line.
  std::string output;
  std::string query;
  std::string workspace_flag;
  std::string project_folder = ".";  // --path of the az dialects
  std::string metadata_file;         // --output-metadata-file: what is printed, written there as JSON too
  OutputFormat default_format = OutputFormat::kTable;
  std::string program = "werkbank";                // in messages
  std::vector<std::string> verbatim;               // what stood behind the script's name on the line
  std::vector<std::string> options_before_script;  // the long names of such a verb's own options
  std::function<Result<int>()> action;

 private:
  const CliPrograms& programs_;
  std::map<std::string, std::string> environment_;
  Terminal& terminal_;
  std::unique_ptr<client::Session> session_;
};

struct VerbText {
  std::string name;
  std::string description;
  std::string examples;  // lines for the end of --help
};

// Which common options a verb has.
struct VerbOptions {
  bool workspace = true;
  bool output = true;
};

CLI::App* add_noun(CLI::App& parent, const std::string& name, const std::string& description);
CLI::App* add_bare_verb(CLI::App& noun, Context& context, const VerbText& text, VerbOptions options);

// A verb with its own options: `declare` adds them to the parser, `call` is run with what was parsed.
template <typename Options>
CLI::App* add_verb(CLI::App& noun, Context& context, const VerbText& text, void (*declare)(CLI::App&, Options&),
                   Result<int> (*call)(Context&, const Options&), VerbOptions common = {}) {
  CLI::App* const verb = add_bare_verb(noun, context, text, common);
  auto options = std::make_shared<Options>();
  if (declare != nullptr) declare(*verb, *options);
  verb->callback([&context, options, call] { context.action = [&context, options, call] { return call(context, *options); }; });
  return verb;
}

struct NoOptions {};

// A repeatable option that takes exactly one value each time.
CLI::Option* add_repeatable(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                            const std::string& description);
// "k=v" into a pair; usage where there is no '='.
Result<std::pair<std::string, std::string>> split_assignment(const std::string& text, std::string_view option);
int exit_code_of(const Error& error);

}  // namespace werkbank::cli
