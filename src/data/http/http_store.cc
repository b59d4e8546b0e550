#include "data/http/http_store.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "data/http/http_address.hh"
#include "data/rest/signing.hh"
#include "data/rest/storage_client.hh"
#include "net/http_client.hh"

namespace werkbank::data {
namespace {

using net::Method;

constexpr int kRedirectsMax = 10;
constexpr std::chrono::milliseconds kSilenceMax{60'000};

// What a server says of a file.
struct Facts {
  HttpAddress address;  // where redirects led
  std::optional<uint64_t> size_bytes;
  std::string etag;
  UtcMs modified_ms = 0;
  bool has_ranges = false;
};

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

// Some servers know no HEAD; some let a signed address be read with GET only.
bool refuses_head(int status) { return status == 400 || status == 403 || status == 405 || status == 501; }

// "bytes 0-0/123"
std::optional<uint64_t> size_in_range(const std::string& range) {
  const size_t slash = range.find('/');
  if (slash == std::string::npos || slash + 1 == range.size() || range[slash + 1] == '*') return std::nullopt;
  return number_of(range.substr(slash + 1));
}

std::unexpected<Error> changed(const HttpAddress& address) {
  return fail(errors::data_changed, fmt::format("{} changed meanwhile", shown_address(address)));
}

std::unexpected<Error> refused(int status, const HttpAddress& address) {
  const std::string said = fmt::format("{}: the server answered {}", shown_address(address), status);
  switch (status) {
    case 401:
    case 403:
    case 407:
      return fail(errors::storage_denied, said, "The address wants a login, or its signature has run out.");
    case 404:
    case 410:
      return fail(errors::not_found, said);
    case 412:
      return changed(address);
    case 408:
    case 429:
      return fail(errors::storage_unavailable, said);
    default:
      return fail(status >= 500 ? errors::storage_unavailable : errors::io_failed, said);
  }
}

class HttpStore final : public DataStore {
 public:
  HttpStore(std::optional<HttpAddress> base, Secret login) : base_(std::move(base)), login_(std::move(login)) {
    while (base_ && base_->target.ends_with('/')) base_->target.pop_back();
  }

  Status check(bool) override {
    if (!base_) return fail(errors::invalid_request, "a datastore of kind http has an address");
    HttpAddress folder = *base_;
    folder.target += "/";
    TRY(const net::ClientResponse answer, ask(folder, {.method = Method::kHead}, nullptr));
    // Many servers show no folder; that somebody answers and takes the login is all that can be known.
    if (answer.status < 500 && answer.status != 401 && answer.status != 407) return {};
    return refused(answer.status, folder);
  }

  Result<DataPage> list(const std::string& prefix, const std::string&) override {
    if (prefix.empty() || prefix.ends_with('/')) {
      return fail(errors::not_supported, "a web address has no listing",
                  "Name one file: its path below the datastore's address.");
    }
    Result<DataEntry> found = find(prefix);
    if (!found && found.error().code == &errors::not_found) return DataPage{};
    if (!found) return fail(std::move(found).error());
    DataPage page;
    page.entries.push_back(std::move(*found));
    return page;
  }

  Result<DataEntry> find(const std::string& path) override {
    TRY(const HttpAddress address, address_of(path));
    TRY(const Facts facts, facts_of(address));
    uint64_t size_bytes = facts.size_bytes.value_or(0);
    if (!facts.size_bytes) {
      TRY(size_bytes, measure(facts));
    }
    return DataEntry{path, size_bytes, facts.etag, facts.modified_ms};
  }

  Status read(const std::string& path, const std::string& etag, uint64_t offset, const DataSink& sink) override {
    return read_range(path, etag, offset, UINT64_MAX, sink);
  }

  Status read_range(const std::string& path, const std::string& etag, uint64_t offset, uint64_t size_bytes,
                    const DataSink& sink) override {
    TRY(const HttpAddress address, address_of(path));
    if (size_bytes == 0) return {};
    const std::string meant = without_quotes(etag);
    // Of a file that is read piece by piece the facts are asked once; each piece goes with the condition that they hold.
    const bool is_known = !meant.empty() && known_path_ == path && known_.etag == meant;
    if (!is_known) {
      TRY(known_, facts_of(address));
      known_path_ = path;
    }
    const Facts facts = known_;
    if (!meant.empty() && facts.etag != meant) return changed(address);
    if (facts.size_bytes && offset >= *facts.size_bytes) return offset == *facts.size_bytes ? Status() : changed(address);
    Status outcome = read_from(facts, offset, size_bytes, sink);
    if (!outcome) known_path_.clear();
    return outcome;
  }

  Status write(const std::string&, const DataSource&, bool, const OnBytes&) override { return read_only(); }
  Status remove(const std::string&) override { return read_only(); }

 private:
  static std::unexpected<Error> read_only() {
    return fail(errors::not_supported, "a web address is read-only", "Choose a datastore that holds files.");
  }

  Result<HttpAddress> address_of(const std::string& path) const {
    if (base_) {
      TRY(const RelativePath checked, RelativePath::parse(path));
      return HttpAddress{base_->origin, fmt::format("{}/{}", base_->target, encode_data_path(checked.text()))};
    }
    std::optional<HttpAddress> address = parse_http_address(path);
    if (!address) return fail(errors::invalid_request, fmt::format("{:?} is not an http or https address", path));
    return std::move(*address);
  }

  net::HttpClient& client(const std::string& origin) {
    if (!client_ || client_->server_url() != origin) {
      client_ = std::make_unique<net::HttpClient>(
          net::ClientConfig{.server_url = origin, .connect_timeout = std::chrono::milliseconds(10'000)});
    }
    return *client_;
  }

  // One answer. `sink`: false where it wants no more.
  Result<net::ClientResponse> ask(const HttpAddress& address, net::ClientRequest request,
                                  const std::function<bool(std::string_view)>& sink) {
    request.target = address.target;
    if (base_ && !login_.empty() && address.origin == base_->origin)
      request.headers.emplace_back("Authorization", login_.reveal());
    net::HttpClient& there = client(address.origin);
    Result<net::ClientResponse> answer = sink ? there.stream(request, sink, kSilenceMax) : there.send(request);
    if (answer || answer.error().kind() != ErrorKind::kUnavailable) return answer;
    return fail(errors::storage_unavailable, fmt::format("{}: {}", shown_address(address), answer.error().to_string()),
                "Check the network and the address, then repeat the command.");
  }

  Result<net::ClientResponse> probe(const HttpAddress& address) {
    TRY(net::ClientResponse answer, ask(address, {.method = Method::kHead}, nullptr));
    if (!refuses_head(answer.status)) return answer;
    net::ClientRequest first_byte{.method = Method::kGet};
    first_byte.headers.emplace_back("Range", "bytes=0-0");
    return ask(address, std::move(first_byte), [](std::string_view) { return false; });
  }

  Result<Facts> facts_of(HttpAddress address) {
    for (int redirects = 0; redirects <= kRedirectsMax; ++redirects) {
      TRY(const net::ClientResponse answer, probe(address));
      if (is_redirect(answer.status)) {
        std::optional<HttpAddress> next = follow_redirect(address, header_of(answer, "location"));
        if (!next) {
          return fail(errors::io_failed, fmt::format("{} leads elsewhere in a way that is not followed", shown_address(address)),
                      "Name the address that it leads to.");
        }
        address = std::move(*next);
        continue;
      }
      // An empty file has no first byte.
      if (answer.status >= 400 && answer.status != 416) return refused(answer.status, address);
      return facts_in(answer, std::move(address));
    }
    return fail(errors::io_failed, fmt::format("{} leads from one address to the next without an end", shown_address(address)));
  }

  static Facts facts_in(const net::ClientResponse& answer, HttpAddress address) {
    Facts facts;
    facts.address = std::move(address);
    const std::string modified = header_of(answer, "last-modified");
    const std::string etag = without_quotes(header_of(answer, "etag"));
    facts.etag = etag.empty() ? modified : etag;
    facts.modified_ms = parse_http_date(modified);
    facts.has_ranges = answer.status == 206 || header_of(answer, "accept-ranges") == "bytes";
    const std::string range = header_of(answer, "content-range"), length = header_of(answer, "content-length");
    if (!range.empty())
      facts.size_bytes = size_in_range(range);
    else if (!length.empty() && answer.status < 300)
      facts.size_bytes = number_of(length);
    return facts;
  }

  Result<uint64_t> measure(const Facts& facts) {
    uint64_t size_bytes = 0;
    CHECK_OK(read_from(facts, 0, UINT64_MAX, [&size_bytes](std::string_view piece) -> Status {
      size_bytes += piece.size();
      return {};
    }));
    return size_bytes;
  }

  // `size_bytes`: of what is wanted; UINT64_MAX: all from there on.
  static net::ClientRequest request_for(const Facts& facts, uint64_t from, uint64_t size_bytes) {
    net::ClientRequest request{.method = Method::kGet};
    if (size_bytes != UINT64_MAX)
      request.headers.emplace_back("Range", fmt::format("bytes={}-{}", from, from + size_bytes - 1));
    else if (from > 0)
      request.headers.emplace_back("Range", fmt::format("bytes={}-", from));
    const bool is_date = facts.modified_ms != 0 && facts.etag.ends_with(" GMT");
    if (is_date)
      request.headers.emplace_back("If-Unmodified-Since", facts.etag);
    else if (!facts.etag.empty() && !facts.etag.starts_with("W/"))
      request.headers.emplace_back("If-Match", fmt::format("\"{}\"", facts.etag));
    return request;
  }

  Status read_from(const Facts& facts, uint64_t offset, uint64_t size_bytes, const DataSink& sink) {
    const uint64_t rest = facts.size_bytes ? *facts.size_bytes - offset : UINT64_MAX;
    const uint64_t from = facts.has_ranges ? offset : 0;
    const bool is_part = facts.has_ranges && size_bytes < rest;
    const bool is_cut = !facts.has_ranges && size_bytes < rest;  // more comes than is wanted
    uint64_t skipped = offset - from;                            // a server that knows no ranges sends all from the beginning
    uint64_t left = std::min(size_bytes, rest);
    const bool may_end_early = !facts.size_bytes;
    Status taken;
    const auto take = [&](std::string_view piece) {
      const size_t passed = std::min<uint64_t>(skipped, piece.size());
      skipped -= passed;
      piece.remove_prefix(passed);
      if (piece.size() > left && !is_cut) {
        taken = changed(facts.address);
        return false;
      }
      piece = piece.substr(0, left);
      left -= piece.size();
      if (!piece.empty()) taken = sink(piece);
      return taken.has_value() && !(is_cut && left == 0);
    };
    TRY(const net::ClientResponse answer, ask(facts.address, request_for(facts, from, is_part ? size_bytes : UINT64_MAX), take));
    if (!taken) return taken;
    if (answer.status >= 400) return refused(answer.status, facts.address);
    const std::string etag = without_quotes(header_of(answer, "etag"));
    const bool is_other = !etag.empty() && !facts.etag.empty() && etag != facts.etag && !facts.etag.ends_with(" GMT");
    const bool is_misplaced = (from > 0 || is_part) && answer.status != 206;
    if (is_redirect(answer.status) || is_other || is_misplaced) return changed(facts.address);
    return left == 0 || may_end_early ? Status() : changed(facts.address);
  }

  std::optional<HttpAddress> base_;  // nothing: paths are whole addresses
  const Secret login_;               // the value of the Authorization header
  std::unique_ptr<net::HttpClient> client_;
  std::string known_path_;  // of the file that was read last
  Facts known_;
};

Secret login_of(const DataAccess& access) {
  const auto token = access.credential.find("token");
  if (token != access.credential.end()) return Secret("Bearer " + token->second.reveal());
  const auto password = access.credential.find("password");
  if (password == access.credential.end()) return {};
  return Secret("Basic " + base64_encode(setting_of(access.datastore, "user") + ":" + password->second.reveal()));
}

}  // namespace

std::unique_ptr<DataStore> make_http_store(const DataAccess& access) {
  const std::string url = setting_of(access.datastore, "url");
  return std::make_unique<HttpStore>(url.empty() ? std::nullopt : parse_http_address(url), login_of(access));
}

}  // namespace werkbank::data
