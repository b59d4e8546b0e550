#!/usr/bin/env bash
# azurite.sh up|down: Azurite, which speaks Azure Blob Storage's protocol, kept in build/testbed/azurite. up prints the program
# that node runs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=3.37.0
folder=${TESTBED_DIR:-$here/../../build/testbed}/azurite
program=node_modules/azurite/dist/src/blob/main.js
case ${1:-} in
  up)
    mkdir -p "$folder"
    exec 9>"$folder/lock"
    flock 9
    if [ "$(cat "$folder/version" 2>/dev/null)" != "$version" ]; then
      command -v npm >/dev/null || { [ "$(id -u)" = 0 ] && apt-get -qq -y --no-install-recommends install nodejs npm >&2; }
      (cd "$folder" && npm install --no-audit --no-fund --silent --prefix . "azurite@$version" >&2)
      [ -e "$folder/$program" ]
      echo "$version" > "$folder/version"
    fi
    echo "$(cd "$folder" && pwd)/$program"
    ;;
  down) rm -rf "$folder" ;;
  *) echo "usage: $0 up|down" >&2; exit 2 ;;
esac
