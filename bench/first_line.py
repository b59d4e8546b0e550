"""Submit to the first line of output, against the interpreter itself; the server is warm, the interpreter user-managed."""

from support import Row, Server, clean_environment, first_byte_ms, make_repository, median, spread, write_files

SCRIPT = "print('first line', flush=True)\n"


def measure(setting):
    plain = write_files(setting.scratch / 'plain', {'script.py': SCRIPT})
    tracked = write_files(setting.scratch / 'tracked', {'script.py': SCRIPT})
    with Server(setting.binary, setting.scratch / 'home') as server:
        make_repository(tracked, server.environment)
        submit = [setting.binary, 'run', 'submit', '--python', setting.interpreter, 'script.py']
        bare = [setting.interpreter, 'script.py']
        alone, submitted, from_git = [], [], []
        for turn in range(setting.rounds(15) + 1):
            figures = (first_byte_ms(bare, plain, clean_environment(server.home)),
                       first_byte_ms(submit, plain, server.environment),
                       first_byte_ms(submit, tracked, server.environment))
            if turn == 0:  # the first fills the page cache and the snapshot cache
                continue
            for values, figure in zip((alone, submitted, from_git), figures):
                values.append(figure)
    rows = [Row('python script.py, first byte', '', median(alone), 'ms', note=f'{spread(alone)}')]
    for name, values in (('in a plain folder', submitted), ('in a git repository', from_git)):
        over = median(values) - median(alone)
        rows.append(Row(f'submit to first line, {name}: more than python itself', '≤ 60 ms (aim 30)', over, 'ms', 60,
                        median(values) / median(alone), f'{median(values):.1f} ms in all ({spread(values)})'))
    return rows
