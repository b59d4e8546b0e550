"""What the benchmarks share: a fresh home with a real server, HTTP over its socket, clocks, medians, rows of the table."""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent
TERMINAL = ('Completed', 'Failed', 'Canceled')
SERVER_PATIENCE_S = 20
IN_MEMORY = ('tmpfs', 'ramfs')


@dataclasses.dataclass
class Row:
    """A line of the table. A goal is met by `measured <= limit`; `limit` None: shown for comparison only."""

    name: str
    goal: str
    measured: float
    unit: str
    limit: float | None = None
    ratio: float | None = None
    note: str = ''

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return '-'
        return 'ok' if self.measured <= self.limit else 'MISS'


class BenchmarkFailed(Exception):
    """What was to be measured did not work; a figure would mean nothing."""


def now_ms() -> float:
    return time.perf_counter_ns() / 1e6


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(values) -> str:
    return f'{min(values):.1f}…{max(values):.1f}'


def load_average() -> float:
    return os.getloadavg()[0]


def file_system_of(path) -> str:
    """The type of the mounted file system that holds `path`."""
    path, best, kind = str(pathlib.Path(path).resolve()), '', 'unknown'
    for line in pathlib.Path('/proc/mounts').read_text().splitlines():
        _, mount, fs_type = line.split()[:3]
        inside = path == mount or path.startswith(mount.rstrip('/') + '/')
        if inside and len(mount) >= len(best):
            best, kind = mount, fs_type
    return kind


@contextlib.contextmanager
def scratch_folder(parent):
    """A folder of its own below `parent`, gone afterwards."""
    kind = file_system_of(parent)
    if kind in IN_MEMORY:
        raise BenchmarkFailed(f'{parent} is a {kind}: fsync costs nothing there; name a folder on a disk with --scratch')
    folder = pathlib.Path(tempfile.mkdtemp(prefix='werkbank-bench-', dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clean_environment(home, **more):
    """The caller's variables without those that would lead to another server or change git's or Python's ways."""
    dropped = ('WERKBANK_', 'AZUREML_', 'GIT_', 'PYTHON')
    variables = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    variables.update(WERKBANK_HOME=str(home), GIT_CONFIG_GLOBAL='/dev/null', GIT_CONFIG_NOSYSTEM='1')
    variables.update({key: str(value) for key, value in more.items()})
    return variables


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, kept alive."""

    def __init__(self, path, timeout=60):
        super().__init__('localhost', timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, target, document=None):
        body = None if document is None else json.dumps(document)
        self.request(method, target, body, {'Content-Type': 'application/json'} if body else {})
        answer = self.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise BenchmarkFailed(f'{method} {target}: {answer.status} {content[:400].decode(errors="replace")}')
        return json.loads(content) if content else None


class Server:
    """`werkbank serve` in a home of its own. The process is ours, and waited for."""

    def __init__(self, binary, home, **variables):
        self.binary, self.home = str(binary), pathlib.Path(home)
        self.environment = clean_environment(home, **variables)
        self.process = None
        self.ready_ms = 0.0

    @property
    def socket_path(self):
        return self.home / 'server.sock'

    def start(self):
        self.home.mkdir(mode=0o700, exist_ok=True)
        with open(self.home.parent / f'{self.home.name}.log', 'ab') as log:
            began = now_ms()
            self.process = subprocess.Popen([self.binary, 'serve'], env=self.environment, cwd=self.home,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        while not self.answers():
            if self.process.poll() is not None:
                raise BenchmarkFailed(f'the server ended at its start with {self.process.returncode}:\n{self.log_tail()}')
            if now_ms() - began > SERVER_PATIENCE_S * 1000:
                self.stop()
                raise BenchmarkFailed(f'the server did not answer in {SERVER_PATIENCE_S} s:\n{self.log_tail()}')
            time.sleep(0.0005)
        self.ready_ms = now_ms() - began
        return self

    def answers(self) -> bool:
        connection = SocketConnection(self.socket_path, timeout=5)
        try:
            return connection.ask('GET', '/healthz')['status'] == 'ok'
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def log_tail(self) -> str:
        return '\n'.join((self.home.parent / f'{self.home.name}.log').read_text(errors='replace').splitlines()[-12:])

    def memory_mb(self) -> dict:
        """What /proc says of the process: VmRSS, and RssAnon of it, in MB (10^6 bytes)."""
        fields = {}
        for line in pathlib.Path(f'/proc/{self.process.pid}/status').read_text().splitlines():
            if line.startswith(('VmRSS', 'RssAnon')):
                key, value = line.split(':')
                fields[key] = int(value.split()[0]) * 1024 / 1e6
        return fields

    def connect(self) -> SocketConnection:
        return SocketConnection(self.socket_path)

    def processor_ms(self):
        """Processor time so far: of the server, and of its descendants that have ended and were waited for."""
        fields = pathlib.Path(f'/proc/{self.process.pid}/stat').read_text().rpartition(')')[2].split()
        user, system, child_user, child_system = (int(field) * 1000 / os.sysconf('SC_CLK_TCK') for field in fields[11:15])
        return user + system, child_user + child_system

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(SERVER_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def cli(self, *arguments, folder=None):
        """Runs the command line to its end and returns its standard output."""
        done = subprocess.run([self.binary, *map(str, arguments)], env=self.environment, cwd=folder or self.home,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise BenchmarkFailed(f'werkbank {" ".join(map(str, arguments))}: exit code {done.returncode}\n'
                                  f'{done.stderr.decode(errors="replace")[-1500:]}')
        return done.stdout


def first_byte_ms(command, folder, environment) -> float:
    """From just before the spawn to the first byte on standard output; then the command is waited for."""
    began = now_ms()
    process = subprocess.Popen([str(part) for part in command], cwd=folder, env=environment, bufsize=0, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = process.stdout.read(1)
    took = now_ms() - began
    _, talk = process.communicate()
    if not first or process.returncode != 0:
        raise BenchmarkFailed(f'{command}: exit code {process.returncode}, no output or a failure:\n'
                              f'{talk.decode(errors="replace")[-1500:]}')
    return took


def whole_ms(command, folder=None, environment=None) -> float:
    began = now_ms()
    done = subprocess.run([str(part) for part in command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    took = now_ms() - began
    if done.returncode != 0:
        raise BenchmarkFailed(f'{command}: exit code {done.returncode}\n{done.stdout.decode(errors="replace")[-1500:]}')
    return took


def write_files(folder, files):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def make_repository(folder, environment):
    for arguments in (['init', '-q'], ['add', '-A'], ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost',
                                                      'commit', '-q', '-m', 'first']):
        whole_ms(['git', *arguments], folder, environment)


@dataclasses.dataclass
class Setting:
    """What every benchmark is given."""

    binary: pathlib.Path
    az: pathlib.Path
    interpreter: str
    uv: pathlib.Path
    scratch: pathlib.Path
    runs: int
    quick: bool = False

    def rounds(self, usual: int) -> int:
        return max(3, usual // 5) if self.quick else usual


def progress(text):
    print(f'  {text}', file=sys.stderr, flush=True)


median = statistics.median
