// The server's side of a runner (docs/reference/runner-protocol.md) on a real socket: it keeps the rules of the protocol and
// records what comes. For suites that look at runners from outside.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/files.hh"
#include "base/hash.hh"
#include "base/json.hh"
#include "domain/launch.hh"
#include "domain/metric.hh"
#include "domain/snapshot.hh"
#include "net/http_server.hh"

namespace werkbank::test {

class RecordingServer {
 public:
  struct Records {
    std::vector<RunnerReport> reports;
    std::map<std::string, std::string> logs;                 // by path
    std::map<std::string, std::vector<MetricLine>> metrics;  // by writer, without skipped lines
    std::map<std::string, std::string> files;                // by path: the content of the last blob named so
    std::vector<std::string> violations;                     // of the protocol's rules
    std::set<std::string> refused_lines;                     // what the server would not take

    std::optional<RunEnd> end() const {
      for (const RunnerReport& report : reports) {
        if (report.phase == RunnerPhase::kDone) return report.end;
      }
      return std::nullopt;
    }
    bool has_phase(RunnerPhase phase) const {
      for (const RunnerReport& report : reports) {
        if (report.phase == phase) return true;
      }
      return false;
    }
  };

  explicit RecordingServer(const std::filesystem::path& folder)
      : blob_folder_(folder / "blobs"),
        socket_(folder / "server.sock"),
        server_({}, [this](net::Request& request) { return answer(request); }) {
    REQUIRE(make_directories(blob_folder_));
    REQUIRE(server_.listen_unix(socket_));
    REQUIRE(server_.start());
  }
  ~RecordingServer() { server_.stop(std::chrono::milliseconds(100)); }
  RecordingServer(const RecordingServer&) = delete;
  RecordingServer& operator=(const RecordingServer&) = delete;

  std::string url() const { return "unix://" + socket_.native(); }
  const std::filesystem::path& blob_folder() const { return blob_folder_; }

  // Stores the files as a snapshot; a name that ends in '*' is executable (without the star).
  std::string put_snapshot(const std::map<std::string, std::string>& files) {
    SnapshotManifest manifest;
    for (const auto& [name, content] : files) {
      const bool executable = name.ends_with('*');
      put_blob(content);
      manifest.entries.push_back(
          {executable ? name.substr(0, name.size() - 1) : name, Hash::of(content), content.size(), executable});
    }
    return put_blob(manifest.to_text()).hex();
  }
  Hash put_blob(const std::string& content) {
    const Hash hash = Hash::of(content);
    const std::filesystem::path path = blob_path(blob_folder_, hash);
    REQUIRE(make_directories(path.parent_path()));
    REQUIRE(write_file_atomically(path, content, 0400, false));
    return hash;
  }

  void set_away(bool away) {
    change([&] { away_ = away; });
  }
  void ask_cancel() {
    change([&] { cancel_ = true; });
  }
  void take_lease_away() {
    change([&] { lease_lost_ = true; });
  }
  // Forgets the blob of this file as often as it is named: as a server that was killed, or has collected garbage.
  void lose_blob_of(const std::string& path, int times) {
    change([&] { losses_[path] = times; });
  }
  void refuse_metric(std::string name) {
    change([&] { refused_metric_ = std::move(name); });
  }

  Records records() const {
    const std::lock_guard lock(mutex_);
    return records_;
  }
  // Waits for the records to say so; false after the limit, which is no measure of speed but the end of patience.
  bool wait_until(const std::function<bool(const Records&)>& is_so,
                  std::chrono::milliseconds limit = std::chrono::seconds(60)) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return is_so(records_); });
  }
  bool wait_for_end(std::chrono::milliseconds limit = std::chrono::seconds(60)) const {
    return wait_until([](const Records& records) { return records.end().has_value(); }, limit);
  }

 private:
  template <typename Change>
  void change(const Change& change) {
    const std::lock_guard lock(mutex_);
    change();
  }

  static net::Response problem(const ErrorCode& code, int status, json::object more = {}) {
    more["code"] = code.id;
    more["status"] = status;
    more["title"] = code.title;
    more["detail"] = code.title;
    net::Response response;
    response.status = status;
    response.headers = {{"Content-Type", "application/problem+json"}};
    response.body = json::serialize(more);
    return response;
  }
  static net::Response ok(const json::object& body) {
    net::Response response;
    response.headers = {{"Content-Type", "application/json"}};
    response.body = json::serialize(body);
    return response;
  }

  Task<net::Response> answer(net::Request& request) {
    Result<std::string> body = co_await request.body->all(256 * 1024 * 1024);
    if (!body) co_return problem(*body.error().code, 400);
    const std::lock_guard lock(mutex_);
    if (away_) co_return problem(errors::unavailable, 503);
    net::Response response = route(request, *body);
    changed_.notify_all();
    co_return response;
  }

  net::Response route(const net::Request& request, const std::string& body) {
    const std::vector<std::string>& words = request.segments;  // api v1 workspaces W …
    if (words.size() == 6 && words[4] == "blobs") return blob(request, words[5], body);
    if (words.size() == 6 && words[4] == "snapshots") return blob(request, words[5], body);
    if (words.size() != 8 || words[4] != "runs" || words[6] != "runner") return problem(errors::not_found, 404);
    if (lease_lost_) return problem(errors::lease_lost, 409);
    if (words[7] == "report") return report(body);
    if (!request.query_value("lease") || request.query_value("attempt") != "1")
      violate("no lease or attempt in " + request.target);
    if (words[7] == "logs") return log(request, body);
    if (words[7] == "metrics") return metrics(request, body);
    if (words[7] == "artifacts") return artifacts(body);
    return problem(errors::not_found, 404);
  }

  net::Response blob(const net::Request& request, const std::string& name, const std::string& body) {
    const Result<Hash> hash = Hash::parse(name);
    if (!hash) return problem(errors::invalid_request, 400);
    const std::filesystem::path path = blob_path(blob_folder_, *hash);
    if (request.method == net::Method::kPut) {
      if (Hash::of(body) != *hash) return problem(errors::hash_mismatch, 400);
      static_cast<void>(make_directories(path.parent_path()));
      static_cast<void>(write_file_atomically(path, body, 0400, false));
      lost_.erase(name);
      return ok({});
    }
    const Result<std::string> content = read_file(path);
    if (!content) return problem(errors::blob_not_found, 404);
    net::Response response;
    if (request.method != net::Method::kHead) response.body = *content;
    return response;
  }

  net::Response report(const std::string& body) {
    const Result<json::value> document = parse_json(body);
    Result<RunnerReport> report = document ? runner_report_from_json(*document) : Result<RunnerReport>(fail(document.error()));
    if (!report) {
      violate("a report that does not read: " + report.error().to_string());
      return problem(errors::invalid_request, 400);
    }
    records_.reports.push_back(std::move(*report));
    return ok({{"cancel", cancel_}});
  }

  net::Response log(const net::Request& request, const std::string& body) {
    const std::string path = request.query_value("path").value_or("");
    std::string& log = records_.logs[path];
    if (std::to_string(log.size()) != request.query_value("offset"))
      return problem(errors::offset_conflict, 409, {{"size", log.size()}});
    if (body.empty()) violate("an empty piece of " + path);
    log += body;
    return ok({{"size", log.size()}});
  }

  net::Response metrics(const net::Request& request, const std::string& body) {
    const std::string writer = request.query_value("writer").value_or("");
    std::vector<MetricLine>& known = records_.metrics[writer];
    int64_t& accepted = accepted_[writer];
    if (!body.empty() && !body.ends_with('\n')) violate("metric lines without an end");
    std::vector<MetricLine> lines;
    for (size_t from = 0; from < body.size();) {
      const size_t end = body.find('\n', from);
      Result<MetricLine> line = parse_metric_line(std::string_view(body).substr(from, end - from));
      if (!line || (!refused_metric_.empty() && line->name == refused_metric_)) {
        records_.refused_lines.insert(body.substr(from, end - from));
        return problem(errors::invalid_request, 400);
      }
      lines.push_back(std::move(*line));
      from = end + 1;
    }
    int64_t expected = accepted + 1;
    for (const MetricLine& line : lines) {
      if (line.sequence > expected) return problem(errors::sequence_gap, 409);
      if (line.sequence == expected) ++expected;
    }
    for (MetricLine& line : lines) {
      if (line.sequence <= accepted) continue;
      accepted = line.sequence;
      if (!line.columns.empty()) known.push_back(std::move(line));
    }
    return ok({{"accepted", accepted}});
  }

  net::Response artifacts(const std::string& body) {
    const Result<json::value> document = parse_json(body);
    if (!document) return problem(errors::invalid_request, 400);
    const json::array& items = document->at("items").as_array();
    bool is_whole = true;
    for (const json::value& item : items) is_whole = !is_lost(item) && is_whole;
    if (!is_whole) return problem(errors::blob_not_found, 404);
    for (const json::value& item : items) {
      const std::string path(item.at("path").as_string());
      const Result<Hash> hash = Hash::parse(std::string_view(item.at("hash").as_string()));
      const Result<std::string> content =
          hash ? read_file(blob_path(blob_folder_, *hash)) : Result<std::string>(fail(hash.error()));
      if (!content)
        violate("a name before its blob: " + path);
      else
        records_.files[path] = *content;
    }
    return ok({});
  }

  bool is_lost(const json::value& item) {
    const std::string name(item.at("hash").as_string());
    const auto loss = losses_.find(std::string(item.at("path").as_string()));
    if (loss == losses_.end() || lost_.contains(name)) return lost_.contains(name);
    if (loss->second-- == 0) {
      losses_.erase(loss);
      return false;
    }
    const Result<Hash> hash = Hash::parse(name);
    if (hash) static_cast<void>(remove_tree(blob_path(blob_folder_, *hash)));
    lost_.insert(name);
    return true;
  }

  void violate(std::string text) { records_.violations.push_back(std::move(text)); }

  const std::filesystem::path blob_folder_;
  const std::filesystem::path socket_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Records records_;
  bool away_ = false;
  bool cancel_ = false;
  bool lease_lost_ = false;
  std::string refused_metric_;
  std::map<std::string, int> losses_;        // by path
  std::set<std::string> lost_;               // hashes that were forgotten and not brought again
  std::map<std::string, int64_t> accepted_;  // by writer
  net::HttpServer server_;                   // last: it stops before what its handler uses goes
};

}  // namespace werkbank::test
