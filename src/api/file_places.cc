#include "api/file_places.hh"

#include <fmt/format.h>

namespace werkbank::api {

Result<std::vector<Artifact>> files_in_the_way(store::Reader& reader, const RunKey& run, const std::string& path) {
  TRY(std::vector<Artifact> found, reader.artifacts(run, path + "/"));
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    TRY(auto above, reader.artifact(run, path.substr(0, slash)));
    if (above) found.push_back(std::move(*above));
  }
  return found;
}

bool is_above(std::string_view folder, std::string_view path) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

std::unexpected<Error> no_place(const RunKey& run, const std::string& path, const std::string& other) {
  const bool is_folder = is_above(path, other);
  return fail(errors::already_exists,
              is_folder ? fmt::format("{:?} is a folder of run {:?}: it has the file {:?}", path, run.run_id, other)
                        : fmt::format("{:?} cannot lie below {:?}, which is a file of run {:?}", path, other, run.run_id),
              "Choose another name; no file of a run lies below another one.");
}

}  // namespace werkbank::api
