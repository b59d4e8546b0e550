"""What Run.log costs the script, in a real job; the yardstick is a bare write() of a like line in the same process."""

import json

from support import BenchmarkFailed, Row, Server, median, write_files

CALLS = 20_000
SCRIPT = '''
import json, os, time
from azureml.core import Run
run = Run.get_context()
clock = time.perf_counter_ns
def timed(call, count):
    took = []
    for i in range(count):
        began = clock()
        call(i)
        took.append(clock() - began)
    took.sort()
    return took[count // 2] / 1000, took[count * 99 // 100] / 1000
def log(i):
    run.log('loss', i * 0.5)
target = os.open('../bare-writes', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
line = b'{"s":10000,"t":1763714241123,"n":"loss","v":5000.5}\\n'
bare = timed(lambda i: os.write(target, line), CALLS)
os.remove('../bare-writes')
print(json.dumps({'log': timed(log, CALLS), 'write': bare}))
'''


def logged_points(server, run):
    connection = server.connect()
    document = connection.ask('GET', f'/api/v1/workspaces/default/runs/{run}/metrics?values=false')
    connection.close()
    return sum(column['count'] for metric in document['metrics'] for column in metric['columns'])


def measure(setting):
    folder = write_files(setting.scratch / 'logging', {'job.py': SCRIPT.replace('CALLS', str(CALLS))})
    figures = []
    with Server(setting.binary, setting.scratch / 'home') as server:
        for _ in range(setting.rounds(5)):
            said = server.cli('run', 'submit', '--python', setting.interpreter, 'job.py', folder=folder)
            figures.append(json.loads(said.splitlines()[0]))
        connection = server.connect()
        runs = connection.ask('GET', '/api/v1/workspaces/default/runs')['items']
        connection.close()
        for run in runs:
            if logged_points(server, run['runId']) != CALLS:
                raise BenchmarkFailed(f'run {run["runId"]} has {logged_points(server, run["runId"])} points, not {CALLS}')
    p50, p99 = (median(figure['log'][i] for figure in figures) for i in (0, 1))
    bare50, bare99 = (median(figure['write'][i] for figure in figures) for i in (0, 1))
    return [Row('Run.log, p50', '≤ 20 µs (aim 5)', p50, 'µs', 20, p50 / bare50, f'bare write() {bare50:.2f} µs'),
            Row('Run.log, p99', '', p99, 'µs', None, p99 / bare99, f'bare write() {bare99:.2f} µs')]
