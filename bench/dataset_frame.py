"""Dataset.to_pandas_dataframe of a CSV file of 1 GB, against pyarrow's own reader, in turns and each in a process of its own.

pandas and pyarrow come from build/test-venv.
"""

import json
import subprocess

from support import PROJECT, BenchmarkFailed, Row, clean_environment, median, spread

PYTHON = PROJECT / 'build' / 'test-venv' / 'bin' / 'python'
TIMED = '''
import json, sys, time
import pandas, pyarrow.csv
from azureml._werkbank.dataset_state import DatasetState
from azureml.data import TabularDataset
from azureml.data.dataset_factory import TabularDatasetFactory
reader = {'format': 'delimited', 'separator': ',', 'header': 'same', 'inferTypes': True, 'types': {}, 'includePath': False}
dataset = TabularDataset._of(DatasetState.new('tabular', [{'file': sys.argv[2]}], None, reader))
began = time.perf_counter()
if sys.argv[1] == 'dataset':
    frame = dataset.to_pandas_dataframe()
else:
    frame = pyarrow.csv.read_csv(sys.argv[2]).to_pandas()
print(json.dumps([time.perf_counter() - began, len(frame)]))
'''


def write_table(path, size_bytes):
    """Numbers, text and times, as tables have them."""
    block = ''.join(
        f'{number},{number * 0.37:.6f},{-number * 1.7:.4f},name-{number % 977},'
        f'2020-01-{number % 28 + 1:02} 10:00:00,{number % 5}\n'
        for number in range(100_000)).encode()
    with open(path, 'wb') as stream:
        stream.write(b'id,value,other,name,when,class\n')
        for _ in range(size_bytes // len(block) + 1):
            stream.write(block)


def seconds(kind, path, environment):
    done = subprocess.run([PYTHON, '-c', TIMED, kind, str(path)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise BenchmarkFailed(done.stderr.decode(errors='replace').strip()[-400:])
    return json.loads(done.stdout)


def measure(setting):
    if not PYTHON.exists():
        raise BenchmarkFailed(f'{PYTHON} is not there; ./test makes it')
    environment = clean_environment(setting.scratch / 'home', PYTHONPATH=PROJECT / 'sdk' / 'python')
    path = setting.scratch / 'table.csv'
    write_table(path, (200 if setting.quick else 1000) * 1_000_000)
    took = {'pyarrow': [], 'dataset': []}
    rows = set()
    for turn in range(setting.rounds(5) + 1):
        for kind, figures in took.items():
            elapsed, count = seconds(kind, path, environment)
            rows.add(count)
            if turn > 0:  # the first brings the file into memory
                figures.append(elapsed)
    if len(rows) != 1:
        raise BenchmarkFailed(f'the two read different tables: {rows} rows')
    ratio = median(took['dataset']) / median(took['pyarrow'])
    note = ', '.join(f'{kind} {median(figures):.2f} s ({spread(figures)})' for kind, figures in took.items())
    name = f'to_pandas_dataframe of a CSV of {path.stat().st_size / 1e9:.1f} GB: against pyarrow'
    return [Row(name, '≤ 1.2 ×', ratio, '×', 1.2, ratio, note)]
