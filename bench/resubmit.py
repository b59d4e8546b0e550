"""A folder of 20,000 files with one changed: `werkbank snapshot create` against git in the same folder."""

import random
import resource
import time

from support import Row, Server, make_repository, median, progress, spread, whole_ms

FOLDERS, FILES_EACH = 200, 100


def make_tree(root):
    words = random.Random(7)
    for folder in range(FOLDERS):
        place = root / f'package_{folder:03}'
        place.mkdir(parents=True)
        for number in range(FILES_EACH):
            (place / f'module_{number:03}.py').write_text(f'# {folder} {number}\n' + f'x = {words.random()}\n' * 40)
    return root


def with_processor_ms(action):
    """What it answers, and the processor time of the processes that it waited for: the same on a busy machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return answer, 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure(setting):
    tree = make_tree(setting.scratch / 'tree')
    changed = tree / 'package_100' / 'module_050.py'
    with Server(setting.binary, setting.scratch / 'home') as server:
        make_repository(tree, server.environment)
        progress(f'{FOLDERS * FILES_EACH} files are there')
        first = whole_ms([setting.binary, 'snapshot', 'create', tree], tree, server.environment)
        time.sleep(3)  # files as young as the caches are read again by git and by Werkbank; in use they are older
        identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost']
        snapshots, statuses, commits, unchanged = [], [], [], []
        snapshot_work, status_work = [], []
        for turn in range(setting.rounds(11)):
            changed.write_text(f'# version {turn}\n')

            def snapshot():
                command = [setting.binary, 'snapshot', 'create', tree]
                took_ms, work_ms = with_processor_ms(lambda: whole_ms(command, tree, server.environment))
                snapshots.append(took_ms)
                snapshot_work.append(work_ms)

            def git():
                command = ['git', 'status', '--porcelain']
                took_ms, work_ms = with_processor_ms(lambda: whole_ms(command, tree, server.environment))
                statuses.append(took_ms)
                status_work.append(work_ms)
                added = whole_ms(['git', 'add', '-A'], tree, server.environment)
                commits.append(added + whole_ms(['git', *identity, 'commit', '-q', '-m', str(turn)], tree, server.environment))

            for step in (snapshot, git) if turn % 2 else (git, snapshot):  # who comes first has the colder caches
                step()
            unchanged.append(whole_ms([setting.binary, 'snapshot', 'create', tree], tree, server.environment))
    took, commit, status = median(snapshots), median(commits), median(statuses)
    work = median(snapshot_work)
    return [Row('snapshot of 20,000 files, one changed, against add and commit', '≤ git add -A && git commit', took, 'ms', commit,
                took / commit, f'{spread(snapshots)}; git {commit:.0f} ms ({spread(commits)})'),
            Row('the same against git status (the aim)', '', took, 'ms', None, took / status, f'git status {status:.0f} ms'),
            Row('processor time of that command', '', work, 'ms', None, work / median(status_work),
                f'git status {median(status_work):.0f} ms'),
            Row('the same with nothing changed', '', median(unchanged), 'ms', None, median(unchanged) / status),
            Row('the first snapshot, every file uploaded', '', first, 'ms')]
