#!/usr/bin/env python3
"""Measures the speed goals: all of them, or those named. Writes one table, and bench/results/latest.json."""

import argparse
import dataclasses
import datetime
import hashlib
import importlib
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

from support import PROJECT, BenchmarkFailed, Setting, file_system_of, load_average, scratch_folder

BENCHMARKS = ('first_line', 'pool', 'run_log', 'many_runs', 'resubmit', 'cached_environment', 'new_environment', 'server_start',
              'start_commands', 'import_sdk', 'live_streams', 'data_download', 'dataset_frame', 'mount', 'widget')
RESULTS = pathlib.Path(__file__).resolve().parent / 'results'


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('names', nargs='*', metavar='NAME', help=f'of {", ".join(BENCHMARKS)} (default: all)')
    parser.add_argument('--binary', type=pathlib.Path, default=PROJECT / 'build/release/werkbank')
    parser.add_argument('--interpreter', default=os.path.realpath(sys.executable), help='what the runs are executed with')
    parser.add_argument('--uv', type=pathlib.Path, default=PROJECT / 'build/venv/bin/uv')
    parser.add_argument('--scratch', default='/var/tmp',
                        help='where homes and folders are made, on a disk (default: %(default)s)')
    parser.add_argument('--runs', type=int, default=200, help='of many_runs; the goal speaks of 1000 (default: %(default)s)')
    parser.add_argument('--quick', action='store_true', help='a fifth of the rounds: does it work?')
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in BENCHMARKS:
            parser.error(f'{name!r} is not a benchmark; there are {", ".join(BENCHMARKS)}')
    if not arguments.binary.is_file():
        parser.error(f'{arguments.binary} is not there; ./quickstart builds it')
    return arguments


def commit():
    said = subprocess.run(['git', 'describe', '--always', '--dirty', '--abbrev=12'], cwd=PROJECT, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return said.stdout.decode().strip() or 'unknown'


def machine():
    model = [line.split(':')[1].strip() for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines()
             if line.startswith('model name')]
    return {'cpu': model[0] if model else platform.machine(), 'cores': len(os.sched_getaffinity(0)), 'kernel': platform.release(),
            'python': platform.python_version()}


def print_table(lines):
    header = ('what', 'goal', 'measured', 'ratio', 'load', '', 'note')
    cells = [header] + [(line['name'], line['goal'], f'{line["measured"]:.1f} {line["unit"]}',
                         f'{line["ratio"]:.2f}' if line['ratio'] is not None else '', f'{line["load"]:.1f}', line['verdict'],
                         line['note']) for line in lines]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for number, row in enumerate(cells):
        print('| ' + ' | '.join(cell.ljust(width) for cell, width in zip(row, widths)) + ' |')
        if number == 0:
            print('|' + '|'.join('-' * (width + 2) for width in widths) + '|')


def freeze(binary, folder):
    """A copy of the binary: a build that goes on meanwhile must not change what is measured."""
    shutil.copy2(binary, folder / 'werkbank')
    os.symlink('werkbank', folder / 'az')
    return hashlib.sha256((folder / 'werkbank').read_bytes()).hexdigest()


def run_one(name, programs, arguments):
    """The benchmark's rows."""
    print(f'{name} …', file=sys.stderr, flush=True)
    before = load_average()
    with scratch_folder(arguments.scratch) as scratch:
        setting = Setting(programs / 'werkbank', programs / 'az', arguments.interpreter, arguments.uv.absolute(), scratch,
                          arguments.runs, arguments.quick)
        rows = importlib.import_module(name).measure(setting)
    return [{**dataclasses.asdict(row), 'benchmark': name, 'verdict': row.verdict, 'load': before} for row in rows]


def main():
    arguments = parse_arguments()
    lines, failures = [], {}
    with scratch_folder(arguments.scratch) as programs:
        checksum = freeze(arguments.binary, programs)
        for name in arguments.names or BENCHMARKS:
            try:
                lines += run_one(name, programs, arguments)
            except (BenchmarkFailed, OSError, subprocess.SubprocessError) as error:
                failures[name] = str(error)
                print(f'{name} failed: {error}', file=sys.stderr)
    about = machine()
    when = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds')
    document = {'when': when, 'commit': commit(), 'binary': checksum,
                'machine': about, 'scratch': file_system_of(arguments.scratch), 'quick': arguments.quick, 'rows': lines,
                'failures': failures}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / 'latest.json').write_text(json.dumps(document, indent=2, ensure_ascii=False) + '\n')
    print(f'\n{when}, {document["commit"]}, binary {checksum[:12]}, {about["cpu"]}, {about["cores"]} cores, '
          f'{document["scratch"]}; load: the average of a minute when the benchmark began\n')
    print_table(lines)
    missed = sum(line['verdict'] == 'MISS' for line in lines)
    print(f'\n{sum(line["verdict"] == "ok" for line in lines)} goals met, {missed} missed, {len(failures)} benchmarks failed')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
