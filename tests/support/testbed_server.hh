// Storages for one test program: installed where they are not yet (tests/testbed), started at the first use, ended with the
// program.
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

class TestbedServer {
 public:
  // `script up` prints the program, which is run with the words around it and tells its address behind "listens on ".
  TestbedServer(const std::string& script, std::vector<std::string> before, const std::vector<std::string>& after) {
    missing_ = start(script, std::move(before), after);
  }
  ~TestbedServer() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    (void)remove_tree(folder_);
  }
  TestbedServer(const TestbedServer&) = delete;
  TestbedServer& operator=(const TestbedServer&) = delete;

  const std::string& missing() const { return missing_; }  // why there is none; empty: there is one
  const std::string& address() const { return address_; }  // "http://127.0.0.1:PORT"

 private:
  std::string start(const std::string& script, std::vector<std::string> words, const std::vector<std::string>& after) {
    const std::string path = std::string(WERKBANK_SOURCE_FOLDER) + "/tests/testbed/" + script;
    const SpawnPlan install{.argv = {path, "up"}, .environment = current_environment()};
    const Result<ProcessResult> installed = run_process(install, std::chrono::minutes(5));
    if (!installed || installed->exit_code != 0) return path + " failed: " + (installed ? installed->err : "");
    std::string program = installed->out;
    while (program.ends_with('\n')) program.pop_back();
    if (!make_directories(folder_)) return "no folder";
    const std::filesystem::path told = folder_ / "told";
    if (::mkfifo(told.c_str(), 0600) != 0) return "no pipe";
    told_ = Fd(::open(told.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));  // before there is a writer
    words.insert(words.begin(), {"setpriv", "--pdeathsig", "KILL"});
    words.push_back(program);
    words.insert(words.end(), after.begin(), after.end());
    const SpawnPlan plan{.argv = std::move(words),
                         .environment = current_environment(),
                         .working_directory = folder_,
                         .stdout_path = told,
                         .stderr_path = folder_ / "errors"};
    const Result<pid_t> spawned = spawn_process(plan);
    if (!spawned) return "cannot be started: " + spawned.error().to_string();
    pid_ = *spawned;
    ::fcntl(told_.get(), F_SETFL, 0);  // from now on a read waits, and its end is the program's
    return wait_until_it_listens();
  }

  std::string wait_until_it_listens() {
    static constexpr std::string_view kMarker = "listens on ";
    std::string said;
    char buffer[4096];
    while (true) {
      const ssize_t count = ::read(told_.get(), buffer, sizeof buffer);
      if (count <= 0) return "it ended: " + said + read_file(folder_ / "errors").value_or("");
      said.append(buffer, static_cast<size_t>(count));
      const size_t at = said.find(kMarker);
      const size_t end = at == std::string::npos ? at : said.find('\n', at);
      if (end == std::string::npos) continue;
      address_ = said.substr(at + kMarker.size(), end - at - kMarker.size());
      return {};
    }
  }

  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("wb-testbed-" + random_hex(8));
  Fd told_;
  pid_t pid_ = 0;
  std::string missing_, address_;
};

}  // namespace werkbank::test
