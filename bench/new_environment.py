"""What a new managed environment costs: against uv doing the same alone, in turns, each with its own warm cache."""

import json
import os
import shutil
import subprocess
import time

from cached_environment import version_of
from support import Row, Server, median, progress, spread

REQUIREMENTS = ('requests', 'six', 'joblib', 'tqdm', 'pyyaml', 'pandas', 'scikit-learn')


def uv_alone(uv, interpreter, folder, cache, environment):
    """A virtual environment with pip in it, and the packages: two commands, as a user types them. Milliseconds."""
    variables = {**environment, 'UV_CACHE_DIR': str(cache), 'UV_LINK_MODE': 'hardlink', 'UV_NO_PROGRESS': '1'}
    begun = time.monotonic()
    subprocess.run([uv, 'venv', '-q', '--seed', '--python', interpreter, folder], env=variables, check=True)
    subprocess.run([uv, 'pip', 'install', '-q', '--only-binary', ':all:', '--python', folder / 'bin/python', *REQUIREMENTS],
                   env=variables, check=True)
    return (time.monotonic() - begun) * 1000


def measure(setting):
    python = setting.interpreter
    version = version_of(python)
    with Server(setting.binary, setting.scratch / 'home', WERKBANK_UV=setting.uv) as server:
        conda = setting.scratch / 'conda_dependencies.yml'
        lines = ''.join(f'    - {requirement}\n' for requirement in REQUIREMENTS)
        conda.write_text(f'dependencies:\n  - python={version}\n  - pip:\n{lines}')
        cache = setting.scratch / 'uv-cache'
        ours, alone = [], []
        for turn in range(setting.rounds(7) + 1):
            begun = time.monotonic()
            server.cli('environment', 'build', '--conda-file', str(conda), '-o', 'json', folder=setting.scratch)
            built = (time.monotonic() - begun) * 1000
            shutil.rmtree(os.path.dirname(os.path.dirname(find_built(server))))
            venv = setting.scratch / f'alone-{turn}'
            by_hand = uv_alone(setting.uv, python, venv, cache, server.environment)
            shutil.rmtree(venv)
            if turn == 0:
                progress(f'with downloads: {built / 1000:.1f} s, uv alone {by_hand / 1000:.1f} s')
                first = (built, by_hand)
                continue
            ours.append(built)
            alone.append(by_hand)
    ratio = median(ours) / median(alone)
    return [Row('new environment, packages in the cache: against uv alone', '≤ 1.1', ratio, '×', 1.1, ratio,
                f'{median(ours):.0f} ms ({spread(ours)}), uv {median(alone):.0f} ms ({spread(alone)})'),
            Row('the first, which downloads', '', first[0], 'ms', None, first[0] / first[1], f'uv alone {first[1]:.0f} ms')]


def find_built(server):
    listed = json.loads(server.cli('environment', 'list', '--built', '-o', 'json'))
    (ready,) = [one for one in listed if one['ready']]
    return ready['interpreter']
