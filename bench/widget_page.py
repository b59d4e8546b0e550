"""The part of widget.py that runs in build/notebook-venv: `widget_page.py SCRATCH COUNT` prints when the job logged (said),
and when the page showed it (heard: values, milliseconds)."""

import json
import os
import pathlib
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT / 'tests/notebooks'), str(PROJECT / 'tests/e2e'), str(PROJECT / 'bench')]

from jupyter_process import Jupyter, chromium  # noqa: E402
from notebooks import Lab  # noqa: E402
from widget import script  # noqa: E402
from workbench import Gate, Workbench  # noqa: E402

CELLS = [
    '''from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.widgets import RunDetails
run = Experiment(Workspace.get("default"), "bench").submit(ScriptRunConfig({project!r}, "job.py", arguments={arguments!r}))
RunDetails(run).show()''',
    'run.wait_for_completion(show_output=False)',
]

# Looks at the number of values in the table of metrics whenever something on the page has changed.
OBSERVE = '''() => {
  window.heard = [];
  let last = 0;
  new MutationObserver(() => {
    const values = Number(document.querySelector(".wbk tbody tr td:nth-child(3)")?.textContent || 0);
    if (values > last) window.heard.push([last = values, Date.now()]);
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
}'''


def main(scratch, count):
    folder = pathlib.Path(scratch) / 'page'
    (folder / 'project').mkdir(parents=True)
    (folder / 'project' / 'job.py').write_text(script(count))
    gate, result = Gate(folder / 'gate'), folder / 'said'
    bench = Workbench(folder / 'home', folder)
    os.mkdir(folder / 'home', 0o700)
    bench.start()
    jupyter = Jupyter(bench, folder)
    try:
        with chromium() as browser:
            page = browser.new_page()
            page.set_default_timeout(120000)
            notebook = Lab(page, jupyter)
            arguments = [str(gate.path), str(result)]
            notebook.write('bench', [CELLS[0].format(project=str(folder / 'project'), arguments=arguments), CELLS[1]])
            notebook.open()
            page.evaluate(OBSERVE)
            notebook.run_all()
            page.wait_for_function('window.heard.length > 0')
            gate.open()
            page.wait_for_selector('.werkbank-run')
            heard = page.evaluate('window.heard')
            notebook.stop_kernels()
    finally:
        jupyter.close()
        bench.close()
    print(json.dumps({'said': json.loads(result.read_text()), 'heard': heard}))


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]))
