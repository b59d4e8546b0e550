#!/usr/bin/env python3
"""Run the smoke test on every Python from 3.6 to 3.14 that is found: on PATH, and under pyenv, uv and conda in the home folder.

Needs neither pytest nor any other package. Prints one line per interpreter; exit code 1 where one fails. --require 3.6,3.11
fails where
one of these is not there. The in-job part is also parsed as Python 3.5 (tests/test_package.py).
"""

import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = ["3.{}".format(minor) for minor in range(6, 15)]
PLACES = (
    "~/.pyenv/versions/*/bin/python3",
    "~/.local/share/uv/python/*/bin/python3",
    "~/miniconda3/envs/*/bin/python3",
    "~/miniconda3/bin/python3",
    "~/anaconda3/envs/*/bin/python3",
)


def version_of(interpreter):
    """'3.6', or '' for what is no Python 3."""
    try:
        out = subprocess.check_output(
            [interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], stderr=subprocess.DEVNULL
        )
        return out.decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def interpreters():
    """{version: path}, one for each version."""
    candidates = [sys.executable]
    candidates += [path for place in PLACES for path in sorted(glob.glob(os.path.expanduser(place)))]
    candidates += [
        os.path.join(folder, "python" + version)
        for folder in os.environ.get("PATH", "").split(os.pathsep)
        for version in VERSIONS
        if os.path.exists(os.path.join(folder, "python" + version))
    ]
    found = {}
    for path in candidates:
        version = version_of(path)
        if version in VERSIONS:
            found.setdefault(version, path)
    return found


def main(arguments):
    required = arguments[1].split(",") if arguments[:1] == ["--require"] else []
    found, failed = interpreters(), []
    for version in VERSIONS:
        if version not in found:
            print("{:5} not found".format(version))
            continue
        process = subprocess.Popen(
            [found[version], "-B", "-W", "error::DeprecationWarning:azureml", os.path.join(HERE, "smoke.py")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        out = process.communicate()[0].decode("utf-8", "replace")
        print("{:5} {} {}".format(version, "passed" if process.returncode == 0 else "FAILED", found[version]))
        if process.returncode != 0:
            failed.append(version)
            print(out)
    print("{} passed, {} failed, 0 skipped".format(len(found) - len(failed), len(failed)))
    missing = [version for version in required if version not in found]
    if missing:
        print("required, but not found: {}".format(", ".join(missing)))
    return 1 if failed or missing or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
