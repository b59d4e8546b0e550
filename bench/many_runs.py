"""Many runs that do nothing, through HTTP, against starting the same script by hand with as many at a time."""

import os
import subprocess
import threading
import time

from support import TERMINAL, BenchmarkFailed, Row, Server, now_ms, progress, write_files

RUNS = '/api/v1/workspaces/default/runs'
PATIENCE_S = 600


def capacity(server):
    connection = server.connect()
    targets = connection.ask('GET', '/api/v1/compute')
    connection.close()
    targets = targets if isinstance(targets, list) else targets['items']
    return next(target for target in targets if target['name'] == 'local')['capabilities']['runsAtOnce']


def by_hand_ms(setting, folder, count, at_once):
    """Fork and exec of the script, `at_once` at a time."""
    left = iter(range(count))
    lock = threading.Lock()

    def worker():
        while True:
            with lock:
                if next(left, None) is None:
                    return
            subprocess.run([setting.interpreter, 'noop.py'], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           check=True)

    began = now_ms()
    threads = [threading.Thread(target=worker) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return now_ms() - began


def submit_all(setting, server, snapshot, count, at_once):
    """Submits from `at_once` connections, and gives the ids in the order of the answers."""
    ids, failures, lock = [], [], threading.Lock()
    left = iter(range(count))
    document = {'experiment': 'noop', 'spec': {'snapshotId': snapshot, 'script': 'noop.py', 'target': 'local',
                                               'environment': {'userManaged': True, 'interpreter': setting.interpreter}}}

    def worker():
        connection = server.connect()
        try:
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                run = connection.ask('POST', RUNS, document)['runId']
                with lock:
                    ids.append(run)
        except Exception as error:  # shown by the main thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return ids


def wait_until_completed(server, ids):
    """Watches the youngest run (first in, first out: the others end before, or beside it), then looks at every one."""
    connection = server.connect()
    deadline = time.monotonic() + PATIENCE_S
    for run in reversed(ids):
        while (status := connection.ask('GET', f'{RUNS}/{run}')['status']) not in TERMINAL:
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f'run {run} is {status} after {PATIENCE_S} s')
            time.sleep(0.02)
        if status != 'Completed':
            raise BenchmarkFailed(f'run {run} is {status}')
    connection.close()


def through_werkbank_ms(setting, folder, count):
    with Server(setting.binary, setting.scratch / 'home') as server:
        at_once = capacity(server)
        said = server.cli('snapshot', 'create', folder, '-o', 'tsv', '--query', 'snapshotId').decode()
        snapshot = said.split()[-1]
        wait_until_completed(server, submit_all(setting, server, snapshot, at_once, at_once))  # warms up
        processor, began = server.processor_ms(), now_ms()
        ids = submit_all(setting, server, snapshot, count, at_once)
        submitted = now_ms() - began
        wait_until_completed(server, ids)
        took = now_ms() - began
        time.sleep(1)  # the last runners end after their runs
        used = [after - before for before, after in zip(processor, server.processor_ms())]
        return took, submitted, used, at_once


def measure(setting):
    folder = write_files(setting.scratch / 'noop', {'noop.py': 'pass\n'})
    count = max(20, setting.runs // 5) if setting.quick else setting.runs
    took, submitted, used, at_once = through_werkbank_ms(setting, folder, count)
    progress(f'{count} runs in {took / 1000:.1f} s; the same by hand')
    before = os.times()
    bare = by_hand_ms(setting, folder, count, at_once)
    after = os.times()
    script = (after.children_user - before.children_user + after.children_system - before.children_system) * 1000
    overhead = (took - bare) / count
    return [Row(f'{count} no-op runs, {at_once} at a time: overhead per run', '≤ 15 ms', overhead, 'ms', 15, took / bare,
                f'{took / count:.1f} ms a run, by hand {bare / count:.1f}'),
            Row('POST runs, per submission while runs are under way', '', submitted / count, 'ms'),
            Row('processor time of the server, per run', '', used[0] / count, 'ms'),
            Row('processor time of the runner, per run', '', used[1] / count, 'ms', None, used[1] / script,
                f'without its shim; the script by hand {script / count:.1f} ms')]
