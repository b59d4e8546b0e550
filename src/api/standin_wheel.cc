#include "api/standin_wheel.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "environment/azureml_package.hh"

namespace werkbank::api {
namespace {

constexpr int kLastPatchOf10 = 85;  // 1.0.x
constexpr int kLastMinor = 61;      // 1.x.0; the version that the SDK says it is

uint32_t crc32_of(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

// A zip of files that are stored as they are: a few hundred bytes, so no library is asked.
class Zip {
 public:
  void add(const std::string& name, const std::string& content) {
    std::string facts;  // what the file's own header and the directory both say
    put(facts, 20, 2);  // the version of zip that is needed
    put(facts, 0, 2);
    put(facts, 0, 2);     // stored
    put(facts, 0, 2);     // midnight
    put(facts, 0x21, 2);  // 1980-01-01
    put(facts, crc32_of(content), 4);
    put(facts, content.size(), 4);
    put(facts, content.size(), 4);
    put(facts, name.size(), 2);
    put(facts, 0, 2);
    std::string entry;
    put(entry, 0x02014b50, 4);
    put(entry, 20 | (3 << 8), 2);  // made on Unix
    entry += facts;
    put(entry, 0, 2);
    put(entry, 0, 2);
    put(entry, 0, 2);
    put(entry, 0644ULL << 16, 4);
    put(entry, bytes_.size(), 4);
    directory_ += entry + name;
    put(bytes_, 0x04034b50, 4);
    bytes_ += facts + name + content;
    ++count_;
  }

  std::string finish() {
    std::string end;
    put(end, 0x06054b50, 4);
    put(end, 0, 4);
    put(end, count_, 2);
    put(end, count_, 2);
    put(end, directory_.size(), 4);
    put(end, bytes_.size(), 4);
    put(end, 0, 2);
    return bytes_ + directory_ + end;
  }

 private:
  static void put(std::string& text, uint64_t value, int width) {
    for (int i = 0; i < width; ++i) text += static_cast<char>((value >> (8 * i)) & 0xff);
  }

  std::string bytes_, directory_;
  uint64_t count_ = 0;
};

}  // namespace

const std::vector<std::string>& standin_names() {
  static const std::vector<std::string> kNames{"azureml-automl-core",    "azureml-core",
                                               "azureml-dataprep",       "azureml-dataset-runtime",
                                               "azureml-defaults",       "azureml-interpret",
                                               "azureml-mlflow",         "azureml-opendatasets",
                                               "azureml-pipeline",       "azureml-pipeline-core",
                                               "azureml-pipeline-steps", "azureml-sdk",
                                               "azureml-telemetry",      "azureml-tensorboard",
                                               "azureml-train",          "azureml-train-automl-client",
                                               "azureml-train-core",     "azureml-train-restclients-hyperdrive",
                                               "azureml-widgets"};
  return kNames;
}

std::vector<std::string> standin_versions(std::string_view name) {
  std::vector<std::string> versions;
  for (int patch = 1; patch <= kLastPatchOf10; ++patch) versions.push_back(fmt::format("1.0.{}", patch));
  for (int minor = 1; minor <= kLastMinor; ++minor) versions.push_back(fmt::format("1.{}.0", minor));
  if (name.starts_with("azureml-dataprep")) {  // its numbers run ahead
    for (int major = 2; major <= 5; ++major) {
      for (int minor = 0; minor <= 40; ++minor) versions.push_back(fmt::format("{}.{}.0", major, minor));
    }
  }
  return versions;
}

std::string standin_file_name(const StandinFile& file) {
  std::string name = file.name;
  std::ranges::replace(name, '-', '_');
  return fmt::format("{}-{}-py3-none-any.whl", name, file.version);
}

std::optional<StandinFile> standin_of(std::string_view file_name) {
  constexpr std::string_view kEnd = "-py3-none-any.whl";
  if (!file_name.ends_with(kEnd)) return std::nullopt;
  file_name.remove_suffix(kEnd.size());
  const size_t dash = file_name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  StandinFile file{environment::normalized_name(file_name.substr(0, dash)), std::string(file_name.substr(dash + 1))};
  if (!file.name.starts_with("azureml-")) return std::nullopt;
  const std::vector<std::string> versions = standin_versions(file.name);
  if (std::ranges::find(versions, file.version) == versions.end()) return std::nullopt;
  return file;
}

std::string standin_wheel(const StandinFile& file) {
  environment::Requirement self;
  self.name = file.name;
  std::string metadata = fmt::format(
      "Metadata-Version: 2.1\nName: {}\nVersion: {}\nSummary: Stands for the package of this name: asks for Werkbank's SDK\n"
      "Requires-Python: >=3.6\nRequires-Dist: werkbank-azureml\n",
      file.name, file.version);
  for (const std::string& companion : environment::companions_of(self)) metadata += "Requires-Dist: " + companion + "\n";
  std::string info = file.name;
  std::ranges::replace(info, '-', '_');
  info += "-" + file.version + ".dist-info/";
  Zip zip;
  zip.add(info + "METADATA", metadata);
  zip.add(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: werkbank\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
  zip.add(info + "RECORD", fmt::format("{0}METADATA,,\n{0}WHEEL,,\n{0}RECORD,,\n", info));
  return zip.finish();
}

}  // namespace werkbank::api
