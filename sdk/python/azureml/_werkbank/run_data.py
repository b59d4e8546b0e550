"""The data of a run: what a run configuration and its arguments say, as inputs and outputs of POST /runs."""

import json

from azureml._werkbank.run_record import as_text
from azureml.exceptions import UserErrorException

_DEFAULT_PATH = "dataset/{run-id}/{output-name}"


def is_data(value):
    """Whether an argument stands for data: a consumption of a dataset, an output, a data reference."""
    return hasattr(value, "arg_val") or hasattr(value, "data_reference_name")


def placeholder(value):
    """What stands for it in a list of arguments or in a command; the runner puts the path there, for a shell in quotes."""
    return value.arg_val if hasattr(value, "arg_val") else "{}".format(value)


def note_arguments(run_config):
    """Write the data that arguments stand for into the configuration's sections, and texts into the arguments."""
    arguments = []
    for each in run_config.arguments or ():
        arguments.append(placeholder(each) if is_data(each) else each)
        if is_data(each):
            note(run_config, each)
    run_config.arguments = arguments


def note(run_config, value):
    """One input or output, in its section. Two different things of one name are refused."""
    from azureml.core.runconfig import Data

    if hasattr(value, "data_reference_name"):
        _put(run_config.data_references, value.data_reference_name, value.to_config())
    elif hasattr(value, "dataset"):
        _put(run_config.data, value.name, Data.create(value))
    else:
        _put(run_config.output_data, value.name, output_section(value))


def _put(section, name, value):
    from azureml._werkbank.config_text import plain

    have = section.get(name)
    if have is not None and _facts(have) != _facts(value):
        raise UserErrorException(
            "Two inputs or outputs of the run are called {!r}.".format(name),
            werkbank_code="input_name_taken",
            hint="Give each a name of its own: dataset.as_named_input('name').as_mount().",
        )
    if have is None or plain(have) == plain(value):
        section[name] = value


def _facts(section):
    from azureml._werkbank.config_text import plain

    consumption = getattr(section, "_consumption", None)
    return plain(section), None if consumption is None else consumption.dataset._input_name()


def output_section(output):
    """An OutputDatasetConfig as the section of a run configuration."""
    from azureml.core.runconfig import (
        DataLocation,
        DataPath,
        DatasetRegistrationOptions,
        GlobsOptions,
        OutputData,
        OutputOptions,
        RegistrationOptions,
        UploadOptions,
    )
    from azureml.data.constants import HDFS_MODE, LINK_MODE

    if output.mode == HDFS_MODE:
        raise UserErrorException(
            "Outputs on a Hadoop file system are not part of Werkbank.",
            werkbank_code="not_supported",
            hint="OutputFileDatasetConfig takes what a script leaves in a folder.",
        )
    options = OutputOptions()
    if output._registration is not None:
        reader = DatasetRegistrationOptions(json.dumps(output._reader, sort_keys=True)) if output._reader else None
        registered = output._registration
        options.registration_options = RegistrationOptions(registered.name, registered.description, registered.tags, reader)
    elif output._reader:
        reader = DatasetRegistrationOptions(json.dumps(output._reader, sort_keys=True))
        options.registration_options = RegistrationOptions(dataset_registration_options=reader)
    if output.mode == LINK_MODE:
        return OutputData(None, LINK_MODE, options)
    options.path_on_compute = output.source
    globs = None if output._upload.source_globs is None else GlobsOptions(output._upload.source_globs)
    options.upload_options = UploadOptions(output._upload.overwrite, globs)
    location = None
    if output.destination is not None:
        location = DataLocation(data_path=DataPath(output.destination[0].name, output.destination[1]))
    return OutputData(location, output.mode, options)


def ports_of(run_config, workspace):
    """(inputs, outputs) of POST /runs. Datasets that are not saved yet are saved in the workspace."""
    if run_config.datacaches:
        raise UserErrorException("Data caches of v1's preview are not part of Werkbank.", werkbank_code="not_supported")
    inputs, outputs = [], []
    for name, data in run_config.data.items():
        inputs.append(_input(name, data, workspace))
    for name, reference in run_config.data_references.items():
        reference = reference.to_config() if hasattr(reference, "data_reference_name") else reference
        port = {
            "name": name,
            "mode": reference.mode,
            "datastore": reference.data_store_name or workspace.get_default_datastore().name,
            "path": _clean(reference.path_on_data_store),
            "pathOnCompute": as_text(reference.path_on_compute),
            "overwrite": bool(reference.overwrite),
        }
        (outputs if reference.mode == "upload" else inputs).append(port)
    for name, output in run_config.output_data.items():
        outputs.append(_output(name, output))
    _check_names(inputs, outputs)
    return inputs, outputs


def _check_names(inputs, outputs):
    from azureml.data.dataset_consumption_config import checked_port_name

    seen = set()
    for port in inputs + outputs:
        if port["name"] in seen:
            raise UserErrorException(
                "Two inputs or outputs of the run are called {!r}.".format(port["name"]), werkbank_code="input_name_taken"
            )
        seen.add(port["name"])
    for port in inputs:
        if "datasetId" in port:
            checked_port_name(port["name"], "input")


def _clean(path):
    from azureml._werkbank.dataset_paths import clean_path

    return clean_path(path)


def _input(name, data, workspace):
    from azureml.core.runconfig import Data

    if not isinstance(data, Data):
        data = Data.create(data)
    port = {
        "name": name,
        "mode": (data.mechanism or "direct").lower(),
        "pathOnCompute": as_text(data.path_on_compute),
        "overwrite": bool(data.overwrite),
    }
    consumption = getattr(data, "_consumption", None)
    location = data.data_location
    if consumption is not None:
        port["datasetId"] = consumption.dataset._state.saved(workspace)["id"]
    elif location is not None and location.dataset is not None and (location.dataset.id or location.dataset.name):
        port["datasetId"] = _dataset_id(location.dataset, workspace)
    elif location is not None and location.data_path is not None and location.data_path.datastore_name:
        port.update(datastore=location.data_path.datastore_name, path=_clean(location.data_path.relative_path))
    elif location is not None and location.uri is not None and location.uri.path:
        from azureml.data.dataset_factory import FileDatasetFactory

        port["datasetId"] = FileDatasetFactory.from_files(location.uri.path, validate=False)._state.saved(workspace)["id"]
    else:
        raise UserErrorException(
            "The input {!r} says nowhere where its data lie.".format(name),
            werkbank_code="input_invalid",
            hint="data_location needs a dataset (id, or name and version), a dataPath or a uri.",
        )
    return port


def _dataset_id(section, workspace):
    from azureml.data.abstract_dataset import AbstractDataset

    if section.id:
        return section.id
    return AbstractDataset.get_by_name(workspace, section.name, section.version or "latest").id


def _output(name, output):
    from azureml.data.constants import WORKSPACE_BLOB_DATASTORE

    options = output.additional_options
    place = output.output_location.data_path if output.output_location is not None else None
    port = {"name": name, "mode": (output.mechanism or "mount").lower()}
    if port["mode"] != "link":
        port["datastore"] = (place.datastore_name if place is not None else None) or WORKSPACE_BLOB_DATASTORE
        port["path"] = (_clean(place.relative_path) if place is not None else "") or _DEFAULT_PATH
    if options is None:
        return port
    if options.path_on_compute:
        port["pathOnCompute"] = options.path_on_compute
    upload, registration = options.upload_options, options.registration_options
    if upload is not None:
        port["overwrite"] = bool(upload.overwrite)
        globs = upload.source_globs.patterns if upload.source_globs is not None else None
        port["sourceGlobs"] = [globs] if isinstance(globs, str) else list(globs or ())
    if registration is not None:
        if registration.name:
            port["registerName"] = registration.name
        port["registerDescription"] = as_text(registration.description)
        port["registerTags"] = dict((as_text(key), as_text(value)) for key, value in (registration.tags or {}).items())
        more = registration.dataset_registration_options
        if more is not None and more.additional_transformation:
            port["reader"] = _reader(name, more.additional_transformation)
    return port


def _reader(name, text):
    try:
        reader = json.loads(text)
        if isinstance(reader, dict):
            return reader
    except ValueError:
        pass
    raise UserErrorException(
        "The additionalTransformation of the output {!r} is no reader of Werkbank.".format(name),
        werkbank_code="output_invalid",
        hint="Make the output with OutputFileDatasetConfig(…).read_delimited_files().",
    )


def details_of(workspace, items):
    """v1's lists inputDatasets and outputDatasets of a run's details."""
    from azureml.data.abstract_dataset import AbstractDataset

    inputs, outputs, known = [], [], {}
    for item in items:
        identity = item["datasetId"]
        if identity not in known:
            known[identity] = AbstractDataset.get_by_id(workspace, identity)
        if item["direction"] == "output":
            outputs.append(
                {
                    "identifier": {"savedId": identity},
                    "outputType": "RunOutput",
                    "outputDetails": {"outputName": item["port"]},
                    "dataset": known[identity],
                }
            )
        else:
            consumed = {"type": "RunInput", "inputName": item["port"], "mechanism": item["mode"].capitalize()}
            inputs.append({"dataset": known[identity], "consumptionDetails": consumed})
    return inputs, outputs
