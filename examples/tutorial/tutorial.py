"""The notebook of this folder as a script: from an empty workspace to a registered model."""

import glob
import os
import shutil

from azureml.core import Dataset
from azureml.core import Experiment
from azureml.core import ScriptRunConfig
from azureml.core import Workspace
import azureml.core
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import Environment
from azureml.opendatasets import MNIST
from azureml.widgets import RunDetails
import numpy as np
from utils import load_data

print('Version of the SDK:', azureml.core.VERSION)

# The workspace and an experiment

ws = Workspace.from_config()
print(ws.name, ws.location, ws.resource_group, sep='\t')

experiment_name = 'Tutorial-sklearn-mnist'
exp = Experiment(workspace=ws, name=experiment_name)

# A pool of nodes

compute_name = os.environ.get('AML_COMPUTE_CLUSTER_NAME', 'cpu-cluster')
compute_min_nodes = os.environ.get('AML_COMPUTE_CLUSTER_MIN_NODES', 0)
compute_max_nodes = os.environ.get('AML_COMPUTE_CLUSTER_MAX_NODES', 4)
vm_size = os.environ.get('AML_COMPUTE_CLUSTER_SKU', 'STANDARD_D2_V2')

if compute_name in ws.compute_targets:
    compute_target = ws.compute_targets[compute_name]
    if compute_target and type(compute_target) is AmlCompute:
        print('The pool is there:', compute_name)
else:
    print('A new pool:', compute_name)
    provisioning_config = AmlCompute.provisioning_configuration(
        vm_size=vm_size, min_nodes=compute_min_nodes, max_nodes=compute_max_nodes
    )
    compute_target = ComputeTarget.create(ws, compute_name, provisioning_config)
    compute_target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
    print(compute_target.get_status().serialize())

try:
    compute_target = ComputeTarget(workspace=ws, name=compute_name)
    print('Found', compute_target.name, 'of type', type(compute_target).__name__)
except ComputeTargetException:
    config = AmlCompute.provisioning_configuration(vm_size=vm_size, max_nodes=compute_max_nodes)
    compute_target = ComputeTarget.create(ws, compute_name, config)
    compute_target.wait_for_completion(show_output=True)

# The data

data_folder = os.path.join(os.getcwd(), 'data')
os.makedirs(data_folder, exist_ok=True)

mnist_file_dataset = MNIST.get_file_dataset()
print('A dataset:', isinstance(mnist_file_dataset, Dataset))
mnist_file_dataset.download(data_folder, overwrite=True)

mnist_file_dataset = mnist_file_dataset.register(
    workspace=ws, name='mnist_opendataset', description='training and test dataset', create_new_version=True
)
print(mnist_file_dataset.name, 'version', mnist_file_dataset.version)


def load(name, label):
    path = glob.glob(os.path.join(data_folder, '**', name), recursive=True)[0]
    return load_data(path, label)


X_train = load('train-images-idx3-ubyte.gz', False) / 255.0
X_test = load('t10k-images-idx3-ubyte.gz', False) / 255.0
y_train = load('train-labels-idx1-ubyte.gz', True).reshape(-1)
y_test = load('t10k-labels-idx1-ubyte.gz', True).reshape(-1)
print('Images to learn from:', X_train.shape, 'to test with:', X_test.shape)

try:
    import matplotlib.pyplot as plt
except ImportError:
    print('matplotlib is not here, so no images are shown')
else:
    chosen = np.random.permutation(X_train.shape[0])[:20]
    figure, axes = plt.subplots(1, len(chosen), figsize=(16, 2))
    for axis, index in zip(axes, chosen):
        axis.imshow(X_train[index].reshape(28, 28), cmap='Greys')
        axis.set_title(y_train[index])
        axis.axis('off')
    plt.show()

# The script

script_folder = os.path.join(os.getcwd(), 'sklearn-mnist')
os.makedirs(script_folder, exist_ok=True)
for name in ('train.py', 'utils.py'):
    shutil.copy(name, script_folder)

# The environment

env = Environment('tutorial-env')
cd = CondaDependencies.create(
    pip_packages=['azureml-dataset-runtime[pandas,fuse]', 'azureml-defaults'], conda_packages=['scikit-learn==0.22.1']
)
env.python.conda_dependencies = cd
env.register(workspace=ws)

# The run

args = ['--data-folder', mnist_file_dataset.as_mount(), '--regularization', 0.5]
src = ScriptRunConfig(
    source_directory=script_folder, script='train.py', arguments=args, compute_target=compute_target, environment=env
)
run = exp.submit(config=src)
print(run)

RunDetails(run).show()

run.wait_for_completion(show_output=True)

# What it brought

print(run.get_metrics())
print(run.get_file_names())

model = run.register_model(
    model_name='sklearn_mnist',
    model_path='outputs/sklearn_mnist_model.pkl',
    datasets=[(Dataset.Scenario.TRAINING, mnist_file_dataset)],
)
print(model.name, model.id, model.version, sep='\t')

# Cleaning up

compute_target.delete()
