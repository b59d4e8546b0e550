// The hashes of files as datasets note them: "md5:…" or "blake2b:…", with lower-case hex digits.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hh"

namespace werkbank::data {

Result<std::string> blake2b_of_file(const std::filesystem::path& file);  // "blake2b:…"
// Does the file hold what the hash says? data_changed where not; a hash of another kind, or none, is not looked at.
Status check_content(const std::filesystem::path& file, const std::string& hash);

}  // namespace werkbank::data
