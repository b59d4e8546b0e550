#include <cstdint>

#include "data/rest/xml.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = werkbank::data::parse_xml(std::string(reinterpret_cast<const char*>(data), size));
  if (parsed) (void)parsed->text_of("Name");
  return 0;
}
