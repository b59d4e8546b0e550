#include "environment/conda_package.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/files.hh"
#include "base/text.hh"

namespace werkbank::environment {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// conda name → name on the Python index, where they differ.
constexpr std::array kRenamed{
    Pair{"pytorch", "torch"},
    Pair{"pytorch-cpu", "torch"},
    Pair{"pytorch-gpu", "torch"},
    Pair{"torchvision-cpu", "torchvision"},
    Pair{"tensorflow-base", "tensorflow"},
    Pair{"tensorflow-mkl", "tensorflow"},
    Pair{"tensorflow-eigen", "tensorflow"},
    Pair{"keras-gpu", "keras"},
    Pair{"keras-base", "keras"},
    Pair{"opencv", "opencv-python"},
    Pair{"py-opencv", "opencv-python"},
    Pair{"py-xgboost", "xgboost"},
    Pair{"py-xgboost-cpu", "xgboost"},
    Pair{"py-xgboost-gpu", "xgboost"},
    Pair{"libxgboost", "xgboost"},
    Pair{"py-lightgbm", "lightgbm"},
    Pair{"lightgbm-base", "lightgbm"},
    Pair{"matplotlib-base", "matplotlib"},
    Pair{"seaborn-base", "seaborn"},
    Pair{"pytables", "tables"},
    Pair{"msgpack-python", "msgpack"},
    Pair{"dask-core", "dask"},
    Pair{"numpy-base", "numpy"},
    Pair{"pandas-base", "pandas"},
    Pair{"ruamel_yaml", "ruamel.yaml"},
    Pair{"python-graphviz", "graphviz"},
    Pair{"pyqt", "PyQt5"},
    Pair{"psycopg2", "psycopg2-binary"},
    Pair{"mkl_fft", "mkl-fft"},
    Pair{"mkl_random", "mkl-random"},
    Pair{"faiss", "faiss-cpu"},
    Pair{"prompt_toolkit", "prompt-toolkit"},
    Pair{"importlib_metadata", "importlib-metadata"},
    Pair{"jupyterlab_widgets", "jupyterlab-widgets"},
    Pair{"nltk-base", "nltk"},
    Pair{"geopandas-base", "geopandas"},
    Pair{"pillow-simd", "pillow"},
    Pair{"cx_oracle", "cx-Oracle"},
    Pair{"pycrypto", "pycryptodome"},
};

// Libraries and tools that are no Python packages; wheels that need them carry them inside.
constexpr std::array<std::string_view, 72> kNative{"cudatoolkit",
                                                   "cudnn",
                                                   "cuda",
                                                   "pytorch-cuda",
                                                   "cuda-toolkit",
                                                   "cuda-runtime",
                                                   "cuda-nvcc",
                                                   "nccl",
                                                   "cpuonly",
                                                   "pytorch-mutex",
                                                   "mkl",
                                                   "mkl-service",
                                                   "nomkl",
                                                   "blas",
                                                   "libblas",
                                                   "libcblas",
                                                   "liblapack",
                                                   "openblas",
                                                   "libopenblas",
                                                   "libgcc",
                                                   "libgcc-ng",
                                                   "libgfortran",
                                                   "libgfortran-ng",
                                                   "libgomp",
                                                   "libstdcxx-ng",
                                                   "gcc",
                                                   "gxx",
                                                   "gcc_linux-64",
                                                   "gxx_linux-64",
                                                   "_libgcc_mutex",
                                                   "_openmp_mutex",
                                                   "_py-xgboost-mutex",
                                                   "_tflow_select",
                                                   "llvm-openmp",
                                                   "intel-openmp",
                                                   "tbb",
                                                   "ncurses",
                                                   "readline",
                                                   "sqlite",
                                                   "tk",
                                                   "xz",
                                                   "zlib",
                                                   "bzip2",
                                                   "zstd",
                                                   "lz4-c",
                                                   "libffi",
                                                   "openssl",
                                                   "ca-certificates",
                                                   "ld_impl_linux-64",
                                                   "libedit",
                                                   "libuuid",
                                                   "jpeg",
                                                   "libpng",
                                                   "libtiff",
                                                   "freetype",
                                                   "libopencv",
                                                   "icu",
                                                   "hdf5",
                                                   "libsodium",
                                                   "libuv",
                                                   "snappy",
                                                   "boost-cpp",
                                                   "cmake",
                                                   "make",
                                                   "ninja",
                                                   "swig",
                                                   "vs2015_runtime",
                                                   "vc",
                                                   "openmpi",
                                                   "mpich",
                                                   "libgl",
                                                   "ffmpeg"};

// Programs beside Python: a script that calls them would miss them, so the note says so.
constexpr std::array<std::string_view, 8> kPrograms{"graphviz", "git", "nodejs", "openjdk", "maven", "wget", "curl", "unzip"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_conda_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

std::unexpected<Error> refuse(std::string_view text, std::string_view why, std::string hint = {}) {
  return fail(errors::requirement_invalid, fmt::format("conda package '{}': {}", text, why), std::move(hint));
}

// One version constraint of conda in the words of PEP 440: "=1.2" and "1.2.*" are any 1.2.x, "==1.2" and "1.2" are 1.2.
Result<VersionClause> clause_of(std::string_view part) {
  VersionClause clause;
  part = trimmed(part);
  for (const std::string_view op : {"==", "!=", "<=", ">=", "~=", "<", ">", "="}) {
    if (part.starts_with(op)) {
      clause.op = op;
      part = trimmed(part.substr(op.size()));
      break;
    }
  }
  const bool star = part.ends_with('*');
  if (star) part.remove_suffix(part.ends_with(".*") ? 2 : 1);
  clause.version = part;
  if (clause.op == "=" || clause.op.empty()) {
    const bool any_patch = star || clause.op == "=";
    clause.op = "==";
    if (any_patch) clause.version += ".*";
  } else if (star && (clause.op == "==" || clause.op == "!=")) {
    clause.version += ".*";
  }
  if (!is_version(part)) {
    return fail(errors::requirement_invalid, fmt::format("'{}' is not a version", part), "Versions look like 1.2.3 or 1.2.*.");
  }
  return clause;
}

// "1.2", "=1.2", ">=1,<2", "*" and so on. A build after the version makes it exact.
Result<std::vector<VersionClause>> clauses_of(std::string_view versions) {
  std::vector<VersionClause> clauses;
  versions = trimmed(versions);
  if (versions.empty() || versions == "*" || versions == "=*") return clauses;
  if (versions.find('|') != std::string_view::npos) {
    return fail(errors::requirement_invalid, "alternatives with '|' have no counterpart among requirements for wheels",
                "Write the one range that you need, such as >=1.2,<2.");
  }
  for (;;) {
    const size_t comma = versions.find(',');
    TRY(VersionClause clause, clause_of(versions.substr(0, comma)));
    clauses.push_back(std::move(clause));
    if (comma == std::string_view::npos) break;
    versions = versions.substr(comma + 1);
  }
  // ">=1.2.*" was taken as ">=1.2"; "~=1" would not be legal.
  TRY(clauses, parse_version_clauses([&clauses] {
        std::vector<std::string> parts;
        for (const VersionClause& clause : clauses) parts.push_back(clause.op + clause.version);
        return fmt::format("{}", fmt::join(parts, ","));
      }()));
  return clauses;
}

// What follows the name: "=1.2=py36_0", "==1.2", " 1.2 py36_0", ">=1,<2", "[version='>=1']".
Status read_versions(std::string_view rest, CondaSpec& spec) {
  if (rest.starts_with('[')) {
    if (!rest.ends_with(']') || !rest.starts_with("[version=")) {
      return fail(errors::requirement_invalid, "of the [key=value] forms only [version='…'] is understood");
    }
    std::string_view value = trimmed(rest.substr(9, rest.size() - 10));
    if (value.size() >= 2 && (value.front() == '\'' || value.front() == '"') && value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    TRY(spec.clauses, clauses_of(value));
    return {};
  }
  // A second '=' that stands alone, or a blank, sets the build off.
  const size_t operator_end = rest.find_first_not_of("=<>!~ ");
  if (operator_end == std::string_view::npos && !rest.empty()) {
    return fail(errors::requirement_invalid, fmt::format("nothing follows '{}'", rest));
  }
  size_t build_at = std::string_view::npos;
  if (operator_end != std::string_view::npos && rest.find(',') == std::string_view::npos) {
    build_at = rest.find_first_of("= ", operator_end);
  }
  std::string_view versions = rest.substr(0, build_at);
  if (build_at != std::string_view::npos) {
    const size_t build_start = rest.find_first_not_of("= ", build_at);
    if (build_start == std::string_view::npos) return fail(errors::requirement_invalid, "no build follows the last '='");
    spec.build = trimmed(rest.substr(build_start));
  }
  if (!spec.build.empty() && versions.starts_with('=') && !versions.starts_with("==")) versions.remove_prefix(1);
  TRY(spec.clauses, clauses_of(versions));
  return {};
}

}  // namespace

Result<CondaSpec> parse_conda_spec(std::string_view raw) {
  std::string_view text = without_comment(raw);
  if (text.size() > 1024) return refuse(text.substr(0, 60), "it is longer than 1024 bytes");
  if (!is_valid_utf8(text)) return refuse("(not UTF-8)", "the text is not valid UTF-8");
  if (text.find_first_of("\n\r") != std::string_view::npos) return refuse("…", "it holds a line break");
  const std::string_view whole = text;
  if (text.find("://") != std::string_view::npos)
    return refuse(whole, "an address cannot be named here", "Name package and version.");
  if (const size_t colons = text.rfind("::"); colons != std::string_view::npos) text = trimmed(text.substr(colons + 2));
  const size_t name_end = static_cast<size_t>(std::ranges::find_if_not(text, is_conda_name_char) - text.begin());
  CondaSpec spec;
  spec.name = lower(text.substr(0, name_end));
  if (spec.name.empty() || spec.name.front() == '-' || spec.name.front() == '.') {
    return refuse(whole, "it does not start with the name of a package",
                  "A spec is a name with an optional version: scikit-learn=0.22.");
  }
  // Only blanks are trimmed: the operators decide what the version means.
  if (auto read = read_versions(trimmed(text.substr(name_end)), spec); !read)
    return refuse(whole, read.error().message, read.error().hint);
  return spec;
}

Result<std::optional<Requirement>> wheel_of(const CondaSpec& spec, std::vector<std::string>& notes) {
  const auto named = [&spec](std::string_view name) { return name == spec.name; };
  if (spec.name == "python" || spec.name == "pip") return std::nullopt;
  if (std::ranges::any_of(kNative, named)) {
    notes.push_back(fmt::format("conda package {} is left out: wheels bring such libraries themselves", spec.name));
    return std::nullopt;
  }
  if (std::ranges::any_of(kPrograms, named)) {
    notes.push_back(
        fmt::format("conda package {} is left out: it is a program, not a Python package; install it on the machine if the "
                    "script calls it",
                    spec.name));
    return std::nullopt;
  }
  if (spec.name.starts_with("r-") || spec.name == "r") {
    return fail(errors::requirement_invalid,
                fmt::format("conda package '{}': packages of R are not built from wheels", spec.name),
                "Use an environment that you manage yourself: userManagedDependencies with an interpreterPath.");
  }
  Requirement requirement;
  requirement.name = spec.name;
  requirement.clauses = spec.clauses;
  const auto renamed = std::ranges::find_if(kRenamed, [&](const Pair& pair) { return pair.first == spec.name; });
  if (renamed != kRenamed.end()) {
    requirement.name = renamed->second;
    notes.push_back(fmt::format("conda package {} is {} among wheels", spec.name, requirement.name));
  }
  if (!spec.build.empty()) notes.push_back(fmt::format("the build '{}' of conda package {} is left out", spec.build, spec.name));
  auto checked = parse_requirement(requirement.text());
  if (!checked) return fail(std::move(checked).error());
  return std::move(*checked);
}

}  // namespace werkbank::environment
