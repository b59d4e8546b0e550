// Which interpreter, and which exact versions: the search through what is possible on this machine, and the explanation where
// nothing is.
#pragma once

#include <string>
#include <vector>

#include "base/result.hh"
#include "domain/environment.hh"
#include "runner/build_failure.hh"
#include "runner/build_interpreters.hh"
#include "runner/build_uv.hh"

namespace werkbank::runner {

struct Resolution {
  Interpreter interpreter;
  std::string lock;  // name==version lines, with hashes
  SourceBuilds source_builds = SourceBuilds::kRefused;
  std::vector<std::string> relaxed;  // "a==1.0 -> a==1.2", policy "nearest"
};

class Resolver {
 public:
  Resolver(const UvTool& uv, const EnvironmentRecipe& recipe, std::vector<Interpreter> interpreters);

  // The first candidate that resolves from wheels; otherwise from sources, on the interpreter that is wanted; otherwise, with the
  // policy "nearest", with pins that give way, each told in the log. environment_failed naming the requirement and what would
  // work.
  Result<Resolution> resolve(const std::vector<Interpreter>& candidates);
  // What uv's output means, said of the recipe's requirements.
  Error explain_output(const Interpreter& interpreter, std::string_view uv_output);

 private:
  Result<Resolution> try_all(const std::vector<Interpreter>& candidates, const std::vector<std::string>& requirements);
  Result<Resolution> try_nearest(const std::vector<Interpreter>& candidates);
  bool resolves(const Interpreter& interpreter, const std::string& requirement);
  Error explain(const Interpreter& wanted, const std::vector<std::string>& requirements);
  std::string what_would_work(const Interpreter& wanted, const std::string& requirement);

  const UvTool& uv_;
  const EnvironmentRecipe& recipe_;
  std::vector<Interpreter> interpreters_;  // all of this machine
  BuildFailure failure_;                   // of the first candidate of the last try
};

}  // namespace werkbank::runner
