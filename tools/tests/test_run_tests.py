"""The counts that ./test adds up are read from what the test programs print."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import run_tests as t  # noqa: E402

CTEST = """test 1
      Start  1: base
test 2
      Start  2: store
1: [doctest] test cases:   3 |   3 passed | 0 failed | 0 skipped
1/3 Test #1: base .............................   Passed    0.01 sec
2: [doctest] test cases: 14 | 12 passed | 2 failed | 1 skipped
2/3 Test #2: store ............................***Failed    0.30 sec
      Start  3: net
3: x_test.cc:1: MESSAGE: skipped: no such device
3/3 Test #3: net ..............................***Exception: SegFault  0.02 sec
"""


class Counting(unittest.TestCase):
    def test_doctest_and_crashes(self):
        self.assertEqual(t.count_ctest(CTEST), (14, 3, 1))

    def test_pytest(self):
        self.assertEqual(t.count_pytest("= 2 failed, 30 passed, 1 skipped, 1 error in 4.20s ="), (30, 3, 1))
        self.assertEqual(t.count_pytest("12 passed in 0.50s"), (12, 0, 0))

    def test_unittest(self):
        self.assertEqual(t.count_unittest("Ran 13 tests in 4.0s\n\nFAILED (failures=1, errors=1, skipped=2)"), (9, 2, 2))

    def test_plain(self):
        self.assertEqual(t.count_plain("tidy: 6 checks passed, 1 failed, 9 findings\n3 passed, 0 failed, 2 skipped"), (9, 1, 2))

    def test_silence_and_a_bad_end_are_failures(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log")
            self.assertEqual(t.counted(log, ["true"], t.count_pytest), (0, 1, 0))
            self.assertEqual(t.counted(log, ["sh", "-c", "echo 3 passed in 0.1s; exit 2"], t.count_pytest), (3, 1, 0))
            self.assertEqual(t.counted(log, ["sh", "-c", "echo 3 passed in 0.1s"], t.count_pytest), (3, 0, 0))


if __name__ == "__main__":
    unittest.main()
