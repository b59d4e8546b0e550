"""Uses what users use of v1 (tests/reference/usage_names.txt) as they do, against the server that there is, and notes each name
that is used from here: methods and their keywords, attributes read or set, classes made. What is left over at the end must be a
part that comes later, and say so. usage.py NAMES"""

import functools
import importlib
import inspect
import os
import re
import sys

with open(sys.argv[1]) as stream:
    NAMES = [line.strip() for line in stream if line.strip()]
CLASSES = {
    "azureml.core": "Environment Experiment Model Run RunConfiguration ScriptRunConfig Workspace Datastore",
    "azureml.core._portal": "HasRunPortal",
    "azureml.core.authentication": "AbstractAuthentication InteractiveLoginAuthentication",
    "azureml.core.compute": "AmlCompute ComputeTarget",
    "azureml.core.compute.amlcompute": "AmlComputeStatus",
    "azureml.core.conda_dependencies": "CondaDependencies",
    "azureml.core.environment": "DockerSection PythonSection",
    "azureml.core.keyvault": "Keyvault",
    "azureml.core.model": "InferenceConfig",
    "azureml.core.runconfig": "DockerConfiguration MpiConfiguration PyTorchConfiguration",
    "azureml.core.webservice": "AciWebservice Webservice",
    "azureml.data.abstract_datastore": "AbstractDatastore",
    "azureml.data.azure_storage_datastore": "AbstractAzureStorageDatastore AzureBlobDatastore",
    "azureml.data.data_reference": "DataReference",
    "azureml.data.datapath": "DataPath DataPathComputeBinding",
    "azureml.exceptions": "AzureMLException",
    "azureml.train.dnn": "TensorFlow",
    "azureml.train.estimator": "Estimator",
}
used = set()


def from_here():
    """Whether the caller of the function that asks is this program."""
    return sys._getframe(2).f_globals.get("__name__") == "__main__"


def note(kind, name, keywords=()):
    """Of the class and those it is made of."""
    for each in kind.__mro__:
        label = each.__name__ + name
        used.add(label)
        bare = label[:-2] if label.endswith("()") else label
        used.update("{}({}=)".format(bare, keyword) for keyword in keywords)


def watched(owner, name, function, is_class_first):
    @functools.wraps(function)
    def call(*args, **kwargs):
        if from_here():
            first = args[0] if args else None
            kind = first if isinstance(first, type) else owner if first is None or not is_class_first else type(first)
            note(kind, "()" if name in ("__init__", "__new__") else "." + name, kwargs)
        return function(*args, **kwargs)

    return call


def watch(kind):
    """Note what this program does with a class of v1."""
    for name in dir(kind):
        raw = inspect.getattr_static(kind, name)
        if name in ("__init__", "__new__") and name in vars(kind):
            plain = raw.__func__ if isinstance(raw, staticmethod) else raw
            made = watched(kind, name, plain, True)
            setattr(kind, name, staticmethod(made) if isinstance(raw, staticmethod) else made)
        elif isinstance(raw, staticmethod):
            setattr(kind, name, staticmethod(watched(kind, name, raw.__func__, False)))
        elif isinstance(raw, classmethod):
            setattr(kind, name, classmethod(watched(kind, name, raw.__func__, True)))
        elif inspect.isfunction(raw) and not name.startswith("_"):
            setattr(kind, name, watched(kind, name, raw, True))
    get, put = kind.__getattribute__, kind.__setattr__

    def read(self, name):
        if from_here():
            note(type(self), "." + name)
        return get(self, name)

    def write(self, name, value):
        if from_here():
            note(type(self), "." + name)
        put(self, name, value)

    kind.__getattribute__, kind.__setattr__ = read, write


def is_later(thing):
    return type(thing).__name__ == "_LaterType"


LATER = {}
for module, names in CLASSES.items():
    for each in names.split():
        found = getattr(importlib.import_module(module), each)
        if is_later(found):
            LATER[each] = found
        globals()[each] = found
# Those that others are made of come last, so that a wrapper finds the true functions.
for each in sorted(
    (globals()[name] for names in CLASSES.values() for name in names.split()), key=lambda kind: -len(kind.__mro__)
):
    if not is_later(each):
        watch(each)

import azureml.telemetry  # noqa: E402
from azureml.core.runconfig import DEFAULT_CPU_IMAGE  # noqa: E402
from azureml.exceptions import ComputeTargetException, UserErrorException  # noqa: E402


def refuse(kind, words, call):
    try:
        call()
    except kind as error:
        assert words in error.message, error.message
        return error
    raise AssertionError("not refused: " + words)


class Figure(object):
    """As much of a matplotlib figure as log_image asks for."""

    def savefig(self, target, *args, **kwargs):
        picture = b"\x89PNG\r\n\x1a\n"
        if hasattr(target, "write"):
            target.write(picture)
        else:
            with open(target, "wb") as stream:
                stream.write(picture)


# -- telemetry, authentication, workspaces
azureml.telemetry.set_diagnostics_collection(send_diagnostics=True)
used.update(["set_diagnostics_collection()", "set_diagnostics_collection(send_diagnostics=)"])
auth = InteractiveLoginAuthentication()
assert isinstance(auth.get_authentication_header(), dict)  # empty: nobody has to log in over the socket
ws = Workspace.create(name="used", subscription_id="sub", resource_group="group", location="westeurope", exist_ok=True)
ws.write_config()
ws = Workspace.from_config()
assert (ws.name, ws.subscription_id, ws.resource_group, ws.location, ws.sku) == ("used", "sub", "group", "westeurope", "Basic")
assert Workspace(subscription_id="sub", resource_group="group", workspace_name="used").name == "used"
assert ws.get_details()["name"] == "used" and ws.compute_targets["local"].type

# -- pools
size = [each["name"] for each in AmlCompute.supported_vmsizes(workspace=ws)][0]
try:
    pool = ComputeTarget(workspace=ws, name="cpu-cluster")
    raise AssertionError("made of nothing")
except ComputeTargetException as error:
    assert "cpu-cluster" in error.message
configuration = AmlCompute.provisioning_configuration(vm_size=size, min_nodes=0, max_nodes=1)
pool = ComputeTarget.create(ws, "cpu-cluster", configuration)
pool.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
assert pool.get_status().serialize()["vmSize"] == size and pool.status.vm_size == size
assert pool.provisioning_state == "Succeeded" and (pool.name, pool.type) == ("cpu-cluster", "AmlCompute")
assert AmlCompute(ws, "cpu-cluster").name == pool.name
ws.compute_targets["local"].wait_for_completion(show_output=True)
refuse(ComputeTargetException, "Attaching", lambda: ComputeTarget.attach(ws, "vm", None))
pool.delete()

# -- environments
os.makedirs("src")
with open("src/train.py", "w") as stream:
    stream.write(
        "import os\nfrom azureml.core import Model, Run\nrun = Run.get_context()\nrun.log(name='accuracy', value=0.9)\n"
        "os.makedirs('outputs', exist_ok=True)\nopen('outputs/model.pkl', 'w').write('model')\nprint(run.id)\n"
    )
with open("conda.yml", "w") as stream:
    stream.write("dependencies:\n- python=3.10\n- pip:\n  - azureml-defaults\n")
conda = CondaDependencies.create(
    pip_packages=["azureml-defaults"], conda_packages=["scikit-learn"], python_version="3.10", pin_sdk_version=False
)
conda.add_pip_package("joblib")
conda.add_conda_package("numpy")
assert "joblib" in conda.serialize_to_string() and "python=3.8" in CondaDependencies().serialize_to_string()
environment = Environment(name="used-env")
environment.python.conda_dependencies = conda
environment.docker.enabled = True
environment.docker.base_image = DEFAULT_CPU_IMAGE
environment.register(workspace=ws)
assert Environment.get(workspace=ws, name="used-env").docker.base_image == DEFAULT_CPU_IMAGE
assert Environment.from_conda_specification(name="of-file", file_path="conda.yml").name == "of-file"
own = Environment("own")
own.python.user_managed_dependencies = True

# -- runs
experiment = Experiment(workspace=ws, name="use")
assert experiment.workspace.name == "used" and experiment.name in ws.experiments
source = ScriptRunConfig(source_directory="src", script="train.py", arguments=["--a", 1], compute_target="local", environment=own)
run = experiment.submit(config=source, show_output=True)
run.wait_for_completion(show_output=True)
assert run.get_status() == "Completed" == run.get_details()["status"] and run.get_metrics() == {"accuracy": 0.9}
assert "outputs/model.pkl" in run.get_file_names() and run.name and run.parent is None and run.properties["ContentSnapshotId"]
run.download_file(name="outputs/model.pkl", output_file_path="model.pkl")
assert run.experiment.name == "use" and run.get_portal_url() and run.get_environment().name == "own"
assert Run(experiment=experiment, run_id=run.id).id == run.id and list(run.get_children()) == []
run_config = RunConfiguration(framework="Python", conda_dependencies=conda)
assert RunConfiguration().target == "local" and run_config.environment.python.conda_dependencies is conda
run_config.environment, run_config.target = own, "local"
second = experiment.submit(ScriptRunConfig("src", script="train.py", run_config=run_config))
assert ScriptRunConfig("src", command=["echo", "a"]).run_config.command == ""
interactive = experiment.start_logging(snapshot_directory=None)
interactive.log(name="loss", value=0.1)
interactive.log_image("figure", plot=Figure())
interactive.upload_file(name="outputs/model.pkl", path_or_stream="model.pkl")
interactive.complete()
assert Run.get_context().id.startswith("OfflineRun")
second.wait_for_completion()

# -- models
model = run.register_model(model_name="used-model", model_path="outputs/model.pkl")
assert (model.name, model.version, model.id) == ("used-model", 1, "used-model:1")
again = Model.register(workspace=ws, model_path="model.pkl", model_name="used-model", tags={"a": "1"}, description="of a file")
assert Model(ws, "used-model").version == again.version == 2
assert os.path.isfile(Model.get_model_path("used-model", _workspace=ws))
assert os.path.isfile(again.download(target_dir="fetched", exist_ok=True))

# -- datastores
store = ws.get_default_datastore()
assert Datastore(ws, store.name).name == Datastore.get(ws, store.name).name == "workspaceblobstore"
store.upload_files(files=["model.pkl"], target_path="used", overwrite=True, show_progress=True)
store.upload(src_dir="src", target_path="src", overwrite=True, show_progress=False)
assert store.path("used").path_on_datastore == "used"
container = Datastore.register_azure_blob_container(
    workspace=ws,
    datastore_name="container",
    container_name="data",
    account_name="account",
    account_key="a2V5",
    overwrite=True,
    skip_validation=True,
)
assert (container.account_name, container.container_name) == ("account", "data")
reference = DataReference(datastore=store, data_reference_name="input", path_on_datastore="used")
assert str(reference) == "$AZUREML_DATAREFERENCE_input"
path = DataPath(datastore=store, path_on_datastore="used")
assert path.create_data_reference("again", DataPathComputeBinding(mode="download")).mode == "download"
container.unregister()

# -- less common: pools
full = AmlCompute.provisioning_configuration(
    vm_size=size,
    vm_priority="lowpriority",
    max_nodes=1,
    idle_seconds_before_scaledown=60,
    admin_username="me",
    admin_user_password="p",
    admin_user_ssh_key="k",
    vnet_resourcegroup_name=None,
    vnet_name=None,
    subnet_name=None,
    remote_login_port_public_access="Disabled",
    identity_type="UserAssigned",
    identity_id=["/subscriptions/s/identity"],
)
cheap = ComputeTarget.create(workspace=ws, name="cheap", provisioning_configuration=full)
cheap.update(idle_seconds_before_scaledown=30)
assert cheap.scale_settings.idle_seconds_before_scaledown == 30 and cheap.list_nodes() == [] and cheap.vm_size == size
assert cheap.cluster_resource_id.endswith("/cheap") and cheap.provisioning_errors is None
assert ComputeTarget(ws, "local").provisioning_state == "Succeeded"
refuse(ComputeTargetException, "Attaching", lambda: ComputeTarget.attach(workspace=ws, name="vm", attach_configuration=None))
cheap.delete()

# -- less common: environments and configurations
assert Environment.get(ws, "used-env", version="1").version == "1" and "used-env" in Environment.list(workspace=ws)
assert Environment.from_dockerfile(name="of-docker", dockerfile="FROM scratch\n").docker.base_dockerfile == "FROM scratch\n"
copied = environment.clone("copied")
copied.spark.precache_packages = False
copied.inferencing_stack_version = "latest"
copied.docker.gpu_support, copied.docker.shared_volumes, copied.docker.shm_size = True, True, "4g"
assert copied.docker.base_image_registry.address is None
copied.save_to_directory("copied")
assert Environment.load_from_directory("copied").inferencing_stack_version == "latest" and "used-env" in ws.environments
assert own.build(workspace=ws).wait_for_completion(show_output=False).status == "Succeeded"
conda.save_to_file(base_directory=".", conda_file_path="written.yml")
from_file = CondaDependencies(conda_dependencies_file_path="written.yml")
from_file.add_tensorflow_conda_package(core_type="cpu")
docker = DockerConfiguration(use_docker=False)
assert docker.use_docker is False
several = MpiConfiguration(node_count=2)
distributed = ScriptRunConfig("src", "train.py", distributed_job_config=several, docker_runtime_config=docker)
assert distributed.run_config.node_count == 2 and distributed.run_config.docker.use_docker is False
assert PyTorchConfiguration(process_count=4, node_count=2).process_count == 4
assert (distributed.script, distributed.source_directory) == ("train.py", "src")
other = RunConfiguration(communicator="None")
assert other.data_references == {} and other.spark.configuration and other.framework == "Python" and other.node_count == 1

# -- less common: runs
parent = experiment.start_logging(snapshot_directory=None)
parent.tag("kind", "parent")
parent.add_properties({"made": "by hand"})
parent.log_list(name="list", value=[1, 2])
parent.log_row(name="row", x=1)
parent.log_table(name="table", value={"x": [1, 2]})
assert parent.get_tags()["kind"] == "parent" and parent.get_properties()["made"] == "by hand"
child = parent.child_run(name="child")
child.complete()
several = parent.create_children(count=2)
several[0].fail()
several[1].cancel()
inner = parent.submit_child(ScriptRunConfig("src", "train.py", compute_target="local", environment=own), show_output=False)
inner.wait_for_completion()
assert parent.get_metrics(name="list") == {"list": [1, 2]}
parent.complete()
assert parent.status == "Completed" and len(list(parent.get_children())) == 4
assert [each.id for each in experiment.get_runs(tags={"kind": "parent"}, properties={"made": "by hand"})] == [parent.id]
named = experiment.submit(config=source, tags={"a": "b"}, run_id="given-id")
named.wait_for_completion()
assert named.id == "given-id" and experiment.id and "given-id" in str(named.get_details_with_logs())
named.restore_snapshot(path="restored")
tagged = named.register_model("tagged", "outputs/model.pkl", tags={"kind": "used"}, description="of a run")
assert [each.name for each in Model.list(ws, name="tagged", tags=["kind"])] == ["tagged"] and tagged.tags == {"kind": "used"}
assert sorted(ws.models) == ["tagged", "used-model"]

# -- less common: secrets, datastores, workspaces, estimators
vault = ws.get_default_keyvault()
vault.set_secret(name="password", value="secret")
assert vault.get_secret(name="password") == "secret" == named.get_secret(name="password") and vault.list_secrets()
assert Datastore(workspace=ws, name="workspacefilestore").datastore_type == "AzureFile"
assert Datastore.get(workspace=ws, datastore_name="workspaceblobstore").workspace.name == "used"
assert store.upload(src_dir="src", target_path="again", show_progress=False).to_config().path_on_data_store == "again"
assert store.download("down", prefix="again", show_progress=False) == 1 and store.protocol and store.account_key is None
Datastore.register_azure_blob_container(
    workspace=ws,
    datastore_name="made",
    container_name="data",
    account_name="account",
    account_key="a2V5",
    create_if_not_exists=False,
    skip_validation=True,
)
ws.set_default_datastore("workspaceblobstore")
assert DataPath(datastore=store, path_on_datastore="a", name="n").create_data_reference().data_reference_name == "n"
assert Workspace.create(name="used", create_resource_group=True, sku="basic", exist_ok=True).name == "used"
assert Workspace(subscription_id="sub", resource_group="group", workspace_name="used", auth=auth).name == "used"
assert Estimator(
    source_directory="src",
    entry_script="train.py",
    compute_target="local",
    script_params={"--rate": 1},
    inputs=[reference],
    environment_definition=own,
).run_config.arguments == ["--rate", 1]
assert (
    TensorFlow(
        source_directory="src",
        entry_script="train.py",
        compute_target="local",
        script_params={"--rate": 1},
        framework_version="2.2",
    ).framework_version
    == "2.2"
)

# -- what comes later says so
later = {
    "Workspace.get_mlflow_tracking_uri": lambda: ws.get_mlflow_tracking_uri(),
    "Model.deploy": lambda: Model.deploy(ws, "a", []),
}
for name, call in later.items():
    assert refuse(UserErrorException, name, call).werkbank_code == "not_available_yet"
    used.update(each for each in NAMES if each == name or each.startswith(name + "("))
for name in NAMES:
    head, _, rest = name.partition(".")
    if head in LATER:
        refuse(UserErrorException, head, lambda: getattr(LATER[head], rest.split("(")[0]))
    elif name.partition("(")[0] in LATER:
        refuse(UserErrorException, name.partition("(")[0], LATER[name.partition("(")[0]])
    elif name.startswith("azureml."):
        module, _, attribute = name.rpartition(".")
        getattr(importlib.import_module(module), attribute)
    else:
        continue
    used.add(name)

missing = [name for name in NAMES if name not in used]
assert not missing, missing
print("{} names".format(len(NAMES)))
