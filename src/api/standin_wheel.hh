// Wheels that hold nothing and ask for our SDK: what `pip install azureml-core==1.48.0` gets from the index of a server.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace werkbank::api {

// The packages of v1 that are offered by name in the index's list; every other azureml-* name is served as well.
const std::vector<std::string>& standin_names();
// The versions a name is offered in, so that v1's pins are met: "1.48.0+werkbank". The last is what an install without a pin
// gets.
std::vector<std::string> standin_versions(std::string_view name);

struct StandinFile {
  std::string name, version;  // normalised: "azureml-core", "1.48.0+werkbank"
};
std::string standin_file_name(const StandinFile& file);  // "azureml_core-1.48.0+werkbank-py3-none-any.whl"
// Nothing where it is no such name, or of a version that is not offered.
std::optional<StandinFile> standin_of(std::string_view file_name);
// A project's page of the index (PEP 503), its files below `folder` ("/packages/"; empty: beside the page), and its parts.
std::string standin_page(std::string_view name, std::string_view folder);
std::string standin_link(std::string_view file, std::string_view folder, std::string_view fragment = {});
std::string standin_html(const std::string& links);
// The wheel's bytes; the same each time.
std::string standin_wheel(const StandinFile& file);

}  // namespace werkbank::api
