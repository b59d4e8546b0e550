"""Submits train.py into Python 3.6 with scikit-learn 0.22.1, an environment that is built once and found again."""

from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.conda_dependencies import CondaDependencies

workspace = Workspace.from_config()
environment = Environment('digits-py36')
environment.python.conda_dependencies = CondaDependencies.create(
    python_version='3.6', conda_packages=['scikit-learn==0.22.1'], pip_packages=['joblib==0.14.1'], pin_sdk_version=False
)

config = ScriptRunConfig('.', script='train.py', compute_target='local', environment=environment)
run = Experiment(workspace, 'digits-py36').submit(config)
run.wait_for_completion(show_output=True)
print(run.get_metrics())
