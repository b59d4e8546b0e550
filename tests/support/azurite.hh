// Azurite for one test program: installed where it is not yet, started at the first use, ended with the program.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/files.hh"
#include "base/hash.hh"
#include "base/process.hh"

namespace werkbank::test {

// Azurite's published development account.
inline constexpr const char* kAzuriteAccount = "devstoreaccount1";
inline constexpr const char* kAzuriteKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

class Azurite {
 public:
  static Azurite& running() {
    static Azurite one;
    return one;
  }
  const std::string& missing() const { return missing_; }    // why there is none; empty: there is one
  const std::string& endpoint() const { return endpoint_; }  // "http://127.0.0.1:PORT/devstoreaccount1"

 private:
  Azurite() { missing_ = start(); }
  ~Azurite() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    (void)remove_tree(folder_);
  }

  std::string start() {
    const std::string script = std::string(WERKBANK_SOURCE_FOLDER) + "/tests/testbed/azurite.sh";
    const SpawnPlan install{.argv = {script, "up"}, .environment = current_environment()};
    const Result<ProcessResult> installed = run_process(install, std::chrono::minutes(5));
    if (!installed || installed->exit_code != 0) return "Azurite cannot be installed: " + (installed ? installed->err : "");
    std::string program = installed->out;
    while (program.ends_with('\n')) program.pop_back();
    if (!make_directories(folder_)) return "no folder for Azurite";
    const std::filesystem::path told = folder_ / "told";
    if (::mkfifo(told.c_str(), 0600) != 0) return "no pipe for Azurite";
    told_ = Fd(::open(told.c_str(), O_RDWR | O_CLOEXEC));  // also for writing: never at its end
    SpawnPlan plan{.argv = {"setpriv", "--pdeathsig", "KILL", "node", program, "--skipApiVersionCheck", "--disableTelemetry",
                            "--silent", "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", "0"},
                   .environment = current_environment(),
                   .working_directory = folder_,
                   .stdout_path = told,
                   .stderr_path = told};
    const Result<pid_t> spawned = spawn_process(plan);
    if (!spawned) return "Azurite cannot be started: " + spawned.error().to_string();
    pid_ = *spawned;
    return wait_until_it_listens();
  }

  std::string wait_until_it_listens() {
    static constexpr std::string_view kListens = "successfully listens on ";
    std::string said;
    char buffer[4096];
    while (true) {
      const ssize_t count = ::read(told_.get(), buffer, sizeof buffer);
      if (count <= 0) return "Azurite ended: " + said;
      said.append(buffer, static_cast<size_t>(count));
      const size_t at = said.find(kListens);
      const size_t end = at == std::string::npos ? at : said.find('\n', at);
      if (end == std::string::npos) continue;
      endpoint_ = said.substr(at + kListens.size(), end - at - kListens.size()) + "/" + kAzuriteAccount;
      return {};
    }
  }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("wb-azurite-" + random_hex(8));
  Fd told_;
  pid_t pid_ = 0;
  std::string missing_, endpoint_;
};

}  // namespace werkbank::test

// Where it cannot be had a case is left out, loudly; in continuous integration that is a failure.
#define NEEDS_AZURITE()                                                                              \
  if (const std::string& missing = werkbank::test::Azurite::running().missing(); !missing.empty()) { \
    const char* const ci = std::getenv("CI");                                                        \
    if (ci != nullptr && std::string_view(ci) == "true") FAIL(missing);                              \
    MESSAGE("left out: " << missing);                                                                \
    return;                                                                                          \
  }
