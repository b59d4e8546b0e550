#include "compute/pool/vm_sizes.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "base/json.hh"

namespace werkbank::compute {
namespace {

std::string upper_case(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

}  // namespace

const std::vector<VmSize>& familiar_vm_sizes() {
  static const std::vector<VmSize> sizes{
      {"STANDARD_A1_V2", 1, 2048, 0},
      {"STANDARD_A2M_V2", 2, 16384, 0},
      {"STANDARD_A2_V2", 2, 4096, 0},
      {"STANDARD_A4M_V2", 4, 32768, 0},
      {"STANDARD_A4_V2", 4, 8192, 0},
      {"STANDARD_A8M_V2", 8, 65536, 0},
      {"STANDARD_A8_V2", 8, 16384, 0},
      {"STANDARD_D1", 1, 3584, 0},
      {"STANDARD_D11", 2, 14336, 0},
      {"STANDARD_D11_V2", 2, 14336, 0},
      {"STANDARD_D12", 4, 28672, 0},
      {"STANDARD_D12_V2", 4, 28672, 0},
      {"STANDARD_D13", 8, 57344, 0},
      {"STANDARD_D13_V2", 8, 57344, 0},
      {"STANDARD_D14", 16, 114688, 0},
      {"STANDARD_D14_V2", 16, 114688, 0},
      {"STANDARD_D15_V2", 20, 143360, 0},
      {"STANDARD_D16S_V3", 16, 65536, 0},
      {"STANDARD_D16S_V4", 16, 65536, 0},
      {"STANDARD_D16S_V5", 16, 65536, 0},
      {"STANDARD_D16_V3", 16, 65536, 0},
      {"STANDARD_D16_V4", 16, 65536, 0},
      {"STANDARD_D16_V5", 16, 65536, 0},
      {"STANDARD_D1_V2", 1, 3584, 0},
      {"STANDARD_D2", 2, 7168, 0},
      {"STANDARD_D2S_V3", 2, 8192, 0},
      {"STANDARD_D2S_V4", 2, 8192, 0},
      {"STANDARD_D2S_V5", 2, 8192, 0},
      {"STANDARD_D2_V2", 2, 7168, 0},
      {"STANDARD_D2_V3", 2, 8192, 0},
      {"STANDARD_D2_V4", 2, 8192, 0},
      {"STANDARD_D2_V5", 2, 8192, 0},
      {"STANDARD_D3", 4, 14336, 0},
      {"STANDARD_D32S_V3", 32, 131072, 0},
      {"STANDARD_D32S_V4", 32, 131072, 0},
      {"STANDARD_D32S_V5", 32, 131072, 0},
      {"STANDARD_D32_V3", 32, 131072, 0},
      {"STANDARD_D32_V4", 32, 131072, 0},
      {"STANDARD_D32_V5", 32, 131072, 0},
      {"STANDARD_D3_V2", 4, 14336, 0},
      {"STANDARD_D4", 8, 28672, 0},
      {"STANDARD_D4S_V3", 4, 16384, 0},
      {"STANDARD_D4S_V4", 4, 16384, 0},
      {"STANDARD_D4S_V5", 4, 16384, 0},
      {"STANDARD_D4_V2", 8, 28672, 0},
      {"STANDARD_D4_V3", 4, 16384, 0},
      {"STANDARD_D4_V4", 4, 16384, 0},
      {"STANDARD_D4_V5", 4, 16384, 0},
      {"STANDARD_D5_V2", 16, 57344, 0},
      {"STANDARD_D64S_V3", 64, 262144, 0},
      {"STANDARD_D64S_V4", 64, 262144, 0},
      {"STANDARD_D64S_V5", 64, 262144, 0},
      {"STANDARD_D64_V3", 64, 262144, 0},
      {"STANDARD_D64_V4", 64, 262144, 0},
      {"STANDARD_D64_V5", 64, 262144, 0},
      {"STANDARD_D8S_V3", 8, 32768, 0},
      {"STANDARD_D8S_V4", 8, 32768, 0},
      {"STANDARD_D8S_V5", 8, 32768, 0},
      {"STANDARD_D8_V3", 8, 32768, 0},
      {"STANDARD_D8_V4", 8, 32768, 0},
      {"STANDARD_D8_V5", 8, 32768, 0},
      {"STANDARD_DS1", 1, 3584, 0},
      {"STANDARD_DS11", 2, 14336, 0},
      {"STANDARD_DS11_V2", 2, 14336, 0},
      {"STANDARD_DS12", 4, 28672, 0},
      {"STANDARD_DS12_V2", 4, 28672, 0},
      {"STANDARD_DS13", 8, 57344, 0},
      {"STANDARD_DS13_V2", 8, 57344, 0},
      {"STANDARD_DS14", 16, 114688, 0},
      {"STANDARD_DS14_V2", 16, 114688, 0},
      {"STANDARD_DS15_V2", 20, 143360, 0},
      {"STANDARD_DS1_V2", 1, 3584, 0},
      {"STANDARD_DS2", 2, 7168, 0},
      {"STANDARD_DS2_V2", 2, 7168, 0},
      {"STANDARD_DS3", 4, 14336, 0},
      {"STANDARD_DS3_V2", 4, 14336, 0},
      {"STANDARD_DS4", 8, 28672, 0},
      {"STANDARD_DS4_V2", 8, 28672, 0},
      {"STANDARD_DS5_V2", 16, 57344, 0},
      {"STANDARD_E16S_V3", 16, 131072, 0},
      {"STANDARD_E16S_V4", 16, 131072, 0},
      {"STANDARD_E16S_V5", 16, 131072, 0},
      {"STANDARD_E16_V3", 16, 131072, 0},
      {"STANDARD_E16_V4", 16, 131072, 0},
      {"STANDARD_E16_V5", 16, 131072, 0},
      {"STANDARD_E2S_V3", 2, 16384, 0},
      {"STANDARD_E2S_V4", 2, 16384, 0},
      {"STANDARD_E2S_V5", 2, 16384, 0},
      {"STANDARD_E2_V3", 2, 16384, 0},
      {"STANDARD_E2_V4", 2, 16384, 0},
      {"STANDARD_E2_V5", 2, 16384, 0},
      {"STANDARD_E32S_V3", 32, 262144, 0},
      {"STANDARD_E32S_V4", 32, 262144, 0},
      {"STANDARD_E32S_V5", 32, 262144, 0},
      {"STANDARD_E32_V3", 32, 262144, 0},
      {"STANDARD_E32_V4", 32, 262144, 0},
      {"STANDARD_E32_V5", 32, 262144, 0},
      {"STANDARD_E4S_V3", 4, 32768, 0},
      {"STANDARD_E4S_V4", 4, 32768, 0},
      {"STANDARD_E4S_V5", 4, 32768, 0},
      {"STANDARD_E4_V3", 4, 32768, 0},
      {"STANDARD_E4_V4", 4, 32768, 0},
      {"STANDARD_E4_V5", 4, 32768, 0},
      {"STANDARD_E64S_V3", 64, 442368, 0},
      {"STANDARD_E64S_V4", 64, 442368, 0},
      {"STANDARD_E64S_V5", 64, 442368, 0},
      {"STANDARD_E64_V3", 64, 442368, 0},
      {"STANDARD_E64_V4", 64, 442368, 0},
      {"STANDARD_E64_V5", 64, 442368, 0},
      {"STANDARD_E8S_V3", 8, 65536, 0},
      {"STANDARD_E8S_V4", 8, 65536, 0},
      {"STANDARD_E8S_V5", 8, 65536, 0},
      {"STANDARD_E8_V3", 8, 65536, 0},
      {"STANDARD_E8_V4", 8, 65536, 0},
      {"STANDARD_E8_V5", 8, 65536, 0},
      {"STANDARD_F16S_V2", 16, 32768, 0},
      {"STANDARD_F2S_V2", 2, 4096, 0},
      {"STANDARD_F32S_V2", 32, 65536, 0},
      {"STANDARD_F4S_V2", 4, 8192, 0},
      {"STANDARD_F64S_V2", 64, 131072, 0},
      {"STANDARD_F72S_V2", 72, 147456, 0},
      {"STANDARD_F8S_V2", 8, 16384, 0},
      {"STANDARD_NC12", 12, 114688, 2},
      {"STANDARD_NC12S_V2", 12, 229376, 2},
      {"STANDARD_NC12S_V3", 12, 229376, 2},
      {"STANDARD_NC16AS_T4_V3", 16, 112640, 1},
      {"STANDARD_NC24", 24, 229376, 4},
      {"STANDARD_NC24ADS_A100_V4", 24, 225280, 1},
      {"STANDARD_NC24R", 24, 229376, 4},
      {"STANDARD_NC24RS_V2", 24, 458752, 4},
      {"STANDARD_NC24RS_V3", 24, 458752, 4},
      {"STANDARD_NC24S_V2", 24, 458752, 4},
      {"STANDARD_NC24S_V3", 24, 458752, 4},
      {"STANDARD_NC48ADS_A100_V4", 48, 450560, 2},
      {"STANDARD_NC4AS_T4_V3", 4, 28672, 1},
      {"STANDARD_NC6", 6, 57344, 1},
      {"STANDARD_NC64AS_T4_V3", 64, 450560, 4},
      {"STANDARD_NC6S_V2", 6, 114688, 1},
      {"STANDARD_NC6S_V3", 6, 114688, 1},
      {"STANDARD_NC8AS_T4_V3", 8, 57344, 1},
      {"STANDARD_NC96ADS_A100_V4", 96, 901120, 4},
      {"STANDARD_ND12S", 12, 229376, 2},
      {"STANDARD_ND24RS", 24, 458752, 4},
      {"STANDARD_ND24S", 24, 458752, 4},
      {"STANDARD_ND40RS_V2", 40, 688128, 8},
      {"STANDARD_ND6S", 6, 114688, 1},
      {"STANDARD_ND96ASR_V4", 96, 921600, 8},
      {"STANDARD_NV12", 12, 114688, 2},
      {"STANDARD_NV12S_V3", 12, 114688, 1},
      {"STANDARD_NV24", 24, 229376, 4},
      {"STANDARD_NV24S_V3", 24, 229376, 2},
      {"STANDARD_NV48S_V3", 48, 458752, 4},
      {"STANDARD_NV6", 6, 57344, 1},
  };
  return sizes;
}

namespace {

constexpr size_t kNamed = 3;
constexpr std::array kUsual{"STANDARD_D1_V2", "STANDARD_D2_V2", "STANDARD_D4_V2"};  // for names that resemble none

// The names that resemble a word, the nearest first; the usual ones where none does.
std::string nearest_sizes(const std::string& word, std::vector<std::string> names) {
  std::vector<std::string> found;
  while (found.size() < kNamed) {
    std::optional<std::string> nearest = nearest_word(word, names);
    if (!nearest) break;
    std::erase(names, *nearest);
    found.push_back(std::move(*nearest));
  }
  if (found.empty()) return fmt::format("some that there are: {}", fmt::join(kUsual, ", "));
  return fmt::format("did you mean {}?", fmt::join(found, ", "));
}

}  // namespace

Result<VmSize> find_vm_size(std::string_view name, const std::vector<VmSize>& own) {
  const std::string wanted = upper_case(name);
  std::vector<std::string> names;
  for (const std::vector<VmSize>* const list : {&own, &familiar_vm_sizes()}) {
    for (const VmSize& size : *list) {
      if (size.name == wanted) return size;
      names.push_back(size.name);
    }
  }
  return fail(errors::vm_size_unknown,
              fmt::format("there is no vm_size {:?}; {}", name, nearest_sizes(wanted, std::move(names))));
}

}  // namespace werkbank::compute
