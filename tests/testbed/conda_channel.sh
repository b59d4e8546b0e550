#!/usr/bin/env bash
# conda_channel.sh up|down|status: the channel of conda_channel.py, kept in build/testbed/conda-channel between test runs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
channel=${TESTBED_DIR:-$here/../../build/testbed}/conda-channel
python=${TESTBED_PYTHON:-python3}
case ${1:-} in
  up)
    if [ ! -e "$channel/noarch/repodata.json" ] || [ "$here/conda_channel.py" -nt "$channel/noarch/repodata.json" ]; then
      rm -rf "$channel"
      mkdir -p "$channel"
      "$python" "$here/conda_channel.py" "$channel"
    fi
    echo "file://$(cd "$channel" && pwd)"
    ;;
  down) rm -rf "$channel" ;;
  status) [ -e "$channel/noarch/repodata.json" ] && echo "file://$(cd "$channel" && pwd)" || { echo "no channel" >&2; exit 1; } ;;
  *) echo "usage: $0 up|down|status" >&2; exit 2 ;;
esac
