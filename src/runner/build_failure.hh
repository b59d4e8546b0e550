// What uv's words mean: which requirement failed, and why. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace werkbank::runner {

enum class FailureCause {
  kUnknownPackage,  // no package of this name
  kNoVersion,       // the package has no such version
  kNoWheel,         // there are versions, but none for this Python or machine
  kPythonTooOld,    // it wants another Python
  kConflict,        // requirements that exclude each other
  kNetwork,         // the index does not answer
  kDiskFull,
  kBuildFailed,  // compiling from source failed
  kOther,
};

struct BuildFailure {
  FailureCause cause = FailureCause::kOther;
  std::string package;  // normalised name of the one that failed; empty where none is named
  std::string reason;   // uv's own first sentences, on one line
};

BuildFailure read_failure(std::string_view uv_output);
// "scikit-learn" of "scikit-learn[extra]==0.22.1 ; marker".
std::string requirement_name(std::string_view requirement);
// The requirement of the recipe with this name; nothing where it came in through another one.
std::optional<std::string> requirement_of(const std::vector<std::string>& requirements, std::string_view name);
// The pins as lower bounds: "a==1.2.*" and "a~=1.2" become "a>=1.2". The same text where nothing is pinned.
std::string relaxed(std::string_view requirement);
// The popular package that a misspelt name may have meant.
std::optional<std::string> probably_meant(std::string_view name);

}  // namespace werkbank::runner
