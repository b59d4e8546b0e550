"""RunDetails: a run, or several, shown in the notebook while they go on."""

import sys
import threading

from azureml._werkbank.offline import _OfflineRun
from azureml.core.run import Run
from azureml.exceptions import UserErrorException

PLATFORM = "JUPYTER"

_HINT = "For a view that follows the run: pip install anywidget, restart the kernel, and show it again."


class RunDetails(object):
    """The view of a run: status, phases, charts of its metrics, logs, child runs. Also of a list of runs of one workspace."""

    def __init__(self, run_instance):
        self._is_list = not isinstance(run_instance, (Run, _OfflineRun))
        self._runs = _checked_runs(run_instance) if self._is_list else [run_instance]
        self._settings = {}
        self._view = None

    def show(self, render_lib=None, widget_settings=None):
        """Show the runs below the cell: live in a notebook with anywidget until they have ended, otherwise as they are now.

        Never waits for the runs, and never stops the notebook: where the server is away, it says so. `render_lib` is accepted
        and has no effect; `widget_settings` is what get_widget_data() repeats.
        """
        self._settings = _checked_settings(widget_settings, self._settings)
        try:
            self._show()
        except Exception as error:
            print("\n".join("RunId: {}".format(run.id) for run in self._runs))
            print("The view of the run could not be made: {}".format(getattr(error, "message", None) or error))

    def get_widget_data(self, widget_settings=None):
        """The data behind the view as v1 has them: a dict; a list of such for several runs."""
        from azureml.widgets._data import widget_data

        settings = _checked_settings(widget_settings, self._settings)
        found = [widget_data(run, state, settings) for run, state in zip(self._runs, self._read())]
        return found if self._is_list else found[0]

    def close(self):
        """Follow the runs no longer; what is shown stays as it is."""
        view, self._view = self._view, None
        if view is not None:
            view.stop()

    def _show(self):
        offline = [run for run in self._runs if isinstance(run, _OfflineRun)]
        if offline:
            print("\n".join("RunId: {}\nThis run is offline: nothing of it is kept.".format(run.id) for run in offline))
            return
        live = _live_view() if _is_notebook() else None
        states = self._read(whole=live is None)
        if live is not None and not all(state.is_final for state in states):
            self.close()
            self._view = live.show(self._runs, states)
            return
        from azureml.widgets import _page

        if live is not None:
            states = self._read()
        wholes = [state.whole() for state in states]
        if not _is_notebook():
            print(_page.text(wholes))
            return
        from IPython.display import display

        hint = "" if all(state.is_final for state in states) else _HINT
        display({"text/plain": _page.text(wholes), "text/html": _page.page(wholes, hint)}, raw=True)

    def _read(self, whole=True):
        """The states as they are now; without `whole` only where the runs stand."""
        from azureml.widgets import _reading

        states, lock = [], threading.Lock()
        for run in self._runs:
            state = _reading.state_of(run)
            _reading.refresh_record(run._client, state, lock)
            run._document = state.record
            _reading.refresh_note(run._client, state, lock)
            if whole:
                _reading.refresh_metrics(run._client, state, lock)
                _reading.refresh_children(run._client, state, lock)
                _reading.read_logs(run._client, state, lock)
            states.append(state)
        return states


def _checked_runs(given):
    try:
        runs = list(given)
    except TypeError:
        runs = [given]
    wrong = [each for each in runs if not isinstance(each, (Run, _OfflineRun))]
    if wrong or not runs:
        raise UserErrorException(
            "RunDetails shows a run or a list of runs, and got {}.".format(
                "a {}".format(type(wrong[0]).__name__) if wrong else "an empty list"
            ),
            werkbank_code="invalid_request",
            hint="Give it what Experiment.submit or Run.get answers.",
        )
    kept = [run for run in runs if isinstance(run, Run)]
    if len(set((run.experiment.workspace._server.url, run.experiment.workspace.name) for run in kept)) > 1:
        raise UserErrorException(
            "RunDetails shows runs of one workspace at a time.",
            werkbank_code="invalid_request",
            hint="Show those of each workspace on their own.",
        )
    return runs


def _is_notebook():
    """Whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def _live_view():
    """The module with the live view; None without the packages it needs."""
    try:
        from azureml.widgets import _live
    except Exception:  # absent, or of a version that cannot be imported here
        return None
    return _live


def _checked_settings(settings, before):
    if settings is None:
        return before
    if not isinstance(settings, dict):
        raise UserErrorException(
            "widget_settings has to be a dict; it is a {}.".format(type(settings).__name__), werkbank_code="invalid_request"
        )
    return dict(before, **settings)
