"""How long after Run.log in a job the view of a notebook has the point: at the kernel's end, and on a true page."""

import json
import subprocess
import sys
import threading
import time

from support import PROJECT, BenchmarkFailed, Row, Server, median, percentile, spread, write_files

# Unevenly spaced, so that no pause of anybody's is always met at the same place.
SCRIPT = '''
import json, sys, time
from azureml.core import Run
run = Run.get_context()
run.log('tick', -1)
run.flush()
open(sys.argv[1]).read()
said = []
for i in range(COUNT):
    time.sleep(0.12 + 0.013 * (i % 17))
    said.append(time.time() * 1000)
    run.log('tick', i)
time.sleep(1)
json.dump(said, open(sys.argv[2], 'w'))
'''


def script(count):
    return SCRIPT.replace('COUNT', str(count))


def delays(said_ms, heard):
    """For each tick the milliseconds until the first time that so many values had come; `heard`: (values, milliseconds)."""
    found = []
    for number, said in enumerate(said_ms):
        times = [at for values, at in heard if values >= number + 2]  # one value came before the first tick
        if not times:
            raise BenchmarkFailed(f'tick {number} of {len(said_ms)} was never shown')
        found.append(min(times) - said)
    return found


def at_the_kernel(setting, count):
    """In this process: what the view would be told, and when."""
    sys.path.insert(0, str(PROJECT / 'sdk/python'))
    from azureml.core import Run, Workspace
    from azureml.widgets import _reading
    from azureml.widgets._watch import Watch

    folder = write_files(setting.scratch / 'kernel', {'job.py': script(count)})
    gate, result = setting.scratch / 'kernel-gate', setting.scratch / 'kernel-said'
    subprocess.run(['mkfifo', str(gate)], check=True)
    heard, ended = [], threading.Event()

    def take(parts):
        for chart in parts.get('charts', [[]])[0]:
            heard.append((chart['count'], time.time() * 1000))

    with Server(setting.binary, setting.scratch / 'kernel-home') as server:
        server.cli('run', 'submit', '--detach', '--python', setting.interpreter, 'job.py', gate, result, folder=folder)
        connection = server.connect()
        (record,) = connection.ask('GET', '/api/v1/workspaces/default/runs')['items']
        connection.close()
        from azureml._werkbank.connection import Server as SdkServer

        workspace = Workspace._known(SdkServer(f'unix://{server.socket_path}'), 'default')
        run = Run.get(workspace, record['runId'])
        Watch([run], [_reading.state_of(run)], take, ended.set).start()
        gate.write_text('go')
        if not ended.wait(120):
            raise BenchmarkFailed('the run did not end')
    return delays(json.loads(result.read_text()), heard)


def on_the_page(setting, count):
    """In JupyterLab in Chromium, by a process of its own that has what it takes."""
    python = PROJECT / 'build/notebook-venv/bin/python'
    if not python.exists():
        raise BenchmarkFailed('build/notebook-venv is not there; ./test notebooks makes it')
    done = subprocess.run([python, PROJECT / 'bench/widget_page.py', setting.scratch, str(count)], capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkFailed(done.stderr[-1500:])
    answer = json.loads(done.stdout.splitlines()[-1])
    return delays(answer['said'], answer['heard'])


def measure(setting):
    count = setting.rounds(100)
    rows = []
    for name, figures in (('at the kernel', at_the_kernel(setting, count)), ('on the page', on_the_page(setting, count))):
        rows.append(Row(f'Run.log to the view in JupyterLab, {name}, p99', '≤ 500 ms', percentile(figures, 0.99), 'ms', 500,
                        note=f'median {median(figures):.1f} ms, {spread(figures)}'))
    return rows
