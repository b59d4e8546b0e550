# What quickstart and test share: the machine's packages, the build, the virtual environments. Sourced by bash, from the
# project's root; every function may be called again and does only what is missing. Logs lie in build/logs/.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/logs
release=$root/build/release
venv=$root/build/venv
test_venv=$root/build/test-venv
notebook_venv=$root/build/notebook-venv
mkdir -p "$logs"
# A clone in another folder finds what an earlier one has compiled.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=true

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'; else bold='' red='' plain=''; fi
say() { printf '%s\n' "$*" >&2; }
step() { say "${bold}==> $*${plain}"; }
die() { say "${red}error:${plain} $1"; [ -z "${2:-}" ] || say "hint:  $2"; exit 1; }

# Runs a command with its output in build/logs/NAME.log; shows the end of it where the command fails.
logged() { # name, command…
  local log=$logs/$1.log seconds=$SECONDS
  shift
  if "$@" >"$log" 2>&1 </dev/null; then
    say "    done in $((SECONDS - seconds)) s (${log#"$root"/})"
  else
    local code=$?
    tail -n 40 "$log" >&2
    die "'$*' ended with code $code" "The whole output is in ${log#"$root"/}."
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# -- packages ---------------------------------------------------------------------------------------------------------

build_packages() {
  local boost
  # shellcheck disable=SC1091
  case "$(. /etc/os-release && echo "$ID-$VERSION_ID")" in
    debian-12) boost=1.81 ;;
    ubuntu-24.04|debian-13) boost=1.83 ;;
    *) die "this machine is neither Debian 12 nor Ubuntu 24.04" \
           "Install the packages that tools/setup.sh lists by hand, then: cmake --preset release && ninja -C build/release" ;;
  esac
  echo clang-19 lld-19 ccache ninja-build cmake pkg-config binutils \
    "libboost$boost-dev" "libboost-json$boost-dev" libsqlite3-dev libsodium-dev libssl-dev libyaml-cpp-dev libzstd-dev \
    libcli11-dev libfuse3-dev libspdlog-dev libfmt-dev doctest-dev librapidcheck-dev zlib1g-dev git \
    python3 python3-venv ca-certificates
}

# Runtimes of the sanitizers and the fuzzer, the formatter, a second uid for the tests of permissions, shells that complete, fuse.
test_packages() { echo libclang-rt-19-dev llvm-19 clang-format-19 clang-tidy-19 util-linux zsh fish fuse3; }

need_packages() { # package…
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  step "Installing ${#missing[@]} packages: ${missing[*]}"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    die "packages are missing, and this is neither root nor is sudo here" "As root: apt-get install ${missing[*]}"
  fi
  logged apt-update as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
  logged apt-install as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# -- the build --------------------------------------------------------------------------------------------------------

build() { # preset, target…
  local preset=$1
  shift
  step "Building $* (preset $preset)"
  # Run again at each call: it is quick, and a changed CMakeLists.txt or a removed file is seen.
  logged "configure-$preset" cmake --preset "$preset"
  logged "build-$preset" ninja -C "$root/build/$preset" "$@"
}

# -- Python -----------------------------------------------------------------------------------------------------------

# The newest interpreter between the two versions that can make a virtual environment, from PATH, /usr/bin or pyenv.
find_python() { # oldest, newest minor version of Python 3
  local minor candidate
  for ((minor = $2; minor >= $1; minor--)); do
    for candidate in "/usr/bin/python3.$minor" "/usr/local/bin/python3.$minor" \
      "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python "$(command -v "python3.$minor" || true)"; do
      [ -x "$candidate" ] || continue
      if "$candidate" -c "import sys, venv, ensurepip, ssl; assert sys.version_info[:2] == (3, $minor)" 2>/dev/null; then
        echo "$candidate"
        return 0
      fi
    done
  done
  return 1
}

checksum() { cat "$@" | sha256sum | cut -d ' ' -f 1; }

# A virtual environment whose pip packages are those of a requirements file; made anew when interpreter or file change.
make_venv() { # folder, requirements file, oldest, newest minor version
  local folder=$1 requirements=$2 python wanted
  python=$(find_python "$3" "$4") || die "no Python 3.$3 to 3.$4 with venv is here" "Install python3-venv."
  wanted="$python $("$python" -V) $(checksum "$requirements")"
  if [ -x "$folder/bin/python" ] && [ "$(cat "$folder/.made-from" 2>/dev/null)" = "$wanted" ]; then return 0; fi
  step "Making ${folder#"$root"/} with $("$python" -V)"
  rm -rf "$folder"
  logged "venv-$(basename "$folder")" "$python" -m venv "$folder"
  logged "pip-$(basename "$folder")" "$folder/bin/python" -m pip install --disable-pip-version-check -r "$requirements"
  printf '%s\n' "$wanted" >"$folder/.made-from"
}

the_wheel() {
  local wheels=("$root"/build/*.whl)
  if [ ${#wheels[@]} != 1 ] || [ ! -e "${wheels[0]}" ]; then
    die "build/ holds not exactly one wheel: ${wheels[*]}" "Remove them and build again."
  fi
  echo "${wheels[0]}"
}

# Puts our wheel into a virtual environment, where it is not the one that is there.
install_wheel() { # folder
  local folder=$1 wheel sum
  wheel=$(the_wheel)
  sum=$(checksum "$wheel")
  [ "$(cat "$folder/.wheel" 2>/dev/null)" != "$sum" ] || return 0
  step "Installing $(basename "$wheel") into ${folder#"$root"/}"
  logged "wheel-$(basename "$folder")" \
    "$folder/bin/python" -m pip install --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheel"
  printf '%s\n' "$sum" >"$folder/.wheel"
}

# build/venv: what a user of the SDK has. scikit-learn for the example, uv for building environments, our wheel.
make_user_venv() {
  make_venv "$venv" "$root/tools/venv-requirements.txt" 9 13
  install_wheel "$venv"
  ln -sfn "$release/werkbank" "$venv/bin/werkbank"
}

# What the step `notebooks` needs: a browser with a font, and build/notebook-venv with Jupyter and our wheel.
make_notebook_venv() {
  command -v chromium chromium-browser google-chrome >/dev/null || need_packages chromium fonts-dejavu-core
  make_venv "$notebook_venv" "$root/tests/notebooks/requirements.txt" 10 13
  install_wheel "$notebook_venv"
}
