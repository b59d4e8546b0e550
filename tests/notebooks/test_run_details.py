"""RunDetails as its users see it: live in JupyterLab and the classic Notebook, and in a saved notebook that has no kernel.

The script waits at a gate, so each state is looked at for as long as it takes; nothing here depends on how fast it was.
"""

import re
import subprocess
import sys

import pytest
from jupyter_process import PATIENCE_S
from notebooks import Lab, write_notebook
from workbench import Gate

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"

SCRIPT = """
import sys
from azureml.core import Run

run = Run.get_context()
for epoch in range(5):
    run.log("loss", 1 / (epoch + 1))
    run.log_row("curve", precision=epoch * 0.2, recall=1 - epoch * 0.2)
    print("epoch", epoch, flush=True)
print({hostile!r}, flush=True)
run.log("rate", 0.5)
run.tag("note", {hostile!r})
run.child_run("part").complete()
run.flush()
open(sys.argv[1]).read()
run.log("loss", 0.1)
run.flush()
open(sys.argv[2]).read()
print("the end")
"""

CELLS = [
    """from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.widgets import RunDetails
run = Experiment(Workspace.get("default"), {experiment!r}).submit(ScriptRunConfig({project!r}, "train.py", arguments={gates!r}))
run""",
    "RunDetails(run).show()",
    "run.wait_for_completion(show_output=False)['status']",
]

# The lowest contrast of what is text in the live view against what is behind it (WCAG 2), with the text.
CONTRAST = """() => {
  const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => { const [r, g, b] = parse(text).map(channel); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if (parse(color).length === 3 || parse(color)[3] === 1) return color;
    }
    return "rgb(255, 255, 255)";
  };
  let worst = [21, ""];
  for (const node of document.querySelectorAll(".wbk *")) {
    const text = [...node.childNodes].filter((each) => each.nodeType === 3).map((each) => each.data.trim()).join("");
    if (!text || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const pair = [light(node instanceof SVGElement ? style.fill : style.color), light(behind(node))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < worst[0]) worst = [ratio, text];
  }
  return worst;
}"""


class PatientGate(Gate):
    TIMEOUT_S = PATIENCE_S


@pytest.fixture
def gates(tmp_path):
    return [PatientGate(tmp_path / name) for name in ("first", "second")]


def cells_for(folder, gates, experiment):
    project = folder / "project"
    project.mkdir()
    (project / "train.py").write_text(SCRIPT.format(hostile=HOSTILE))
    names = [str(gate.path) for gate in gates]
    return [CELLS[0].format(experiment=experiment, project=str(project), gates=names)] + CELLS[1:]


def curve_has(page, name, points):
    page.wait_for_function(
        """([name, count]) => [...document.querySelectorAll('.wbk figure')].some((figure) =>
          figure.querySelector('b').textContent === name && figure.querySelector('polyline').points.length === count)""",
        arg=[name, points],
    )


def test_a_run_is_followed_and_stays_readable(notebook, gates, tmp_path, shot):
    page = notebook.page
    notebook.write("followed", cells_for(tmp_path, gates, notebook.kind))
    notebook.open()
    notebook.run_all()

    # While it runs: the cell after it is waiting all the time.
    view = page.locator(".wbk")
    view.get_by_role("status").get_by_text("Running", exact=True).wait_for()
    curve_has(page, "loss", 5)
    curve_has(page, "curve", 5)
    view.get_by_role("log").get_by_text("epoch 4").wait_for()
    view.get_by_text(re.compile("Tags: note")).wait_for()
    view.get_by_role("row", name=re.compile("part.*Completed")).wait_for()
    view.get_by_role("row", name=re.compile("^rate 0.5 1$")).wait_for()
    assert view.get_by_role("listitem").nth(2).get_attribute("aria-current") == "step"
    shot(page, "running")

    # By keyboard and for ears: a chart has a name, and its values can be read out.
    chart = view.get_by_role("img", name=re.compile("^Chart of loss, 5 values"))
    chart.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    view.get_by_text("1: 0.5", exact=True).wait_for()
    page.keyboard.press("End")
    view.get_by_text("4: 0.2", exact=True).wait_for()

    # A metric comes by itself.
    gates[0].open()
    curve_has(page, "loss", 6)
    assert view.get_by_role("status").text_content() == "Running"

    # It ends by itself, and a page without a kernel takes its place.
    gates[1].open()
    still = page.locator(".werkbank-run")
    still.get_by_text("Completed", exact=True).first.wait_for()
    still.get_by_text("the end").wait_for()
    assert view.count() == 0
    assert_pictures(page, 2)
    shot(page, "ended")

    # What strangers wrote is text, here as there.
    assert "owned" not in page.title()
    assert still.get_by_text(HOSTILE).count() >= 1

    read_again(notebook, shot)


def assert_pictures(page, count):
    """The charts are there, and the browser could draw them."""
    page.wait_for_function(
        """(count) => { const all = [...document.querySelectorAll('.werkbank-run img')];
          return all.length === count && all.every((image) => image.complete && image.naturalWidth > 0); }""",
        arg=count,
    )


def read_again(notebook, shot):
    """The saved notebook, opened when its kernel is long gone."""
    page = notebook.page
    notebook.save()
    page.wait_for_function(
        """async (path) => (await (await fetch('/api/contents/' + path, {headers: {Authorization: 'token notebooks'}})).text())
          .includes('the end')""",
        arg=notebook.path.name,
    )
    notebook.stop_kernels()
    kinds = [list(output.get("data", ())) for output in notebook.outputs()]
    assert ["text/html", "text/plain"] in kinds and "widget-view" not in str(kinds)
    notebook.open()
    page.locator(".werkbank-run").get_by_text("Completed", exact=True).first.wait_for()
    assert_pictures(page, 2)
    shot(page, "again")
    notebook.stop_kernels()
    outside = [url for url in page.context.asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert not [url for url in outside if "werkbank" in url or "anywidget" in url], outside


def test_light_and_dark(page, jupyter, gates, tmp_path, shot):
    notebook = Lab(page, jupyter)
    notebook.write("themes", cells_for(tmp_path, gates, "themes"))
    notebook.open()
    notebook.run_all()
    curve_has(page, "loss", 5)
    page.locator(".wbk").get_by_text(re.compile("Tags: note")).wait_for()
    for theme, is_light in (("JupyterLab Light", "true"), ("JupyterLab Dark", "false")):
        notebook.command("apputils:change-theme", theme=theme)
        page.wait_for_selector(f"body[data-jp-theme-light={is_light}][data-jp-theme-name='{theme}']", state="attached")
        ratio, text = page.evaluate(CONTRAST)
        shot(page, theme.split()[1].lower())
        assert ratio >= 4.5, f"{theme}: {text!r} has a contrast of {ratio:.2f}"
    for gate in gates:
        gate.open()
    page.locator(".werkbank-run").get_by_text("Completed", exact=True).first.wait_for()
    notebook.stop_kernels()


def test_a_notebook_that_nobody_watches(jupyter, browser, gates, tmp_path, shot):
    """nbclient runs it, nbconvert makes a web page of it; that page is read without scripts and without a network."""
    path = write_notebook(tmp_path / "unwatched.ipynb", cells_for(tmp_path, gates, "unwatched"))
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", str(path)]
    with open(tmp_path / "nbconvert.log", "w") as log:
        process = subprocess.Popen(command, env=jupyter.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for gate in gates:
            gate.open()
        assert process.wait(PATIENCE_S) == 0, (tmp_path / "nbconvert.log").read_text()
    context = browser.new_context(java_script_enabled=False, offline=True, viewport={"width": 1000, "height": 1400})
    page = context.new_page()
    page.goto(path.with_suffix(".html").as_uri())
    still = page.locator(".werkbank-run")
    assert still.get_by_text("Completed", exact=True).first.is_visible()
    assert still.get_by_role("img", name=re.compile("^Chart of loss, 6 values")).is_visible()
    assert still.get_by_text("the end").is_visible() and still.get_by_role("row", name=re.compile("part.*Completed")).is_visible()
    assert page.get_by_role("row", name=re.compile("unwatched.*azureml.scriptrun.*werkbank run show")).is_visible()
    shot(page, "html")
    context.close()
