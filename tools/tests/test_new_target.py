"""tools/new-target makes a folder that compiles against the interface, obeys the rules, and refuses bad names."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COMPILER = shutil.which("clang++-19")


def new_target(root, name):
    return subprocess.run(
        [sys.executable, str(ROOT / "tools/new-target"), name, "--root", str(root)], capture_output=True, text=True
    )


class NewTarget(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        for part in ("src/base", "src/domain", "src/compute", "cmake"):
            shutil.copytree(ROOT / part, self.root / part)

    def test_makes_a_folder_that_compiles(self):
        done = new_target(self.root, "big_iron")
        self.assertEqual(done.returncode, 0, done.stderr)
        source = self.root / "src/compute/big_iron/big_iron_target.cc"
        self.assertIn("class BigIronTarget", source.read_text())
        self.assertIn("werkbank_library(compute/big_iron SEES", (self.root / "cmake/layers.cmake").read_text())
        self.assertTrue((source.parent / "README.md").exists())
        compiled = subprocess.run(
            [COMPILER, "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-I", "src", str(source)],
            cwd=self.root,
            capture_output=True,
            text=True,
        )
        self.assertEqual(compiled.returncode, 0, compiled.stderr)
        tidy = subprocess.run(
            [sys.executable, str(ROOT / "tools/tidy"), "--root", str(self.root), str(source)], capture_output=True, text=True
        )
        self.assertNotIn("big_iron", tidy.stdout)

    def test_refuses_bad_names_and_changes_nothing(self):
        before = (self.root / "cmake/layers.cmake").read_text()
        for name in ("Slurm", "../x", "a b", "", "local"):
            self.assertEqual(new_target(self.root, name).returncode, 2, name)
        self.assertEqual((self.root / "cmake/layers.cmake").read_text(), before)


if __name__ == "__main__":
    unittest.main()
