#include "cli/datasets.hh"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>

#include "base/files.hh"
#include "cli/command.hh"
#include "cli/progress.hh"
#include "client/dataset.hh"
#include "data/cache/file_cache.hh"
#include "data/content_hash.hh"
#include "data/shown_path.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

// What a key of the specification holds, taken out of it; null where it is not there.
json::value take(json::object& specification, std::string_view key) {
  json::value value = nullptr;
  if (const json::value* const found = specification.if_contains(key)) value = *found;
  specification.erase(key);
  return value;
}

Result<std::vector<client::OpenDatastore>> places_of(Context& context, const DatasetContent& content) {
  TRY(const std::string route, context.route(""));
  TRY(client::Session* const server, context.session());
  return client::open_sources(*server, route, content.sources, context.programs().open_data);
}

Status look_up_files(Context& context, DatasetContent& content, bool validate, bool hashed) {
  TRY(const std::vector<client::OpenDatastore> places, places_of(context, content));
  const Status found = client::resolve_dataset(content, places);
  if (!found && (validate || found.error().code != &errors::dataset_empty)) return found;
  return hashed ? client::hash_local_files(content, places) : Status();
}

// Some clients do not know how long what lies behind a URL is.
Status look_up_sizes(Context& context, DatasetContent& content) {
  const auto is_unknown = [&content](const DatasetFile& file) {
    return file.size_bytes == 0 && !content.sources.at(static_cast<size_t>(file.source)).url.empty();
  };
  if (std::ranges::none_of(content.files, is_unknown)) return {};
  TRY(const std::vector<client::OpenDatastore> places, places_of(context, content));
  return client::measure_web_files(content, places);
}

Result<DatasetContent> fetch_content(Context& context, const std::string& reference) {
  TRY(const std::string route, context.route(""));
  TRY(client::Session* const server, context.session());
  return client::fetch_dataset(*server, route, reference);
}

Result<std::vector<TransferPart>> downloads_of(Context& context, const DatasetContent& content, const fs::path& folder) {
  TRY(const std::vector<client::OpenDatastore> places, places_of(context, content));
  TRY(const std::vector<client::DatasetPart> parts, client::dataset_downloads(content, places, folder));
  std::vector<TransferPart> downloads;
  for (const client::DatasetPart& part : parts) downloads.push_back({part.place.open, part.items});
  return downloads;
}

// Files that lie elsewhere, brought to the cache by several threads.
class CacheFill {
 public:
  CacheFill(Context& context, const std::vector<client::OpenDatastore>& places, const fs::path& folder)
      : places_(places), cache_({.folder = folder, .log = [](const std::string&) {}}), progress_(context.terminal()) {}

  // The places of the files, in their order.
  Result<std::vector<fs::path>> run(const std::vector<DatasetFile>& files) {
    files_ = &files;
    found_.resize(files.size());
    for (const DatasetFile& file : files) total_bytes_ += file.size_bytes;
    std::vector<std::thread> threads;
    for (size_t i = 1; i < std::min(kThreads, files.size()); ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    if (failure_) return fail(std::move(*failure_));
    return std::move(found_);
  }

 private:
  static constexpr size_t kThreads = 8;

  std::optional<size_t> next() {
    const std::lock_guard guard(mutex_);
    if (failure_ || begun_ == files_->size()) return std::nullopt;
    return begun_++;
  }

  void work() {
    std::map<std::string, std::unique_ptr<data::DataStore>> stores;
    while (const std::optional<size_t> index = next()) {
      Result<fs::path> found = fetch((*files_)[*index], stores);
      const std::lock_guard guard(mutex_);
      if (found)
        found_[*index] = std::move(*found);
      else if (!failure_)
        failure_ = client::advise_on_change(fail_in(data::shown_path((*files_)[*index].path), std::move(found).error()).error());
    }
  }

  Result<fs::path> fetch(const DatasetFile& file, std::map<std::string, std::unique_ptr<data::DataStore>>& stores) {
    const client::OpenDatastore& place = places_.at(static_cast<size_t>(file.source));
    std::unique_ptr<data::DataStore>& store = stores[place.identity];
    if (!store) {
      TRY(store, place.open());
    }
    TRY(fs::path found,
        cache_.fetch({place.identity, file.path, file.etag, file.size_bytes}, *store, [this](uint64_t count) { tell(count); }));
    CHECK_OK(data::check_content(found, file.hash));
    return found;
  }

  void tell(uint64_t count) {
    const std::lock_guard guard(mutex_);
    done_bytes_ += count;
    progress_.show(fmt::format("{} of {}", human_bytes(done_bytes_), human_bytes(total_bytes_)));
  }

  const std::vector<client::OpenDatastore>& places_;
  data::FileCache cache_;
  Progress progress_;
  const std::vector<DatasetFile>* files_ = nullptr;
  std::mutex mutex_;
  size_t begun_ = 0;
  uint64_t total_bytes_ = 0, done_bytes_ = 0;
  std::vector<fs::path> found_;
  std::optional<Error> failure_;
};

}  // namespace

Result<json::value> create_dataset(Context& context, json::value specification) {
  json::object* const document = specification.if_object();
  if (document == nullptr) return fail(errors::invalid_request, "a dataset's specification is a JSON object");
  const json::value registration = take(*document, "register");
  const json::value validation = take(*document, "validate");
  if (!validation.is_null() && !validation.is_bool())
    return fail(errors::invalid_request, "specification.validate is neither true nor false");
  const bool validate = validation.is_null() || validation.get_bool();
  const json::value* const files = document->if_contains("files");
  const bool has_files = files != nullptr && !files->is_null();
  if (!has_files) (*document)["files"] = json::array();
  TRY(DatasetContent content, dataset_content_from_json(specification, "specification"));
  TRY(const std::string workspace, context.workspace());
  CHECK_OK(context.ensure_workspace(workspace));
  CHECK_OK(has_files ? look_up_sizes(context, content) : look_up_files(context, content, validate, !registration.is_null()));
  if (validate && content.files.empty()) return fail(errors::dataset_empty, "the dataset has no files");
  json::object body = to_json(content);
  if (!registration.is_null()) body["register"] = registration;
  TRY(const std::string target, context.route("/datasets"));
  TRY(client::Session* const server, context.session());
  return server->send_json(net::Method::kPost, target, body);
}

Result<json::object> dataset_source_from(const std::string& text) {
  if (text.starts_with("http://") || text.starts_with("https://")) return json::object{{"url", text}};
  const size_t slash = std::min(text.find('/'), text.size());
  if (slash == 0 || text.find("://") != std::string::npos) {
    return fail(errors::usage, fmt::format("{:?} is neither DATASTORE/PATH nor a URL", text),
                "For example: workspaceblobstore/train/*.csv, or https://example.com/train.csv.");
  }
  return json::object{{"datastore", text.substr(0, slash)}, {"path", slash < text.size() ? text.substr(slash + 1) : ""}};
}

Result<std::string> datasets_route(Context& context, const DatasetFilters& filters) {
  TRY(std::string target, context.route("/datasets"));
  char joint = '?';
  const auto add = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    target += fmt::format("{}{}={}", joint, name, net::encode_segment(value));
    joint = '&';
  };
  add("name", filters.name);
  add("kind", filters.kind);
  for (const std::string& tag : filters.tags) add("tag", tag);
  return target;
}

Result<std::string> dataset_route(Context& context, const std::string& reference) {
  return context.route("/datasets/" + net::encode_segment(reference));
}

Result<json::value> fetch_dataset_document(Context& context, const std::string& reference) {
  TRY(const std::string target, dataset_route(context, reference));
  TRY(client::Session* const server, context.session());
  return server->get(target);
}

Status delete_dataset(Context& context, const std::string& reference) {
  TRY(const std::string target, dataset_route(context, reference));
  TRY(client::Session* const server, context.session());
  CHECK_OK(server->send_empty(net::Method::kDelete, target));
  return {};
}

Result<json::array> dataset_files(Context& context, const std::string& reference) {
  TRY(const DatasetContent content, fetch_content(context, reference));
  json::array files;
  for (const DatasetFile& file : content.files) files.push_back(to_json(file));
  return files;
}

Result<json::object> download_dataset(Context& context, const std::string& reference, const DataTransfer& transfer) {
  TRY(const DatasetContent content, fetch_content(context, reference));
  const fs::path folder = fs::absolute(transfer.folder).lexically_normal();
  CHECK_OK(make_directories(folder, 0777));
  TRY(const std::vector<TransferPart> parts, downloads_of(context, content, folder));
  return download_parts(context, transfer, parts, {{"dataset", reference}, {"target", folder.string()}},
                        client::advise_on_change);
}

Result<json::array> local_dataset_files(Context& context, const std::string& reference) {
  TRY(const DatasetContent content, fetch_content(context, reference));
  TRY(const std::vector<client::OpenDatastore> places, places_of(context, content));
  TRY(const fs::path home, client::find_home(context.environment()));
  json::array answer;
  std::vector<DatasetFile> elsewhere;
  for (const DatasetFile& file : content.files) {
    TRY(const std::optional<fs::path> local, client::find_local_file(file, places.at(static_cast<size_t>(file.source))));
    if (!local) elsewhere.push_back(file);
    answer.push_back(json::object{{"name", file.name}, {"file", local.value_or("").string()}, {"sizeBytes", file.size_bytes}});
  }
  CacheFill fill(context, places, home / "cache" / "data");
  TRY(const std::vector<fs::path> fetched, fill.run(elsewhere));
  auto next = fetched.begin();
  for (json::value& file : answer) {
    if (file.at("file").as_string().empty()) file.as_object()["file"] = (next++)->string();
  }
  return answer;
}

std::vector<Column> dataset_columns() {
  return {text_column("Name", "name"),  number_column("Version", "version"), text_column("Kind", "kind"),
          text_column("Tags", "tags"),  number_column("Files", "fileCount"), number_column("Bytes", "sizeBytes"),
          text_column("Dataset", "id"), time_column("Created", "createdUtc")};
}

std::vector<Column> dataset_detail_columns() {
  return {text_column("Dataset", "id"),
          text_column("Name", "name"),
          number_column("Version", "version"),
          text_column("Workspace", "workspace"),
          text_column("Kind", "kind"),
          text_column("Description", "description"),
          text_column("Tags", "tags"),
          text_column("Definition", "definition"),
          number_column("Files", "fileCount"),
          number_column("Bytes", "sizeBytes"),
          text_column("User", "createdBy.userName"),
          time_column("Created", "createdUtc"),
          time_column("Modified", "modifiedUtc")};
}

}  // namespace werkbank::cli
