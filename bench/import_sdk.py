"""`import azureml.core`, in a fresh process of every interpreter from 3.6 on that pyenv or PATH has.

The modules of azureml.core load on first use, so the row's note also has what importing the classes of a submission costs.
"""

import json
import os
import pathlib
import shutil
import subprocess

from support import PROJECT, BenchmarkFailed, Row, clean_environment, median, whole_ms

IDENTIFY = 'import sys, json; print(json.dumps([list(sys.version_info[:3]), sys.executable, sys.prefix]))'
TIMED = '''
import json, time
began = time.perf_counter()
import azureml.core
package = time.perf_counter()
from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
classes = time.perf_counter()
print(json.dumps([(package - began) * 1000, (classes - began) * 1000, azureml.core.__file__]))
'''


def candidates():
    versions = pathlib.Path(os.environ.get('PYENV_ROOT') or pathlib.Path.home() / '.pyenv') / 'versions'
    yield from sorted(versions.glob('*/bin/python3'))
    for folder in os.get_exec_path():
        if pathlib.Path(folder).name != 'shims':
            yield from sorted(pathlib.Path(folder).glob('python3*'))


def interpreters(environment):
    """(version, path), each installation once."""
    found = {}
    for path in candidates():
        if not path.name.replace('python', '').replace('.', '').isdigit():
            continue
        try:
            said = subprocess.run([str(path), '-c', IDENTIFY], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  check=True, timeout=30).stdout
            version, executable, prefix = json.loads(said)
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
        if tuple(version) >= (3, 6):
            found.setdefault((tuple(version), os.path.realpath(prefix)), executable)
    return sorted((version, executable) for (version, _), executable in found.items())


def measure(setting):
    library = setting.scratch / 'library'
    shutil.copytree(PROJECT / 'sdk' / 'python' / 'azureml', library / 'azureml', ignore=shutil.ignore_patterns('__pycache__'))
    environment = clean_environment(setting.scratch / 'home', PYTHONPATH=library)
    rows = []
    for version, path in interpreters(clean_environment(setting.scratch / 'home')):
        took, whole, started = [], [], []
        for turn in range(setting.rounds(11) + 1):
            started.append(whole_ms([path, '-c', 'pass'], setting.scratch, environment))
            said = subprocess.run([path, '-c', TIMED], cwd=setting.scratch, env=environment, stdout=subprocess.PIPE, check=True)
            package, classes, place = json.loads(said.stdout)
            if not place.startswith(str(library)):
                raise BenchmarkFailed(f'{path} imported {place}, not the copy in {library}')
            if turn > 0:  # the first compiles
                took.append(package)
                whole.append(classes)
        name = '.'.join(map(str, version))
        rows.append(Row(f'import azureml.core, Python {name}', '≤ 50 ms', median(took), 'ms', 50, median(took) / median(started),
                        f'with Workspace, Run and so on {median(whole):.0f} ms; the bare interpreter {median(started):.0f} ms'))
    return rows
