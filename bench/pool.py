"""Submit to the first line on a pool without nodes, against the local target; a node is taken for each run, and given back."""

import subprocess

from support import Row, Server, first_byte_ms, median, spread, write_files

SCRIPT = "print('first line', flush=True)\n"


def measure(setting):
    project = write_files(setting.scratch / 'project', {'script.py': SCRIPT})
    with Server(setting.binary, setting.scratch / 'home') as server:
        make = [setting.binary, 'compute', 'create', 'pool', '--vm-size', 'WHOLE_MACHINE', '--max-nodes', '1']
        subprocess.run(make + ['--idle-seconds-before-scaledown', '0'], env=server.environment, check=True, capture_output=True)
        submit = [setting.binary, 'run', 'submit', '--python', setting.interpreter]
        local, pool = [], []
        for turn in range(setting.rounds(15) + 1):
            figures = (
                first_byte_ms(submit + ['script.py'], project, server.environment),
                first_byte_ms(submit + ['--target', 'pool', 'script.py'], project, server.environment),
            )
            if turn == 0:  # the first fills the page cache and the snapshot cache
                continue
            for values, figure in zip((local, pool), figures):
                values.append(figure)
    return [
        Row('submit to first line on the local target', '', median(local), 'ms', note=f'{spread(local)}'),
        Row('on a pool that has no node yet: more than local', '≤ 300 ms', median(pool) - median(local), 'ms', 300,
            median(pool) / median(local), f'{median(pool):.1f} ms in all ({spread(pool)})'),
    ]
