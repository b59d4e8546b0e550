"""The quotas of a workspace in the words of AmlCompute."""

from azureml._werkbank.connection import encode_path
from azureml.exceptions import ComputeTargetException

NAMES = (("cores", "Cores"), ("gpus", "GPUs"), ("memoryMib", "Memory (MiB)"), ("diskMib", "Disk (MiB)"), ("runs", "Runs"))


def list_usages(workspace, show_all):
    quota = workspace._client.get("quota")
    limits, use = quota["limits"]["workspace"], quota["use"]["workspace"]
    rows = [dict(_row(name), currentValue=use[name], limit=limits[name]) for name, _ in NAMES]
    return [row for row in rows if show_all or row["limit"] is not None or row["currentValue"]]


def list_quotas(workspace):
    limits = workspace._client.get("quota")["limits"]["workspace"]
    return [dict(_row(name), limit=limits[name]) for name, _ in NAMES]


def set_quotas(workspace, names, limits):
    """`limits`: whole numbers, or None."""
    known = [name for name, _ in NAMES]
    for name in names:
        if name not in known:
            raise ComputeTargetException(
                "There is no quota {!r}: Werkbank limits {}, not families of sizes.".format(name, ", ".join(known)),
                werkbank_code="invalid_request",
            )
    if len(names) != len(limits):
        raise ComputeTargetException(
            "{} quotas are named, and {} limits.".format(len(names), len(limits)), werkbank_code="invalid_request"
        )
    workspace._server.request(
        "PATCH", encode_path(("quotas", workspace.name)), body={"workspace": dict(zip(names, limits))}
    )


def _row(name):
    return {"name": {"value": name, "localizedValue": dict(NAMES)[name]}, "unit": "Count"}
