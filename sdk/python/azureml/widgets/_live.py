"""The live view in a notebook: an anywidget that is told of every change. Importing this needs the extra `notebooks`."""

import os
import uuid

import anywidget
import traitlets
from IPython import get_ipython
from IPython.display import display, update_display

from azureml._werkbank.run_record import FINAL_STATES
from azureml.widgets import _page
from azureml.widgets._watch import Watch


def _source(name):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), encoding="utf-8") as stream:
        return stream.read()


class RunDetailsWidget(anywidget.AnyWidget):
    """What the page has: each trait is a list with one entry for each run."""

    _esm = _source("live.js")
    _css = _source("live.css")
    facts = traitlets.List().tag(sync=True)
    charts = traitlets.List().tag(sync=True)
    children = traitlets.List().tag(sync=True)
    logs = traitlets.List().tag(sync=True)


# How long the end of one cell may wait for the last updates of a run that is known to have ended.
_PATIENCE_S = 5.0


class LiveView(object):
    """One output of a cell: live while the runs go on; then a page that needs no kernel takes its place.

    That page is sent as soon as the runs have ended, and once more at the end of the next cell: what executes a notebook without
    a browser only hears what is said while a cell runs.
    """

    def __init__(self, runs, states):
        self._runs = runs
        self._states = states
        self._display_id = uuid.uuid4().hex
        self._patience_s = _PATIENCE_S
        self._widget = RunDetailsWidget()
        self._widget.facts = [state.facts() for state in states]
        self._watch = Watch(runs, states, self._change, self._end)

    def start(self):
        bundle = self._still()
        bundle["application/vnd.jupyter.widget-view+json"] = {
            "version_major": 2,
            "version_minor": 0,
            "model_id": self._widget.model_id,
        }
        display(bundle, raw=True, display_id=self._display_id)
        get_ipython().events.register("post_run_cell", self._after_cell)
        self._watch.start()

    def stop(self):
        self._watch.stop()
        self._forget_cells()

    def _still(self):
        wholes = [state.whole() for state in self._states]
        return {"text/plain": _page.text(wholes), "text/html": _page.page(wholes)}

    def _change(self, parts):
        for name, value in parts.items():
            setattr(self._widget, name, value)

    def _end(self):
        if all(state.is_final for state in self._states):
            update_display(self._still(), raw=True, display_id=self._display_id)

    def _after_cell(self, *args):
        known = [state.is_final or run._record()["status"] in FINAL_STATES for run, state in zip(self._runs, self._states)]
        patience_s = self._patience_s if all(known) else 0.0
        self._patience_s -= patience_s
        if self._watch.wait(patience_s):
            self._forget_cells()
            self._end()

    def _forget_cells(self):
        try:
            get_ipython().events.unregister("post_run_cell", self._after_cell)
        except ValueError:
            pass  # forgotten already


def show(runs, states):
    """Show the runs below the cell that is executed."""
    view = LiveView(runs, states)
    view.start()
    return view
