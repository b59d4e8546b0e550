#include "cli/run_download.hh"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hh"
#include "base/files.hh"
#include "cli/command.hh"
#include "cli/progress.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kSilenceMax{60'000};
constexpr size_t kFilesMax = 10'000'000;

struct Wanted {
  std::string path;
  uint64_t size_bytes = 0;
  fs::path place;
};

Result<std::vector<Wanted>> find_wanted(client::Session& server, const std::string& target, const std::string& what,
                                        const DownloadRequest& request) {
  std::string list = target + "/files";
  if (!request.prefix.empty()) list += "?prefix=" + net::encode_segment(request.prefix);
  TRY(const json::array items, client::fetch_list(server, list, kFilesMax));
  std::vector<Wanted> wanted;
  for (const json::value& item : items) {
    JsonReader reader(item, "files");
    Wanted file{.path = reader.required_string("path")};
    file.size_bytes = static_cast<uint64_t>(reader.int_or("sizeBytes", 0, 0, INT64_MAX));
    CHECK_OK(reader.finish(false));
    if (!request.paths.empty() && std::ranges::find(request.paths, file.path) == request.paths.end()) continue;
    // The server's word decides no place on this disk: the path is checked here as well.
    TRY(const RelativePath relative, RelativePath::parse(file.path));
    file.place = relative.below(request.folder);
    wanted.push_back(std::move(file));
  }
  for (const std::string& path : request.paths) {
    if (std::ranges::any_of(wanted, [&](const Wanted& file) { return file.path == path; })) continue;
    return fail(errors::not_found, fmt::format("{} has no file {:?}", what, path), "Name none to download all.");
  }
  return wanted;
}

Status fetch(client::Session& server, const std::string& target, const Wanted& file,
             const std::function<void(size_t)>& on_bytes) {
  CHECK_OK(make_directories(file.place.parent_path(), 0777));
  fs::path part = file.place;
  part += ".part";
  Status written;
  {
    TRY(const Fd out, open_file(part, O_WRONLY | O_CREAT | O_TRUNC, 0666));
    const auto sink = [&](std::string_view bytes) {
      written = write_all(out.get(), bytes);
      on_bytes(bytes.size());
      return written.has_value();
    };
    const Status streamed = stream_run_file(server, target, file.path, sink);
    if (written && !streamed) written = streamed;
  }
  std::error_code failure;
  if (written) fs::rename(part, file.place, failure);
  if (written && !failure) return {};
  std::error_code ignored;
  fs::remove(part, ignored);
  if (!written) return written;
  return fail(errors::io_failed, fmt::format("{}: {}", file.place.string(), failure.message()));
}

// What the answer's ETag says of a file that is stored whole.
std::optional<Hash> stored_hash(const net::ClientResponse& answer) {
  const auto etag = answer.headers.find("etag");
  if (etag == answer.headers.end() || etag->second.size() < 2) return std::nullopt;
  const auto hash = Hash::parse(std::string_view(etag->second).substr(1, etag->second.size() - 2));
  return hash ? std::optional(*hash) : std::nullopt;
}

}  // namespace

std::string encode_run_path(const std::string& path) {
  std::string encoded;
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (begin > 0) encoded += '/';
    encoded += net::encode_segment(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return encoded;
}

Status stream_run_file(client::Session& server, const std::string& run_target, const std::string& path,
                       const std::function<bool(std::string_view)>& sink) {
  const net::ClientRequest request{.method = net::Method::kGet, .target = run_target + "/files/" + encode_run_path(path)};
  Hasher hasher;
  bool is_whole = true;
  const auto hashing = [&](std::string_view bytes) {
    hasher.update(bytes);
    is_whole = sink(bytes);
    return is_whole;
  };
  TRY(const net::ClientResponse body, server.stream(request, hashing, kSilenceMax));
  if (body.status >= 400) return fail(net::error_from_response(body));
  const std::optional<Hash> stored = stored_hash(body);
  return stored && is_whole ? check_content(*stored, hasher.finish(), path) : Status();
}

Status check_content(const Hash& expected, const Hash& received, const std::string& path) {
  if (received == expected) return {};
  return fail(errors::hash_mismatch,
              fmt::format("{:?} is damaged: stored was {}, and its bytes have {} now", path, expected.hex(), received.hex()),
              "`werkbank doctor --verify` on the server's machine finds all that is damaged there; take the file from a backup.");
}

Result<json::array> download_run(Context& context, const DownloadRequest& request) {
  TRY(const std::string target, run_route(context, request.run));
  return download_files(context, target, fmt::format("run {:?}", request.run), request);
}

Result<json::array> download_files(Context& context, const std::string& target, const std::string& what,
                                   const DownloadRequest& request) {
  TRY(client::Session* const server, context.session());
  TRY(const std::vector<Wanted> wanted, find_wanted(*server, target, what, request));
  uint64_t total_bytes = 0;
  for (const Wanted& file : wanted) {
    std::error_code ignored;
    if (!request.overwrite && fs::exists(file.place, ignored)) {
      return fail(errors::already_exists, fmt::format("{} is there already", file.place.string()),
                  "Use --overwrite, or another folder with -d.");
    }
    total_bytes += file.size_bytes;
  }
  uint64_t done_bytes = 0;
  const auto begin = system_clock().monotonic_now();
  json::array files;
  Progress progress(context.terminal());
  for (const Wanted& file : wanted) {
    const auto show = [&](size_t count) {
      done_bytes += count;
      const auto elapsed_ms = std::max<int64_t>((system_clock().monotonic_now() - begin).count(), 1);
      progress.show(fmt::format("{} of {}, {}/s  {}", human_bytes(done_bytes), human_bytes(total_bytes),
                                human_bytes(done_bytes * 1000 / static_cast<uint64_t>(elapsed_ms)), visible(file.path)));
    };
    CHECK_OK(fetch(*server, target, file, show));
    files.push_back(json::object{{"path", file.path}, {"sizeBytes", file.size_bytes}, {"file", file.place.string()}});
  }
  context.terminal().clear_progress();
  context.terminal().say(fmt::format("{} files, {} in {}", files.size(), human_bytes(done_bytes), request.folder.string()));
  return files;
}

}  // namespace werkbank::cli
