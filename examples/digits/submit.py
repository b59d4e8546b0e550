"""Submits train.py by the Python SDK and waits for it."""

from azureml.core import Experiment, ScriptRunConfig, Workspace

workspace = Workspace.from_config()
experiment = Experiment(workspace, 'digits')
config = ScriptRunConfig(source_directory='.', script='train.py', arguments=['--regularization', 0.05], compute_target='local')

run = experiment.submit(config)
run.wait_for_completion(show_output=True)

print(run.get_metrics())
print(run.get_file_names())
