#include "base/logins.hh"

#include <algorithm>

#include "base/text.hh"

namespace werkbank {
namespace {

bool is_scheme_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-';
}

std::string_view scheme_before(std::string_view text) {
  size_t start = text.size();
  while (start > 0 && is_scheme_character(text[start - 1])) --start;
  return text.substr(start);
}

// Of "git+https" the last part says how a login travels.
bool is_web(std::string_view written) {
  const std::string scheme = lower(written);
  return scheme.ends_with("http") || scheme.ends_with("https");
}

}  // namespace

std::string replace_logins(std::string_view text, const std::function<std::string(const AddressLogin&)>& replace) {
  constexpr std::string_view kMark = "://";
  // Users write '?' and '#' into passwords without encoding them; a host with a query and no path hardly exists.
  constexpr std::string_view kAuthorityEnds = "/ \t\r\n\"'<>";
  std::string result;
  size_t done = 0;
  for (size_t mark = text.find(kMark); mark != text.npos; mark = text.find(kMark, mark + kMark.size())) {
    const size_t begin = mark + kMark.size();
    const size_t end = std::min(text.find_first_of(kAuthorityEnds, begin), text.size());
    const std::string_view authority = text.substr(begin, end - begin);
    const size_t at = authority.rfind('@');
    if (at == authority.npos || at == 0) continue;
    const std::string_view login = authority.substr(0, at);
    const std::string_view scheme = scheme_before(text.substr(0, mark));
    const bool is_secret = login.find(':') != login.npos || is_web(scheme);
    result += text.substr(done, begin - done);
    result += replace({scheme, login, authority.substr(at + 1), is_secret});
    done = begin + at;
  }
  result += text.substr(done);
  return result;
}

std::string without_logins(std::string_view text) {
  if (text.find('@') == text.npos) return std::string(text);
  return replace_logins(text,
                        [](const AddressLogin& login) { return login.is_secret ? std::string("***") : std::string(login.text); });
}

}  // namespace werkbank
