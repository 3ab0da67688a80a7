"use strict";

// Plotly is megabytes of code, which the page holds packed until the first figure.
let library;

async function unpack(id) {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

function plotly() {
  library ??= unpack("plotly").then((code) => {
    document.head.append(make("script", {}, code));
    return window.Plotly;
  });
  return library;
}

// Paper is as wide as it is, whatever the window was.
function resize(width) {
  for (const plot of drawn.keys()) if (plot.data) window.Plotly.relayout(plot, width ? { width } : { autosize: true, width: null });
}

addEventListener("afterprint", () => resize(0));
addEventListener("load", () => setTimeout(plotly, 1000)); // Then a print has its figures at once.

function axis(title, more = {}) {
  const [line, gray] = [color("line"), color("gray")];
  return { title: { text: title }, gridcolor: line, zerolinecolor: line, linecolor: line, tickcolor: gray, automargin: true, ...more };
}

function draw(place, describe) {
  const again = async () => {
    const { react } = await plotly();
    const { traces, layout } = describe();
    const font = { color: color("ink"), family: getComputedStyle(document.body).fontFamily, size: 13 };
    const shared = {
      font,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 10, r: 10, t: 10, b: 10 },
      hoverlabel: { bgcolor: color("card"), bordercolor: color("gray"), font },
      showlegend: false,
    };
    const how = { displaylogo: false, responsive: true, displayModeBar: false };
    react(place, traces, { ...shared, ...layout }, how);
  };
  drawn.set(place, again);
  again();
  return again;
}

function figure(body, label, { controls = [], said, beside, wide } = {}) {
  const plot = make("div", { class: "plot", role: "img", "aria-label": label, style: wide && `min-width: ${wide}rem` });
  const caption = make("figcaption", {}, said || "");
  const shown = make("figure", {}, wide ? scrollable(label, plot) : plot, caption);
  body.append(make("div", { class: "controls" }, ...controls), beside ? make("div", { class: "split" }, shown, beside) : shown);
  return { plot, caption };
}

const taskOptions = DATA.tasks.map((task, i) => [i, task]);
const fair = (i) => DATA.sections[i] === 0;
// On a dark page, colors are mixed with white.
function lighter(hex) {
  const mixed = [1, 3, 5].map((i) => Math.round(0.7 * parseInt(hex.slice(i, i + 2), 16) + 0.3 * 255));
  return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

const pens = (i) => {
  const each = DATA.colors.map((c) => (c === "#000000" ? color("ink") : isDark() ? lighter(c) : c));
  return { color: each[i % each.length], dash: ["solid", "dash", "dot", "dashdot"][Math.floor(i / each.length) % 4] };
};

sections.tasks = (body) => {
  if (DATA.tasks.length < 2) return void body.append(missing("The experiment has one task: the table above has its numbers."));
  let against = "";
  const values = () => {
    const table = DATA.tables[chosen.by];
    const shown = table.labels.map((_, i) => i).filter((i) => table.sections[i] < 2);
    const of = (i) => DATA.tasks.map((_, c) => (table.cells[i][c] ? numberOf(table.cells[i][c]) : null));
    const base = against === "" ? null : of(Number(against));
    const z = shown.map((i) => of(i).map((v, c) => (base && v !== null && base[c] !== null ? v - base[c] : base ? null : v)));
    return { labels: shown.map((i) => table.labels[i]), z };
  };
  const describe = () => {
    const { labels, z } = values();
    const most = Math.max(...z.flat().map((v) => Math.abs(v || 0)), 1);
    const range = against === "" ? {} : { zmin: -most, zmax: most };
    const [paper, cold, warm] = [color("paper"), color("accent"), color("warm")];
    const scale = against === "" ? [[0, paper], [1, cold]] : [[0, warm], [0.5, paper], [1, cold]];
    const sign = against === "" ? ".1f" : "+.1f";
    const short = (v) => (v === null ? "" : against === "" || !Math.round(v) ? String(Math.abs(Math.round(v))) : `${v > 0 ? "+" : "\u2212"}${Math.abs(Math.round(v))}`);
    const trace = {
      type: "heatmap", x: DATA.tasks, y: labels, z, colorscale: scale, ...range, xgap: 1, ygap: 1, hoverongaps: false,
      hovertemplate: `%{y}<br>%{x}: %{z:${sign}}<extra></extra>`,
      text: z.map((line) => line.map(short)), texttemplate: DATA.tasks.length <= 24 ? "%{text}" : "", textfont: { size: 10 },
      colorbar: { thickness: 10, outlinewidth: 0, title: { text: "%", side: "top" } },
    };
    const layout = {
      height: 130 + 19 * labels.length,
      xaxis: axis("", { side: "top", tickangle: -55, showgrid: false }),
      yaxis: axis("", { autorange: "reversed", showgrid: false, tickfont: { size: 11 } }),
    };
    return { traces: [trace], layout };
  };
  const names = DATA.rows.map((name, i) => [i, `difference from ${name}`]);
  const { plot, caption } = figure(body, `${DATA.what} of each row on each task, as in the table above`, {
    controls: [choose("Shown", [["", DATA.what], ...names], "", (value) => {
      against = value;
      again();
    })],
    wide: 14 + 1.9 * DATA.tasks.length,
  });
  const again = () => {
    caption.textContent = `Evaluations chosen by ${chosen.by}. The same numbers are in the first table, under Columns: all.`;
    redraw();
  };
  const redraw = draw(plot, describe);
  again();
  chosen.listeners.push(again);
};

// Of each step that all runs have: the mean over tasks and seeds, and the deviation over seeds.
function curveOf(row, task, key) {
  const { runs } = DATA;
  const values = runs.values[key];
  const own = runs.row.map((r, i) => i).filter((i) => runs.row[i] === row && (task < 0 || runs.task[i] === task) && values[i]);
  if (!own.length) return null;
  const stepsOf = (i) => runs.grids[runs.grid[i]];
  const steps = stepsOf(own[0]).filter((step) => own.every((i) => stepsOf(i).includes(step)));
  const at = (i, step) => values[i][stepsOf(i).indexOf(step)];
  const seeds = [...new Set(own.map((i) => runs.seed[i]))];
  const points = steps.map((step) => {
    const bySeed = seeds.map((seed) => own.filter((i) => runs.seed[i] === seed).map((i) => at(i, step)));
    const each = bySeed.map((list) => list.filter((v) => v !== null)).filter((list) => list.length).map(mean);
    return each.length ? [step, mean(each), deviation(each)] : null;
  });
  return points.filter(Boolean);
}

function band(points, pen) {
  const x = [...points.map((p) => p[0]), ...points.map((p) => p[0]).reverse()];
  const y = [...points.map((p) => p[1] + p[2]), ...points.map((p) => p[1] - p[2]).reverse()];
  return { x, y, fill: "toself", mode: "none", fillcolor: pen.color, opacity: 0.15, hoverinfo: "skip", showlegend: false };
}

sections.curves = (body) => {
  if (DATA.runs.grids.every((steps) => steps.length < 2)) return void body.append(missing("Every run has a single evaluation, so there is no curve."));
  const keys = Object.keys(DATA.runs.values);
  const shown = new Set(DATA.first_rows);
  let [key, task] = [keys[0], -1];
  const describe = () => {
    const traces = [];
    [...shown].forEach((row, i) => {
      const points = curveOf(row, task, key);
      if (!points || !points.length) return;
      const pen = pens(i);
      if (points.length > 1) traces.push(band(points, pen));
      const hovertemplate = `${DATA.rows[row]}<br>step %{x}: %{y:.4~g} ± %{customdata:.2~g}<extra></extra>`;
      traces.push({
        x: points.map((p) => p[0]), y: points.map((p) => p[1]), customdata: points.map((p) => p[2]),
        name: DATA.rows[row], mode: "lines+markers", line: { ...pen, width: 2 }, marker: { size: 5, color: pen.color }, hovertemplate, showlegend: true,
      });
    });
    const legend = { orientation: "h", y: -0.2, font: { size: 12 } };
    return { traces, layout: { height: 460, xaxis: axis("step"), yaxis: axis(DATA.axes[key]), legend, showlegend: true } };
  };
  const boxes = DATA.rows.map((name, row) => {
    const box = make("input", { type: "checkbox", checked: shown.has(row) });
    box.addEventListener("change", () => {
      shown[box.checked ? "add" : "delete"](row);
      again();
    });
    return make("label", {}, box, name);
  });
  const { plot } = figure(body, "Curves of the rows that are checked", {
    controls: [
      choose("Quantity", keys.map((k) => [k, DATA.axes[k]]), key, (value) => {
        key = value;
        again();
      }),
      choose("Task", [...(DATA.tasks.length > 1 ? [[-1, "mean of all"]] : []), ...taskOptions], DATA.tasks.length > 1 ? -1 : 0, (value) => {
        task = Number(value);
        again();
      }),
    ],
    said: "Lines are means over tasks and seeds. Bands are one standard deviation over seeds.",
    beside: make("fieldset", {}, make("legend", {}, "Rows"), make("div", { class: "rows" }, ...boxes)),
  });
  const again = draw(plot, describe);
};

// Ranks from 1; equal values share the mean of theirs.
function ranks(values) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = new Array(values.length);
  for (let i = 0; i < order.length; ) {
    let j = i;
    while (j + 1 < order.length && values[order[j + 1]] === values[order[i]]) j += 1;
    for (let k = i; k <= j; k += 1) found[order[k]] = (i + j) / 2 + 1;
    i = j + 1;
  }
  return found;
}

function correlation(a, b) {
  const [x, y] = [ranks(a), ranks(b)];
  const [mx, my] = [mean(x), mean(y)];
  const sum = (f) => x.reduce((total, _, i) => total + f(i), 0);
  return sum((i) => (x[i] - mx) * (y[i] - my)) / Math.sqrt(sum((i) => (x[i] - mx) ** 2) * sum((i) => (y[i] - my) ** 2));
}

function evaluationsOf(key, task) {
  const { runs } = DATA;
  const found = [];
  runs.id.forEach((id, i) => {
    const [scores, reached] = [runs.values[key][i], runs.values.target_accuracy[i]];
    if (runs.task[i] !== task || !fair(runs.row[i]) || !scores || !reached) return;
    runs.grids[runs.grid[i]].forEach((step, k) => {
      if (scores[k] !== null && reached[k] !== null) found.push({ row: runs.row[i], id, seed: runs.seed[i], step, x: scores[k], y: reached[k] });
    });
  });
  return found;
}

sections.scores = (body) => {
  const keys = Object.keys(DATA.runs.values).filter((k) => !k.includes("/") && k !== "target_accuracy");
  if (!DATA.runs.values.target_accuracy || !keys.length) return void body.append(missing("These runs have no score next to a target accuracy."));
  let [key, task, row] = [keys.includes("infomax") ? "infomax" : keys[0], 0, -1];
  const nameOf = (p) => `${DATA.rows[p.row]}, seed ${p.seed}, step ${p.step}`;
  const top = (points, of) => points.reduce((a, b) => (of(b) > of(a) ? b : a));
  const describe = () => {
    const points = evaluationsOf(key, task);
    if (!points.length) return { traces: [], layout: {} };
    const better = DATA.falling ? -1 : 1;
    const [pick, best] = [top(points, (p) => p.x), top(points, (p) => better * p.y)];
    const part = (own, marker, name) => ({
      x: own.map((p) => p.x), y: own.map((p) => p.y), text: own.map(nameOf), mode: "markers", marker, name, showlegend: true,
      hovertemplate: "%{text}<br>score %{x:.4~g}, %{y:.1f} %<extra></extra>",
    });
    const traces = [part(points.filter((p) => p.row !== row), { size: 6, color: color("rest"), opacity: 0.8 }, row < 0 ? "an evaluation" : "other rows")];
    if (row >= 0) traces.push(part(points.filter((p) => p.row === row), { size: 8, color: color("accent") }, DATA.rows[row]));
    traces.push(part([best], { size: 15, color: color("warm"), symbol: "star" }, "best"));
    traces.push(part([pick], { size: 12, color: color("ink"), symbol: "diamond-open", line: { width: 2 } }, `chosen by ${key}`));
    const rank = correlation(points.map((p) => p.x), points.map((p) => p.y));
    caption.textContent =
      `Of ${points.length} evaluations, ${key} chooses ${nameOf(pick)}: ${pick.y.toFixed(1)} %. The best has ${best.y.toFixed(1)} %, ` +
      `${nameOf(best)}. Rank correlation (Spearman): ${Number.isNaN(rank) ? "none, as one of them is constant" : rank.toFixed(2)}.`;
    const legend = { orientation: "h", y: -0.2 };
    return { traces, layout: { height: 460, xaxis: axis(DATA.axes[key]), yaxis: axis(DATA.axes.target_accuracy), legend, showlegend: true } };
  };
  const change = (set) => (value) => {
    set(value);
    again();
  };
  const rows = DATA.rows.map((name, i) => [i, name]).filter(([i]) => fair(i));
  const { plot, caption } = figure(body, "Score of each evaluation against its target accuracy", {
    controls: [
      choose("Score", keys.map((k) => [k, k]), key, change((value) => (key = value))),
      choose("Task", taskOptions, task, change((value) => (task = Number(value)))),
      choose("Highlight", [[-1, "no row"], ...rows], row, change((value) => (row = Number(value)))),
    ],
  });
  const again = draw(plot, describe);
};
