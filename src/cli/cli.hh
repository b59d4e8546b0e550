// The command line: `werkbank …`, and `az …` where the program is called by that name. Everything but `serve` works through
// the HTTP interface; what only the server's side of the program can do comes in as CliPrograms from main().
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hh"
#include "data/data_store.hh"

namespace werkbank::cli {

// What `werkbank serve` was asked for. Defaults: the Unix socket of the home only.
struct ServeOptions {
  std::filesystem::path home;              // WERKBANK_HOME or ~/.werkbank, absolute
  std::vector<std::string> listen;         // --listen HOST:PORT, repeatable: TCP besides the socket
  std::vector<std::string> allowed_hosts;  // --allow-host NAME: further Host and Origin values that are accepted
  bool no_auth = false;                    // --no-auth: TCP acts as owner; refused off loopback by the server
  std::filesystem::path tls_certificate;   // --tls-cert FILE, PEM: TCP speaks TLS; read again on SIGHUP
  std::filesystem::path tls_key;           // --tls-key FILE, PEM; empty: it is in the certificate's file
  std::chrono::seconds idle_exit{0};       // --idle-exit S: end after this time without requests and runs; 0: never
  size_t threads = 2;                      // --threads N
  int64_t backups_kept = 3;                // --keep-backups N: daily copies of the records in the home; 0: none
  int64_t events_kept_days = 30;           // --keep-events DAYS: how long live streams can be resumed
  std::string log_level = "info";          // --log-level debug|info|warning|error
};

// One line of `werkbank doctor`.
enum class CheckState { kOk, kWarning, kFailed };
struct DoctorCheck {
  std::string name;
  CheckState state = CheckState::kOk;
  std::string finding;  // what was seen
  std::string remedy;   // what to do; empty with kOk
};

struct CliPrograms {
  std::string version = "0.0.0";
  std::function<int(const ServeOptions&)> serve;  // runs until stopped; the process's exit code
  // The whole home copied to a folder (answers the bytes), and back (answers where to what was there was moved, if it was).
  std::function<Result<uint64_t>(const std::filesystem::path& home, const std::filesystem::path& folder)> backup;
  std::function<Result<std::filesystem::path>(const std::filesystem::path& home, const std::filesystem::path& from, bool replace)>
      restore;
  // Writes the package index that pip reads (package_index_folder), unless it is there and this program's own; answers its
  // folder.
  std::function<Result<std::filesystem::path>(const std::filesystem::path& home)> package_folder;
  data::DataStoreOpener open_data;  // the kinds of storage that this program knows
  // Checks of parts that only the whole program holds (the embedded runner, the database), appended to doctor's own.
  std::function<std::vector<DoctorCheck>(const std::filesystem::path& home)> doctor;
  // Reads all stored content and compares it with its hashes; tells the bytes that are done.
  std::function<DoctorCheck(const std::filesystem::path& home, const std::function<void(uint64_t)>& progress)> verify;
};

// Of a home: wheels, as pip's find-links has them.
std::filesystem::path package_folder(const std::filesystem::path& home);

// The whole program for these arguments; the process's exit code: 0 done, 1 failed (a run that Failed or was Canceled too),
// 2 refused (the command line, a configuration, a request), 130 interrupted.
int run(int argc, char** argv, const CliPrograms& programs);

}  // namespace werkbank::cli
