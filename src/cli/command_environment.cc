// environment list | show | build | prepare | delete | prune
#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hh"
#include "cli/command.hh"
#include "cli/prepare.hh"
#include "domain/submitter.hh"

namespace werkbank::cli {
namespace {

constexpr std::string_view kDefaultRuntime = "default-runtime";
constexpr size_t kShownDigits = 12;
constexpr size_t kPrefixDigitsMin = 6;
constexpr int64_t kDayMs = 24LL * 60 * 60 * 1000;

std::string built_route(const std::string& target) {
  return fmt::format("/api/v1/compute/{}/environments", net::encode_segment(target));
}

std::string text_at(const json::value& document, std::string_view field) {
  const json::value* const value = document.is_object() ? find_field(document.as_object(), field) : nullptr;
  return value == nullptr ? std::string() : plain_text(*value);
}

bool is_set(const json::value& document, std::string_view field) { return text_at(document, field) == "true"; }

std::string joined_packages(const json::object& environment) {
  const json::value* const packages = environment.if_contains("packages");
  std::string text;
  if (packages == nullptr || !packages->is_array()) return text;
  for (const json::value& package : packages->as_array()) text += (text.empty() ? "" : ", ") + plain_text(package);
  constexpr size_t kWidth = 60;
  return text.size() <= kWidth ? text : text.substr(0, kWidth - 1) + "…";
}

std::vector<Column> built_columns(bool with_sizes) {
  std::vector<Column> columns{{"Hash", [](const json::object& one) { return text_at(one, "hash").substr(0, kShownDigits); }},
                              text_column("Name", "name"),
                              text_column("Python", "pythonVersion"),
                              {"Packages", joined_packages},
                              time_column("Used", "usedUtc"),
                              text_column("InUse", "inUse")};
  if (with_sizes) {
    columns.push_back({"Size",
                       [](const json::object& one) {
                         const std::string bytes = text_at(one, "sizeBytes");
                         return bytes.empty() ? bytes : human_bytes(std::strtoull(bytes.c_str(), nullptr, 10));
                       },
                       true});
  }
  columns.push_back({"Interpreter", [](const json::object& one) {
                       return is_set(one, "ready") ? text_at(one, "interpreter") : "(not built yet)";
                     }});
  return columns;
}

struct ListOptions {
  bool built = false;
  std::string target = "local";
};

void declare_list(CLI::App& verb, ListOptions& options) {
  verb.add_flag("--built", options.built, "Those that lie ready on the target, whoever asked for them, with their sizes");
  verb.add_option("-t,--target", options.target, "Compute target")->capture_default_str();
}

// The registered ones; before them the default runtime, which is there without being registered.
Result<int> list_environments(Context& context, const ListOptions& options) {
  TRY(const std::string registered, context.route("/environments"));
  TRY(client::Session* const server, context.session());
  TRY(json::array built, client::fetch_list(*server, built_route(options.target) + (options.built ? "?sizes=true" : ""), 10'000));
  if (options.built) {
    CHECK_OK(context.print(json::value(std::move(built)), built_columns(true)));
    return kExitDone;
  }
  json::array items;
  for (const json::value& one : built) {
    if (text_at(one, "name") != kDefaultRuntime) continue;
    items.push_back(json::object{{"name", kDefaultRuntime},
                                 {"version", ""},
                                 {"pythonVersion", text_at(one, "pythonVersion")},
                                 {"userManaged", false},
                                 {"ready", is_set(one, "ready")},
                                 {"interpreter", text_at(one, "interpreter")}});
  }
  TRY(json::array versions, client::fetch_list(*server, registered, 10'000));
  for (json::value& version : versions) items.push_back(std::move(version));
  CHECK_OK(context.print(json::value(std::move(items)),
                         {text_column("Name", "name"), text_column("Version", "version"), text_column("Python", "pythonVersion"),
                          text_column("UserManaged", "userManaged"), text_column("Interpreter", "interpreter")}));
  return kExitDone;
}

struct NameOptions {
  std::string name, version, label, target = "local";
  bool lock = false;
};

void declare_name(CLI::App& verb, NameOptions& options) {
  verb.add_option("NAME", options.name,
                  "A registered environment, the hash of a built one (its first digits), or default-runtime")
      ->required();
  verb.add_option("-v,--version", options.version, "A version (default: the newest)");
  verb.add_option("--label", options.label, "The version that this label points at")->excludes("--version");
  verb.add_option("-t,--target", options.target, "Compute target")->capture_default_str();
}

void declare_show(CLI::App& verb, NameOptions& options) {
  declare_name(verb, options);
  verb.add_flag("--lock", options.lock, "Print what exactly is installed, with hashes, and nothing else");
}

bool looks_like_hash(std::string_view text) {
  return text.size() >= kPrefixDigitsMin &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// A built environment by the digits of its hash or as the default runtime; nothing where the name is neither.
Result<std::optional<json::value>> find_built(client::Session& server, const NameOptions& options) {
  if (options.name != kDefaultRuntime && !looks_like_hash(options.name)) return std::nullopt;
  TRY(json::array built, client::fetch_list(server, built_route(options.target), 10'000));
  std::optional<json::value> found;
  for (json::value& one : built) {
    const bool meant = options.name == kDefaultRuntime ? text_at(one, "name") == kDefaultRuntime
                                                       : text_at(one, "hash").starts_with(options.name) && is_set(one, "ready");
    if (!meant) continue;
    if (found) return fail(errors::usage, fmt::format("several environments begin with {}", options.name), "Give more digits.");
    found = std::move(one);
  }
  return found;
}

Result<json::value> fetch_definition(Context& context, client::Session& server, const NameOptions& options) {
  TRY(std::string target, context.route("/environments/" + net::encode_segment(options.name)));
  if (!options.version.empty()) target += "?version=" + net::encode_segment(options.version);
  if (!options.label.empty()) target += "?label=" + net::encode_segment(options.label);
  return server.get(target);
}

// What the server says of a definition beside what it is.
void drop_stored_facts(json::value& definition) {
  if (!definition.is_object()) return;
  for (const char* const fact : {"createdUtc", "curated", "labels"}) definition.as_object().erase(fact);
}

// What a registered definition comes to on the target; it may not be built.
Result<json::value> find_of_definition(Context& context, client::Session& server, json::value definition,
                                       const std::string& target) {
  drop_stored_facts(definition);
  TRY(const std::string route, context.route("/environments/find"));
  return server.send_json(net::Method::kPost, route,
                          json::object{{"environment", std::move(definition)},
                                       {"target", target},
                                       {"submitterEnvironment", text_map_to_json(submitter_environment(context.environment()))}});
}

Result<std::string> fetch_lock(client::Session& server, const std::string& target, const json::value& built) {
  if (!is_set(built, "ready")) {
    return fail(errors::not_found, "the environment is not built yet, so nothing is locked",
                "werkbank environment build builds it; every run that needs it does, too.");
  }
  net::ClientRequest get{.method = net::Method::kGet,
                         .target = fmt::format("{}/{}/lock", built_route(target), net::encode_segment(text_at(built, "hash")))};
  TRY(const net::ClientResponse answer, server.call(get, client::Repeat::kSafe));
  return answer.body;
}

Result<int> show_environment(Context& context, const NameOptions& options) {
  TRY(client::Session* const server, context.session());
  TRY(std::optional<json::value> built, find_built(*server, options));
  json::value shown;
  if (built) {
    shown = *built;
  } else {
    TRY(shown, fetch_definition(context, *server, options));
    TRY(built, find_of_definition(context, *server, shown, options.target));
  }
  if (options.lock) {
    TRY(const std::string lock, fetch_lock(*server, options.target, *built));
    context.terminal().out(lock);
    return kExitDone;
  }
  if (shown.is_object() && text_at(shown, "hash").empty()) shown.as_object()["built"] = *built;
  if (shown.is_object() && is_set(*built, "ready")) {
    TRY(const std::string lock, fetch_lock(*server, options.target, *built));
    shown.as_object()["lock"] = lock;
  }
  CHECK_OK(context.print(shown, {}, OutputFormat::kYaml));
  return kExitDone;
}

// One built environment goes; the registered definition, which runs refer to, stays.
Result<int> delete_environment(Context& context, const NameOptions& options) {
  TRY(client::Session* const server, context.session());
  TRY(std::optional<json::value> built, find_built(*server, options));
  if (!built) {
    TRY(json::value definition, fetch_definition(context, *server, options));
    TRY(built, find_of_definition(context, *server, std::move(definition), options.target));
  }
  const std::string hash = text_at(*built, "hash");
  if (!is_set(*built, "ready")) {
    context.terminal().say(fmt::format("{} is not built: there is nothing to delete", visible(options.name)));
    return kExitDone;
  }
  TRY([[maybe_unused]] const json::value gone,
      server->send_empty(net::Method::kDelete, fmt::format("{}/{}", built_route(options.target), net::encode_segment(hash))));
  const bool is_registered = options.name != kDefaultRuntime && !hash.starts_with(options.name);
  context.terminal().say(fmt::format(
      "Deleted what was built on {} ({}); the next run that needs it builds it again{}", options.target,
      hash.substr(0, kShownDigits),
      is_registered ? fmt::format(". The registered definition {:?} stays: runs refer to it", visible(options.name)) : ""));
  return kExitDone;
}

struct VersionsOptions {
  std::string name;
};

void declare_versions(CLI::App& verb, VersionsOptions& options) {
  verb.add_option("NAME", options.name, "A registered environment")->required();
}

std::string joined_labels(const json::object& version) {
  const json::value* const labels = version.if_contains("labels");
  std::string text;
  if (labels == nullptr || !labels->is_array()) return text;
  for (const json::value& label : labels->get_array()) text += (text.empty() ? "" : ", ") + plain_text(label);
  return text;
}

std::vector<Column> version_columns() {
  return {text_column("Version", "version"),
          {"Labels", joined_labels},
          text_column("Python", "pythonVersion"),
          time_column("Created", "createdUtc")};
}

Result<int> list_versions(Context& context, const VersionsOptions& options) {
  TRY(const std::string route, context.route(fmt::format("/environments/{}/versions", net::encode_segment(options.name))));
  TRY(client::Session* const server, context.session());
  TRY(json::array versions, client::fetch_list(*server, route, 10'000));
  CHECK_OK(context.print(json::value(std::move(versions)), version_columns()));
  return kExitDone;
}

struct LabelOptions {
  std::string name, version;
  std::vector<std::string> labels;
  bool remove = false;
};

void declare_label(CLI::App& verb, LabelOptions& options) {
  verb.add_option("NAME", options.name, "A registered environment")->required();
  verb.add_option("LABEL", options.labels, "Texts such as stable or in-review")->required();
  CLI::Option* const version =
      verb.add_option("-v,--version", options.version, "The version they point at (default: the newest)");
  verb.add_flag("--remove", options.remove, "Take the labels away")->excludes(version);
}

Result<int> label_environment(Context& context, const LabelOptions& options) {
  TRY(client::Session* const server, context.session());
  for (const std::string& label : options.labels) {
    TRY(const std::string route,
        context.route(fmt::format("/environments/{}/labels/{}", net::encode_segment(options.name), net::encode_segment(label))));
    if (options.remove) {
      TRY([[maybe_unused]] const json::value gone, server->send_empty(net::Method::kDelete, route));
      continue;
    }
    const json::object wanted{{"version", options.version.empty() ? "latest" : options.version}};
    TRY([[maybe_unused]] const json::value labelled, server->send_json(net::Method::kPut, route, wanted));
  }
  return list_versions(context, {options.name});
}

struct PruneOptions {
  int64_t unused_days = 30;
  bool dry_run = false;
  std::string target = "local";
};

void declare_prune(CLI::App& verb, PruneOptions& options) {
  verb.add_option("--unused-for", options.unused_days, "Days that no run has asked for it (0: all that no run uses)")
      ->check(CLI::Range(0, 36500))
      ->capture_default_str();
  verb.add_flag("--dry-run", options.dry_run, "Only say what would go, and how much that is");
  verb.add_option("-t,--target", options.target, "Compute target")->capture_default_str();
}

Result<int> prune_environments(Context& context, const PruneOptions& options) {
  TRY(client::Session* const server, context.session());
  TRY(json::array built, client::fetch_list(*server, built_route(options.target) + "?sizes=true", 10'000));
  const UtcMs limit = system_clock().utc_now_ms() - options.unused_days * kDayMs;
  json::array pruned;
  uint64_t bytes = 0;
  for (json::value& one : built) {
    const auto used = parse_utc(text_at(one, "usedUtc"));
    const bool old = used && (options.unused_days == 0 || *used < limit);
    if (!is_set(one, "ready") || is_set(one, "inUse") || !old) continue;
    if (!options.dry_run) {
      auto gone = server->send_empty(
          net::Method::kDelete, fmt::format("{}/{}", built_route(options.target), net::encode_segment(text_at(one, "hash"))));
      if (!gone && gone.error().code == &errors::run_state_conflict) continue;  // a run has come for it meanwhile
      if (!gone) return fail(std::move(gone).error());
    }
    bytes += std::strtoull(text_at(one, "sizeBytes").c_str(), nullptr, 10);
    pruned.push_back(std::move(one));
  }
  context.terminal().say(fmt::format("{} {} environment{}, {}", options.dry_run ? "Would delete" : "Deleted", pruned.size(),
                                     pruned.size() == 1 ? "" : "s", human_bytes(bytes)));
  CHECK_OK(context.print(json::value(std::move(pruned)), built_columns(true)));
  return kExitDone;
}

struct BuildOptions {
  SubmitRequest request;
  NameOptions named;
};

void declare_build(CLI::App& verb, BuildOptions& options) {
  SubmitRequest& request = options.request;
  verb.add_option("NAME", options.named.name, "A registered environment, or default-runtime");
  verb.add_option("-v,--version", options.named.version, "A version of it (default: the newest)");
  verb.add_option("--label", options.named.label, "The version that this label points at")->excludes("--version");
  verb.add_option("-c,--config", request.configuration, "The project's run configuration");
  verb.add_option("-t,--target", request.target, "Compute target (default: the configuration's, or local)");
  verb.add_option("--conda-file", request.conda_file, "This conda_dependencies.yml");
  verb.add_option("--python", request.python, "This interpreter, as it is");
  add_repeatable(verb, "--requirement", request.requirements, "This requirement (repeatable)");
  verb.add_option("--environment-policy", request.environment_policy,
                  "exact (default): pins are met or the build fails; nearest: they give way where they must");
  verb.add_option("--source-directory", request.folder, "The project folder");
}

Result<int> build_environment(Context& context, const BuildOptions& options) {
  const SubmitRequest& request = options.request;
  if (options.named.name.empty()) return prepare_environment(context, request);
  if (!request.configuration.empty() || !request.conda_file.empty() || !request.requirements.empty() || !request.python.empty()) {
    return fail(errors::usage, "either NAME, or -c, --conda-file, --requirement or --python says what is built");
  }
  const std::string target = request.target.empty() ? "local" : request.target;
  if (options.named.name == kDefaultRuntime) return prepare_default_runtime(context, target);
  TRY(client::Session* const server, context.session());
  TRY(json::value definition, fetch_definition(context, *server, options.named));
  drop_stored_facts(definition);
  if (definition.is_object() && !request.environment_policy.empty())
    definition.as_object()["policy"] = request.environment_policy;
  return prepare_definition(context, definition, target);
}

}  // namespace

void add_environment_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "environment", "Environments that runs are executed in");
  add_verb<ListOptions>(noun, context,
                        {"list", "List the registered environments, and the default runtime with its path",
                         "  werkbank environment list\n  werkbank environment list --built"},
                        declare_list, list_environments);
  add_verb<NameOptions>(noun, context,
                        {"show", "Show one environment: what was asked for, and what exactly is installed",
                         "  werkbank environment show sklearn -v 2\n  werkbank environment show sklearn --lock\n"
                         "  werkbank environment show default-runtime"},
                        declare_show, show_environment);
  add_verb<VersionsOptions>(noun, context,
                            {"versions", "List the versions of one, oldest first", "  werkbank environment versions sklearn"},
                            declare_versions, list_versions);
  add_verb<LabelOptions>(noun, context,
                         {"label", "Let labels point at a version, and at no other",
                          "  werkbank environment label sklearn stable -v 2\n  werkbank environment show sklearn --label stable\n"
                          "  werkbank environment label sklearn stable --remove"},
                         declare_label, label_environment);
  for (const char* const name : {"build", "prepare"}) {
    add_verb<BuildOptions>(noun, context,
                           {name, "Build an environment now, so that the next run finds it ready",
                            fmt::format("  werkbank environment {0} sklearn\n"
                                        "  werkbank environment {0} --conda-file conda_dependencies.yml\n"
                                        "  werkbank environment {0} -c local",
                                        name)},
                           declare_build, build_environment);
  }
  add_verb<NameOptions>(noun, context,
                        {"delete", "Delete what was built of an environment; the definition stays",
                         "  werkbank environment delete 3f2a9c\n  werkbank environment delete sklearn"},
                        declare_name, delete_environment);
  add_verb<PruneOptions>(noun, context,
                         {"prune", "Delete built environments that no run has asked for in a while",
                          "  werkbank environment prune\n  werkbank environment prune --unused-for 7 --dry-run"},
                         declare_prune, prune_environments);
}

}  // namespace werkbank::cli
