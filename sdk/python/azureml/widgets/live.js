// The live view of runs: draws what the kernel says (facts, charts, children, logs; one entry per run in each).
// Everything comes from strangers, so it only ever becomes text: no markup is made of it.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320, HEIGHT = 170, LEFT = 56, RIGHT = 12, TOP = 10, BOTTOM = 24, COLORS = 6, MARKED = 40;
const MARKS = { done: "✓", now: "▶", failed: "✗", todo: "○" };
const WORDS = { done: "done", now: "under way", failed: "failed", todo: "to come" };

function make(tag, properties = {}, ...inside) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node && name !== "role") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...inside);
  return node;
}

function draw(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function shortNumber(value) {
  return String(Number(value.toPrecision(6)));
}

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

function range(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function link(url, text) {
  return /^https?:\/\//i.test(url) ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text) : null;
}

function makeTable(caption, heads) {
  const body = make("tbody");
  const head = make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, name)));
  return { node: make("table", { hidden: true }, make("caption", {}, caption), make("thead", {}, head), body), body };
}

function fillTable(table, rows) {
  table.node.hidden = rows.length === 0;
  table.body.replaceChildren(...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, String(cell))))));
}

// One metric with a curve. Left and right arrow (Home, End) or the mouse go from point to point and read it out.
class Chart {
  constructor(name) {
    this.title = make("b", {}, name);
    this.keys = make("span");
    this.svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", tabindex: "0" });
    this.said = make("div", { className: "wbk-said" });
    this.node = make("figure", {}, make("figcaption", {}, this.title, this.keys), this.svg, this.said);
    this.at = null;
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("mousemove", (event) => this.point(event));
    // Read aloud only while somebody goes through the points: new values of many charts would never end.
    this.svg.addEventListener("focus", () => this.said.setAttribute("aria-live", "polite"));
    this.svg.addEventListener("blur", () => this.said.removeAttribute("aria-live"));
    this.svg.addEventListener("blur", () => this.choose(null));
    this.svg.addEventListener("mouseleave", () => this.svg.matches(":focus") || this.choose(null));
  }

  update(chart) {
    this.chart = chart;
    this.points = chart.series.flatMap((series, index) => series.points.map(([x, y]) => ({ x, y, name: series.name, index })));
    this.x = range(this.points.map((point) => point.x));
    this.y = range(this.points.map((point) => point.y));
    const [low, high] = this.y;
    const named = chart.series.filter((series) => series.name);
    this.keys.replaceChildren(...named.flatMap((series) => [
      make("span", { className: "wbk-key", style: `background: ${this.color(chart.series.indexOf(series))}` }),
      series.name,
    ]));
    const shown = `Chart of ${chart.name}, ${chart.count} values, ${this.last()}.`;
    this.svg.setAttribute("aria-label", `${shown} Arrow keys read single values.`);
    this.svg.replaceChildren(
      draw("path", { d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}`, fill: "none", stroke: "var(--wbk-line)" }),
      draw("text", { x: LEFT - 5, y: TOP + 8, "text-anchor": "end" }, shortNumber(high)),
      draw("text", { x: LEFT - 5, y: HEIGHT - BOTTOM, "text-anchor": "end" }, shortNumber(low)),
      draw("text", { x: LEFT, y: HEIGHT - 8 }, shortNumber(this.x[0])),
      draw("text", { x: WIDTH - RIGHT, y: HEIGHT - 8, "text-anchor": "end" }, shortNumber(this.x[1])),
    );
    chart.series.forEach((series, index) => {
      const places = series.points.map(([x, y]) => this.place({ x, y }));
      this.svg.append(draw("polyline", {
        points: places.map((place) => place.map((each) => each.toFixed(1)).join(",")).join(" "),
        fill: "none", stroke: this.color(index), "stroke-width": "2",
      }));
      if (places.length <= MARKED) {
        this.svg.append(...places.map(([x, y]) => draw("circle", { cx: x, cy: y, r: "2.5", fill: this.color(index) })));
      }
    });
    this.cursor = draw("circle", { r: "5", fill: "none", stroke: "var(--wbk-text)", "stroke-width": "2", visibility: "hidden" });
    this.svg.append(this.cursor);
    this.choose(this.at === null ? null : Math.min(this.at, this.points.length - 1));
  }

  last() {
    return `last: ${this.chart.last.map(([column, value]) => (column ? `${column} ${value}` : value)).join(", ")}`;
  }

  color(index) {
    return `var(--wbk-c${index % COLORS})`;
  }

  place({ x, y }) {
    return [
      LEFT + ((x - this.x[0]) / (this.x[1] - this.x[0])) * (WIDTH - LEFT - RIGHT),
      HEIGHT - BOTTOM - ((y - this.y[0]) / (this.y[1] - this.y[0])) * (HEIGHT - TOP - BOTTOM),
    ];
  }

  choose(at) {
    this.at = at;
    this.cursor.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at === null) return say(this.said, this.last());
    const point = this.points[at];
    const [x, y] = this.place(point);
    this.cursor.setAttribute("cx", x);
    this.cursor.setAttribute("cy", y);
    say(this.said, `${point.name ? point.name + " " : ""}${shortNumber(point.x)}: ${shortNumber(point.y)}`);
  }

  key(event) {
    const last = this.points.length - 1;
    const right = Math.min(last, (this.at ?? -1) + 1), left = Math.max(0, (this.at ?? last + 1) - 1);
    const moves = { ArrowRight: right, ArrowLeft: left, Home: 0, End: last };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    this.choose(moves[event.key]);
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH, y = ((event.clientY - box.top) / box.height) * HEIGHT;
    let nearest = 0, best = Infinity;
    this.points.forEach((point, index) => {
      const [px, py] = this.place(point);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < best) [best, nearest] = [distance, index];
    });
    this.choose(nearest);
  }
}

// One run.
class Panel {
  constructor() {
    this.status = make("span", { className: "wbk-status", role: "status" });
    this.id = make("b");
    this.where = make("span");
    this.time = make("span", { className: "wbk-time" });
    this.more = make("span", { className: "wbk-link" });
    this.phases = make("ol", { className: "wbk-phases", "aria-label": "Phases" });
    this.notes = make("div", { className: "wbk-notes" });
    this.charts_ = make("div", { className: "wbk-charts" });
    this.drawn = new Map();
    this.values = makeTable("Metrics", ["Name", "Last value", "Values"]);
    this.family = makeTable("Child runs", ["Name", "Id", "Status", "Duration"]);
    this.choice = make("select");
    this.choices = make("label", { hidden: true }, "Log: ", this.choice);
    this.text = document.createTextNode("");
    this.log = make("pre", { role: "log", "aria-live": "off", tabIndex: 0, hidden: true }, this.text);
    this.log.setAttribute("aria-label", "Log");
    this.cut = make("small", { hidden: true }, "The beginning of this log is left out.");
    this.chosen = null;
    this.streams = [];
    this.choice.addEventListener("change", () => {
      this.chosen = this.choice.value;
      this.showLog(true);
    });
    const head = make("div", { className: "wbk-head" }, this.status, this.id, this.where, this.time, this.more);
    const tables = [this.values.node, this.family.node];
    this.node = make("section", {}, head, this.phases, this.notes, this.charts_, ...tables, this.choices, this.cut, this.log);
  }

  facts(facts) {
    this.seen = { ...facts, at: Date.now() / 1000 };
    this.node.setAttribute("aria-label", `Run ${facts.id}`);
    say(this.status, facts.status);
    this.status.dataset.status = facts.status;
    say(this.id, facts.id);
    const where = [facts.experiment && `experiment ${facts.experiment}`, facts.target && `on ${facts.target}`];
    say(this.where, where.filter(Boolean).join(", "));
    this.tick();
    if (this.linked !== facts.link + facts.command) {
      this.linked = facts.link + facts.command;
      this.more.replaceChildren(link(facts.link, "Link to Werkbank studio") || make("code", {}, facts.command));
    }
    this.phases.hidden = facts.phases.length === 0;
    this.phases.replaceChildren(...facts.phases.map(({ name, state }) => {
      const item = make("li", {}, make("span", { "aria-hidden": "true" }, `${MARKS[state]} `), name);
      item.setAttribute("aria-label", `${name}: ${WORDS[state]}`);
      item.dataset.state = state;
      if (state === "now") item.setAttribute("aria-current", "step");
      return item;
    }));
    const notes = [facts.note, ...facts.warnings.map((text) => `Warning: ${text}`), facts.trouble];
    if (facts.tags.length) notes.push(`Tags: ${facts.tags.map(([name, value]) => `${name}: ${value}`).join(", ")}`);
    if (facts.error) notes.unshift(facts.error.hint);
    const error = facts.error ? [make("p", { className: "wbk-error" }, `Error: ${facts.error.message}`)] : [];
    this.notes.replaceChildren(...error, ...notes.filter(Boolean).map((text) => make("p", {}, text)));
  }

  tick() {
    const facts = this.seen;
    if (!facts || facts.ran === null) return say(this.time, "");
    say(this.time, clock(facts.ran + (facts.isFinal ? 0 : Date.now() / 1000 - facts.at)));
  }

  charts(charts) {
    for (const chart of charts) {
      if (chart.series.length === 0) continue;
      if (!this.drawn.has(chart.name)) {
        this.drawn.set(chart.name, new Chart(chart.name));
        this.charts_.append(this.drawn.get(chart.name).node);
      }
      this.drawn.get(chart.name).update(chart);
    }
    const name = (chart, column) => (column ? `${chart.name}.${column}` : chart.name);
    const rows = (chart) => chart.last.map(([column, value]) => [name(chart, column), value, chart.count]);
    fillTable(this.values, charts.flatMap(rows));
  }

  children(rows) {
    fillTable(this.family, rows.map((row) => [row.name, row.id, row.status, row.duration]));
  }

  logs(logs) {
    this.streams = logs;
    const labels = logs.map((log) => log.label);
    if ([...this.choice.options].map((option) => option.value).join("\n") !== labels.join("\n")) {
      this.choice.replaceChildren(...labels.map((label) => make("option", { value: label }, label)));
    }
    this.choices.hidden = labels.length < 2;
    this.showLog(false);
  }

  // The one that was chosen, otherwise the newest; it keeps to its end unless somebody has scrolled up.
  showLog(isOther) {
    const log = this.streams.find((each) => each.label === this.chosen) || this.streams[this.streams.length - 1];
    this.log.hidden = !log;
    this.cut.hidden = !log || !log.cut;
    if (!log) return;
    this.choice.value = log.label;
    this.log.setAttribute("aria-label", `Log ${log.label}`);
    const isAtEnd = isOther || this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 8;
    const shown = this.text.data;
    if (log.text.startsWith(shown)) this.text.appendData(log.text.slice(shown.length));
    else this.text.data = log.text;
    if (isAtEnd) this.log.scrollTop = this.log.scrollHeight;
  }
}

function render({ model, el }) {
  el.classList.add("wbk");
  const panels = [];
  const offs = [];
  for (const part of ["facts", "charts", "children", "logs"]) {
    const update = () => (model.get(part) || []).forEach((value, index) => {
      while (panels.length <= index) {
        panels.push(new Panel());
        el.append(panels[panels.length - 1].node);
      }
      panels[index][part](value);
    });
    model.on(`change:${part}`, update);
    offs.push(() => model.off(`change:${part}`, update));
    update();
  }
  const timer = setInterval(() => panels.forEach((panel) => panel.tick()), 1000);
  return () => {
    clearInterval(timer);
    offs.forEach((off) => off());
  };
}

export default { render };
