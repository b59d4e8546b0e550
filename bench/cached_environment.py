"""What a cached, system-managed environment costs a run: against the same interpreter named with --python."""

import base64
import hashlib
import subprocess
import zipfile

from support import Row, Server, first_byte_ms, median, progress, spread, whole_ms, write_files

SCRIPT = '''import sys
import bench_package
print(sys.executable, flush=True)
'''
CONDA_FILE = '''name: bench
dependencies:
  - python={version}
  - pip:
    - --no-index
    - --find-links={wheels}
    - bench-package==1.0
'''


def make_wheel(folder):
    """A wheel of one module, so that the build needs no package index."""
    folder.mkdir(parents=True)
    files = {'bench_package.py': 'VALUE = 1\n',
             'bench_package-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: bench-package\nVersion: 1.0\n',
             'bench_package-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nGenerator: bench\n'
             'Root-Is-Purelib: true\nTag: py3-none-any\n'}
    record = ''
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()
        record += f'{name},sha256={digest},{len(text.encode())}\n'
    files['bench_package-1.0.dist-info/RECORD'] = record + 'bench_package-1.0.dist-info/RECORD,,\n'
    with zipfile.ZipFile(folder / 'bench_package-1.0-py3-none-any.whl', 'w') as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return folder


def version_of(interpreter):
    program = 'import sys; print("%d.%d" % sys.version_info[:2])'
    return subprocess.run([interpreter, '-c', program], stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def measure(setting):
    wheels = make_wheel(setting.scratch / 'wheels')
    conda = CONDA_FILE.format(version=version_of(setting.interpreter), wheels=wheels)
    folder = write_files(setting.scratch / 'project', {'script.py': SCRIPT, 'conda_dependencies.yml': conda})
    managed = [setting.binary, 'run', 'submit', '--conda-file', 'conda_dependencies.yml', 'script.py']
    with Server(setting.binary, setting.scratch / 'home', WERKBANK_UV=setting.uv) as server:
        built = whole_ms(managed, folder, server.environment)
        progress(f'built in {built / 1000:.1f} s')
        interpreter = server.cli(*managed[1:], folder=folder).decode().splitlines()[0]
        named = [setting.binary, 'run', 'submit', '--python', interpreter, 'script.py']
        by_hand, cached = [], []
        for _ in range(setting.rounds(15)):
            by_hand.append(first_byte_ms(named, folder, server.environment))
            cached.append(first_byte_ms(managed, folder, server.environment))
    over = median(cached) - median(by_hand)
    return [Row('cached environment: more than the same interpreter by --python', '≤ 20 ms', over, 'ms', 20,
                median(cached) / median(by_hand), f'first line {median(cached):.1f} ms ({spread(cached)}), '
                f'{median(by_hand):.1f} by --python'),
            Row('the build of that environment (one small wheel)', '', built, 'ms')]
