// How `werkbank shell` starts a shell so that its own python and programs come first even where the user's start-up files put
// others before them (conda init, pyenv init, PATH=…:$PATH): those files are read, and what the shell is about comes after them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.hh"

namespace werkbank::cli {

struct ShellStart {
  std::vector<std::string> argv;
  std::map<std::string, std::string> variables;
};

struct ShellRequest {
  std::string shell;                             // its path
  std::string command;                           // to run and end; empty: for a person
  std::string front;                             // what PATH begins with: "folder:folder"
  std::string virtual_environment;               // VIRTUAL_ENV; empty: none
  std::map<std::string, std::string> variables;  // the shell's, PATH with `front` already in it
  std::filesystem::path folder;                  // where the files for bash and zsh are kept; made where it is not there
};

// bash, zsh and fish; another shell is started as it is, with `front` in its PATH.
Result<ShellStart> start_of_shell(const ShellRequest& request);

}  // namespace werkbank::cli
