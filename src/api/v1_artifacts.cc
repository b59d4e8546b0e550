// A run's files as Microsoft's client in a job sees them. It lists them; to bring and fetch bytes it insists on Azure's own
// storage addresses over TLS, which are not here: what a script writes to outputs/ and logs/ the runner brings.
#include "api/details.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "api/v1_wire.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr std::string_view kOrigin = "ExperimentRun";

Result<RunKey> run_of(const Call& call) {
  const std::string id = v1_run_of_container(call.arguments[2]);
  if (call.arguments[1] == kOrigin && !id.empty()) return RunKey{call.workspace(), id};
  return fail(errors::not_found, fmt::format("there are no files of {} {:?} here", call.arguments[1], call.arguments[2]),
              "The files of a run are ExperimentRun/dcid.RUN.");
}

Task<Result<net::Response>> list_files(Api& api, Call& call) {
  CO_TRY(const RunKey run, run_of(call));
  const std::string prefix = call.arguments.size() > 3 ? call.arguments[3] : "";
  const std::string container = v1_container(run.run_id);
  CO_TRY(const std::vector<Artifact> files, run_files(api, run, prefix));
  json::array items;
  for (const Artifact& file : files) {
    items.push_back(
        json::object{{"artifactId", fmt::format("{}/{}/{}", kOrigin, container, file.path)},
                     {"origin", kOrigin},
                     {"container", container},
                     {"path", file.path},
                     {"etag", file.hash},
                     {"createdTime", file.modified_ms == 0 ? json::value(nullptr) : json::value(format_utc(file.modified_ms))}});
  }
  co_return json_response(v1_page(std::move(items), ""));
}

Task<Result<net::Response>> refuse_upload(Api&, Call&) {
  co_return fail(errors::not_supported, "Microsoft's azureml-core uploads files to Azure's storage, which is not here",
                 "Write the file to ./outputs (or ./logs): it becomes a file of the run. Run.upload_file(), upload_folder() and "
                 "log_image() work with Werkbank's own SDK: leave WERKBANK_AZUREML away");
}

Task<Result<net::Response>> refuse_download(Api&, Call&) {
  co_return fail(errors::not_supported, "Microsoft's azureml-core downloads files from Azure's storage, which is not here",
                 "Run.download_file() and what builds on it work with Werkbank's own SDK: leave WERKBANK_AZUREML away");
}

// What that client shows of logs beside a run's details: without addresses it could fetch from there are none.
Task<Result<net::Response>> list_addresses(Api& api, Call& call) {
  CO_TRY(const RunKey run, run_of(call));
  CO_TRY([[maybe_unused]] const Run known, find_run(api, run));
  co_return json_response(v1_page(json::array(), ""));
}

#define FILES "/artifact/v2.0" V1_WORKSPACE "/artifacts"
constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, FILES "/contentinfo/{origin}/{container}/{path...}", refuse_download,
                             {"v1: where a file is fetched", "", "", "application/json"}),
    route<Permission::kRead>(Method::kGet, FILES "/prefix/contentinfo/{origin}/{container}/{path...}", list_addresses,
                             {"v1: where files are fetched, nowhere", "", "", "application/json"}),
    route<Permission::kRead>(Method::kGet, FILES "/{origin}/{container}", list_files,
                             {"v1: a run's files", "", "", "application/json"}),
    route<Permission::kRead>(Method::kGet, FILES "/{origin}/{container}/{path...}", list_files,
                             {"v1: a run's files below a path", "", "", "application/json"}),
    route<Permission::kJob>(Method::kPost, FILES "/batch/metadata/{origin}/{container}", refuse_upload,
                            {"v1: where files are brought", "", "application/json", "application/json"}),
    route<Permission::kJob>(Method::kPost, FILES "/content/{origin}/{container}/{path...}", refuse_upload,
                            {"v1: bring a file", "", "", "application/json"}),
};
#undef FILES

}  // namespace

std::span<const Route> v1_artifact_routes() { return kRoutes; }

}  // namespace werkbank::api
