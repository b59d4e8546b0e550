#!/usr/bin/env bash
# s3.sh up|down: moto's server, which speaks S3's protocol (and checks no signatures), kept in build/testbed/s3. up prints the
# Python that runs s3_server.py.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=5.1.16
folder=${TESTBED_DIR:-$here/../../build/testbed}/s3
case ${1:-} in
  up)
    mkdir -p "$folder"
    exec 9>"$folder/lock"
    flock 9
    if [ "$(cat "$folder/version" 2>/dev/null)" != "$version" ]; then
      "${TESTBED_PYTHON:-python3}" -m venv "$folder" >&2
      "$folder/bin/pip" -q --disable-pip-version-check install "moto[s3,server]==$version" >&2
      echo "$version" > "$folder/version"
    fi
    echo "$(cd "$folder" && pwd)/bin/python"
    ;;
  down) rm -rf "$folder" ;;
  *) echo "usage: $0 up|down" >&2; exit 2 ;;
esac
