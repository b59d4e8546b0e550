"""Every covered v1 class, function and parameter is here, in v1's order and with v1's defaults
(tests/reference/azureml_v1_api.*.json).

Prints the coverage per module; anything missing or different is a failure. Classes that come later have to be importable, and
count as such. Forms that only v1's documents have, not its last reference, win over it: DOCUMENT_FORMS.
"""

import enum
import glob
import importlib
import inspect
import json
import os

import pytest

REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tests", "reference")

API = {}
for part in sorted(glob.glob(os.path.join(REFERENCE, "azureml_v1_api.*.json"))):
    with open(part) as stream:
        API.update(json.load(stream))

MODULES = sorted(name for name in API if not name.startswith("_"))

_POOL = (
    "vm_size='', vm_priority='dedicated', min_nodes=0, max_nodes=None, idle_seconds_before_scaledown={}, admin_username=None, "
    "admin_user_password=None, admin_user_ssh_key=None, vnet_resourcegroup_name=None, vnet_name=None, subnet_name=None, "
    "tags=None, description=None, remote_login_port_public_access='NotSpecified', identity_type=None, identity_id=None, {}=None, "
    "enable_node_public_ip=True"
)

# function → (v1's parameters, ours): what the documents write besides.
DOCUMENT_FORMS = {
    "azureml.core.runconfig.RunConfiguration.load": (
        "path, name=None",
        "path=None, name=None, project_object=None, run_config_name=None",
    ),
    # The documents list the sizes before there is a workspace.
    "azureml.core.compute.amlcompute.AmlCompute.supported_vmsizes": ("workspace, location=None", "workspace=None, location=None"),
    # The documents say that a node stays idle for 120 seconds.
    "azureml.core.compute.amlcompute.AmlCompute.provisioning_configuration": (
        _POOL.format("1800", "location"),
        _POOL.format("120", "location"),
    ),
    "azureml.core.compute.amlcompute.AmlComputeProvisioningConfiguration.__init__": (
        _POOL.format("1800", "compute_location"),
        _POOL.format("120", "compute_location"),
    ),
}


def default_of(parameter):
    if parameter.default is inspect.Parameter.empty:
        return None
    if isinstance(parameter.default, enum.Enum):
        return str(parameter.default)
    return repr(parameter.default)


def parameters_of(function):
    found = [each for each in inspect.signature(function).parameters.values() if each.name not in ("self", "cls")]
    return [{"name": each.name, "kind": each.kind.name.lower(), "default": default_of(each)} for each in found]


def expected_default(text, module, owner):
    """v1's default as a repr; constants of the module or class by their value here."""
    if text is None:
        return None
    try:
        value = eval(text, dict(vars(module), **vars(owner)))  # the reference file is ours: literals, and names of constants
    except NameError:
        return text
    return str(value) if isinstance(value, enum.Enum) else repr(value)


def compare(module, owner, where, function, params):
    try:
        have = parameters_of(function)
    except (TypeError, ValueError):
        return ["{}: no signature".format(where)]
    want = [
        {"name": each["name"], "kind": each["kind"], "default": expected_default(each.get("default"), module, owner)}
        for each in params
    ]
    if have == want or DOCUMENT_FORMS.get(where) == (short(want), short(have)):
        return []
    return ["{}:\n    v1   {}\n    here {}".format(where, short(want), short(have))]


def comes_later(value):
    return type(value).__name__ == "_LaterType"


def short(parameters):
    return ", ".join(each["name"] + ("" if each["default"] is None else "=" + each["default"]) for each in parameters)


def check_class(module, name, description):
    problems, count = [], 0
    cls = getattr(module, name)
    for member, detail in description["members"].items():
        if detail["kind"] == "attribute" and detail.get("level") == "instance":
            continue
        count += 1
        where = "{}.{}.{}".format(module.__name__, name, member)
        if member == "__init__" and issubclass(cls, enum.Enum):
            continue
        if not hasattr(cls, member):
            problems.append("{}: missing".format(where))
        elif detail["kind"] in ("method", "classmethod", "staticmethod"):
            problems += compare(module, cls, where, getattr(cls, member), detail.get("params", []))
        elif detail["kind"] == "property":
            have = inspect.getattr_static(cls, member)
            if not isinstance(have, property):
                problems.append("{}: not a property".format(where))
            elif detail.get("settable") and have.fset is None:
                problems.append("{}: cannot be set".format(where))
    return problems, count


@pytest.mark.parametrize("name", MODULES)
def test_module_has_v1_signatures(name, capsys):
    module, description = importlib.import_module(name), API[name]
    problems, count, later = [], 0, 0
    for class_name, detail in (description.get("classes") or {}).items():
        if not hasattr(module, class_name):
            problems.append("{}.{}: missing class".format(name, class_name))
            count += len(detail["members"])
            continue
        if comes_later(getattr(module, class_name)):
            later += len(detail["members"])
            continue
        more, checked = check_class(module, class_name, detail)
        problems += more
        count += checked
    for function_name, detail in (description.get("functions") or {}).items():
        count += 1
        if not hasattr(module, function_name):
            problems.append("{}.{}: missing function".format(name, function_name))
        else:
            problems += compare(
                module, module, "{}.{}".format(name, function_name), getattr(module, function_name), detail["params"]
            )
    for public in description.get("__all__") or ():
        count += 1
        if not hasattr(module, public):
            problems.append("{}.{}: missing export".format(name, public))
    for public in description.get("reexports") or ():
        count += 0 if later else 1
        if not later and not hasattr(module, public):
            problems.append("{}.{}: missing, although it is importable from there in v1".format(name, public))
    with capsys.disabled():
        text = ", {} come later".format(later) if later else ""
        print("\n{}: {} of {} members as in v1{}".format(name, count - len(problems), count + later, text), end="")
    assert not problems, "\n".join(problems)


def test_instance_attributes_of_sections_exist():
    """What v1 sets in a section's constructor is settable here: a section refuses attributes it does not know."""
    from azureml.core import runconfig

    missing = []
    for name, detail in API["azureml.core.runconfig"]["classes"].items():
        if any("default" not in each for each in detail["members"]["__init__"]["params"]):
            continue
        instance = getattr(runconfig, name)()
        missing += [
            "{}.{}".format(name, member)
            for member, kind in detail["members"].items()
            if kind["kind"] == "attribute" and kind.get("level") == "instance" and not hasattr(instance, member)
        ]
    assert not missing


def test_forms_that_only_the_documents_have():
    from azureml.core import RunConfiguration

    configuration = RunConfiguration()
    configuration.prepare_environment = True
    assert configuration.auto_prepare_environment is True
    configuration.amlcompute.max_nodes = 4
    assert configuration.amlcompute._cluster_max_node_count == 4
    configuration.auto_prepare_environment = False
    assert configuration.prepare_environment is False
