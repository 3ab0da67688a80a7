"use strict";

const numberOf = (text) => {
  const found = /-?\d[\d,]*\.?\d*/.exec(text.replace("\u2212", "-"));
  return found ? Number(found[0].replaceAll(",", "")) : NaN;
};

function compare(a, b, direction) {
  if (a === "" || b === "") return (a === "") - (b === ""); // What is missing stays at the end.
  const [x, y] = [numberOf(a), numberOf(b)];
  const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  return direction * order;
}

// A table of texts whose columns sort. Rows of one section stay together. `order` is kept by the
// caller: the head of the column that sorts, and 1 or -1. At most `most` rows are shown.
function sortable({ caption, heads, rows, order, cell, texts = 0, most = Infinity }) {
  const table = make("table", {}, captionOf(caption));
  const head = make("tr");
  const parts = [...new Set(rows.map((row) => row.section || 0))].map((section) => [section, make("tbody")]);
  const line = (row) => {
    const cells = row.cells.map((text, i) => cell(text, i, row));
    return make("tr", {}, make("th", { scope: "row" }, ...breakable(row.label)), ...cells);
  };
  const made = new Map();
  const lineOf = (row) => made.get(row) || made.set(row, line(row)).get(row);
  const text = (row, column) => (column ? row.cells[column - 1] : row.label);
  const fill = () => {
    const column = heads.indexOf(order.head);
    const by = (a, b) => compare(text(a, column), text(b, column), order.direction);
    const sorted = (column < 0 ? rows : [...rows].sort(by)).slice(0, most);
    for (const [section, body] of parts) body.replaceChildren(...sorted.filter((row) => (row.section || 0) === section).map(lineOf));
    [...head.children].forEach((th, i) => {
      th.setAttribute("aria-sort", i !== column ? "none" : order.direction > 0 ? "ascending" : "descending");
    });
  };
  heads.forEach((name, i) => {
    const first = i > texts && !DATA.falling ? -1 : 1;
    const button = make("button", { type: "button" }, name);
    button.addEventListener("click", () => {
      const again = order.head === name;
      order.direction = again ? -order.direction : first;
      order.head = again && order.direction === first ? "" : name; // A third press: as in the file.
      fill();
      say(order.head ? `sorted by ${name}, ${order.direction > 0 ? "ascending" : "descending"}` : "not sorted");
    });
    head.append(make("th", { scope: "col", class: i && i <= texts ? "text" : undefined }, button));
  });
  table.append(make("thead", {}, head), ...parts.map(([, body]) => body));
  fill();
  return table;
}

const plainCell = (text) => make("td", {}, text);

function numberCell(text, best) {
  const [number, ...rest] = text.split(/(?= [±\[(])/);
  const shown = best ? make("strong", { title: "best of its column, or not separable from it" }, number) : number;
  return make("td", {}, shown, make("span", { class: "spread" }, rest.join("")));
}

function tableOf(table, { stub = "method", columns, heads }, order) {
  const rows = table.labels.map((label, i) => ({
    label,
    section: table.sections[i],
    cells: [...columns.map((c) => table.cells[i][c]), table.seeds[i]],
    best: columns.map((c) => table.best[i].includes(c)),
  }));
  const cell = (text, i, row) => numberCell(text, row.best[i]);
  return sortable({ caption: table.title, heads: [stub, ...heads, "seeds"], rows, order, cell });
}

const wholeOf = (table) => ({ columns: table.heads.map((_, i) => i), heads: table.heads });
const notesOf = (table) => make("ul", { class: "notes" }, ...table.notes.map((note) => make("li", {}, note)));

const chosen = { by: Object.keys(DATA.tables)[0], listeners: [] };
const seesLabels = (name) => ["oracle", "few_shot"].includes(name);
const selectorOptions = Object.keys(DATA.tables).map((name) => [name, seesLabels(name) ? `${name} ‡` : name]);

sections.accuracy = (body) => {
  const order = { head: "", direction: -1 };
  const place = make("div");
  const about = make("p", { class: "said" });
  const groups = DATA.tables[chosen.by].groups;
  let group = groups.length - 1;
  let spread = "deviation";
  const draw = () => {
    const whole = DATA.tables[chosen.by];
    const table = spread === "interval" ? { ...whole, ...whole.interval } : whole;
    const part = table.groups[group] || wholeOf(table);
    about.textContent = DATA.selectors[chosen.by] || "";
    const how = `${chosen.by === "last" ? "" : ` --chosen-by ${chosen.by}`}${spread === "interval" ? " --interval" : ""}`;
    const again = make("p", { class: "said" }, "The same table: ", make("code", {}, DATA.command + how));
    place.replaceChildren(scrollable("Accuracy", tableOf(table, part, order), "scroll tall"), notesOf(table), again);
  };
  const names = groups.map(({ stub }, i) => [i, stub === "average from" ? "averages" : stub]).reverse();
  body.append(
    make(
      "div",
      { class: "controls" },
      choose("Evaluation chosen by", selectorOptions, chosen.by, (name) => {
        chosen.by = name;
        draw();
        chosen.listeners.forEach((again) => again());
        say(`evaluations are those that ${name} chooses`);
      }),
      ...(groups.length > 1
        ? [choose("Columns", [...names, [groups.length, "all"]], group, (i) => {
            group = Number(i);
            draw();
          })]
        : []),
      choose("Next to means", [["deviation", "± deviation over seeds"], ["interval", "95 % intervals"]], spread, (name) => {
        spread = name;
        draw();
      }),
    ),
    about,
    place,
  );
  draw();
};

sections.selectors = (body) => {
  const table = DATA.by_selector;
  if (typeof table === "string") return void body.append(missing(table));
  const order = { head: "", direction: -1 };
  body.append(scrollable("By selector", tableOf(table, wholeOf(table), order), "scroll tall"), notesOf(table));
};

sections.runs = (body) => {
  const { runs } = DATA;
  const order = { head: "", direction: -1 };
  const place = make("div");
  const scores = runs.values.target_accuracy;
  const [last, best] = [(v) => v.at(-1), (v) => Math.max(...v)].map((of) => (i) => (scores && scores[i] ? of(scores[i]).toFixed(1) : ""));
  const cellsOf = (i) => [DATA.rows[runs.row[i]], DATA.tasks[runs.task[i]], runs.differs[i], String(runs.seed[i]), last(i), best(i), String(runs.seconds[i])];
  const once = runs.id.map((id, i) => [id, i]).filter(([id, i]) => runs.id.indexOf(id) === i);
  const rows = once.map(([id, i]) => ({ label: id, cells: cellsOf(i) }));
  const heads = ["run", "row", "task", "settings", "seed", "last", "highest ‡", "seconds"];
  let [most, wanted] = [100, []];
  const draw = () => {
    const has = (row) => wanted.every((word) => [row.label, ...row.cells.slice(0, 3)].join(" ").toLowerCase().includes(word));
    const found = rows.filter(has);
    const cell = (text, i) => make("td", { class: i < 3 ? "text" : undefined }, text);
    const caption = `${found.length} runs${found.length > most ? `, the first ${most}` : ""}`;
    const table = sortable({ caption, heads, rows: found, order, cell, texts: 3, most });
    const more = make("button", { type: "button", class: "more" }, `Show ${Math.min(found.length - most, 400)} more`);
    more.addEventListener("click", () => {
      most += 400;
      draw();
    });
    place.replaceChildren(scrollable("Runs", table, "scroll tall"), ...(found.length > most ? [make("p", {}, more)] : []));
  };
  const filter = make("input", { type: "search", placeholder: "dann emoji:noto" });
  filter.addEventListener("input", () => {
    [most, wanted] = [100, filter.value.toLowerCase().split(/\s+/)];
    draw();
  });
  body.append(make("div", { class: "controls" }, make("label", {}, "Runs with these words", filter)), place);
  draw();
};
