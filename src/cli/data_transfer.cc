#include "cli/data_transfer.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hh"
#include "cli/command.hh"
#include "cli/progress.hh"
#include "client/datastore.hh"
#include "data/shown_path.hh"

namespace werkbank::cli {
namespace {

using data::TransferItem;
using data::TransferStep;

std::string_view word_of(TransferStep step) {
  return step == TransferStep::kStarted ? "started" : step == TransferStep::kDone ? "done" : "skipped";
}

void tell_event(Context& context, const json::object& event) { context.terminal().out(json::serialize(event) + "\n"); }

// Tells how far a transfer is, to a person or to a program.
class Teller {
 public:
  Teller(Context& context, bool events, const std::vector<TransferPart>& parts)
      : context_(context), events_(events), progress_(context.terminal()) {
    size_t files = 0;
    for (const TransferPart& part : parts) {
      files += part.items.size();
      for (const TransferItem& item : part.items) total_bytes_ += item.size_bytes;
    }
    if (events_) tell_event(context_, {{"event", "begin"}, {"files", files}, {"sizeBytes", total_bytes_}});
  }

  void attach(data::TransferOptions& options) {
    options.on_step = [this](TransferStep step, const TransferItem& item) { tell(step, item); };
    options.on_bytes = [this](uint64_t count) {
      done_bytes_ += count;
      if (!events_) show();
    };
  }

  uint64_t total_bytes() const { return total_bytes_; }

 private:
  void tell(TransferStep step, const TransferItem& item) {
    path_ = data::shown_path(item.path);
    if (!events_) return show();
    tell_event(context_, {{"event", word_of(step)},
                          {"path", data::shown_path(item.path)},
                          {"file", item.file.string()},
                          {"sizeBytes", item.size_bytes}});
  }

  void show() {
    const auto elapsed_ms = std::max<int64_t>((system_clock().monotonic_now() - begin_).count(), 1);
    progress_.show(fmt::format("{} of {}, {}/s  {}", human_bytes(done_bytes_), human_bytes(total_bytes_),
                               human_bytes(done_bytes_ * 1000 / static_cast<uint64_t>(elapsed_ms)), visible(path_)));
  }

  Context& context_;
  const bool events_;
  Progress progress_;
  uint64_t total_bytes_ = 0, done_bytes_ = 0;
  std::string path_;
  const std::chrono::milliseconds begin_ = system_clock().monotonic_now();
};

using Carry = Result<data::TransferCount> (*)(const std::vector<TransferItem>&, const data::TransferOptions&);

Result<json::object> carry_out(Context& context, const DataTransfer& transfer, const std::vector<TransferPart>& parts,
                               Carry carry, json::object answer) {
  Teller teller(context, transfer.events, parts);
  data::TransferCount total;
  for (const TransferPart& part : parts) {
    data::TransferOptions options;
    options.open = part.open;
    options.overwrite = transfer.overwrite;
    options.threads = transfer.threads;
    teller.attach(options);
    TRY(const data::TransferCount count, carry(part.items, options));
    total.done += count.done;
    total.skipped += count.skipped;
  }
  answer["files"] = total.done;
  answer["skipped"] = total.skipped;
  answer["sizeBytes"] = teller.total_bytes();
  if (!transfer.events) return answer;
  answer["event"] = "end";
  tell_event(context, answer);
  return answer;
}

json::object facts_of(const DataTransfer& transfer, const client::OpenDatastore& place) {
  return {{"datastore", place.access.datastore.name}, {"path", transfer.path}};
}

Result<client::OpenDatastore> open_place(Context& context, const std::string& name) {
  if (!context.programs().open_data) return fail(errors::not_supported, "this program opens no datastores");
  TRY(const std::string route, context.route(""));
  TRY(client::Session* const server, context.session());
  return client::open_datastore(*server, route, name, context.programs().open_data);
}

// A failure is an event, too, so that its code reaches the program that reads them.
Result<json::object> told(Context& context, const DataTransfer& transfer, Result<json::object> outcome) {
  if (outcome || !transfer.events) return outcome;
  const Error& error = outcome.error();
  tell_event(context, {{"event", "failed"}, {"code", error.code->id}, {"message", error.to_string()}, {"hint", error.remedy()}});
  return outcome;
}

Result<json::object> try_upload(Context& context, const DataTransfer& transfer) {
  const auto found = transfer.files.empty() ? data::find_uploads(transfer.folder, transfer.path)
                                            : data::find_uploads(transfer.files, transfer.relative_root, transfer.path);
  TRY(const std::vector<TransferItem> items, found);
  TRY(const client::OpenDatastore place, open_place(context, transfer.datastore));
  return carry_out(context, transfer, {{place.open, items}}, data::upload, facts_of(transfer, place));
}

Result<json::object> try_download(Context& context, const DataTransfer& transfer) {
  TRY(const client::OpenDatastore place, open_place(context, transfer.datastore));
  TRY(const std::unique_ptr<data::DataStore> store, place.open());
  TRY(const std::vector<TransferItem> items, data::find_downloads(*store, transfer.path, transfer.folder));
  if (items.empty()) {
    return fail(errors::not_found,
                fmt::format("nothing in datastore {:?} matches the path {:?}", place.access.datastore.name, transfer.path),
                "A path names a file, or a folder with all that is in it; without one everything is meant.");
  }
  return carry_out(context, transfer, {{place.open, items}}, data::download, facts_of(transfer, place));
}

}  // namespace

Result<json::object> download_parts(Context& context, const DataTransfer& transfer, const std::vector<TransferPart>& parts,
                                    json::object facts, Error (*advise)(Error)) {
  Result<json::object> outcome = carry_out(context, transfer, parts, data::download, std::move(facts));
  if (!outcome) outcome = fail(advise(std::move(outcome).error()));
  return told(context, transfer, std::move(outcome));
}

Result<json::object> upload_data(Context& context, const DataTransfer& transfer) {
  return told(context, transfer, try_upload(context, transfer));
}

Result<json::object> download_data(Context& context, const DataTransfer& transfer) {
  return told(context, transfer, try_download(context, transfer));
}

Result<json::array> fetch_datastores(Context& context) {
  TRY(const std::string target, context.route("/datastores"));
  TRY(client::Session* const server, context.session());
  return client::fetch_list(*server, target, 100'000);
}

Result<json::value> fetch_datastore(Context& context, const std::string& name) {
  TRY(const std::string target, context.route(name.empty() ? "/default-datastore" : "/datastores/" + net::encode_segment(name)));
  TRY(client::Session* const server, context.session());
  return server->get(target);
}

std::vector<Column> datastore_columns() {
  return {text_column("Name", "name"), text_column("Kind", "kind"), text_column("Credential", "credentialType"),
          text_column("Default", "isDefault"), time_column("Created", "createdUtc")};
}

Result<json::value> register_datastore(Context& context, const json::object& request) {
  TRY(const std::string target, context.route("/datastores"));
  TRY(client::Session* const server, context.session());
  return server->send_json(net::Method::kPost, target, request);
}

Status unregister_datastore(Context& context, const std::string& name) {
  TRY(const std::string target, context.route("/datastores/" + net::encode_segment(name)));
  TRY(client::Session* const server, context.session());
  TRY([[maybe_unused]] const json::value gone, server->send_empty(net::Method::kDelete, target));
  return {};
}

Result<json::value> choose_default_datastore(Context& context, const std::string& name) {
  TRY(const std::string target, context.route("/default-datastore"));
  TRY(client::Session* const server, context.session());
  return server->send_json(net::Method::kPut, target, json::object{{"name", name}});
}

}  // namespace werkbank::cli
