// The number of files a process may hold open. A server and a runner raise it to what the system allows; programs of users get
// back what they would have had, since some of them walk over all numbers up to the limit, or use select().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace werkbank {

// Our programs tell each other the limit they began with in this variable; a user's program never sees it.
inline constexpr std::string_view kOpenFilesVariable = "WERKBANK_OPEN_FILES";

// Raises the soft limit to the hard one. Answers the limit for users' programs: what a program of ours that started this one says
// in the variable, otherwise the soft limit as it was.
uint64_t raise_open_files_limit();
// Lowers the soft limit to what the variable says, for this process and those it starts. Nothing where it says nothing.
void restore_open_files_limit();
// For the environment of a program of ours.
void pass_open_files_limit(std::map<std::string, std::string>& environment, uint64_t limit);

}  // namespace werkbank
