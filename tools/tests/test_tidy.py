"""tools/tidy finds what it promises to find, each rule on a small tree of its own."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TIDY = Path(__file__).resolve().parent.parent / "tidy"
LAYERS = """
function(werkbank_library folder)
endfunction()
# werkbank_library(commented SEES out)
werkbank_library(base PACKAGES pkg)
werkbank_library(low SEES base)
werkbank_library(low/inner SEES base low)
werkbank_library(high SEES base
  low)
"""
CLEAN = {
    "cmake/layers.cmake": LAYERS,
    "src/base/README.md": "base",
    "src/low/README.md": "low",
    "src/low/inner/README.md": "inner",
    "src/high/README.md": "high",
    "src/base/error_codes.def": 'WB_ERROR(gone, kNotFound, "t",\n "r")\n',
    "src/base/a.hh": "// A.\n#pragma once\n",
    "src/low/b.cc": '#include "base/a.hh"\nauto e = errors::gone;\n',
    "src/low/inner/d.cc": "#include \"base/a.hh\"\n",
    "src/high/c.cc": "#include <vector>\n#include \"base/a.hh\"\n",
}


def tidy(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**CLEAN, **files}.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, str(TIDY), "--root", folder], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class Tidy(unittest.TestCase):
    def refuses(self, expected, files):
        code, output = tidy(files)
        self.assertEqual(code, 1, output)
        self.assertIn(expected, output)

    def test_a_clean_tree_passes(self):
        code, output = tidy({})
        self.assertEqual(code, 0, output)
        self.assertIn("0 failed", output)

    def test_upward_include(self):
        self.refuses(
            'low may not include "high/h.hh"',
            {"src/high/h.hh": "// H.\n#pragma once\n", "src/low/x.cc": '#include "high/h.hh"\n'},
        )

    def test_interface_may_not_include_its_implementation(self):
        self.refuses(
            'low may not include "low/inner/i.hh"',
            {"src/low/inner/i.hh": "// I.\n#pragma once\n", "src/low/x.cc": '#include "low/inner/i.hh"\n'},
        )

    def test_cycle_in_the_table(self):
        self.refuses(
            "in a cycle: high -> low -> high", {"cmake/layers.cmake": LAYERS.replace("(low SEES base)", "(low SEES base high)")}
        )

    def test_unknown_folder(self):
        self.refuses(
            "folder other is not in cmake/layers.cmake", {"src/other/README.md": "x", "src/other/x.cc": '#include "base/a.hh"\n'}
        )

    def test_long_file_and_line(self):
        self.refuses("501 lines", {"src/low/x.cc": "int a;\n" * 501})
        self.refuses("131 columns", {"src/low/x.cc": "// " + "x" * 128 + "\n"})

    def test_banned_words(self):
        for line in ['system("ls");', "popen(a, b);", "fork();", "std::rand();", "sprintf(a, b);", "std::format(a);"]:
            self.refuses("src/low/x.cc:1", {"src/low/x.cc": f"auto x = {line}\n"})
        code, output = tidy({"src/low/x.cc": '// system( in a comment\nauto x = "popen(";\nauto y = file_system(1);\n'})
        self.assertEqual(code, 0, output)

    def test_unfinished(self):
        self.refuses("without an issue", {"src/low/x.cc": "// TODO: later\n"})
        self.assertEqual(tidy({"src/low/x.cc": "// TODO(#12): later\n"})[0], 0)

    def test_missing_readme(self):
        self.refuses(
            "without README.md", {"cmake/layers.cmake": LAYERS + "werkbank_library(new SEES base)\n", "src/new/x.cc": "int x;\n"}
        )

    def test_header_without_guard_or_comment(self):
        self.refuses("without #pragma once", {"src/low/x.hh": "// X.\n"})
        self.refuses("a header is a contract", {"src/low/x.hh": "#pragma once\n"})

    def test_error_codes(self):
        self.refuses("errors::missing is not in", {"src/low/x.cc": "auto e = errors::missing;\n"})
        self.refuses("run tools/error-docs", {"docs/reference/errors.md": "# Errors\n"})
        unlisted = {"sdk/python/a.py": "raise E('x',\n    werkbank_code='own')\n"}
        self.refuses("the code own is not in src/cli/sdk_codes.def", unlisted)
        listed = 'WB_SDK_ERROR(own, "t", "r")\n'
        self.refuses("the code own is raised nowhere", {"src/cli/sdk_codes.def": listed})
        raises = {"sdk/python/a.py": 'E("x", werkbank_code="own")\nE("y", werkbank_code="gone")\n'}
        self.assertEqual(tidy({"src/cli/sdk_codes.def": listed, **raises})[0], 0)
        self.assertIn("the error code gone is never raised", tidy({"src/low/b.cc": "int x;\n"})[1])


if __name__ == "__main__":
    unittest.main()
