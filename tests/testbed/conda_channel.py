#!/usr/bin/env python3
"""conda_channel.py FOLDER [--without-python]: a small conda channel, made by the standard library alone, without a network.

noarch/    werk-numbers 1.0 and 2.0 (plain Python), werk-stats 1.0 (needs werk-numbers <2), werk-broken 1.0 (needs a package that
           nobody has), werk-files 1.0 (a text file that holds its prefix), pip (from ensurepip's own wheel)
linux-64/  python: the files of the interpreter that runs this program, so that an environment made offline really runs

Archives are .tar.bz2 with info/index.json, info/paths.json and info/files; both folders have a repodata.json: what conda, mamba
and rattler read. Use it as file://FOLDER.
"""

import ensurepip
import hashlib
import io
import json
import os
import platform
import re
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

PLACEHOLDER = "/opt/werk_placehold_" + "placehold_" * 20
MADE = 1700000000
SUBDIR = "linux-aarch64" if platform.machine() == "aarch64" else "linux-64"
NEVER_COPIED = re.compile(
    r"(^|/)(test|tests|idlelib|turtledemo|lib2to3|site-packages|dist-packages|__pycache__|config-[^/]*)(/|$)"
    r"|\.a$|/EXTERNALLY-MANAGED$"
)


def add(tar, name, data, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(data), mode, MADE
    tar.addfile(entry, io.BytesIO(data))


class Channel:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.packages = {"noarch": {}, SUBDIR: {}}

    def package(self, subdir, name, version, files, depends=(), noarch=None, links=None, entry_points=(), with_prefix=()):
        """files: {path: (bytes, mode)}; links: {path: target}; with_prefix: paths whose text holds the placeholder."""
        place = self.folder / subdir
        place.mkdir(parents=True, exist_ok=True)
        target = place / f"{name}-{version}-0.tar.bz2"
        index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": list(depends), "subdir": subdir}
        index.update(license="MIT", timestamp=MADE * 1000)
        if noarch:
            index["noarch"] = noarch
        paths = []
        for path, (data, _) in sorted(files.items()):
            digest = hashlib.sha256(data).hexdigest()
            entry = {"_path": path, "path_type": "hardlink", "sha256": digest, "size_in_bytes": len(data)}
            if path in with_prefix:
                entry.update(prefix_placeholder=PLACEHOLDER, file_mode="text")
            paths.append(entry)
        for path in sorted(links or {}):
            paths.append({"_path": path, "path_type": "softlink", "sha256": hashlib.sha256(b"").hexdigest(), "size_in_bytes": 0})
        with tarfile.open(target, "w:bz2", compresslevel=1) as tar:
            add(tar, "info/index.json", json.dumps(index).encode())
            add(tar, "info/paths.json", json.dumps({"paths": paths, "paths_version": 1}).encode())
            add(tar, "info/files", "".join(entry["_path"] + "\n" for entry in paths).encode())
            if noarch == "python":
                link = {"noarch": {"type": "python", "entry_points": list(entry_points)}, "package_metadata_version": 1}
                add(tar, "info/link.json", json.dumps(link).encode())
            for path, (data, mode) in sorted(files.items()):
                add(tar, path, data, mode)
            for path, to in sorted((links or {}).items()):
                entry = tarfile.TarInfo(path)
                entry.type, entry.linkname, entry.mtime = tarfile.SYMTYPE, to, MADE
                tar.addfile(entry)
        raw = target.read_bytes()
        index.update(md5=hashlib.md5(raw).hexdigest(), sha256=hashlib.sha256(raw).hexdigest(), size=len(raw))
        self.packages[subdir][target.name] = index

    def finish(self):
        for subdir, packages in self.packages.items():
            (self.folder / subdir).mkdir(parents=True, exist_ok=True)
            data = {"info": {"subdir": subdir}, "packages": packages, "packages.conda": {}, "removed": [], "repodata_version": 1}
            (self.folder / subdir / "repodata.json").write_text(json.dumps(data, indent=1, sort_keys=True))


def plain(name, version, code):
    """The files of a package of one module."""
    module = name.replace("-", "_")
    info = f"site-packages/{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return {
        f"site-packages/{module}/__init__.py": (code.encode(), 0o644),
        f"{info}/METADATA": (metadata.encode(), 0o644),
        f"{info}/INSTALLER": (b"conda\n", 0o644),
        f"{info}/RECORD": (b"", 0o644),
    }


def files_of_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir() and ".data/" not in info.filename]
        return {"site-packages/" + name: (archive.read(name), 0o644) for name in names}


def this_python():
    """(files, links) of a relocatable copy of the running interpreter's base installation."""
    minor = "%d.%d" % sys.version_info[:2]
    own = {"installed_base": sys.base_prefix, "base": sys.base_prefix}
    library = Path(sysconfig.get_path("stdlib", vars=own))
    program = Path(os.path.realpath(os.path.join(sys.base_prefix, "bin", "python" + minor)))
    files = {f"bin/python{minor}": (program.read_bytes(), 0o755)}
    shared = sysconfig.get_config_var("LDLIBRARY") or ""
    if ".so" in shared:
        for file in Path(sysconfig.get_config_var("LIBDIR") or "").glob(shared.split(".so")[0] + ".so*"):
            files["lib/" + file.name] = (file.read_bytes(), 0o755)
    for path in library.rglob("*"):
        relative = path.relative_to(library).as_posix()
        if path.is_file() and not NEVER_COPIED.search(relative):
            files[f"lib/python{minor}/{relative}"] = (path.read_bytes(), 0o755 if path.suffix == ".so" else 0o644)
    files[f"lib/python{minor}/site-packages/README.txt"] = (b"third-party packages\n", 0o644)
    return files, {"bin/python": f"python{minor}", "bin/python3": f"python{minor}"}


def make(folder, with_python=True):
    channel = Channel(folder)
    for version in ("1.0", "2.0"):
        code = f"VERSION = '{version}'\n\n\ndef double(x):\n    return 2 * x\n"
        numbers = plain("werk-numbers", version, code)
        channel.package("noarch", "werk-numbers", version, numbers, ["python >=3.8"], noarch="python")
    code = "import werk_numbers\n\n\ndef main():\n    print('numbers', werk_numbers.VERSION, werk_numbers.double(21))\n"
    channel.package(
        "noarch",
        "werk-stats",
        "1.0",
        plain("werk-stats", "1.0", code),
        ["python >=3.8", "werk-numbers >=1.0,<2"],
        noarch="python",
        entry_points=["werk-stats = werk_stats:main"],
    )
    broken = plain("werk-broken", "1.0", "")
    channel.package("noarch", "werk-broken", "1.0", broken, ["python", "no-such-package >=9"], noarch="python")
    prefix = {"etc/werk/prefix.txt": (f"installed at {PLACEHOLDER}\n".encode(), 0o644)}
    channel.package("noarch", "werk-files", "1.0", prefix, noarch="generic", with_prefix=["etc/werk/prefix.txt"])
    for wheel in sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")):
        points = ["pip = pip._internal.cli.main:main"]
        version = wheel.name.split("-")[1]
        channel.package("noarch", "pip", version, files_of_wheel(wheel), ["python >=3.8"], noarch="python", entry_points=points)
    if with_python:
        files, links = this_python()
        channel.package(SUBDIR, "python", platform.python_version().rstrip("+"), files, links=links)
    channel.finish()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    make(Path(sys.argv[1]).absolute(), "--without-python" not in sys.argv)
