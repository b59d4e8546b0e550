#include "runner/data_outputs.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>

#include "base/failpoint.hh"
#include "base/log.hh"
#include "data/transfer.hh"
#include "runner/data_step.hh"
#include "runner/data_ways.hh"

namespace werkbank::runner {
namespace {

constexpr int kAttempts = 8;  // per file, while the storage is unavailable: about two minutes

bool is_wanted(const std::string& name, const std::vector<std::string>& globs) {
  return globs.empty() ||
         std::ranges::any_of(globs, [&](const std::string& glob) { return fnmatch(glob.c_str(), name.c_str(), 0) == 0; });
}

// Whether a runner of this attempt has begun to write there: what is there then is ours.
std::filesystem::path begun_mark(const WorkFolder& folder, const RunOutput& output) {
  return folder.data() / ("begun." + output.name);
}

Status refuse_taken(data::DataStore& store, const RunOutput& output, const std::vector<data::TransferItem>& items) {
  for (const data::TransferItem& item : items) {
    const Result<data::DataEntry> known = store.find(item.path);
    if (!known && known.error().code == &errors::not_found) continue;
    if (!known) return fail(known.error());
    return fail(errors::already_exists,
                fmt::format("output {:?}: {:?} is in the datastore {:?} already", output.name, item.path, output.datastore),
                "Choose another destination, or let the run replace it: as_upload(overwrite=True).");
  }
  return {};
}

Result<json::array> send_output(const AttemptContext& context, const DataWays& ways, const RunOutput& output) {
  TRY(const client::OpenDatastore source, find_source(context, ways, output.datastore));
  TRY(std::vector<data::TransferItem> items, data::find_uploads(output_folder(context.folder, output.name), output.path));
  const auto name_of = [&](const std::string& path) { return path.substr(output.path.size() + 1); };
  std::erase_if(items, [&](const data::TransferItem& item) { return !is_wanted(name_of(item.path), output.source_globs); });
  TRY(const std::unique_ptr<data::DataStore> store, source.open());
  const std::filesystem::path begun = begun_mark(context.folder, output);
  const bool may_replace =
      output.overwrite || output.mode == DataMode::kMount || context.plan.attempt > 1 || access(begun.c_str(), F_OK) == 0;
  if (!may_replace) CHECK_OK(refuse_taken(*store, output, items));
  CHECK_OK(write_file_atomically(begun, ""));
  data::TransferOptions options;
  options.open = source.open;
  options.overwrite = true;
  options.attempts = kAttempts;
  TRY(const data::TransferCount count, data::upload(items, options));
  failpoint_kill("runner.after_output_upload");
  log_info("output stored name={:?} files={}", output.name, count.done);
  json::array files;
  for (const data::TransferItem& item : items) {
    TRY(const data::DataEntry entry, store->find(item.path));
    files.push_back(to_json(DatasetFile{0, entry.path, name_of(item.path), entry.size_bytes, entry.etag, {}}));
  }
  return files;
}

}  // namespace

Status store_outputs(const AttemptContext& context, bool ended_well) {
  json::array stored;
  ServerLink link(context.plan, context.lifeline);
  std::optional<DataWays> ways;
  for (const RunOutput& output : context.plan.outputs) {
    const bool is_due = output.mode == DataMode::kMount || (output.mode == DataMode::kUpload && ended_well);
    if (!is_due || access(output_folder(context.folder, output.name).c_str(), F_OK) != 0) continue;
    if (!ways) {
      TRY(ways, ask_data_ways(context, link));
    }
    Result<json::array> files = send_output(context, *ways, output);
    if (!files) return fail_in(fmt::format("output {:?}", output.name), std::move(files).error());
    stored.push_back(json::object{{"name", output.name}, {"files", std::move(*files)}});
  }
  if (stored.empty()) return {};
  net::ClientRequest request{.method = net::Method::kPost, .target = link.runner_route("outputs")};
  request.body = json::serialize(json::object{{"outputs", std::move(stored)}, {"endedWell", ended_well}});
  request.headers.emplace_back("Content-Type", "application/json");
  TRY(const net::ClientResponse answer, link.ask(request));
  if (!is_success(answer)) return fail(net::error_from_response(answer));
  failpoint_kill("runner.after_outputs_noted");
  return {};
}

}  // namespace werkbank::runner
