"""A dataset of many small files in Azurite, downloaded, against raw GETs of the same blobs by curl, several at a time."""

import base64
import datetime
import hashlib
import hmac
import os
import shutil
import subprocess
import urllib.parse

from support import PROJECT, BenchmarkFailed, Row, Server, median, now_ms, spread

ACCOUNT = 'devstoreaccount1'  # Azurite's published development account
KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
CONTAINER = 'small'
THREADS = 8


class Azurite:
    """Azurite in memory, on a port of its own."""

    def __enter__(self):
        testbed = PROJECT / 'tests/testbed/azurite.sh'
        program = subprocess.run([testbed, 'up'], check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
        self.process = subprocess.Popen(
            ['node', program, '--skipApiVersionCheck', '--disableTelemetry', '--inMemoryPersistence', '--blobHost', '127.0.0.1',
             '--blobPort', '0', '--silent'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if 'http://' in line:
                self.address = 'http://' + line.split('http://')[1].split()[0].rstrip('/')
                return self
        raise BenchmarkFailed('Azurite did not start')

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def sas():
    """A token to read the container, until tomorrow."""
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime('%Y-%m-%dT%H:%M:%SZ')
    wanted = f'r\n\n{until}\n/blob/{ACCOUNT}/{CONTAINER}\n\n\n\n2020-10-02\nc\n\n\n\n\n\n'
    signature = base64.b64encode(hmac.new(base64.b64decode(KEY), wanted.encode(), hashlib.sha256).digest()).decode()
    return urllib.parse.urlencode({'sv': '2020-10-02', 'se': until, 'sr': 'c', 'sp': 'r', 'sig': signature})


def make_files(folder, count):
    for i in range(count):
        path = folder / f'{i % 100:02}' / f'{i:05}.bin'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(1000 + i % 3000))


def register(server, azurite, folder):
    key = folder.parent / 'key.txt'
    key.write_text(KEY)
    server.cli('datastore', 'register', 'azure-blob', 'azurite', '--account', ACCOUNT, '--container', CONTAINER,
               '--create-if-not-exists', '--account-key-file', key, '--endpoint', f'{azurite.address}/{ACCOUNT}')
    server.cli('datastore', 'upload', 'azurite', '--src', folder, '--target', 'files')
    server.cli('dataset', 'register', 'small', '--path', 'azurite/files')


def write_list(azurite, folder, target, listing):
    """What curl is to fetch, and where to."""
    token = sas()
    with open(listing, 'w') as stream:
        for path in sorted(folder.rglob('*.bin')):
            name = path.relative_to(folder)
            stream.write(f'url = "{azurite.address}/{ACCOUNT}/{CONTAINER}/files/{name}?{token}"\noutput = "{target / name}"\n')


def measure(setting):
    count = 2000 if setting.quick else 10_000
    folder = setting.scratch / 'files'
    make_files(folder, count)
    ours, raw = [], []
    with Azurite() as azurite, Server(setting.binary, setting.scratch / 'home') as server:
        register(server, azurite, folder)
        target = setting.scratch / 'got'
        write_list(azurite, folder, target, setting.scratch / 'list')
        curl = ['curl', '--silent', '--fail', '--create-dirs', '--parallel', '--parallel-max', str(THREADS), '--config',
                setting.scratch / 'list']
        for turn in range(setting.rounds(5) + 1):
            for values, fetch in (
                (raw, lambda: subprocess.run(curl, check=True, stderr=subprocess.DEVNULL)),
                (ours, lambda: server.cli('dataset', 'download', 'small', '--target', target)),
            ):
                began = now_ms()
                fetch()
                if turn > 0:  # the first fills the caches
                    values.append(now_ms() - began)
                if sum(1 for _ in target.rglob('*.bin')) != count:
                    raise BenchmarkFailed('files are missing')
                shutil.rmtree(target)
    return [
        Row(f'{count:,} small files from Azurite, raw GETs, {THREADS} at a time', '', median(raw), 'ms', note=spread(raw)),
        Row('the same as a dataset', '≤ 1.25 × raw', median(ours), 'ms', median(raw) * 1.25, median(ours) / median(raw),
            spread(ours)),
    ]
