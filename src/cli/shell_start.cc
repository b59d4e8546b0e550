#include "cli/shell_start.hh"

#include "base/files.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

// For bash and zsh. conda's function answers everything but the list, which has the environments of this product, too.
constexpr std::string_view kFront = R"sh(
PATH="$WERKBANK_SHELL_FRONT:$PATH"
export PATH
unset PYTHONHOME CONDA_PREFIX CONDA_DEFAULT_ENV PYENV_VERSION PYENV_VIRTUAL_ENV
if [ -n "${WERKBANK_SHELL_VENV:-}" ]; then
  VIRTUAL_ENV=$WERKBANK_SHELL_VENV
  export VIRTUAL_ENV
else
  unset VIRTUAL_ENV
fi
unalias python python3 pip pip3 az werkbank conda 2>/dev/null || :
)sh";

constexpr std::string_view kBashFile = R"sh(# Written by `werkbank shell`: your own file first, then what the shell is about.
if [ -f ~/.bashrc ]; then . ~/.bashrc; fi
)sh";

constexpr std::string_view kBashConda = R"sh(
if declare -F conda >/dev/null; then
  eval "_werkbank_$(declare -f conda)"
  conda() {
    case "$1 $2" in
      "env list" | "info --envs" | "info -e") command conda "$@" ;;
      *) _werkbank_conda "$@" ;;
    esac
  }
fi
hash -r
)sh";

// zsh looks for all its files in ZDOTDIR: each of ours reads the user's of the same name, which sees its own ZDOTDIR.
constexpr std::string_view kZshBegin = R"sh(# Written by `werkbank shell`: your own file first, then what the shell is about.
_werkbank_zdotdir=$ZDOTDIR
if [[ -n ${WERKBANK_SHELL_ZDOTDIR:-} ]]; then ZDOTDIR=$WERKBANK_SHELL_ZDOTDIR; else unset ZDOTDIR; fi
)sh";
constexpr std::string_view kZshEnv = R"sh([[ ! -f ${ZDOTDIR:-$HOME}/.zshenv ]] || . "${ZDOTDIR:-$HOME}/.zshenv"
WERKBANK_SHELL_ZDOTDIR=${ZDOTDIR:-}
[[ ! -o interactive ]] || ZDOTDIR=$_werkbank_zdotdir
)sh";
constexpr std::string_view kZshRc = R"sh([[ ! -f ${ZDOTDIR:-$HOME}/.zshrc ]] || . "${ZDOTDIR:-$HOME}/.zshrc"
)sh";
constexpr std::string_view kZshConda = R"sh(
if (( $+functions[conda] )); then
  functions[_werkbank_conda]=$functions[conda]
  conda() {
    case "$1 ${2:-}" in
      ("env list" | "info --envs" | "info -e") command conda "$@" ;;
      (*) _werkbank_conda "$@" ;;
    esac
  }
fi
rehash
)sh";

constexpr std::string_view kFish = R"sh(set -gx PATH (string split : -- "$WERKBANK_SHELL_FRONT") $PATH
set -e PYTHONHOME CONDA_PREFIX CONDA_DEFAULT_ENV PYENV_VERSION PYENV_VIRTUAL_ENV
if set -q WERKBANK_SHELL_VENV; and test -n "$WERKBANK_SHELL_VENV"
  set -gx VIRTUAL_ENV "$WERKBANK_SHELL_VENV"
else
  set -e VIRTUAL_ENV
end
functions -e python pip az werkbank
if functions -q conda
  functions -c conda _werkbank_conda
  function conda
    switch "$argv[1..2]"
      case 'env list' 'info --envs' 'info -e'
        command conda $argv
      case '*'
        _werkbank_conda $argv
    end
  end
end)sh";

Status write_where_changed(const fs::path& file, const std::string& text) {
  if (const auto there = read_file(file, 1 << 16); there && *there == text) return {};
  return write_file_atomically(file, text, 0600, false);
}

std::string text_of(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

}  // namespace

Result<ShellStart> start_of_shell(const ShellRequest& request) {
  ShellStart start{.argv = {request.shell}, .variables = request.variables};
  start.variables["WERKBANK_SHELL_FRONT"] = request.front;
  start.variables["WERKBANK_SHELL_VENV"] = request.virtual_environment;
  const std::string name = fs::path(request.shell).filename().string();
  if (name == "bash" && request.command.empty()) {
    const fs::path file = request.folder / "bashrc";
    CHECK_OK(make_directories(request.folder, 0700));
    CHECK_OK(write_where_changed(file, text_of({kBashFile, kFront, kBashConda})));
    start.argv.insert(start.argv.end(), {"--rcfile", file.string()});
  } else if (name == "zsh") {
    const fs::path folder = request.folder / "zsh";
    CHECK_OK(make_directories(folder, 0700));
    CHECK_OK(write_where_changed(folder / ".zshenv", text_of({kZshBegin, kZshEnv, kFront})));
    CHECK_OK(write_where_changed(folder / ".zshrc", text_of({kZshBegin, kZshRc, kFront, kZshConda})));
    const auto own = request.variables.find("ZDOTDIR");
    start.variables["WERKBANK_SHELL_ZDOTDIR"] = own == request.variables.end() ? std::string() : own->second;
    start.variables["ZDOTDIR"] = folder.string();
  } else if (name == "fish") {
    start.argv.insert(start.argv.end(), {"-C", std::string(kFish)});
  }
  if (!request.command.empty()) start.argv.insert(start.argv.end(), {"-c", request.command});
  return start;
}

}  // namespace werkbank::cli
