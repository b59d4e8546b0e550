"""Real shells: what Tab does in them, and `werkbank shell` in front of whatever the user's own start-up files do."""

import contextlib
import fcntl
import http.server
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

import pytest

from workbench import PATIENCE_S, PYTHON, WERKBANK

SHELLS = ("bash", "zsh", "fish")
# Where each shell reads how a user wants it, below HOME.
FILES = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
PROMPT = {
    "bash": "PS1='READY> '\n",
    "zsh": "PS1='READY> '\nunsetopt PROMPT_SP\n",
    "fish": "function fish_prompt; echo -n 'READY> '; end\nset -g fish_greeting\n",
}


def need(shell):
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed: tools/setup.sh names it")
    return path


class Person:
    """Somebody at a terminal: types, and reads until what was expected is there."""

    def __init__(self, argv, env, cwd):
        self.seen = ""
        self.descriptor, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 400, 0, 0))
        # setsid makes it the shell's terminal, so that nothing of Python runs between fork and exec.
        self.shell = subprocess.Popen(
            ["setsid", "--ctty", *argv], env=env, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def read_until(self, pattern):
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.seen):
            ready, _, _ = select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} did not come; what came: {self.seen!r}"
            try:
                self.seen += os.read(self.descriptor, 65536).decode(errors="replace")
            except OSError as error:
                raise AssertionError(f"the shell is gone; what came: {self.seen!r}") from error
        seen, self.seen = self.seen, ""
        return seen

    def ask(self, words):
        """What the shell makes of these words, one by one."""
        self.type(f"printf '<%s>\\n' {words}; echo '<'over'>'\r")
        return self._answers()

    def complete(self, line):
        """The words of the line after Tab was pressed at its end."""
        self.type(f"{line}\t\x01printf '<%s>\\n' \x05; echo '<'over'>'\r")
        return self._answers()

    def _answers(self):
        found = re.findall(r"<([^<>%\r\n]*)>\r", self.read_until("<over>\r"))
        return found[: found.index("over")]

    def leave(self):
        self.shell.kill()
        self.shell.wait()
        os.close(self.descriptor)


@contextlib.contextmanager
def at_terminal(argv, env, cwd):
    person = Person([str(word) for word in argv], env, str(cwd))
    try:
        person.read_until("READY> ")
        yield person
    finally:
        person.leave()


def user_home(folder, shell, text):
    home = folder / f"home-{shell}"
    file = home / FILES[shell]
    file.parent.mkdir(parents=True)
    file.write_text(text)
    # Where it is missing, fish reads all manuals in the background, and outlives the test.
    (home / ".local/share/fish/generated_completions").mkdir(parents=True)
    return home


COMPLETED = [
    ("werkbank run sub", ["werkbank", "run", "submit"]),
    ("werkbank run list --exp", ["werkbank", "run", "list", "--experiment"]),
    ("werkbank run list -o ts", ["werkbank", "run", "list", "-o", "tsv"]),
    ("werkbank run list --output=ts", ["werkbank", "run", "list", "--output=tsv"]),
    ("werkbank run list -e a-long", ["werkbank", "run", "list", "-e", "a-long-name"]),
    ("werkbank run submit -c loc", ["werkbank", "run", "submit", "-c", "local"]),
    ("werkbank run submit -c local tra", ["werkbank", "run", "submit", "-c", "local", "train.py"]),
    ("werkbank run submit --source-directory dat", ["werkbank", "run", "submit", "--source-directory", "data"]),
    ("werkbank workspace member add anna --role rea", ["werkbank", "workspace", "member", "add", "anna", "--role", "reader"]),
    ("az ml history li", ["az", "ml", "history", "list"]),
]


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_commands_values_names_and_files(shared_wb, tmp_path, shell):
    program = need(shell)
    shared_wb.http("POST", "/api/v1/workspaces/default/experiments", {"name": "a-long-name"})
    load = "{0} completion fish | source\n" if shell == "fish" else "eval \"$({0} completion " + shell + ")\"\n"
    home = user_home(tmp_path, shell, PROMPT[shell] + load.format("werkbank") + load.format("az"))
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "train.py").write_text("")
    env = shared_wb.environment(HOME=str(home), TERM="xterm", WERKBANK_COMPLETION_PATIENCE_MS=str(PATIENCE_S * 1000))
    with at_terminal([program], env, project) as person:
        for line, words in COMPLETED:
            # zsh takes the slash behind a folder back when the line goes on.
            assert [word.rstrip("/") for word in person.complete(line)] == words


class Prepared(http.server.BaseHTTPRequestHandler):
    """A server whose default runtime is the tests' own environment."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        assert self.path == "/api/v1/workspaces/default/environments/prepare"
        ready = json.dumps({"interpreter": str(PYTHON), "pythonVersion": "3", "hash": ""})
        body = f"event: ready\ndata: {ready}\n\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@contextlib.contextmanager
def prepared_server(wb, **more):
    server = http.server.HTTPServer(("127.0.0.1", 0), Prepared)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    wb.extra = {"WERKBANK_URL": f"http://127.0.0.1:{server.server_port}", **more}
    try:
        yield
    finally:
        wb.extra = {}
        server.shutdown()
        server.server_close()


# What installers write there: PATH with their own python in front, an alias, and conda as a function.
POSIX_TAKES_OVER = """export FROM_FILE=yes PATH=$HOME/others:$PATH CONDA_PREFIX=$HOME
alias az=false
conda() { echo "<function $1>"; }
"""
TAKES_OVER = {
    "bash": POSIX_TAKES_OVER,
    "zsh": POSIX_TAKES_OVER,
    "fish": "set -gx FROM_FILE yes\nset -gx PATH $HOME/others $PATH\nset -gx CONDA_PREFIX $HOME\n"
    "function az; false; end\nfunction conda; echo \"<function $argv[1]>\"; end\n",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shells_python_comes_first_whatever_the_users_own_file_does(wb, shell):
    program = need(shell)
    home = user_home(wb.folder, shell, PROMPT[shell] + TAKES_OVER[shell])
    (home / "others").mkdir()
    for name in ("python", "conda"):
        (home / "others" / name).write_text("#!/bin/sh\necho wrong\n")
        (home / "others" / name).chmod(0o755)
    project = wb.project({"train.py": ""})
    own = wb.home / "client" / "bin"
    with prepared_server(wb, SHELL=program, HOME=str(home), TERM="xterm"):
        with at_terminal([WERKBANK, "shell", project], wb.environment(), wb.folder) as person:
            which = '"$(command -v {})"' if shell != "fish" else "(command -v {})"
            asked = " ".join(['"$FROM_FILE"', which.format("python"), which.format("az"), '"$CONDA_PREFIX"', '"$VIRTUAL_ENV"'])
            assert person.ask(asked) == ["yes", str(PYTHON), str(own / "az"), "", str(PYTHON.parent.parent)]
            person.type("conda info; conda env list; echo '<'over'>'\r")
            said = person.read_until("<over>\r")
            assert "<function info>" in said and "<function env>" not in said
            assert str(PYTHON.parent.parent) in said
        # Not only for a person.
        done = wb.werkbank("shell", project, "-c", "command -v python")
        assert done.stdout.splitlines()[-1] == str(PYTHON)


def test_a_shell_with_the_runtime_and_every_environment(wb):
    built = wb.home / "environments" / ("ab" * 32)
    built.mkdir(parents=True)
    (built / "ready.json").write_text(json.dumps({"interpreter": str(built / "bin/python"), "pythonVersion": "3.8.1"}))
    (wb.home / "environments" / "torso").mkdir()
    project = wb.project({"train.py": ""})
    with prepared_server(wb, SHELL="/bin/sh"):
        asked = "pwd; command -v python; command -v az; conda env list; conda nonsense; exit 7"
        done = wb.werkbank("shell", project, "-c", asked, code=7)
        lines = done.stdout.splitlines()
        assert Path(lines[0]) == project.resolve()
        assert lines[1] == str(PYTHON)
        assert os.path.realpath(lines[2]) == str(WERKBANK)
        prefix = str(PYTHON.parent.parent)
        assert any(line.split() == ["werkbank", "*", prefix] for line in lines), lines
        assert any(line.split() == ["werkbank-abababab", str(built)] for line in lines), lines
        assert "torso" not in done.stdout
        assert "conda" in done.stderr
        assert "is not a folder" in wb.werkbank("shell", project / "train.py", code=2).stderr
