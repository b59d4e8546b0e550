// Any bytes as a requirement, a conda spec, an option line: a value that reads back to itself, or an error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "environment/conda_package.hh"
#include "environment/python_choice.hh"
#include "environment/requirement.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace werkbank::environment;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> notes;
  if (const auto requirement = parse_requirement(text)) {
    const auto again = parse_requirement(requirement->text());
    if (!again || again->text() != requirement->text()) std::abort();
  }
  if (const auto spec = parse_conda_spec(text)) static_cast<void>(wheel_of(*spec, notes));
  static_cast<void>(parse_option_line(text, notes));
  static_cast<void>(choose_python(text));
  return 0;
}
