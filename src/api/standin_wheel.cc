#include "api/standin_wheel.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "environment/azureml_package.hh"

namespace werkbank::api {
namespace {

// What v1's packages were published as, taken together: pins name one of these.
constexpr std::string_view kPublished =
    "0.0.49 0.1.50 0.1.57 0.1.58 0.1.59 0.1.65 0.1.68 0.1.74 0.1.80 1.0.2 1.0.6 1.0.8 1.0.10 1.0.15 1.0.15.1 1.0.17 "
    "1.0.17.1 1.0.18 1.0.18.1 1.0.21 1.0.21.1 1.0.23 1.0.30 1.0.33 1.0.33.1 1.0.39 1.0.39.1 1.0.41 1.0.41.1 1.0.43 1.0.43.1 "
    "1.0.45 1.0.45.1 1.0.48 1.0.48.1 1.0.53 1.0.55 1.0.57 1.0.57.1 1.0.60 1.0.60.1 1.0.60.2 1.0.62 1.0.62.1 1.0.65 1.0.65.1 "
    "1.0.69 1.0.69.1 1.0.72 1.0.72.1 1.0.74 1.0.74.1 1.0.76 1.0.76.1 1.0.79 1.0.79.1 1.0.81 1.0.81.1 1.0.83 1.0.83.1 1.0.85 "
    "1.0.85.1 1.0.85.2 1.0.85.3 1.0.85.4 1.0.85.5 1.0.85.6 1.1.5 1.1.5.1 1.1.5.2 1.1.5.3 1.1.5.4 1.1.5.5 1.1.5.6 1.1.5.7 "
    "1.2.0 1.2.0.post1 1.3.0 1.4.0 1.4.0.post1 1.4.0.post2 1.5.0 1.5.0.post1 1.5.0.post2 1.5.0.post3 1.6.0 1.6.0.post1 "
    "1.6.0.post2 1.7.0 1.7.0.post1 1.7.0.post2 1.8.0 1.9.0 1.9.0.post1 1.9.0.post2 1.9.0.post3 1.10.0 1.10.0.post1 1.11.0 "
    "1.11.0.post1 1.12.0 1.12.0.post1 1.13.0 1.13.0.post1 1.14.0 1.14.0.post1 1.15.0 1.15.0.post1 1.16.0 1.17.0 "
    "1.17.0.post1 1.17.0.post2 1.18.0 1.18.0.post1 1.18.0.post2 1.19.0 1.19.0.post1 1.20.0 1.20.0.post1 1.21.0 1.22.0 "
    "1.23.0 1.24.0 1.25.0 1.26.0 1.27.0 1.28.0 1.28.0.post1 1.29.0 1.29.0.post1 1.30.0 1.31.0 1.32.0 1.32.0.post1 1.33.0 "
    "1.34.0 1.35.0 1.35.0.post1 1.36.0 1.36.0.post1 1.36.0.post2 1.37.0 1.37.0.post1 1.37.0.post2 1.38.0 1.38.0.post2 "
    "1.39.0 1.39.0.post1 1.40.0 1.40.0.post1 1.40.0.post2 1.41.0 1.41.0.post1 1.41.0.post2 1.41.0.post3 1.42.0 1.42.0.post1 "
    "1.43.0 1.43.0.post1 1.43.0.post2 1.44.0 1.45.0 1.45.0.post1 1.45.0.post2 1.45.0.post3 1.46.0 1.47.0 1.48.0 1.49.0 "
    "1.50.0 1.51.0 1.51.0.post1 1.52.0 1.53.0 1.54.0 1.54.0.post1 1.55.0 1.55.0.post1 1.55.0.post2 1.56.0 1.56.0.post1 "
    "1.57.0 1.57.0.post1 1.57.0.post2 1.57.0.post3 1.58.0 1.58.0.post1 1.58.0.post2 1.58.0.post3 1.59.0 1.59.0.post1 "
    "1.59.0.post2 1.60.0 1.60.0.post1 1.61.0 1.61.0.post1 1.61.0.post2 1.61.0.post3 1.61.0.post4 1.62.0 1.62.0.post1 "
    "1.62.0.post2 1.62.0.post3 1.62.0.post4 1.62.0.post5 1.62.0.post6";
// Our wheels' versions carry it: one sorts right after the version that it stands for, and a pin on that takes either, so pip
// takes ours also where another index has the genuine one.
constexpr std::string_view kMark = "+werkbank";
// Behind whatever was published: what an install without a pin gets.
constexpr std::string_view kTopMinor = "99.0";

// What v1's packages offer in brackets. Most of it is in our SDK anyway.
constexpr std::array<std::string_view, 14> kExtras{"accel-models", "automl",    "contrib",   "databricks", "explain",
                                                   "fuse",         "interpret", "notebooks", "pandas",     "parquet",
                                                   "pypi",         "services",  "spark",     "tensorboard"};

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
  static const std::vector<std::string> kNames{"azureml-automl-core",
                                               "azureml-automl-runtime",
                                               "azureml-contrib-automl-dnn-forecasting",
                                               "azureml-contrib-dataset",
                                               "azureml-contrib-notebook",
                                               "azureml-contrib-services",
                                               "azureml-core",
                                               "azureml-datadrift",
                                               "azureml-dataprep",
                                               "azureml-dataset-runtime",
                                               "azureml-defaults",
                                               "azureml-explain-model",
                                               "azureml-interpret",
                                               "azureml-mlflow",
                                               "azureml-model-management-sdk",
                                               "azureml-opendatasets",
                                               "azureml-pipeline",
                                               "azureml-pipeline-core",
                                               "azureml-pipeline-steps",
                                               "azureml-sdk",
                                               "azureml-telemetry",
                                               "azureml-tensorboard",
                                               "azureml-train",
                                               "azureml-train-automl",
                                               "azureml-train-automl-client",
                                               "azureml-train-automl-runtime",
                                               "azureml-train-core",
                                               "azureml-train-restclients-hyperdrive",
                                               "azureml-training-tabular",
                                               "azureml-widgets"};
  return kNames;
}

std::vector<std::string> standin_versions(std::string_view name) {
  std::vector<std::string> versions;
  const auto add = [&versions](std::string_view version) { versions.push_back(fmt::format("{}{}", version, kMark)); };
  std::string_view rest = kPublished;
  while (!rest.empty()) {
    const size_t blank = std::min(rest.find(' '), rest.size());
    add(rest.substr(0, blank));
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  int major = 1;
  if (name.starts_with("azureml-dataprep")) {  // its numbers run ahead
    constexpr std::array<std::pair<int, int>, 4> kLastMinors{{{2, 38}, {3, 1}, {4, 14}, {5, 5}}};
    for (const auto& [number, last_minor] : kLastMinors) {
      for (int minor = 0; minor <= last_minor; ++minor) {
        for (int patch = 0; patch <= 10; ++patch) add(fmt::format("{}.{}.{}", number, minor, patch));
      }
    }
    major = 5;
  }
  add(fmt::format("{}.{}", major, kTopMinor));
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

std::string standin_page(std::string_view name, std::string_view folder) {
  std::string links;
  for (std::string& version : standin_versions(name))
    links += standin_link(standin_file_name({std::string(name), std::move(version)}), folder);
  return standin_html(links);
}

std::string standin_link(std::string_view file, std::string_view folder, std::string_view fragment) {
  std::string address(file);
  if (const size_t plus = address.find('+'); plus != std::string::npos) address.replace(plus, 1, "%2B");
  return fmt::format("<a href=\"{}{}{}\" data-requires-python=\"&gt;=3.6\">{}</a>\n", folder, address, fragment, file);
}

std::string standin_html(const std::string& links) { return "<!DOCTYPE html><html><body>\n" + links + "</body></html>\n"; }

std::string standin_wheel(const StandinFile& file) {
  environment::Requirement self;
  self.name = file.name;
  std::string metadata = fmt::format(
      "Metadata-Version: 2.1\nName: {}\nVersion: {}\nSummary: Stands for the package of this name: asks for Werkbank's SDK\n"
      "Requires-Python: >=3.6\nRequires-Dist: werkbank-azureml\n",
      file.name, file.version);
  for (const std::string& companion : environment::companions_of(self)) metadata += "Requires-Dist: " + companion + "\n";
  if (file.name == "azureml-widgets") metadata += "Requires-Dist: werkbank-azureml[notebooks]\n";
  for (const std::string_view extra : kExtras) metadata += fmt::format("Provides-Extra: {}\n", extra);
  metadata += "Requires-Dist: werkbank-azureml[notebooks]; extra == 'notebooks'\n";
  for (const char* package : {"pandas", "pyarrow"}) {
    for (const char* extra : {"pandas", "parquet"}) metadata += fmt::format("Requires-Dist: {}; extra == '{}'\n", package, extra);
  }
  metadata += "Requires-Dist: tensorboard; extra == 'tensorboard'\n";
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
