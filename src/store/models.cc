#include "store/models.hh"

#include <fmt/format.h>

#include <charconv>

namespace werkbank::store {

Error no_such_model(const ModelKey& key) {
  const std::string what = key.version == 0 ? key.name : model_id(key);
  return Error{&errors::model_not_found, fmt::format("there is no model {:?} in workspace {:?}", what, key.workspace), {}};
}

Error model_in_use(const ModelKey& key, const std::vector<ModelUser>& users) {
  std::string names;
  for (const ModelUser& user : users) names += fmt::format("{}{} {:?}", names.empty() ? "" : ", ", user.kind, user.name);
  return Error{&errors::model_in_use, fmt::format("the model {:?} is used by {}", model_id(key), names), {}};
}

std::string encode_model_cursor(int64_t serial) { return base64url_encode(fmt::format("m1:{}", serial)); }

Result<int64_t> decode_model_cursor(const std::string& cursor) {
  if (cursor.empty()) return 0;
  const Result<std::string> decoded = base64url_decode(cursor);
  int64_t serial = 0;
  if (decoded && decoded->starts_with("m1:")) {
    const char* const end = decoded->data() + decoded->size();
    const auto parsed = std::from_chars(decoded->data() + 3, end, serial);
    if (parsed.ec == std::errc() && parsed.ptr == end && serial > 0) return serial;
  }
  return fail(errors::invalid_request, fmt::format("cursor {:?} was not made by this listing", cursor),
              "Pass the `next` of the page before, unchanged, or leave the cursor out.");
}

}  // namespace werkbank::store
