"""From the spawn of `werkbank serve` to its first answer, and what it holds resident when idle."""

import time

from support import Row, Server, first_byte_ms, median, spread, write_files

IDLE_S = 3


def measure(setting):
    fresh = []
    for turn in range(setting.rounds(7)):
        with Server(setting.binary, setting.scratch / f'fresh-{turn}') as server:
            fresh.append(server.ready_ms)
            time.sleep(IDLE_S if turn == 0 else 0)
            if turn == 0:
                idle = server.memory_mb()
    again = []
    folder = write_files(setting.scratch / 'project', {'script.py': "print('here', flush=True)\n"})
    home = setting.scratch / 'used'
    with Server(setting.binary, home) as server:
        submit = [setting.binary, 'run', 'submit', '--python', setting.interpreter, 'script.py']
        for _ in range(setting.rounds(20)):
            first_byte_ms(submit, folder, server.environment)
        time.sleep(IDLE_S)
        used = server.memory_mb()
    for _ in range(setting.rounds(11)):
        with Server(setting.binary, home) as server:
            again.append(server.ready_ms)
    return [Row('server, start to first answer, home in use', '≤ 100 ms', median(again), 'ms', 100, note=spread(again)),
            Row('server, start to first answer, new home', '≤ 100 ms', median(fresh), 'ms', 100, note=spread(fresh)),
            Row('server, resident when idle, after its start', '≤ 30 MB', idle['VmRSS'], 'MB', 30,
                note=f'{idle["RssAnon"]:.1f} MB of it its own'),
            Row(f'server, resident when idle, after {setting.rounds(20)} runs', '≤ 30 MB', used['VmRSS'], 'MB', 30,
                note=f'{used["RssAnon"]:.1f} MB of it its own')]
