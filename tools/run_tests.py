#!/usr/bin/env python3
"""Runs the test steps one after the other and adds them up. Called by ./test, which has built what they need.

Each step is a command (or two) whose output goes to build/logs/test-<step>.log; its counts are read from the summary lines
that doctest, pytest and unittest print. A command that fails without such a line counts as one failure, and so does a
command that ran no test at all: silence is no success.
"""

import os
import re
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
CI = os.environ.get("CI", "") == "true"
FUZZ_SECONDS = 20

Counts = namedtuple("Counts", "passed failed skipped")


def add(left, right):
    return Counts(*(a + b for a, b in zip(left, right)))


def count_doctest(text):
    """Sums the lines '[doctest] test cases: 12 | 11 passed | 1 failed | 0 skipped'.

    What doctest calls skipped is a case that another case runs in a child process (a victim of kill -9), so it does not count.
    A case that could not run says so by MESSAGE("skipped: why"); that does."""
    total = Counts(0, 0, 0)
    for passed, failed in re.findall(
        r"\[doctest\] test cases:\s+\d+\s+\|\s+(\d+) passed\s+\|\s+(\d+) failed\s+\|\s+\d+ skipped", text
    ):
        total = add(total, Counts(int(passed), int(failed), 0))
    said = len(re.findall(r"MESSAGE: skipped:", text))
    return Counts(total.passed - said, total.failed, said)


def count_ctest(text):
    """doctest's cases, and one failure for each program that ended badly without telling of a failed case (a crash)."""
    total = count_doctest(text)
    programs = re.findall(r"^\s*\d+/\d+ Test\s+#\d+: (\S+) \.*\s*(Passed|\*\*\*\S.*?)\s+[\d.]+ sec", text, re.M)
    for name, result in programs:
        if result != "Passed" and count_doctest(lines_of_program(text, name)).failed == 0:
            total = add(total, Counts(0, 1, 0))
    return total


def lines_of_program(text, name):
    number = re.search(rf"^\s+Start\s+(\d+): {re.escape(name)}$", text, re.M)
    if not number:
        return ""
    return "\n".join(line for line in text.splitlines() if line.startswith(f"{number.group(1)}: "))


def count_pytest(text):
    """The last line: '== 3 failed, 12 passed, 1 skipped in 4.2s =='."""
    lines = [line for line in text.splitlines() if re.search(r"\b(passed|failed|skipped|error|errors)\b.* in [\d.]+s", line)]
    if not lines:
        return Counts(0, 0, 0)
    found = {
        word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|errors?|xfailed|xpassed)", lines[-1])
    }
    return Counts(
        found.get("passed", 0),
        found.get("failed", 0) + found.get("error", 0) + found.get("errors", 0) + found.get("xpassed", 0),
        found.get("skipped", 0) + found.get("xfailed", 0),
    )


def count_unittest(text):
    ran = re.search(r"^Ran (\d+) tests?", text, re.M)
    if not ran:
        return Counts(0, 0, 0)
    found = {word: int(number) for word, number in re.findall(r"(failures|errors|skipped|unexpected successes)=(\d+)", text)}
    failed = found.get("failures", 0) + found.get("errors", 0) + found.get("unexpected successes", 0)
    return Counts(int(ran.group(1)) - failed - found.get("skipped", 0), failed, found.get("skipped", 0))


def count_plain(text):
    """Our own tools' lines: 'tidy: 6 checks passed, 0 failed' and 'N passed, N failed, N skipped'."""
    total = Counts(0, 0, 0)
    for passed, failed, skipped in re.findall(r"(\d+)(?: checks)? passed, (\d+) failed(?:, (\d+) skipped)?", text):
        total = add(total, Counts(int(passed), int(failed), int(skipped or 0)))
    return total


def run(log, command, cwd=ROOT, env=None, limit=3600):
    """(exit code, output); the output is appended to the log as it comes."""
    with open(log, "ab") as file:
        file.write(("$ " + " ".join(map(str, command)) + "\n").encode())
        file.flush()
        start = file.tell()
        try:
            code = subprocess.run(
                [str(word) for word in command],
                cwd=str(cwd),
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
                timeout=limit,
            ).returncode
        except subprocess.TimeoutExpired:
            file.write(b"\nended: the time limit of this step is over\n")
            code = 124
    with open(log, "rb") as file:
        file.seek(start)
        return code, file.read().decode(errors="replace")


def counted(log, command, count, **options):
    code, text = run(log, command, **options)
    counts = count(text)
    if counts == (0, 0, 0) or (code != 0 and counts.failed == 0):
        counts = add(counts, Counts(0, 1, 0))
    return counts


def build(log, preset, *targets):
    for command in (["cmake", "--preset", preset], ["ninja", "-C", ROOT / "build" / preset, *targets]):
        if run(log, command)[0] != 0:
            return Counts(0, 1, 0)
    return Counts(0, 0, 0)


def ctest(log, preset, label=None, **options):
    command = ["ctest", "--test-dir", ROOT / "build" / preset, "-V", "-j", "2", "--no-tests=error"]
    command += ["-L", label] if label else []
    return counted(log, command, count_ctest, **options)


def step_tidy(log):
    tools = [sys.executable, "-m", "unittest", "discover", "-s", "tools/tests", "-p", "test_*.py"]
    return add(counted(log, [sys.executable, "tools/tidy", "--format"], count_plain), counted(log, tools, count_unittest))


def step_ctest(log):
    built = build(log, "release", "all_tests")
    return built if built.failed else ctest(log, "release")


def step_sdk(log):
    environment = {"WERKBANK_BINARY": str(ROOT / "build/release/werkbank")}
    counts = counted(
        log,
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "sdk/python/tests"],
        count_pytest,
        env=environment,
    )
    everywhere = ROOT / "sdk/python/tests/run_on_all_interpreters.py"
    return add(counts, counted(log, [sys.executable, everywhere], count_plain, env=environment))


def step_e2e(log):
    return counted(log, [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/e2e"], count_pytest)


def step_notebooks(log):
    """In JupyterLab and the classic Notebook, in Chromium. Where that cannot be installed it says so, and counts as skipped."""
    code, text = run(log, ["bash", "-c", ". tools/setup.sh && make_notebook_venv"])
    if code != 0:
        why = [line for line in text.splitlines() if "error:" in line] or [f"make_notebook_venv ended with code {code}"]
        print(f"    SKIPPED, nothing was tested in notebooks: {why[-1]}", flush=True)
        return Counts(0, 0, 1)
    python = ROOT / "build/notebook-venv/bin/python"
    return counted(log, [python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/notebooks"], count_pytest)


def sanitized(log, preset, environment, target="all_tests", label=None):
    built = build(log, preset, target)
    return built if built.failed else ctest(log, preset, label, env=environment)


def step_asan(log):
    return sanitized(
        log,
        "asan",
        {
            "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        },
    )


def step_tsan(log):
    return sanitized(log, "tsan", {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"}, "threaded_tests", "threaded")


def step_fuzz(log):
    counts = build(log, "fuzz", "all_fuzzers")
    if counts.failed:
        return counts
    programs = sorted(path for path in (ROOT / "build/fuzz").glob("*_fuzz") if os.access(path, os.X_OK))
    for program in programs:
        corpus = ROOT / "build/fuzz/corpus" / program.name
        corpus.mkdir(parents=True, exist_ok=True)
        seeds = [path for path in (ROOT / "tests/corpus").glob(program.name) if path.is_dir()]
        code, text = run(
            log,
            [
                program,
                # The same inputs in every CI: what it finds, everyone finds again. By hand each time others.
                f"-seed={1 if CI else 0}",
                f"-max_total_time={FUZZ_SECONDS}",
                "-timeout=10",
                "-rss_limit_mb=2048",
                "-print_final_stats=1",
                f"-artifact_prefix={LOGS}/{program.name}-",
                corpus,
                *seeds,
            ],
            limit=FUZZ_SECONDS + 120,
        )
        counts = add(counts, Counts(1, 0, 0) if code == 0 else Counts(0, 1, 0))
        if code != 0:
            tell_of_input(log, program.name, text)
    return counts if programs else Counts(0, 1, 0)


def tell_of_input(log, program, text):
    """The input that ended a fuzz target, in a line that show_failures() finds: the file is gone with the machine of a CI."""
    found = re.search(r"^Base64: (\S+)", text, re.M)
    with open(log, "a") as file:
        file.write(f"ERROR: {program} on the input (base64) {found.group(1) if found else 'that was too long to print'}\n")


def step_sweep(log):
    """Kills at every named place of a run's life, where step e2e takes a sample: by name only, it takes some minutes."""
    story = ["tests/e2e/test_recovery.py", "-k", "killed_at"]
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *story]
    return counted(log, command, count_pytest, env={"WERKBANK_SWEEP": "all"})


def step_lint(log):
    """clang-tidy over every source file: by name only, since it takes as long as a build or two."""
    sources = sorted(path for path in (ROOT / "src").rglob("*.cc") if not path.name.endswith("_fuzz.cc"))
    command = ["xargs", "-P", str(os.cpu_count() or 1), "-n", "4", "clang-tidy-19", "--quiet", "-p", ROOT / "build/release"]
    listing = log.with_suffix(".files")
    listing.write_text("\n".join(map(str, sources)) + "\n")
    code, text = run(log, ["sh", "-c", 'exec "$@" <"$0"', listing, *command])
    files = {line.split(":")[0] for line in text.splitlines() if ": error: " in line}
    failed = len(files) or (1 if code else 0)
    return Counts(len(sources) - failed, failed, 0)


BY_NAME_ONLY = ("lint", "sweep")
STEPS = {
    "tidy": step_tidy,
    "ctest": step_ctest,
    "sdk": step_sdk,
    "e2e": step_e2e,
    "notebooks": step_notebooks,
    "asan": step_asan,
    "tsan": step_tsan,
    "fuzz": step_fuzz,
    "lint": step_lint,
    "sweep": step_sweep,
}


def chosen_steps(words):
    unknown = [word for word in words if word not in STEPS and word not in ("--quick", "--fuzz")]
    if unknown:
        sys.exit(f"error: unknown step '{unknown[0]}'\nhint:  the steps are {' '.join(STEPS)}; see ./test --help")
    named = [word for word in words if word in STEPS]
    if named:
        return named
    if "--quick" in words:
        return ["tidy", "ctest"]
    return [name for name in STEPS if name not in BY_NAME_ONLY and (name != "fuzz" or CI or "--fuzz" in words)]


def show_failures(log):
    pattern = re.compile(r"(^|\s)(FAILED|ERROR|FAIL):?\s|ERROR: |\berror:|\*\*\*|:\d+: |SUMMARY: |^Error")
    lines = [line for line in log.read_text(errors="replace").splitlines() if pattern.search(line) and "warning" not in line]
    for line in lines[:30]:
        print("    " + line[:400])


def main():
    LOGS.mkdir(parents=True, exist_ok=True)
    rows, total = [], Counts(0, 0, 0)
    for name in chosen_steps(sys.argv[1:]):
        log = LOGS / f"test-{name}.log"
        log.write_bytes(b"")
        print(f"==> {name} (build/logs/{log.name})", flush=True)
        started = time.monotonic()
        counts = STEPS[name](log)
        rows.append((name, counts, time.monotonic() - started))
        total = add(total, counts)
        if counts.failed:
            show_failures(log)
    print(f"\n{'step':<10}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for name, counts, seconds in rows:
        print(f"{name:<10}{counts.passed:>8}{counts.failed:>8}{counts.skipped:>9}{seconds:>9.1f}")
    print(f"\n{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or (CI and total.skipped) else 0


if __name__ == "__main__":
    sys.exit(main())
