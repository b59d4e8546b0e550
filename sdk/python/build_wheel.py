#!/usr/bin/env python3
"""Make the SDK's wheel: `build_wheel.py OUT_DIR` writes exactly one werkbank_azureml-<version>-py3-none-any.whl.

Standard library only, and deterministic: the same tree gives the same bytes. The version is project(VERSION) of the top
CMakeLists.txt,
or --version. Older wheels of the same distribution in OUT_DIR are removed.
"""

import argparse
import base64
import hashlib
import os
import re
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
DISTRIBUTION = "werkbank_azureml"
METADATA = """Metadata-Version: 2.1
Name: werkbank-azureml
Version: {version}
Summary: The Azure ML v1 SDK's interface on a Werkbank server
License: Apache-2.0
Requires-Python: >=3.6
Provides-Extra: notebooks
Requires-Dist: anywidget>=0.9 ; extra == "notebooks" and python_version >= "3.7"
Requires-Dist: ipywidgets>=7.6 ; extra == "notebooks" and python_version >= "3.7"
Provides-Extra: pandas
Requires-Dist: pandas ; extra == "pandas"
Requires-Dist: pyarrow ; extra == "pandas"
"""
WHEEL = """Wheel-Version: 1.0
Generator: werkbank build_wheel
Root-Is-Purelib: true
Tag: py3-none-any
"""


def project_version(cmake_file):
    """The version in project(… VERSION x.y.z …)."""
    with open(cmake_file) as stream:
        match = re.search(r"project\s*\([^)]*?\bVERSION\s+([0-9]+(?:\.[0-9]+)*)", stream.read())
    if not match:
        raise SystemExit("{}: no project(VERSION …) found".format(cmake_file))
    return match.group(1)


def package_files(root):
    """(name in the wheel, content) of every source file, sorted."""
    found = []
    for parent, folders, names in os.walk(os.path.join(root, "azureml")):
        folders[:] = sorted(folder for folder in folders if folder != "__pycache__")
        for name in sorted(names):
            if name.endswith((".py", ".typed", ".js", ".css")):
                path = os.path.join(parent, name)
                with open(path, "rb") as stream:
                    found.append((os.path.relpath(path, root).replace(os.sep, "/"), stream.read()))
    return sorted(found)


def record_line(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
    return "{},sha256={},{}\n".format(name, digest, len(content))


def build(out_dir, version):
    """Write the wheel; its path."""
    os.makedirs(out_dir, exist_ok=True)
    info = "{}-{}.dist-info".format(DISTRIBUTION, version)
    files = package_files(HERE)
    files.append((info + "/METADATA", METADATA.format(version=version).encode("utf-8")))
    files.append((info + "/WHEEL", WHEEL.encode("utf-8")))
    files.append((info + "/top_level.txt", b"azureml\n"))
    record = "".join(record_line(name, content) for name, content in files) + info + "/RECORD,,\n"
    files.append((info + "/RECORD", record.encode("utf-8")))
    target = os.path.join(out_dir, "{}-{}-py3-none-any.whl".format(DISTRIBUTION, version))
    for name in os.listdir(out_dir):
        if re.match(DISTRIBUTION + r"-.*\.whl$", name):
            os.remove(os.path.join(out_dir, name))
    with zipfile.ZipFile(target + ".part", "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in files:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            wheel.writestr(entry, content)
    os.replace(target + ".part", target)
    return target


def main(arguments):
    parser = argparse.ArgumentParser(description="Make the SDK's wheel.")
    parser.add_argument("out_dir")
    parser.add_argument("--version", help="by default project(VERSION) of the top CMakeLists.txt")
    options = parser.parse_args(arguments)
    version = options.version or project_version(os.path.join(HERE, "..", "..", "CMakeLists.txt"))
    print(build(options.out_dir, version))


if __name__ == "__main__":
    main(sys.argv[1:])
