"""A mounted datastore, read: one large file of a folder and of Azurite, and 20,000 small ones, against the local file system and
against raw GETs from the same Azurite."""

import base64
import concurrent.futures
import contextlib
import hashlib
import hmac
import http.client
import os
import pathlib
import re
import subprocess
import urllib.parse

from support import PROJECT, BenchmarkFailed, Row, Server, median, now_ms, progress, spread

MIB = 1024 * 1024
ACCOUNT = 'devstoreaccount1'
KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='  # published: Azurite's own
CONNECTIONS, RANGE = 8, 8 * MIB


def read_file_ms(path):
    """From front to back, a mebibyte at a time into the same buffer."""
    buffer = bytearray(MIB)
    began = now_ms()
    descriptor = os.open(path, os.O_RDONLY)
    while os.readv(descriptor, [buffer]):
        pass
    os.close(descriptor)
    return now_ms() - began


def read_tree_ms(folder):
    """Everything listed, looked at and read; what it costs, and how many files."""
    began, count, stack = now_ms(), 0, [str(folder)]
    while stack:
        with os.scandir(stack.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    stack.append(entry.path)
                    continue
                size = entry.stat().st_size
                descriptor = os.open(entry.path, os.O_RDONLY)
                if len(os.read(descriptor, size + 1)) != size:
                    raise BenchmarkFailed(f'{entry.path} was cut short')
                os.close(descriptor)
                count += 1
    return now_ms() - began, count


@contextlib.contextmanager
def mounted(server, source, folder):
    server.cli('mount', source, folder, '--background')
    try:
        yield folder
    finally:
        server.cli('unmount', folder)


def large_file_rows(server, setting, data, size):
    (data / 'large').write_bytes(os.urandom(MIB) * (size // MIB))
    read_file_ms(data / 'large')
    local, first, second = [], [], []
    for _ in range(setting.rounds(10)):
        local.append(read_file_ms(data / 'large'))
        with mounted(server, 'files/large', setting.scratch / 'mnt') as folder:
            first.append(read_file_ms(folder / 'large'))
            second.append(read_file_ms(folder / 'large'))
    yardstick = median(local)

    def row(name, share, values):
        rate = size / 1e3 / median(values)
        return Row(f'{name}, {size // MIB} MiB of a folder', f'≥ {share:.0%} of local', median(values), 'ms', yardstick / share,
                   median(values) / yardstick, f'{rate:.0f} MB/s ({spread(values)})')

    return [
        Row(f'a local file of {size // MIB} MiB, in the page cache', '', yardstick, 'ms',
            note=f'{size / 1e3 / yardstick:.0f} MB/s'),
        row('mounted, first pass', 0.2, first),
        row('mounted, second pass', 0.8, second),
    ]


def small_file_rows(server, setting, data, count):
    for number in range(count):
        folder = data / 'small' / str(number % 100)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'{number}.txt').write_bytes(b'%d\n' % number * 200)
    read_tree_ms(data / 'small')
    local, first, second = [], [], []
    for _ in range(setting.rounds(5)):
        local.append(read_tree_ms(data / 'small')[0])
        with mounted(server, 'files/small', setting.scratch / 'mnt') as folder:
            took, seen = read_tree_ms(folder)
            if seen != count:
                raise BenchmarkFailed(f'{seen} of {count} files were listed')
            first.append(took)
            second.append(read_tree_ms(folder)[0])
    yardstick = median(local)
    return [
        Row(f'{count} small local files, listed and read', '', yardstick, 'ms', note=spread(local)),
        Row('mounted, first pass', '', median(first), 'ms', None, median(first) / yardstick, spread(first)),
        Row('mounted, second pass', '≥ 50% of local', median(second), 'ms', yardstick / 0.5, median(second) / yardstick,
            spread(second)),
    ]


class Azurite:
    def __enter__(self):
        up = subprocess.run([PROJECT / 'tests/testbed/azurite.sh', 'up'], stdout=subprocess.PIPE, check=True)
        words = ['node', up.stdout.decode().strip(), '--skipApiVersionCheck', '--disableTelemetry', '--silent']
        words += ['--inMemoryPersistence', '--blobHost', '127.0.0.1', '--blobPort', '0']
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE)
        for line in self.process.stdout:
            found = re.search(rb'listens on (http\S+)', line)
            if found:
                self.address = found.group(1).decode()
                return self
        raise BenchmarkFailed('Azurite ended')

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def get_ms(self, container, blob, size):
        """Raw GETs of ranges, several at a time, kept connections, nothing done with the bytes."""
        wanted = f'r\n\n2099-01-01T00:00:00Z\n/blob/{ACCOUNT}/{container}\n\n\n\n2020-10-02\nc\n\n\n\n\n\n'
        signature = base64.b64encode(hmac.new(base64.b64decode(KEY), wanted.encode(), hashlib.sha256).digest())
        query = 'sv=2020-10-02&se=2099-01-01T00%3A00%3A00Z&sr=c&sp=r&sig=' + urllib.parse.quote(signature, safe='')
        host = urllib.parse.urlsplit(self.address).netloc

        def fetch(begins):
            connection, buffer = http.client.HTTPConnection(host, timeout=60), bytearray(MIB)
            for begin in begins:
                end = min(begin + RANGE, size) - 1
                ranged = {'x-ms-range': f'bytes={begin}-{end}'}
                connection.request('GET', f'/{ACCOUNT}/{container}/{blob}?{query}', headers=ranged)
                answer = connection.getresponse()
                if answer.status != 206:
                    raise BenchmarkFailed(f'raw GET: {answer.status} {answer.read(500)}')
                while answer.readinto(buffer):
                    pass
            connection.close()

        began = now_ms()
        with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(fetch, [range(RANGE * first, size, RANGE * CONNECTIONS) for first in range(CONNECTIONS)]))
        return now_ms() - began


def storage_rows(server, setting, data, size):
    with Azurite() as azurite:
        (setting.scratch / 'key').write_text(KEY)
        words = ['--account', ACCOUNT, '--container', 'bench', '--endpoint', f'{azurite.address}/{ACCOUNT}']
        words.append('--create-if-not-exists')
        server.cli('datastore', 'register', 'azure-blob', 'cloud', *words, '--account-key-file', setting.scratch / 'key')
        file = data / 'blob'
        file.write_bytes(os.urandom(MIB) * (size // MIB))
        server.cli('datastore', 'upload', 'cloud', '--file', file)
        raw, first, kept, local = [], [], [], []
        for _ in range(setting.rounds(5)):
            local.append(read_file_ms(file))
            raw.append(azurite.get_ms('bench', 'blob', size))
            server.cli('cache', 'clear')
            with mounted(server, 'cloud/blob', setting.scratch / 'mnt') as folder:
                first.append(read_file_ms(folder / 'blob'))
            with mounted(server, 'cloud/blob', setting.scratch / 'mnt') as folder:
                kept.append(read_file_ms(folder / 'blob'))
    rate = size / 1e3
    # A storage that is slower than a fifth of the local file cannot be read faster than it is.
    limit = max(median(raw) / 0.8, median(local) / 0.2)
    return [
        Row(f'Azurite itself, {CONNECTIONS} raw GETs at a time, {size // MIB} MiB', '', median(raw), 'ms',
            note=f'{rate / median(raw):.0f} MB/s'),
        Row('mounted, first pass, nothing in the cache', '≥ 80% of the store', median(first), 'ms', limit,
            median(first) / median(raw), f'{rate / median(first):.0f} MB/s ({spread(first)})'),
        Row('mounted anew: from the disk cache', '', median(kept), 'ms', None, median(kept) / median(local),
            f'{rate / median(kept):.0f} MB/s ({spread(kept)}); local {median(local):.1f} ms'),
    ]


def measure(setting):
    data = setting.scratch / 'data'
    data.mkdir()
    with Server(setting.binary, setting.scratch / 'home') as server:
        server.cli('datastore', 'register', 'folder', 'files', '--folder', data)
        progress('one large file of a folder')
        rows = large_file_rows(server, setting, pathlib.Path(data), (128 if setting.quick else 1024) * MIB)
        progress('many small files')
        rows += small_file_rows(server, setting, pathlib.Path(data), 4_000 if setting.quick else 20_000)
        progress('one large blob of Azurite')
        rows += storage_rows(server, setting, pathlib.Path(data), (64 if setting.quick else 256) * MIB)
    return rows
