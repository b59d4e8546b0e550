"""ParallelRunStepDetails: the view of one step among the runs below a run."""

from azureml.core.run import Run
from azureml.core.workspace import Workspace
from azureml.exceptions import UserErrorException

__all__ = ["ParallelRunStepDetails", "Run", "Workspace"]


class ParallelRunStepDetails(object):
    """The view of a step's run: found by its own id, or by the step's name below a run."""

    def __init__(self, run_instance=None, step_name=None, workspace=None, run_id=None, step_run_id=None):
        self.step_run = _find(run_instance, step_name, workspace, run_id, step_run_id)

    def show(self):
        """Show the step's run below the cell."""
        from azureml.widgets.run_details import RunDetails

        RunDetails(self.step_run).show()


def _find(run, step_name, workspace, run_id, step_run_id):
    if run is None and workspace is not None and (run_id or step_run_id):
        run = Run.get(workspace, run_id or step_run_id)
    if run is None:
        raise UserErrorException(
            "ParallelRunStepDetails needs run_instance, or workspace with run_id or step_run_id.",
            werkbank_code="invalid_request",
        )
    if step_run_id is not None and step_run_id != run.id:
        return Run.get(run.experiment.workspace, step_run_id)
    if step_name is None:
        return run
    names = []
    for child in run.get_children(recursive=True):
        names.append(child.display_name or child.id)
        if step_name in (
            child.display_name,
            child.id,
            child.tags.get("azureml.stepName"),
            child.properties.get("azureml.stepName"),
        ):
            return child
    raise UserErrorException(
        "The run {} has no step {!r}.".format(run.id, step_name),
        werkbank_code="run_not_found",
        hint="Its child runs are: {}.".format(", ".join(sorted(names)[:20]) or "none"),
    )
