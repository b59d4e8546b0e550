// quota show | set
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "cli/command.hh"
#include "net/url.hh"

namespace werkbank::cli {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 5> kResources{
    {{"Cores", "cores"}, {"GPUs", "gpus"}, {"MemoryMiB", "memoryMib"}, {"DiskMiB", "diskMib"}, {"Runs", "runs"}}};

const json::object& field(const json::object& object, std::string_view key) {
  static const json::object kEmpty;
  const json::value* const found = object.if_contains(key);
  return found != nullptr && found->is_object() ? found->get_object() : kEmpty;
}

// "3 of 8"; without a limit only the use.
std::string cell(const json::object& row, const char* key) {
  const json::value* const limit = field(row, "limits").if_contains(key);
  const json::value* const use = field(row, "use").if_contains(key);
  const std::string used = use == nullptr ? "" : plain_text(*use);
  if (limit == nullptr || limit->is_null()) return used;
  return used.empty() ? plain_text(*limit) : fmt::format("{} of {}", used, plain_text(*limit));
}

std::vector<Column> columns() {
  std::vector<Column> all{text_column("Whose", "whose")};
  for (const auto& [title, name] : kResources)
    all.push_back({title, [key = name](const json::object& row) { return cell(row, key); }, true});
  return all;
}

Result<int> print_quota(Context& context, const json::value& quota) {
  if (context.format(context.default_format) != OutputFormat::kTable || !context.query.empty()) {
    CHECK_OK(context.print(quota, {}));
    return kExitDone;
  }
  const json::object& limits = field(quota.as_object(), "limits");
  const json::object& use = field(quota.as_object(), "use");
  json::array rows;
  rows.push_back(
      json::object{{"whose", "the workspace"}, {"limits", field(limits, "workspace")}, {"use", field(use, "workspace")}});
  rows.push_back(json::object{{"whose", "each user"}, {"limits", field(limits, "eachUser")}});
  json::object users = field(use, "users");
  for (const auto& [user, own] : field(limits, "users")) {
    if (!users.contains(user)) users[user] = json::object();
  }
  for (const auto& [user, used] : users) {
    json::object own = field(limits, "eachUser");
    for (const auto& [key, limit] : field(field(limits, "users"), user)) {
      if (!limit.is_null()) own[key] = limit;
    }
    rows.push_back(json::object{{"whose", user}, {"limits", std::move(own)}, {"use", used}});
  }
  CHECK_OK(context.print(json::value(std::move(rows)), columns()));
  return kExitDone;
}

Result<int> show_quota(Context& context, const NoOptions&) {
  TRY(const std::string target, context.route("/quota"));
  TRY(client::Session* const server, context.session());
  TRY(const json::value quota, server->get(target));
  return print_quota(context, quota);
}

struct SetOptions {
  std::string user, cores, gpus, memory, disk, runs;
  bool each_user = false;
};

void declare_set(CLI::App& verb, SetOptions& options) {
  CLI::Option* const user = verb.add_option("--user", options.user, "Limit this user (default: the whole workspace)");
  verb.add_flag("--each-user", options.each_user, "Limit each user who has no limit of their own")->excludes(user);
  verb.add_option("--cores", options.cores, "Cores of nodes at the same time, or none");
  verb.add_option("--gpus", options.gpus, "GPUs of nodes at the same time, or none");
  verb.add_option("--memory", options.memory, "Memory of nodes at the same time: 64G, 512M, or none");
  verb.add_option("--disk", options.disk, "What the files of all runs may take: 2T, 500G, or none");
  verb.add_option("--runs", options.runs, "Runs that hold room on a target at the same time, or none");
}

// "8", or where `in_mib` "512M", "64G", "2T", "64GiB". "none" is null.
Result<json::value> limit_of(const char* option, const std::string& text, bool in_mib) {
  if (text == "none") return json::value(nullptr);
  std::string_view digits = text;
  int64_t factor = in_mib ? 0 : 1;
  if (in_mib) {
    if (digits.ends_with("iB"))
      digits.remove_suffix(2);
    else if (digits.ends_with("B"))
      digits.remove_suffix(1);
    constexpr std::array<std::pair<char, int64_t>, 3> kUnits{{{'M', 1}, {'G', 1024}, {'T', 1024 * 1024}}};
    for (const auto& [letter, mib] : kUnits) {
      if (!digits.ends_with(letter)) continue;
      digits.remove_suffix(1);
      factor = mib;
      break;
    }
  }
  int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  const bool is_whole = error == std::errc{} && end == digits.data() + digits.size();
  if (is_whole && factor > 0 && count >= 0 && count <= (int64_t{1} << 30)) return json::value(count * factor);
  return fail(errors::usage, fmt::format("{} {:?} is no limit", option, text),
              in_mib ? "Write a number with M, G or T, or none." : "Write a whole number, or none.");
}

Result<int> set_quota(Context& context, const SetOptions& options) {
  json::object limits;
  const auto add = [&](const char* option, const char* key, const std::string& text, bool in_mib) -> Status {
    if (text.empty()) return {};
    TRY(limits[key], limit_of(option, text, in_mib));
    return {};
  };
  CHECK_OK(add("--cores", "cores", options.cores, false));
  CHECK_OK(add("--gpus", "gpus", options.gpus, false));
  CHECK_OK(add("--memory", "memoryMib", options.memory, true));
  CHECK_OK(add("--disk", "diskMib", options.disk, true));
  CHECK_OK(add("--runs", "runs", options.runs, false));
  if (limits.empty())
    return fail(errors::usage, "no limit is named", "Name one at least: --cores, --gpus, --memory, --disk, --runs.");
  json::object body;
  if (!options.user.empty())
    body["users"] = json::object{{options.user, std::move(limits)}};
  else
    body[options.each_user ? "eachUser" : "workspace"] = std::move(limits);
  TRY(const std::string workspace, context.workspace());
  TRY(client::Session* const server, context.session());
  TRY(const json::value quota, server->send_json(net::Method::kPatch, "/api/v1/quotas/" + net::encode_segment(workspace), body));
  return print_quota(context, quota);
}

}  // namespace

void add_quota_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "quota", "How much a workspace and its users may have");
  add_verb<NoOptions>(noun, context, {"show", "Show the limits and what is in use", "  werkbank quota show -w vision"}, nullptr,
                      show_quota);
  add_verb<SetOptions>(noun, context,
                       {"set", "Set or lift limits",
                        "  werkbank quota set --cores 16 --memory 64G --runs 20\n  werkbank quota set --user anna --gpus 1\n"
                        "  werkbank quota set --each-user --runs none"},
                       declare_set, set_quota);
}

}  // namespace werkbank::cli
