#include "lifecycle/script_error.hh"

#include <doctest/doctest.h>

#include <cstddef>

using namespace werkbank::lifecycle;

namespace {

using Lines = std::vector<std::string>;

// As Python prints an exception of azureml that nobody catches.
const Lines kAzureml{"epoch 1",
                     "Traceback (most recent call last):",
                     "  File \"train.py\", line 4, in <module>",
                     "    run.log('a', [1, 2])",
                     "azureml.exceptions._azureml_exception.UserErrorException: UserErrorException:",
                     "\tMessage: Metric 'a' wants one value Hint: Log it with log_list.",
                     "\tInnerException None",
                     "\tErrorResponse ",
                     "{",
                     "    \"error\": {",
                     "        \"code\": \"UserError\",",
                     "        \"message\": \"Metric 'a' wants one value\",",
                     "        \"innerError\": {",
                     "            \"code\": \"metric_not_scalar\"",
                     "        },",
                     "        \"hint\": \"Log it with log_list.\"",
                     "    }",
                     "}",
                     "at exit"};

}  // namespace

TEST_CASE("an exception of azureml is told by its message, its code and its own hint") {
  const ScriptError error = script_error(kAzureml);
  CHECK(error.exception == "UserErrorException: Metric 'a' wants one value [metric_not_scalar]");
  CHECK(error.hint == "Log it with log_list.");
  CHECK(telling_lines(kAzureml) == Lines{"Traceback (most recent call last):", "  File \"train.py\", line 4, in <module>",
                                         "    run.log('a', [1, 2])",
                                         "azureml.exceptions._azureml_exception.UserErrorException: UserErrorException:",
                                         "    Message: Metric 'a' wants one value Hint: Log it with log_list.", "at exit"});
}

TEST_CASE("an exception of azureml whose end is cut off, or whose message has several lines, still tells its message") {
  for (size_t length = 6; length < 18; ++length) {
    CAPTURE(length);
    const Lines cut(kAzureml.begin(), kAzureml.begin() + static_cast<std::ptrdiff_t>(length));
    CHECK(script_error(cut).exception == "UserErrorException: Metric 'a' wants one value Hint: Log it with log_list.");
  }
  CHECK(script_error({"Traceback (most recent call last):", "  File \"x.py\", line 1",
                      "azureml._common.exceptions.AzureMLException: AzureMLException:", "\tMessage: one", "two",
                      "\tInnerException ValueError: x", "\tErrorResponse ", "{}"})
            .exception == "AzureMLException: one two");
}

TEST_CASE("without a traceback all that was said last is told, without the empty lines") {
  CHECK(telling_lines({"begin", "", "done, but not well"}) == Lines{"begin", "done, but not well"});
  CHECK(script_error({"begin"}).exception.empty());
  CHECK(telling_lines({}).empty());
  // The traceback's beginning is too far up.
  CHECK(telling_lines({"    x()", "  File \"b.py\", line 2", "    y()", "KeyError: 1"}) ==
        Lines{"  File \"b.py\", line 2", "    y()", "KeyError: 1"});
}
