// WERKBANK_HOME: the folder that holds all state of one installation.
//
//   server.sock server.lock vault.key       db/ records, series/ metrics     content/blobs content/logs
//   installation: which one this is, from its first start on
//   datastores/WORKSPACE/NAME the data of workspaces' own datastores
//   cache/data what was fetched of datastores elsewhere
//   packages/ what `werkbank pip-config` lets pip find
//   work/ runs under way                    environments/ built ones        bin/ sdk/ unpacked programs     logs/ backups/
#pragma once

#include <filesystem>
#include <string>

#include "base/files.hh"

namespace werkbank {

class Home {
 public:
  // Creates the folder (mode 0700) and checks that it can serve: writable, on a local file system, nobody else at work in it.
  // home_refused with the reason; store_busy where another server has it.
  static Result<Home> open(const std::filesystem::path& folder);

  std::filesystem::path socket() const { return folder_ / "server.sock"; }
  std::filesystem::path records() const { return folder_ / "db" / "werkbank.db"; }
  std::filesystem::path series() const { return folder_ / "series"; }
  std::filesystem::path blobs() const { return folder_ / "content" / "blobs"; }
  std::filesystem::path logs() const { return folder_ / "content" / "logs"; }
  std::filesystem::path work() const { return folder_ / "work"; }
  std::filesystem::path pools() const { return work() / "pools"; }  // below it: a backup that is restored moves both aside
  std::filesystem::path environments() const { return folder_ / "environments"; }
  std::filesystem::path datastores() const { return folder_ / "datastores"; }
  std::filesystem::path data_cache() const { return folder_ / "cache" / "data"; }  // of datastores elsewhere; may be removed
  std::filesystem::path vault_key() const { return folder_ / "vault.key"; }
  std::filesystem::path backups() const { return folder_ / "backups"; }
  std::filesystem::path installation_mark() const { return folder_ / "installation"; }
  std::filesystem::path server_log() const { return folder_ / "logs" / "server.log"; }
  const std::filesystem::path& folder() const { return folder_; }

  // Empty for a home in which no server has started yet.
  Result<std::string> installation_id() const;
  // A home that was in use and has lost its records, metrics or key is not a new one: with no records, the first garbage
  // collection would take all content away. home_incomplete names what is missing.
  Status refuse_losses() const;
  // Marks the home as in use; home_incomplete where it belongs to another installation.
  Status put_installation_id(const std::string& id) const;

  // Unpacks an embedded file under bin/ once per content; answers its path.
  Result<std::filesystem::path> unpack_program(std::string_view name, std::string_view bytes) const;
  // Unpacks the wheel (a zip file) under sdk/ once per content; answers the folder to put on PYTHONPATH.
  Result<std::filesystem::path> unpack_sdk(std::string_view wheel) const;

 private:
  Home(std::filesystem::path folder, FileLock lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}
  std::filesystem::path folder_;
  FileLock lock_;
};

}  // namespace werkbank
