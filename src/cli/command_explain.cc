// explain CODE | why RUN
#include <fmt/format.h>

#include "cli/command.hh"
#include "domain/run.hh"

namespace werkbank::cli {
namespace {

struct ExplainOptions {
  std::string code;
  bool all = false;
};

void declare_explain(CLI::App& verb, ExplainOptions& options) {
  verb.add_option("CODE", options.code, "The code in the brackets of a message");
  verb.add_flag("--all", options.all, "Every code");
}

std::string_view kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return "invalid";
    case ErrorKind::kNotFound:
      return "not found";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kDenied:
      return "denied";
    case ErrorKind::kUnauthenticated:
      return "unauthenticated";
    case ErrorKind::kTooLarge:
      return "too large";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kInternal:
      break;
  }
  return "internal";
}

// The reasons that a run's end has; they stand in brackets like the codes of errors.
struct EndText {
  RunEndKind kind;
  std::string_view title, remedy;
};
constexpr EndText kEnds[] = {
    {RunEndKind::kExitCode, "The script ended with an exit code other than 0", "Its last lines say why: `werkbank why RUN`."},
    {RunEndKind::kSignal, "A signal ended the script", "`werkbank why RUN` names it; after a crash, look for a core dump."},
    {RunEndKind::kOutOfMemory, "The kernel ended the script for its memory", "Let it use less, or give the machine more."},
    {RunEndKind::kTimeout, "The script ran longer than its limit",
     "Raise max_run_duration_seconds (--timeout), or make the script save checkpoints and submit the rest."},
    {RunEndKind::kCanceled, "A user canceled the run", "Submit it again to repeat it."},
    {RunEndKind::kLost, "What watched over the script is gone, so nobody knows how the script ended",
     "Look at the run's log and files; submit it again."},
    {RunEndKind::kEnvironment, "The run's environment could not be built",
     "The message names the requirement; the whole output is in azureml-logs/20_image_build_log.txt."},
    {RunEndKind::kLaunch, "The script could not be started", "The message says what is missing; correct it and submit again."},
    {RunEndKind::kGivenUp, "Werkbank itself could not go on with the run, and gave up after twelve tries in seven minutes",
     "The message says what failed last; put that right and submit again."},
    {RunEndKind::kOutput, "The script ended well, and an output of the run could not be stored in its datastore",
     "The message says what the storage answered; put that right and submit again."},
    {RunEndKind::kClient, "The program that logged the run ended it with run.fail()", "The message is that program's own."},
};

// What the Python package raises by itself.
struct SdkText {
  std::string_view code, title, remedy;
};
constexpr SdkText kSdkCodes[] = {
#define WB_SDK_ERROR(id, title, remedy) {#id, title, remedy},
#include "cli/sdk_codes.def"
#undef WB_SDK_ERROR
};

json::object document_of(const SdkText& code) {
  return {{"code", code.code}, {"kind", "python"}, {"title", code.title}, {"remedy", code.remedy}};
}

json::object document_of(const EndText& end) {
  return {{"code", to_string(end.kind)}, {"kind", "run"}, {"title", end.title}, {"remedy", end.remedy}};
}

json::object document_of(const ErrorCode& code) {
  return {{"code", code.id}, {"kind", kind_name(code.kind)}, {"title", code.title}, {"remedy", code.remedy}};
}

Result<int> explain(Context& context, const ExplainOptions& options) {
  const std::vector<Column> columns{text_column("Code", "code"), text_column("Kind", "kind"), text_column("What", "title"),
                                    text_column("Remedy", "remedy")};
  if (options.all) {
    json::array codes;
    for (const ErrorCode* code : all_error_codes()) codes.push_back(document_of(*code));
    for (const EndText& end : kEnds) codes.push_back(document_of(end));
    for (const SdkText& code : kSdkCodes) codes.push_back(document_of(code));
    CHECK_OK(context.print(json::value(std::move(codes)), columns));
    return kExitDone;
  }
  if (options.code.empty()) return fail(errors::usage, "name a code, or --all");
  if (const ErrorCode* const code = find_error_code(options.code)) {
    CHECK_OK(context.print(document_of(*code), columns));
    return kExitDone;
  }
  std::vector<std::string> known;
  for (const EndText& end : kEnds) {
    known.emplace_back(to_string(end.kind));
    if (known.back() != options.code) continue;
    CHECK_OK(context.print(document_of(end), columns));
    return kExitDone;
  }
  for (const SdkText& code : kSdkCodes) {
    known.emplace_back(code.code);
    if (known.back() != options.code) continue;
    CHECK_OK(context.print(document_of(code), columns));
    return kExitDone;
  }
  for (const ErrorCode* code : all_error_codes()) known.emplace_back(code->id);
  const auto nearest = nearest_word(options.code, known);
  return fail(
      errors::not_found,
      fmt::format("there is no error code {:?}{}", options.code, nearest ? fmt::format("; did you mean {}?", *nearest) : ""),
      "werkbank explain --all lists them.");
}

struct WhyOptions {
  std::string run;
};

void declare_why(CLI::App& verb, WhyOptions& options) { verb.add_option("RUN", options.run, "The run's id")->required(); }

void append_list(std::string& text, const json::object& document, std::string_view key, std::string_view title) {
  const json::value* const list = document.if_contains(key);
  if (list == nullptr || !list->is_array() || list->as_array().empty()) return;
  text += fmt::format("{}\n", title);
  for (const json::value& line : list->as_array()) text += fmt::format("  - {}\n", visible(plain_text(line)));
}

Result<int> why(Context& context, const WhyOptions& options) {
  TRY(const std::string target, run_route(context, options.run));
  TRY(client::Session* const server, context.session());
  TRY(const json::value answer, server->get(target + "/why"));
  const bool table = context.query.empty() && context.format(context.default_format) == OutputFormat::kTable;
  if (!table || !answer.is_object()) {
    CHECK_OK(context.print(answer, {}));
    return kExitDone;
  }
  const json::object& document = answer.as_object();
  std::string text;
  const json::value* const status = document.if_contains("status");
  const json::value* const summary = document.if_contains("summary");
  text += fmt::format("{}: {}\n", status == nullptr ? "?" : plain_text(*status),
                      summary == nullptr ? "" : visible(plain_text(*summary)));
  append_list(text, document, "reasons", "Because:");
  append_list(text, document, "next", "What to do:");
  context.terminal().out(text);
  return kExitDone;
}

}  // namespace

void add_explain_commands(CLI::App& app, Context& context) {
  add_verb<ExplainOptions>(
      app, context,
      {"explain", "What an error code means and what to do", "  werkbank explain environment_failed\n  werkbank explain --all"},
      declare_explain, explain, {.workspace = false});
  add_verb<WhyOptions>(
      app, context,
      {"why", "Why a run is where it is: waiting, failed, slow to start", "  werkbank why digits_1763714241_1a2b3c4d"},
      declare_why, why);
}

}  // namespace werkbank::cli
