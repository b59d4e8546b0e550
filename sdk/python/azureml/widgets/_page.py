"""A run as plain HTML: what a saved notebook shows, with no script and no kernel.

Names, tags, logs and messages are written by strangers: all text goes through escape(), a chart is an image, which runs nothing.
"""

from base64 import b64encode
from html import escape as _escape

from azureml._werkbank.notebook_table import link_cell
from azureml.widgets._state import duration_text, value_text

_WIDTH, _HEIGHT = 320, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 12, 26
_COLORS = ("#1b6ec2", "#b4480b", "#2b7a3d", "#8e3fa8", "#b3261e", "#5c6066")
_MARKED_POINTS = 40
_LOG_CHARACTERS = 12000

_STATUS_COLORS = {"Completed": "#1e6b33", "Failed": "#a3221b", "Canceled": "#5c4a00"}
_MARKS = {"done": "\u2713", "now": "\u25b6", "failed": "\u2717", "todo": "\u25cb"}
_MARK_WORDS = {"done": "done", "now": "under way", "failed": "failed", "todo": "to come"}


def escape(text):
    """Text for HTML, in an element or a quoted attribute."""
    return _escape("{}".format(text), quote=True)


def _scale(values):
    low, high = min(values), max(values)
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def chart_svg(chart):
    """A metric's chart as a picture of its own."""
    points = [point for series in chart["series"] for point in series["points"]]
    (x0, x1), (y0, y1) = _scale([point[0] for point in points]), _scale([point[1] for point in points])

    def place(point):
        x = _LEFT + (point[0] - x0) / (x1 - x0) * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BOTTOM - (point[1] - y0) / (y1 - y0) * (_HEIGHT - _TOP - _BOTTOM)
        return "{:.1f},{:.1f}".format(x, y)

    text = '<text x="{}" y="{}" text-anchor="{}" font-family="sans-serif" font-size="11" fill="#333">{}</text>'
    drawn = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}">'.format(_WIDTH, _HEIGHT),
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<path d="M{0} {1}V{2}H{3}" fill="none" stroke="#767676"/>'.format(_LEFT, _TOP, _HEIGHT - _BOTTOM, _WIDTH - _RIGHT),
        text.format(_LEFT - 5, _TOP + 8, "end", escape(value_text(y1))),
        text.format(_LEFT - 5, _HEIGHT - _BOTTOM, "end", escape(value_text(y0))),
        text.format(_LEFT, _HEIGHT - 10, "start", escape(value_text(x0))),
        text.format(_WIDTH - _RIGHT, _HEIGHT - 10, "end", escape(value_text(x1))),
    ]
    for index, series in enumerate(chart["series"]):
        color = _COLORS[index % len(_COLORS)]
        places = [place(point) for point in series["points"]]
        drawn.append('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"/>'.format(" ".join(places), color))
        if len(places) <= _MARKED_POINTS:
            circle = '<circle cx="{}" cy="{}" r="2.5" fill="{}"/>'
            drawn += [circle.format(each.split(",")[0], each.split(",")[1], color) for each in places]
    return "".join(drawn) + "</svg>"


def chart_text(chart):
    """What a chart shows, for those who do not see it."""
    parts = []
    for series in chart["series"]:
        heights = [point[1] for point in series["points"]]
        name = "{}: ".format(series["name"]) if series["name"] else ""
        parts.append("{}from {} to {}".format(name, value_text(min(heights)), value_text(max(heights))))
    return "Chart of {}, {} values, {}".format(chart["name"], chart["count"], "; ".join(parts))


def _charts(charts):
    figures = []
    for chart in charts:
        if not chart["series"]:
            continue
        image = b64encode(chart_svg(chart).encode("utf-8")).decode("ascii")
        names = [series["name"] for series in chart["series"] if series["name"]]
        legend = "".join(
            ' <span style="color:{}">\u25a0</span> {}'.format(_COLORS[index % len(_COLORS)], escape(name))
            for index, name in enumerate(names)
        )
        figures.append(
            '<figure style="display:inline-block;margin:0 12px 12px 0"><figcaption><b>{}</b>{}</figcaption>'
            '<img alt="{}" src="data:image/svg+xml;base64,{}" width="{}" height="{}"></figure>'.format(
                escape(chart["name"]), legend, escape(chart_text(chart)), image, _WIDTH, _HEIGHT
            )
        )
    return "<div>{}</div>".format("".join(figures)) if figures else ""


def table(caption, heads, rows):
    """A table; its cells are HTML already."""
    cell = '<td style="text-align:left">{}</td>'
    body = "".join("<tr>{}</tr>".format("".join(cell.format(each) for each in row)) for row in rows)
    head = "".join('<th scope="col" style="text-align:left">{}</th>'.format(escape(each)) for each in heads)
    return (
        '<table><caption style="text-align:left"><b>{}</b></caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'.format(
            escape(caption), head, body
        )
    )


def _metrics(charts):
    rows = []
    for chart in charts:
        for column, last in chart["last"]:
            name = "{}.{}".format(chart["name"], column) if column else chart["name"]
            rows.append((escape(name), escape(last), escape(chart["count"])))
    return table("Metrics", ("Name", "Last value", "Values"), rows) if rows else ""


def _logs(logs):
    found = []
    for index, log in enumerate(logs):
        text = log["text"][-_LOG_CHARACTERS:]
        cut = log["cut"] or len(text) < len(log["text"])
        box = (
            '<pre tabindex="0" style="max-height:24em;overflow:auto;white-space:pre-wrap;font-family:monospace">{}</pre>'.format(
                escape(text)
            )
        )
        is_open = " open" if index == len(logs) - 1 else ""
        summary = escape(log["label"]) + (" (its end)" if cut else "")
        found.append("<details{}><summary>{}</summary>{}</details>".format(is_open, summary, box))
    return "<div><b>Logs</b>{}</div>".format("".join(found)) if found else ""


def _phases(phases):
    items = [
        "<span>{} {} <small>({})</small></span>".format(
            _MARKS[phase["state"]], escape(phase["name"]), _MARK_WORDS[phase["state"]]
        )
        for phase in phases
    ]
    return "<p>{}</p>".format(" \u2192 ".join(items)) if items else ""


def _head(facts):
    color = _STATUS_COLORS.get(facts["status"], "#1a5a9c")
    badge = '<span style="background:{};color:#fff;padding:2px 8px;border-radius:9px">{}</span>'.format(
        color, escape(facts["status"] or "unknown")
    )
    said = [badge, "<b>{}</b>".format(escape(facts["id"]))]
    if facts["experiment"]:
        said.append("experiment {}".format(escape(facts["experiment"])))
    if facts["target"]:
        said.append("on {}".format(escape(facts["target"])))
    if facts["ran"] is not None:
        said.append("duration {}".format(duration_text(facts["ran"])))
    return "<p>{} \u00b7 {}</p>".format(" \u00b7 ".join(said), link_cell(facts["link"], facts["command"]))


def _notes(facts):
    said = []
    error = facts["error"]
    if error:
        said.append("<p><b>Error:</b> {}</p>".format(escape(error["message"] or "the run failed without telling why")))
        if error["hint"]:
            said.append("<p>{}</p>".format(escape(error["hint"])))
    said += ["<p>Warning: {}</p>".format(escape(text)) for text in facts["warnings"]]
    said += ["<p>{}</p>".format(escape(text)) for text in (facts["note"], facts["trouble"]) if text]
    if facts["tags"]:
        said.append("<p>Tags: {}</p>".format(", ".join("{}: {}".format(escape(k), escape(v)) for k, v in facts["tags"])))
    return "".join(said)


def run_html(whole):
    """One run."""
    children = [
        (escape(row["name"]), escape(row["id"]), escape(row["status"]), escape(row["duration"])) for row in whole["children"]
    ]
    facts = whole["facts"]
    when = "" if facts["isFinal"] else "<p><small>As of {}; the run goes on.</small></p>".format(_clock(facts["asOf"]))
    return '<section aria-label="Run {}">{}{}{}{}{}{}{}{}</section>'.format(
        escape(facts["id"]),
        _head(facts),
        _phases(facts["phases"]),
        _notes(facts),
        _charts(whole["charts"]),
        _metrics(whole["charts"]),
        table("Child runs", ("Name", "Id", "Status", "Duration"), children) if children else "",
        _logs(whole["logs"]),
        when,
    )


def _clock(seconds):
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def page(wholes, hint=""):
    """All runs, one after the other; `hint` is a line below them."""
    below = "<p><small>{}</small></p>".format(escape(hint)) if hint else ""
    return '<div class="werkbank-run">{}{}</div>'.format("<hr>".join(run_html(whole) for whole in wholes), below)


def text(wholes):
    """The same in a few lines of text."""
    lines = []
    for whole in wholes:
        facts = whole["facts"]
        lines += [
            "RunId: {}".format(facts["id"]),
            "Experiment: {}".format(facts["experiment"]),
            "Status: {}".format(facts["status"]),
        ]
        if facts["note"]:
            lines.append(facts["note"])
        if facts["error"]:
            lines.append("Error: {}".format(facts["error"]["message"]))
        lines += ["Web View: {}".format(facts["link"] or facts["command"]), ""]
    return "\n".join(lines).rstrip("\n")
