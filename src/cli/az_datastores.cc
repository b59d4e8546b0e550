// az ml datastore, as the extension had it.
#include <fmt/format.h>

#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/data_transfer.hh"

namespace werkbank::cli {
namespace {

struct NameOptions {
  std::string name;
};

void declare_name(CLI::App& verb, NameOptions& options) {
  verb.add_option("-n,--name", options.name, "The datastore's name")->required();
}

Result<int> list_all(Context& context, const NoOptions&) {
  TRY(json::array items, fetch_datastores(context));
  CHECK_OK(context.print(json::value(std::move(items)), datastore_columns()));
  return kExitDone;
}

Result<int> show_one(Context& context, const NameOptions& options) {
  TRY(const json::value document, fetch_datastore(context, options.name));
  CHECK_OK(context.print(document, datastore_columns()));
  return kExitDone;
}

Result<int> show_default(Context& context, const NoOptions&) { return show_one(context, {}); }

Result<int> choose(Context& context, const NameOptions& options) {
  TRY(const json::value document, choose_default_datastore(context, options.name));
  CHECK_OK(context.print(document, datastore_columns()));
  return kExitDone;
}

Result<int> detach(Context& context, const NameOptions& options) {
  CHECK_OK(unregister_datastore(context, options.name));
  return kExitDone;
}

struct AttachOptions {
  std::string name, account, container, key, sas, endpoint, protocol;
  bool grant = false, skip_validation = false;
};

void declare_attach_blob(CLI::App& verb, AttachOptions& options) {
  verb.add_option("-n,--name", options.name, "The datastore's name")->required();
  verb.add_option("-a,--account-name", options.account, "The storage account")->required();
  verb.add_option("-c,--container-name", options.container, "The container")->required();
  auto* const key = verb.add_option("-k,--account-key", options.key, "The account's key");
  verb.add_option("--sas-token", options.sas, "A SAS token")->excludes(key);
  verb.add_option("--endpoint", options.endpoint, "Domain (default: core.windows.net), or the account's address as a URL");
  verb.add_option("--protocol", options.protocol, "https (default) or http");
  verb.add_flag("--grant-workspace-msi-access", options.grant)->group("");
  verb.add_flag("--skip-validation", options.skip_validation, "Do not try whether it can be used");
}

Result<int> attach_blob(Context& context, const AttachOptions& options) {
  json::object settings{{"account", options.account}, {"container", options.container}};
  if (!options.endpoint.empty()) settings["endpoint"] = options.endpoint;
  if (!options.protocol.empty()) settings["protocol"] = options.protocol;
  json::object credential;
  if (!options.key.empty()) credential["accountKey"] = options.key;
  if (!options.sas.empty()) credential["sasToken"] = options.sas;
  TRY(const json::value document, register_datastore(context, {{"name", options.name},
                                                               {"kind", "azureBlob"},
                                                               {"settings", std::move(settings)},
                                                               {"credential", std::move(credential)},
                                                               {"skipValidation", options.skip_validation}}));
  CHECK_OK(context.print(document, datastore_columns()));
  return kExitDone;
}

void declare_upload(CLI::App& verb, DataTransfer& options) {
  verb.add_option("-n,--name", options.datastore, "The datastore's name")->required();
  verb.add_option("-p,--src-path", options.folder, "The folder to upload")->required();
  verb.add_option("-u,--target-path", options.path, "Where to, in the datastore (default: its top)");
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there");
  verb.add_flag("--hide-progress")->group("");
}

Result<int> upload_verb(Context& context, const DataTransfer& options) {
  TRY(const json::object answer, upload_data(context, options));
  CHECK_OK(context.print(answer, {}));
  return kExitDone;
}

void declare_download(CLI::App& verb, DataTransfer& options) {
  verb.add_option("-n,--name", options.datastore, "The datastore's name")->required();
  verb.add_option("-d,--target-path", options.folder, "The folder on this machine")->required();
  verb.add_option("-p,--prefix", options.path, "A file or folder in the datastore (default: everything)");
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there");
  verb.add_flag("--hide-progress")->group("");
}

Result<int> download_verb(Context& context, const DataTransfer& options) {
  TRY(const json::object answer, download_data(context, options));
  CHECK_OK(context.print(answer, {}));
  return kExitDone;
}

}  // namespace

void add_az_datastores(CLI::App& ml, Context& context) {
  CLI::App& noun = *add_noun(ml, "datastore", "Named places for data");
  const auto place = [&context](CLI::App* verb) { add_az_place(*verb, context); };
  place(add_verb<NoOptions>(noun, context, {"list", "List them", "  az ml datastore list -o table"}, nullptr, list_all, kAzVerb));
  place(add_verb<NameOptions>(noun, context, {"show", "Show one", "  az ml datastore show -n workspaceblobstore"}, declare_name,
                              show_one, kAzVerb));
  place(add_verb<NoOptions>(noun, context, {"show-default", "Show the default one", "  az ml datastore show-default"}, nullptr,
                            show_default, kAzVerb));
  place(add_verb<NameOptions>(noun, context, {"set-default", "Choose the default one", "  az ml datastore set-default -n images"},
                              declare_name, choose, kAzVerb));
  place(add_verb<NameOptions>(noun, context,
                              {"detach", "Forget a datastore; its data stays", "  az ml datastore detach -n images"},
                              declare_name, detach, kAzVerb));
  place(add_verb<DataTransfer>(noun, context,
                               {"upload", "Upload a folder", "  az ml datastore upload -n workspaceblobstore -p ./data -u train"},
                               declare_upload, upload_verb, kAzVerb));
  place(add_verb<DataTransfer>(
      noun, context,
      {"download", "Download a folder or file", "  az ml datastore download -n workspaceblobstore -d ./data -p train"},
      declare_download, download_verb, kAzVerb));
  place(add_verb<AttachOptions>(
      noun, context,
      {"attach-blob", "Register a blob container", "  az ml datastore attach-blob -n images -a acme -c images -k KEY"},
      declare_attach_blob, attach_blob, kAzVerb));
  constexpr std::string_view kUntilThen = "Register a folder with `werkbank datastore register folder`.";
  for (const std::string_view name :
       {"attach-file", "attach-adls", "attach-adls-gen2", "attach-dbfs", "attach-sqldb", "attach-mysqldb", "attach-psqldb"}) {
    add_az_later(noun, context, {name, "this kind of datastore comes", kUntilThen});
  }
}

}  // namespace werkbank::cli
