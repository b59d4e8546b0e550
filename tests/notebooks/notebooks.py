"""What a person does in a notebook, in JupyterLab and in the classic Notebook: open it, run its cells, save it."""

import json


def write_notebook(path, cells, outputs=None):
    """A notebook file of code cells."""
    document = {
        "cells": [
            {"cell_type": "code", "execution_count": None, "id": f"cell-{i}", "metadata": {}, "outputs": [], "source": text}
            for i, text in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(document))
    return path


class Kind:
    def __init__(self, page, jupyter):
        self.page = page
        self.jupyter = jupyter

    def write(self, name, cells):
        self.path = write_notebook(self.jupyter.folder / f"{self.kind}-{name}.ipynb", cells)

    def outputs(self):
        """The outputs of the saved file, of all cells."""
        document = json.loads(self.path.read_text())
        return [output for cell in document["cells"] for output in cell["outputs"]]

    def stop_kernels(self):
        self.page.evaluate("""async () => {
              const token = {headers: {Authorization: 'token notebooks'}};
              for (const session of await (await fetch('/api/sessions', token)).json())
                await fetch('/api/sessions/' + session.id, {method: 'DELETE', ...token});
            }""")


class Lab(Kind):
    kind = "lab"

    def open(self):
        self.page.goto(self.jupyter.address(f"doc/tree/{self.path.name}"))
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")

    def run_all(self):
        self.page.wait_for_function(
            "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'"
        )
        self.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.ready")
        self.command("notebook:run-all-cells")

    def save(self):
        self.page.evaluate("jupyterapp.commands.execute('docmanager:save')")

    def command(self, name, **arguments):
        self.page.evaluate("([name, arguments]) => void jupyterapp.commands.execute(name, arguments)", [name, arguments])


class Classic(Kind):
    kind = "classic"

    def open(self):
        self.page.goto(self.jupyter.address(f"notebooks/{self.path.name}"))
        self.page.wait_for_function("window.IPython?.notebook?._fully_loaded")

    def run_all(self):
        self.page.wait_for_function("IPython.notebook.kernel?.is_connected()")
        self.page.evaluate("IPython.notebook.execute_all_cells()")

    def save(self):
        self.page.evaluate("IPython.notebook.save_notebook()")
