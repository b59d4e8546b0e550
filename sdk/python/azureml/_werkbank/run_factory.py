"""Run objects out of run documents, and the making of client-tracked runs."""

from azureml._werkbank.run_record import as_text

_providers = {}
_searched = []


def _installed_providers():
    """Providers that other distributions declare in the entry-point group azureml_run_type_providers; looked for once, by the
    files themselves: on old interpreters the modules that do so take longer than a request."""
    import os
    import sys
    from configparser import ConfigParser, Error

    found = {}
    for folder in sys.path:
        try:
            names = [name for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        for name in names:
            parser = ConfigParser(delimiters=("=",), interpolation=None)
            parser.optionxform = str
            try:
                parser.read(os.path.join(folder or ".", name, "entry_points.txt"), encoding="utf-8")
                for run_type, target in parser.items("azureml_run_type_providers"):
                    found.setdefault(run_type, target)
            except (Error, OSError, UnicodeDecodeError):
                continue  # none of ours, or not readable
    return found


def _provider(run_type):
    """The factory for a type of run; None where nobody has one."""
    if run_type in _providers or not run_type or run_type == "azureml.scriptrun":
        return _providers.get(run_type)
    if not _searched:
        _searched.append(_installed_providers())
    target = _searched[0].get(run_type)
    if target is None:
        return None
    from importlib import import_module

    module, _, name = target.partition(":")
    factory = import_module(module.strip())
    for part in name.split("[")[0].strip().split("."):
        factory = getattr(factory, part)
    _providers[run_type] = factory
    return factory


def add_provider(run_type, factory):
    """`factory(experiment, document)` makes the runs of a type from now on."""
    _providers[run_type] = factory


def make_run(experiment, document, rehydrate=True):
    """The Run object for a document: of the class that belongs to its type."""
    from azureml.core.experiment import Experiment
    from azureml.core.run import Run

    if document.get("experiment") and document["experiment"] != experiment.name:
        experiment = Experiment(experiment.workspace, document["experiment"], _skip_name_validation=True, _create_in_cloud=False)
    run_type = document.get("runType") or (document.get("properties") or {}).get("azureml.runsource")
    factory = _provider(run_type) if rehydrate else None
    if factory is not None:
        return factory(experiment, document)
    if rehydrate and run_type == "azureml.scriptrun":
        from azureml.core.script_run import ScriptRun

        return ScriptRun(experiment, document["runId"], _document=document)
    return Run(experiment, document["runId"], _document=document)


def matches(document, run_type=None, tags=None, properties=None, status=None):
    """v1's filters: tags and properties are names, or dicts of names and values."""
    if run_type is not None and run_type not in (
        document.get("runType"),
        (document.get("properties") or {}).get("azureml.runsource"),
    ):
        return False
    if status is not None and document.get("status") not in ([status] if isinstance(status, str) else status):
        return False
    return _contains(document.get("tags") or {}, tags) and _contains(document.get("properties") or {}, properties)


def _contains(have, wanted):
    if wanted is None:
        return True
    if isinstance(wanted, dict):
        return all(name in have and have[name] == as_text(value) for name, value in wanted.items())
    names = [wanted] if isinstance(wanted, str) else wanted
    return all(name in have for name in names)


def _filter_text(wanted):
    """The part of a filter that the server can take off our hands: one name, or one name=value. The whole is checked here."""
    if isinstance(wanted, dict):
        texts = [(name, as_text(value)) for name, value in wanted.items()]
    else:
        texts = [(name, None) for name in ([wanted] if isinstance(wanted, str) else wanted or ())]
    for name, value in texts:
        if isinstance(name, str) and name and "=" not in name:
            return name if value is None else "{}={}".format(name, value)
    return None


def list_runs(
    experiment, run_type=None, tags=None, properties=None, status=None, include_children=False, rehydrate=True, **query
):
    """The matching runs of an experiment, newest first."""
    client = experiment.workspace._client
    filters = dict(query, order="newest", type=run_type)
    filters["experiment" if experiment._id is None else "experimentId"] = experiment._id or experiment.name
    if isinstance(status, str):
        filters["status"] = status
    filters.update(tag=_filter_text(tags), property=_filter_text(properties))
    for document in client.items("runs", **filters):
        if (include_children or not document.get("parentRunId")) and matches(document, run_type, tags, properties, status):
            yield make_run(experiment, document, rehydrate)


def track_run(
    experiment,
    run_id=None,
    display_name=None,
    parent_id=None,
    outputs=None,
    tags=None,
    snapshot_id=None,
    git=None,
    properties=None,
):
    """Make a client-tracked run that is running."""
    import uuid
    from azureml.core.run import Run

    body = {"runId": run_id or str(uuid.uuid4()), "experiment": experiment.name, "status": "Running"}
    optional = {
        "displayName": display_name,
        "parentRunId": parent_id,
        "snapshotId": snapshot_id,
        "git": git,
        "tags": dict((as_text(k), as_text(v)) for k, v in tags.items()) if tags else None,
        "properties": properties or None,
    }
    body.update((key, value) for key, value in optional.items() if value is not None)
    document = experiment.workspace._client.post(("tracked-runs",), body)
    return Run(experiment, document["runId"], outputs=outputs, _document=document)
