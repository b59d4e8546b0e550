// serve, and server start | stop | status
#include <fmt/format.h>

#include "base/process.hh"
#include "cli/command.hh"
#include "client/server_process.hh"

namespace werkbank::cli {
namespace {

struct ServeCommand {
  ServeOptions options;
  int64_t idle_exit_seconds = 0;
};

void declare_serve(CLI::App& verb, ServeCommand& command) {
  add_repeatable(verb, "--listen", command.options.listen, "HOST:PORT to serve besides the home's socket (repeatable)");
  add_repeatable(verb, "--allow-host", command.options.allowed_hosts,
                 "A further name in Host and Origin, of a proxy in front (repeatable)");
  verb.add_flag("--no-auth", command.options.no_auth, "TCP needs no token and acts as owner; loopback only");
  verb.add_option("--tls-cert", command.options.tls_certificate, "PEM file of the certificate and its chain: TCP speaks TLS");
  verb.add_option("--tls-key", command.options.tls_key, "PEM file of its key; without it the certificate's file holds it");
  verb.add_option("--idle-exit", command.idle_exit_seconds, "End after this many idle seconds; 0: never")
      ->check(CLI::Range(0, 31'536'000));
  verb.add_option("--threads", command.options.threads, "Threads that answer requests")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  verb.add_option("--keep-backups", command.options.backups_kept, "Daily copies of the records to keep in the home; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  verb.add_option("--keep-events", command.options.events_kept_days, "Days that events are kept, for live streams to go on from")
      ->check(CLI::Range(1, 36'500))
      ->capture_default_str();
  verb.add_option("--log-level", command.options.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
}

Result<int> serve(Context& context, const ServeCommand& command) {
  if (!context.programs().serve) return fail(errors::not_supported, "this program was built without the server");
  ServeOptions options = command.options;
  TRY(options.home, client::find_home(context.environment()));
  options.idle_exit = std::chrono::seconds(command.idle_exit_seconds);
  return context.programs().serve(options);
}

struct StartOptions {
  std::vector<std::string> listen;
  bool no_auth = false;
  bool stay = false;
};

void declare_start(CLI::App& verb, StartOptions& options) {
  add_repeatable(verb, "--listen", options.listen, "HOST:PORT to serve besides the socket (repeatable)");
  verb.add_flag("--no-auth", options.no_auth, "TCP needs no token and acts as owner; loopback only");
  verb.add_flag("--stay", options.stay, "Do not end when idle; so too with --listen");
}

Result<int> start(Context& context, const StartOptions& options) {
  TRY(const client::ServerAddress address, client::find_server(context.environment()));
  if (!address.local) {
    return fail(errors::usage, fmt::format("WERKBANK_URL names another server: {}", address.url),
                "Unset WERKBANK_URL to start the local one.");
  }
  client::ServerProgram program{.executable = own_executable(), .home = address.home, .environment = context.environment()};
  for (const std::string& listen : options.listen) program.arguments.push_back("--listen=" + listen);
  if (options.no_auth) program.arguments.emplace_back("--no-auth");
  if (options.stay || !options.listen.empty()) program.idle_exit = std::chrono::seconds(0);
  TRY(const bool started, client::start_server(program));
  if (!started && (!options.listen.empty() || options.no_auth)) {
    return fail(errors::already_exists, "the server runs already, without these settings",
                "Stop it first: werkbank server stop; runs go on meanwhile.");
  }
  context.terminal().say(fmt::format("{} {}", started ? "Started:" : "Runs already:", address.url));
  return kExitDone;
}

Result<int> stop(Context& context, const NoOptions&) {
  TRY(const std::filesystem::path home, client::find_home(context.environment()));
  TRY(const bool stopped, client::stop_server(home));
  context.terminal().say(stopped ? "Stopped; runs go on, and a later server finds them" : "No server is running");
  return kExitDone;
}

Result<int> status(Context& context, const NoOptions&) {
  TRY(const client::ServerAddress address, client::find_server(context.environment()));
  // Looks only: no server is started by asking whether one runs.
  client::Session session(address, {});
  const auto answer = session.get("/api/v1");
  json::object document{{"running", answer.has_value()}, {"url", address.url}, {"home", address.home.string()}};
  if (!answer && answer.error().code != &errors::server_unreachable) return fail(answer.error());
  if (answer && answer->is_object()) {
    for (const auto& field : answer->as_object()) document[field.key()] = field.value();
  }
  CHECK_OK(context.print(document, {text_column("Running", "running"), text_column("Address", "url"), text_column("Home", "home"),
                                    text_column("Version", "version"), text_column("Login", "authentication")}));
  return answer ? kExitDone : kExitFailed;
}

}  // namespace

void add_server_commands(CLI::App& app, Context& context) {
  constexpr VerbOptions kPlain{.workspace = false, .output = false};
  add_verb<ServeCommand>(
      app, context, {"serve", "Be the server, in the foreground", "  werkbank serve\n  werkbank serve --listen 127.0.0.1:8765"},
      declare_serve, serve, kPlain);
  CLI::App& noun = *add_noun(app, "server", "The server of this user's WERKBANK_HOME");
  add_verb<StartOptions>(
      noun, context, {"start", "Start it in the background; every command does so when it is needed", "  werkbank server start"},
      declare_start, start, kPlain);
  add_verb<NoOptions>(noun, context, {"stop", "Stop it; runs go on", "  werkbank server stop"}, nullptr, stop, kPlain);
  add_verb<NoOptions>(noun, context,
                      {"status", "Does it run, and where (exit code 1: it does not)", "  werkbank server status -o json"},
                      nullptr, status, {.workspace = false});
}

}  // namespace werkbank::cli
