// Which commit a project folder stands at, for the record of its runs.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/json.hh"
#include "domain/run.hh"

namespace werkbank::client {

// By the git command, with the repository's hooks, file system monitor and prompts off and nothing of the caller's GIT_*
// settings; a repository of another owner is read all the same. AZUREML_GIT_REPOSITORY_URI, _BRANCH, _COMMIT, _DIRTY override.
// Nothing where the folder is in no repository or git is missing. A user and password in the remote's address are left out.
std::optional<GitFacts> gather_git_facts(const std::filesystem::path& folder,
                                         const std::map<std::string, std::string>& environment);

json::object git_to_json(const GitFacts& facts);  // "git" of the submit document
std::string without_credentials(std::string url);
// The facts in `git status --porcelain=v2 --branch` output.
GitFacts parse_git_status(std::string_view output);

}  // namespace werkbank::client
