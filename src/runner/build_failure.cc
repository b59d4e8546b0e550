#include "runner/build_failure.hh"

#include <algorithm>
#include <array>
#include <regex>

#include "base/json.hh"
#include "base/text.hh"

namespace werkbank::runner {
namespace {

// One line, without the frame that some versions of uv draw around their causes.
std::string flattened(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == 0x1b) {  // a colour: up to its 'm'
      while (i < text.size() && text[i] != 'm') ++i;
      continue;
    }
    const bool frame = text.substr(i, 2) == "\xe2\x95" || text.substr(i, 2) == "\xe2\x94" || text.substr(i, 3) == "\xe2\x96\xb6";
    if (frame) i += 2;
    const char shown = (frame || c < 0x20) ? ' ' : static_cast<char>(c);
    if (shown == ' ' && (result.empty() || result.back() == ' ')) continue;
    result += shown;
  }
  return result;
}

struct Pattern {
  FailureCause cause;
  const char* expression;  // the first group is the package, where there is one
};

// In the order of what says most. Names as PEP 508 has them; versions and extras may follow a name.
#define NAME "([A-Za-z0-9][A-Za-z0-9._-]*)"
#define TAIL "(?:\\[[^\\]]*\\])?(?:[=<>!~]=?[^ ,]*(?:,[=<>!~]=?[^ ,]*)*)?"
constexpr std::array kPatterns{
    Pattern{FailureCause::kDiskFull, "No space left on device|os error 28\\b|Disk quota exceeded"},
    Pattern{FailureCause::kUnknownPackage, NAME TAIL " was not found in the package registry"},
    Pattern{FailureCause::kUnknownPackage, NAME TAIL " was not found in the provided package locations"},
    Pattern{FailureCause::kUnknownPackage, "there are no versions of " NAME " and"},
    Pattern{FailureCause::kNetwork,
            "error sending request|Failed to fetch|dns error|Connection refused|tcp connect error|Could not connect|invalid peer "
            "certificate|"
            "HTTP status (?:client|server) error|operation timed out"},
    Pattern{FailureCause::kNoWheel, NAME TAIL " has no (?:usable wheels|wheels with a matching)"},
    Pattern{FailureCause::kNoWheel, "all versions of " NAME " have no (?:usable wheels|wheels)"},
    Pattern{FailureCause::kNoWheel, "Wheels are required for `" NAME "`"},
    Pattern{FailureCause::kBuildFailed, "Failed to (?:build|download and build) `" NAME "(?:==[^`]*)?`"},
    Pattern{FailureCause::kNoVersion, "there (?:is|are) no versions? of " NAME TAIL},
    Pattern{FailureCause::kPythonTooOld, "and " NAME TAIL " depends on Python"},
    Pattern{FailureCause::kPythonTooOld, NAME TAIL " requires Python"},
    Pattern{FailureCause::kNoVersion, "only " NAME "(?:[=<>!~]=?[^ ]*) (?:is|are) available"},
    Pattern{FailureCause::kPythonTooOld, "Because the (?:requested|current) Python version .*? does not satisfy .*? and " NAME},
    Pattern{FailureCause::kConflict, "you require " NAME "[^ ]* .*? we can conclude that your requirements"},
    Pattern{FailureCause::kConflict, "you require " NAME},
};
#undef NAME
#undef TAIL

std::string normalized(std::string_view name) {
  std::string result;
  for (const char c : name) {
    const char one = (c == '_' || c == '.') ? '-' : lower(c);
    if (one == '-' && !result.empty() && result.back() == '-') continue;
    result += one;
  }
  while (result.ends_with('-')) result.pop_back();
  return result;
}

// From "error:" or "Because" on: what comes before is progress.
std::string reason_in(const std::string& text) {
  size_t start = text.find("Because ");
  if (start == std::string::npos) start = text.find("you require ");
  if (start == std::string::npos) start = text.find("error: ");
  if (start == std::string::npos) start = text.find(" \xc3\x97 ");
  std::string reason = start == std::string::npos ? text : text.substr(start);
  if (const size_t hint = reason.find(" hint: "); hint != std::string::npos) reason.resize(hint);
  if (reason.size() > 600) reason = reason.substr(0, 600) + " …";
  while (reason.ends_with(' ')) reason.pop_back();
  return reason;
}

}  // namespace

BuildFailure read_failure(std::string_view uv_output) {
  // The verdict starts at "error:" (older: "No solution found"). Only so much is looked at: the regular expressions of the
  // standard library recurse once per character.
  constexpr size_t kBytesRead = 6 * 1024;
  size_t start = uv_output.find("No solution found");
  if (start == std::string_view::npos) start = uv_output.rfind("\nerror: ");
  if (start == std::string_view::npos && uv_output.size() > kBytesRead) start = uv_output.size() - kBytesRead;
  if (start != std::string_view::npos) uv_output.remove_prefix(start);
  const std::string text = flattened(uv_output.substr(0, kBytesRead));
  BuildFailure failure;
  failure.reason = reason_in(text);
  for (const Pattern& pattern : kPatterns) {
    std::smatch match;
    if (!std::regex_search(text, match, std::regex(pattern.expression))) continue;  // tidy: at most 6 KiB
    failure.cause = pattern.cause;
    if (match.size() > 1 && match[1].matched) failure.package = normalized(match[1].str());
    break;
  }
  return failure;
}

std::string requirement_name(std::string_view requirement) {
  const size_t end = requirement.find_first_of("[=<>!~; (@");
  return normalized(requirement.substr(0, end));
}

std::optional<std::string> requirement_of(const std::vector<std::string>& requirements, std::string_view name) {
  const auto found = std::ranges::find_if(requirements, [name](const std::string& one) { return requirement_name(one) == name; });
  if (found == requirements.end()) return std::nullopt;
  return *found;
}

std::string relaxed(std::string_view requirement) {
  const size_t marker = requirement.find(';');
  std::string text(requirement.substr(0, marker));
  static const std::regex kPin("(===|==|~=) *([^, ]+)");  // tidy: one requirement
  std::string result;
  auto from = text.cbegin();
  for (std::smatch match; std::regex_search(from, text.cend(), match, kPin); from = match.suffix().first) {
    result.append(from, match[0].first);
    std::string version = match[2].str();
    if (version.ends_with(".*")) version.resize(version.size() - 2);
    if (const size_t local = version.find('+'); local != std::string::npos) version.resize(local);
    result += ">=" + version;
  }
  result.append(from, text.cend());
  if (marker != std::string_view::npos) result += requirement.substr(marker);
  return result;
}

std::optional<std::string> probably_meant(std::string_view name) {
  static const std::vector<std::string> kPopular{"numpy",
                                                 "scipy",
                                                 "pandas",
                                                 "scikit-learn",
                                                 "scikit-image",
                                                 "matplotlib",
                                                 "seaborn",
                                                 "tensorflow",
                                                 "torch",
                                                 "torchvision",
                                                 "torchaudio",
                                                 "keras",
                                                 "xgboost",
                                                 "lightgbm",
                                                 "catboost",
                                                 "statsmodels",
                                                 "nltk",
                                                 "spacy",
                                                 "gensim",
                                                 "transformers",
                                                 "datasets",
                                                 "tokenizers",
                                                 "opencv-python",
                                                 "pillow",
                                                 "requests",
                                                 "flask",
                                                 "fastapi",
                                                 "uvicorn",
                                                 "gunicorn",
                                                 "sqlalchemy",
                                                 "pyarrow",
                                                 "pyspark",
                                                 "dask",
                                                 "distributed",
                                                 "joblib",
                                                 "tqdm",
                                                 "pyyaml",
                                                 "jinja2",
                                                 "click",
                                                 "boto3",
                                                 "azure-storage-blob",
                                                 "azure-identity",
                                                 "mlflow",
                                                 "optuna",
                                                 "hyperopt",
                                                 "shap",
                                                 "lime",
                                                 "plotly",
                                                 "bokeh",
                                                 "jupyter",
                                                 "notebook",
                                                 "ipykernel",
                                                 "ipython",
                                                 "pytest",
                                                 "cython",
                                                 "numba",
                                                 "h5py",
                                                 "tables",
                                                 "openpyxl",
                                                 "xlrd",
                                                 "networkx",
                                                 "sympy",
                                                 "beautifulsoup4",
                                                 "lxml",
                                                 "prophet",
                                                 "fbprophet",
                                                 "onnx",
                                                 "onnxruntime",
                                                 "skl2onnx",
                                                 "pytorch-lightning",
                                                 "tensorboard",
                                                 "tensorflow-gpu",
                                                 "psutil",
                                                 "protobuf",
                                                 "six",
                                                 "python-dateutil",
                                                 "pytz",
                                                 "cryptography",
                                                 "imbalanced-learn",
                                                 "category-encoders",
                                                 "ray",
                                                 "gym",
                                                 "sentence-transformers",
                                                 "accelerate",
                                                 "inference-schema",
                                                 "pyodbc",
                                                 "pymongo"};
  const std::string wanted = normalized(name);
  if (wanted == "sklearn" || wanted == "scikitlearn") return "scikit-learn";
  if (wanted == "cv2" || wanted == "opencv") return "opencv-python";
  if (wanted == "pytorch") return "torch";
  if (wanted == "yaml") return "pyyaml";
  if (wanted == "pil") return "pillow";
  if (std::ranges::find(kPopular, wanted) != kPopular.end()) return std::nullopt;
  return nearest_word(wanted, kPopular);
}

}  // namespace werkbank::runner
