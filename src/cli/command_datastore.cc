// datastore list | show | register | upload | download | set-default | unregister
#include <fmt/format.h>

#include "base/files.hh"
#include "cli/command.hh"
#include "cli/data_transfer.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

struct NameOptions {
  std::string name;
};

void declare_name(CLI::App& verb, NameOptions& options) {
  verb.add_option("NAME", options.name, "The datastore's name")->required();
}

void declare_optional_name(CLI::App& verb, NameOptions& options) {
  verb.add_option("NAME", options.name, "The datastore's name (default: the default datastore)");
}

Result<int> list_all(Context& context, const NoOptions&) {
  TRY(json::array items, fetch_datastores(context));
  CHECK_OK(context.print(json::value(std::move(items)), datastore_columns()));
  return kExitDone;
}

Result<int> show_one(Context& context, const NameOptions& options) {
  TRY(const json::value document, fetch_datastore(context, options.name));
  CHECK_OK(context.print(document, {}));
  return kExitDone;
}

Result<int> choose(Context& context, const NameOptions& options) {
  TRY(const json::value document, choose_default_datastore(context, options.name));
  context.terminal().say(fmt::format("{} is the default datastore", visible(options.name)));
  return kExitDone;
}

Result<int> unregister(Context& context, const NameOptions& options) {
  CHECK_OK(unregister_datastore(context, options.name));
  context.terminal().say(fmt::format("Unregistered {}; its data stays where it is", visible(options.name)));
  return kExitDone;
}

struct RegisterOptions {
  std::string name, path;
  bool overwrite = false, create = false, skip_validation = false;
  std::string account, container, endpoint, protocol, account_key_file, sas_token_file;
  std::string bucket, region, access_key_id, secret_key_file, session_token_file;
  std::string url, user, password_file, token_file;
};

void declare_register_common(CLI::App& verb, RegisterOptions& options) {
  verb.add_option("NAME", options.name, "The datastore's name: letters, digits, _ and -")->required();
  verb.add_flag("--overwrite", options.overwrite, "Replace the one of this name");
  verb.add_flag("--create-if-not-exists", options.create, "Make the folder, container or bucket");
  verb.add_flag("--skip-validation", options.skip_validation, "Do not try whether it can be used");
}

void declare_folder(CLI::App& verb, RegisterOptions& options) {
  declare_register_common(verb, options);
  verb.add_option("--folder", options.path, "The folder, on the server's machine")->required();
}

void declare_azure_blob(CLI::App& verb, RegisterOptions& options) {
  declare_register_common(verb, options);
  verb.add_option("--account", options.account, "The storage account")->required();
  verb.add_option("--container", options.container, "The container")->required();
  auto* const key = verb.add_option("--account-key-file", options.account_key_file, "A file with the account's key; - for stdin");
  verb.add_option("--sas-token-file", options.sas_token_file, "A file with a SAS token; - for stdin")->excludes(key);
  verb.add_option("--endpoint", options.endpoint, "Domain (default: core.windows.net), or the account's address as a URL");
  verb.add_option("--protocol", options.protocol, "https (default) or http");
}

void declare_s3(CLI::App& verb, RegisterOptions& options) {
  declare_register_common(verb, options);
  verb.add_option("--bucket", options.bucket, "The bucket")->required();
  verb.add_option("--region", options.region, "Its region (default: us-east-1)");
  verb.add_option("--endpoint", options.endpoint, "The storage's address as a URL (default: Amazon's)");
  auto* const id = verb.add_option("--access-key-id", options.access_key_id, "The access key's id; without one: a public bucket");
  verb.add_option("--secret-key-file", options.secret_key_file, "A file with the secret access key; - for stdin")->needs(id);
  verb.add_option("--session-token-file", options.session_token_file, "A file with the session token of a temporary key")
      ->needs(id);
}

void declare_http(CLI::App& verb, RegisterOptions& options) {
  declare_register_common(verb, options);
  verb.add_option("--url", options.url, "The address that the files' paths lie below")->required();
  auto* const token = verb.add_option("--token-file", options.token_file, "A file with a bearer token; - for stdin");
  auto* const user = verb.add_option("--user", options.user, "A user's name, with a password")->excludes(token);
  verb.add_option("--password-file", options.password_file, "A file with the user's password; - for stdin")->needs(user);
}

// From a file or stdin: arguments are seen by every process of the machine, and kept in the shell's history.
Result<std::string> read_credential(const std::string& file) {
  constexpr uint64_t kSizeMax = 64 * 1024;
  TRY(std::string text, read_file(file == "-" ? "/dev/stdin" : file, kSizeMax));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty()) return fail(errors::usage, fmt::format("there is no credential in {}", file == "-" ? "stdin" : file));
  return text;
}

Result<int> finish_registration(Context& context, const RegisterOptions& options, std::string_view kind, json::object settings,
                                json::object credential) {
  TRY(const json::value document, register_datastore(context, {{"name", options.name},
                                                               {"kind", kind},
                                                               {"settings", std::move(settings)},
                                                               {"credential", std::move(credential)},
                                                               {"overwrite", options.overwrite},
                                                               {"createIfNotExists", options.create},
                                                               {"skipValidation", options.skip_validation}}));
  if (context.prints_table())
    context.terminal().say(fmt::format("Registered {}", visible(options.name)));
  else
    CHECK_OK(context.print(document, {}));
  return kExitDone;
}

Result<int> register_folder(Context& context, const RegisterOptions& options) {
  const std::string folder = fs::absolute(options.path).lexically_normal().string();
  return finish_registration(context, options, "folder", {{"path", folder}}, {});
}

Result<int> register_azure_blob(Context& context, const RegisterOptions& options) {
  json::object settings{{"account", options.account}, {"container", options.container}};
  if (!options.endpoint.empty()) settings["endpoint"] = options.endpoint;
  if (!options.protocol.empty()) settings["protocol"] = options.protocol;
  json::object credential;
  if (!options.account_key_file.empty()) {
    TRY(credential["accountKey"], read_credential(options.account_key_file));
  }
  if (!options.sas_token_file.empty()) {
    TRY(credential["sasToken"], read_credential(options.sas_token_file));
  }
  return finish_registration(context, options, "azureBlob", std::move(settings), std::move(credential));
}

Result<int> register_s3(Context& context, const RegisterOptions& options) {
  json::object settings{{"bucket", options.bucket}};
  if (!options.region.empty()) settings["region"] = options.region;
  if (!options.endpoint.empty()) settings["endpoint"] = options.endpoint;
  if (!options.access_key_id.empty()) settings["accessKeyId"] = options.access_key_id;
  json::object credential;
  if (!options.secret_key_file.empty()) {
    TRY(credential["secretAccessKey"], read_credential(options.secret_key_file));
  }
  if (!options.session_token_file.empty()) {
    TRY(credential["sessionToken"], read_credential(options.session_token_file));
  }
  return finish_registration(context, options, "s3", std::move(settings), std::move(credential));
}

Result<int> register_http(Context& context, const RegisterOptions& options) {
  json::object settings{{"url", options.url}};
  if (!options.user.empty()) settings["user"] = options.user;
  json::object credential;
  if (!options.token_file.empty()) {
    TRY(credential["token"], read_credential(options.token_file));
  }
  if (!options.password_file.empty()) {
    TRY(credential["password"], read_credential(options.password_file));
  }
  return finish_registration(context, options, "http", std::move(settings), std::move(credential));
}

void declare_common(CLI::App& verb, DataTransfer& options) {
  verb.add_flag("--overwrite", options.overwrite, "Replace files that are there; without it they are skipped");
  verb.add_option("--threads", options.threads, "How many files at a time")->check(CLI::Range(1, 64))->capture_default_str();
  verb.add_flag("--events", options.events, "A JSON line for each step, and nothing else on stdout")->group("");
}

void declare_upload(CLI::App& verb, DataTransfer& options) {
  verb.add_option("NAME", options.datastore, "The datastore (default: the default one)");
  auto* const folder = verb.add_option("--src", options.folder, "The folder with the files");
  verb.add_option("--file", options.files, "These files in place of a folder; repeatable")
      ->excludes(folder)
      ->expected(1)
      ->take_all();
  verb.add_option("--files-from", options.files_from, "Files, named in this file with a NUL character between them");
  verb.add_option("--relative-root", options.relative_root,
                  "With --file: the folder that the files' paths count from (default: the one they have in common)");
  verb.add_option("--target", options.path, "The folder in the datastore (default: its top)");
  declare_common(verb, options);
}

void declare_download(CLI::App& verb, DataTransfer& options) {
  verb.add_option("NAME", options.datastore, "The datastore (default: the default one)");
  verb.add_option("--path", options.path, "A file or folder in the datastore (default: everything)");
  verb.add_option("--target", options.folder, "The folder on this machine; files keep their path below it")->required();
  declare_common(verb, options);
}

Result<int> finish_transfer(Context& context, const DataTransfer& options, const json::object& answer, std::string_view way) {
  if (options.events) return kExitDone;
  if (context.prints_table()) {
    context.terminal().clear_progress();
    context.terminal().say(fmt::format("{} {} files, {} were there already ({})", way, plain_text(answer.at("files")),
                                       plain_text(answer.at("skipped")),
                                       human_bytes(answer.at("sizeBytes").to_number<uint64_t>())));
    return kExitDone;
  }
  CHECK_OK(context.print(answer, {}));
  return kExitDone;
}

Result<DataTransfer> with_named_files(DataTransfer transfer) {
  if (!transfer.files_from.empty()) {
    TRY(const std::string names, read_file(transfer.files_from));
    for (size_t begin = 0; begin < names.size();) {
      const size_t end = std::min(names.find('\0', begin), names.size());
      if (end > begin) transfer.files.emplace_back(names.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  if (!transfer.folder.empty() || !transfer.files.empty()) return transfer;
  return fail(errors::usage, "what is to be uploaded is missing", "Name a folder with --src, or files with --file.");
}

Result<int> upload_verb(Context& context, const DataTransfer& options) {
  TRY(DataTransfer transfer, with_named_files(options));
  TRY(const json::object answer, upload_data(context, transfer));
  return finish_transfer(context, options, answer, "Uploaded");
}

Result<int> download_verb(Context& context, const DataTransfer& options) {
  TRY(const json::object answer, download_data(context, options));
  return finish_transfer(context, options, answer, "Downloaded");
}

}  // namespace

void add_datastore_commands(CLI::App& app, Context& context) {
  CLI::App& noun = *add_noun(app, "datastore", "Named places for data");
  add_verb<NoOptions>(noun, context, {"list", "List them", "  werkbank datastore list"}, nullptr, list_all);
  add_verb<NameOptions>(noun, context, {"show", "Show one; its credential is never shown", "  werkbank datastore show"},
                        declare_optional_name, show_one);
  CLI::App& registers = *add_noun(noun, "register", "Give a place a name; the server goes there and tries it");
  add_verb<RegisterOptions>(
      registers, context,
      {"folder", "A folder of the server's machine", "  werkbank datastore register folder images --folder /data/images"},
      declare_folder, register_folder);
  add_verb<RegisterOptions>(registers, context,
                            {"azure-blob", "A container of Azure Blob Storage, or of what speaks its protocol",
                             "  werkbank datastore register azure-blob images --account acme --container images \\\n"
                             "      --account-key-file key.txt\n"
                             "  werkbank datastore register azure-blob test --account devstoreaccount1 --container data \\\n"
                             "      --endpoint http://127.0.0.1:10000/devstoreaccount1 --account-key-file - < key.txt"},
                            declare_azure_blob, register_azure_blob);
  add_verb<RegisterOptions>(registers, context,
                            {"s3", "A bucket of Amazon S3, or of what speaks its protocol",
                             "  werkbank datastore register s3 images --bucket acme-images --region eu-central-1 \\\n"
                             "      --access-key-id AKIA... --secret-key-file secret.txt\n"
                             "  werkbank datastore register s3 open --bucket public-data"},
                            declare_s3, register_s3);
  add_verb<RegisterOptions>(registers, context,
                            {"http", "A web server's files, to read only",
                             "  werkbank datastore register http mirror --url https://example.com/data\n"
                             "  werkbank datastore register http inner --url https://files.acme.example --user anna \\\n"
                             "      --password-file password.txt"},
                            declare_http, register_http);
  add_verb<DataTransfer>(noun, context,
                         {"upload", "Upload a folder or files; what broke off is taken up again",
                          "  werkbank datastore upload --src ./data --target train\n"
                          "  werkbank datastore upload images --file a.png --file b.png --overwrite"},
                         declare_upload, upload_verb);
  add_verb<DataTransfer>(noun, context,
                         {"download", "Download a file, a folder or everything; what broke off is taken up again",
                          "  werkbank datastore download --path train --target ./data"},
                         declare_download, download_verb);
  add_verb<NameOptions>(noun, context, {"set-default", "Choose the default datastore", "  werkbank datastore set-default images"},
                        declare_name, choose, {.output = false});
  add_verb<NameOptions>(noun, context,
                        {"unregister", "Forget a datastore; its data stays", "  werkbank datastore unregister images"},
                        declare_name, unregister, {.output = false})
      ->alias("delete");
}

}  // namespace werkbank::cli
