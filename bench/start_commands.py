"""Commands that need no server: how long they take, against /bin/true."""

from support import Row, clean_environment, median, spread, whole_ms


def measure(setting):
    environment = clean_environment(setting.scratch / 'home')
    commands = {'true': ['/bin/true'], 'version': [setting.binary, '--version'], 'az': [setting.az, 'ml', '--help']}
    took = {name: [] for name in commands}
    for turn in range(setting.rounds(41) + 1):
        for name, command in commands.items():
            figure = whole_ms(command, setting.scratch, environment)
            if turn > 0:
                took[name].append(figure)
    bare = median(took['true'])
    note = f'/bin/true {bare:.1f} ms'
    return [Row('werkbank --version', '≤ 10 ms', median(took['version']), 'ms', 10, median(took['version']) / bare,
                f'{spread(took["version"])}; {note}'),
            Row('az ml --help', '', median(took['az']), 'ms', None, median(took['az']) / bare, spread(took['az']))]
