"""What users use of v1 most: the names of tests/reference/usage_names.txt, one by one, on a true server."""

from workbench import PYTHON, ROOT

PROGRAM = ROOT / "tests/e2e/programs/usage.py"
NAMES = ROOT / "tests/reference/usage_names.txt"


def test_what_users_use_is_there_and_works(wb):
    done = wb.run(PYTHON, PROGRAM, NAMES)
    assert done.stdout.splitlines()[-1] == f"{len(NAMES.read_text().split())} names"
