"""Estimators and curated environments against the true server."""

import json

from workbench import PYTHON

BUILD_S = 240  # a build downloads packages

TRAIN = """
import argparse, sys
import sklearn
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument('--regularization', type=float)
parser.add_argument('--verbose', action='store_true')
args = parser.parse_args()
run = Run.get_context()
run.log('regularization', args.regularization)
run.log('version', sklearn.__version__)
run.log('verbose', args.verbose)
"""


def test_an_estimator_runs_in_a_curated_environment(wb):
    """AzureML-Scikit-learn-0.20.3 is built once, for SKLearn and for a ScriptRunConfig; AzureML-Minimal has the SDK."""
    wb.start()
    wb.run(
        PYTHON,
        "-W",
        "ignore",
        "-c",
        f"""
import os
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.train.estimator import Estimator
from azureml.train.sklearn import SKLearn
ws = Workspace.get('default')
experiment = Experiment(ws, 'estimators')
os.makedirs('src')
open('src/train.py', 'w').write({TRAIN!r})
open('src/version.py', 'w').write('import azureml.core, sys; print(sys.executable, azureml.core.VERSION)')
curated = Environment.get(workspace=ws, name='AzureML-Scikit-learn-0.20.3')
estimator = SKLearn(source_directory='src', entry_script='train.py', compute_target='local',
                    script_params={{'--regularization': 0.5, '--verbose': ''}}, environment_definition=curated)
first = experiment.submit(estimator)
minimal = experiment.submit(ScriptRunConfig('src', 'version.py', environment=Environment.get(ws, 'AzureML-Minimal')))
first.wait_for_completion()
assert first.get_metrics() == {{'regularization': 0.5, 'version': '0.20.3', 'verbose': True}}, first.get_metrics()
plain = experiment.submit(Estimator('src', compute_target=ws.compute_targets['local'], entry_script='train.py',
                                    script_params={{'--regularization': 0.1}}, environment_definition=curated.clone('mine')))
plain.wait_for_completion()
assert plain.get_metrics()['version'] == '0.20.3' and plain.get_environment().name == 'mine'
minimal.wait_for_completion()
import azureml.core
minimal.download_file('azureml-logs/70_driver_log.txt', 'log.txt')
text = open('log.txt').read().split()
assert text[1] == azureml.core.VERSION, text
own = experiment.submit(Estimator('src', compute_target='local', entry_script='version.py'))
own.wait_for_completion()
own.download_file('azureml-logs/70_driver_log.txt', 'own.txt')
assert open('own.txt').read().split()[0] != text[0]
""",
        limit=BUILD_S,
    )


def test_curated_environments_on_the_command_lines(wb):
    wb.start()
    listed = {each["name"]: each for each in json.loads(wb.werkbank("environment", "list", "-o", "json").stdout)}
    names = {"AzureML-Minimal", "AzureML-Tutorial", "AzureML-PyTorch-1.6-GPU", "AzureML-TensorFlow-2.2-CPU"}
    assert names <= set(listed) and all(listed[name]["curated"] for name in names)
    assert names <= {each["name"] for each in json.loads(wb.az("ml", "environment", "list").stdout)}
    shown = json.loads(wb.az("ml", "environment", "show", "-n", "AzureML-TensorFlow-2.2-CPU").stdout)
    assert shown["pipRequirements"][0] == "tensorflow==2.2.*" and shown["pythonVersion"] == "3.6"
    assert "curated" in wb.werkbank("environment", "label", "AzureML-Minimal", "mine", "-v", "1", code=2).stderr
