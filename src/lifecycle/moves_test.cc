#include "lifecycle/moves.hh"

#include <doctest/doctest.h>

using namespace werkbank;

namespace {

RunEnd described(std::vector<std::string> tail) {
  RunEnd end;
  end.kind = RunEndKind::kExitCode;
  end.exit_code = 1;
  end.log_tail = std::move(tail);
  lifecycle::describe_end(end);
  return end;
}

}  // namespace

TEST_CASE("the exception of the script is in the run's error") {
  CHECK(described({"Traceback (most recent call last):", "  File \"x.py\", line 1, in <module>", "    f()", "ValueError: boom"})
            .message == "User program failed with ValueError: boom");
  CHECK(described({"Traceback (most recent call last):", "  File \"x.py\", line 1", "KeyError: 1", "",
                   "During handling of the above exception, another exception occurred:", "",
                   "Traceback (most recent call last):", "  File \"x.py\", line 3", "TypeError: two", "at exit"})
            .message == "User program failed with TypeError: two");
  CHECK(described({"begin", "done, but not well"}).message == "The script ended with exit code 1.");
}

TEST_CASE("a script that does not compile says where and why") {
  CHECK(described({"  File \"train.py\", line 3", "    print(", "         ^", "SyntaxError: '(' was never closed"}).message ==
        "User program failed with SyntaxError: '(' was never closed");
  CHECK(described({"  File \"train.py\", line 2", "\tx = 1", "\t^", "IndentationError: unexpected indent"}).message ==
        "User program failed with IndentationError: unexpected indent");
}

TEST_CASE("a missing module is named with what to do") {
  for (const char* const line : {"ModuleNotFoundError: No module named 'torch'", "ImportError: No module named 'torch'",
                                 "ModuleNotFoundError: No module named 'torch.nn'", "ImportError: No module named torch.nn"}) {
    CAPTURE(line);
    const RunEnd end = described({"Traceback (most recent call last):", "  File \"x.py\", line 1", line});
    CHECK(end.hint.find("brings \"torch\" to conda_dependencies.yml") != std::string::npos);
  }
  const RunEnd other =
      described({"Traceback (most recent call last):", "  File \"x.py\", line 1", "ImportError: cannot import name 'x'"});
  CHECK(other.hint.find("conda_dependencies") == std::string::npos);
}

TEST_CASE("what is said already stays") {
  RunEnd end;
  end.kind = RunEndKind::kLaunch;
  end.message = "own words";
  end.hint = "own hint";
  lifecycle::describe_end(end);
  CHECK(end.message == "own words");
  CHECK(end.hint == "own hint");
  CHECK(end.code == "ServiceError");
}
