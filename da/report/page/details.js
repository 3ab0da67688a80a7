"use strict";

function matrix(classes, counts) {
  const sums = counts.map((line) => line.reduce((a, b) => a + b, 0));
  const head = make("tr", {}, make("th", { scope: "col" }, "true \\ predicted"), ...classes.map((name) => make("th", { scope: "col" }, name)));
  const lines = counts.map((line, i) => {
    const cells = line.map((count, j) => {
      const share = sums[i] ? count / sums[i] : 0;
      const style = `--share: ${share.toFixed(3)}; --shade: var(--${i === j ? "accent" : "warm"})`;
      const title = `${classes[i]} taken for ${classes[j]}: ${count} of ${sums[i]}`;
      return make("td", { style, title, class: share > 0.55 ? "most" : undefined }, count ? String(count) : "");
    });
    return make("tr", {}, make("th", { scope: "row" }, classes[i]), ...cells);
  });
  return make("table", { class: "matrix" }, captionOf("Images of each true class, by predicted class"), make("thead", {}, head), make("tbody", {}, ...lines));
}

function mostConfused(classes, counts) {
  const sums = counts.map((line) => line.reduce((a, b) => a + b, 0));
  const pairs = counts.flatMap((line, i) => line.map((n, j) => [n, i, j])).filter(([n, i, j]) => n && i !== j);
  const top = pairs.sort((a, b) => b[0] - a[0]).slice(0, 8);
  const lines = top.map(([n, i, j]) => make("li", {}, `${classes[i]} taken for ${classes[j]}: ${n} of ${sums[i]}`));
  return make("div", {}, make("h3", {}, "Most frequent"), make("ol", {}, ...lines));
}

sections.confusion = (body) => {
  const found = DATA.confusion;
  if (typeof found === "string") return void body.append(missing(found));
  const cells = [];
  for (let i = 0; i < found.cells.length; i += 5) cells.push(found.cells.slice(i, i + 5));
  const rows = [...new Set(cells.map(([row]) => row))].sort((a, b) => a - b);
  let row = DATA.first_rows.slice(1).find((r) => rows.includes(r)) ?? rows[0];
  let task = Number(Object.keys(found.classes)[0]);
  const place = make("div");
  const show = () => {
    const classes = found.classes[task];
    const counts = classes.map(() => classes.map(() => 0));
    for (const [r, t, i, j, n] of cells) if (r === row && t === task) counts[i][j] = n;
    const none = counts.flat().every((n) => n === 0);
    const parts = () => make("div", { class: "halves" }, scrollable("Confusion matrix", matrix(classes, counts)), mostConfused(classes, counts));
    place.replaceChildren(none ? missing("The runs of this row do not count which classes are confused.") : parts());
  };
  body.append(
    make(
      "div",
      { class: "controls" },
      choose("Row", rows.map((r) => [r, DATA.rows[r]]), row, (value) => {
        row = Number(value);
        show();
      }),
      choose("Task", Object.keys(found.classes).map((t) => [t, DATA.tasks[t]]), task, (value) => {
        task = Number(value);
        show();
      }),
    ),
    place,
  );
  show();
};

sections.features = (body) => {
  const found = DATA.features;
  if (typeof found === "string") return void body.append(missing(found));
  const first = found.maps.findIndex((m) => m.row === DATA.first_rows[1]);
  let map = found.maps[Math.max(first, 0)];
  const shapes = [["circle", "circle-open"], ["square", "square-open"], ["triangle-up", "triangle-up-open"], ["diamond", "diamond-open"]];
  const describe = () => {
    const traces = found.classes[map.task].flatMap((name, c) => ["source", "target"].map((side, k) => {
      const own = map[side];
      const at = own.y.map((_, i) => i).filter((i) => own.y[i] === c);
      const symbol = shapes[Math.floor(c / DATA.colors.length) % shapes.length][k];
      return {
        x: at.map((i) => own.x0[i]), y: at.map((i) => own.x1[i]), mode: "markers", name, showlegend: k === 0, legendgroup: name,
        marker: { symbol, size: k ? 8 : 6, opacity: k ? 0.95 : 0.6, color: pens(c).color }, hovertemplate: `${name}, ${side}<extra></extra>`,
      };
    }));
    const bare = { showticklabels: false, zeroline: false, ticks: "" };
    return { traces, layout: { height: 520, xaxis: axis("first component", bare), yaxis: axis("second component", bare), showlegend: true, legend: { orientation: "h", y: -0.1 } } };
  };
  const names = found.maps.map((m, i) => [i, `${DATA.rows[m.row]}, ${DATA.tasks[m.task]}, seed ${m.seed}`]);
  const { plot } = figure(body, "Features of source and target test images, by their two principal components", {
    controls: [choose("Run", names, Math.max(first, 0), (i) => {
      map = found.maps[i];
      again();
    })],
    said: found.said,
  });
  const again = draw(plot, describe);
};

function pictures(found, at, run) {
  const { classes } = found;
  return make("ul", { class: "images" }, ...at.map((i) => {
    const [before, after, true_] = [found.before[i], run.after[i], found.y[i]].map((c) => classes[c]);
    const image = make("img", { src: `data:image/jpeg;base64,${found.images[i]}`, alt: `test image ${found.places[i]}, a ${true_}`, width: 72, height: 72 });
    const kind = after === true_ ? "good" : before === true_ ? "bad" : "";
    return make("li", {}, image, make("b", {}, true_), make("br"), `${before} \u2192 `, make("span", { class: kind }, after));
  }));
}

sections.images = (body) => {
  const found = DATA.images;
  if (typeof found === "string") return void body.append(missing(found));
  const place = make("div");
  const show = (index) => {
    const run = found.runs[index];
    const changed = found.y.map((_, i) => i).filter((i) => run.after[i] !== found.before[i]);
    const kinds = [
      ["right now", changed.filter((i) => run.after[i] === found.y[i])],
      ["wrong now", changed.filter((i) => found.before[i] === found.y[i])],
      ["wrong before and now", changed.filter((i) => run.after[i] !== found.y[i] && found.before[i] !== found.y[i])],
    ];
    place.replaceChildren(...kinds.flatMap(([name, at]) => [make("h3", {}, `${at.length} ${name}`), pictures(found, at, run)]));
  };
  body.append(make("div", { class: "controls" }, choose("Row", found.runs.map((run, i) => [i, DATA.rows[run.row]]), 0, show)), make("p", { class: "said" }, `${DATA.tasks[found.task]}: ${found.said}`), place);
  show(0);
};

sections.warnings = (body) => {
  const { warnings, runs } = DATA;
  if (!warnings.diagnosed) return void body.append(missing("These records are older than diagnosis: train the runs again for more."));
  const said = `${warnings.diagnosed} of ${new Set(runs.id).size} runs were diagnosed.`;
  if (!warnings.run.length) return void body.append(make("p", {}, `${said} There are no warnings.`));
  const kindOf = (i) => warnings.warning[i].split(":")[0];
  const every = warnings.run.map((_, i) => i);
  const pairs = [...new Set(every.map((i) => `${runs.row[warnings.run[i]]}|${kindOf(i)}`))];
  const rows = pairs.map((pair) => {
    const own = every.filter((i) => pair === `${runs.row[warnings.run[i]]}|${kindOf(i)}`);
    const [row, kind] = pair.split("|");
    const of = runs.row.filter((r) => r === Number(row)).length;
    const lasting = own.filter((i) => warnings.lasts[i]).length;
    return { label: DATA.rows[row], cells: [kind, warnings.cause[own.at(-1)], `${own.length} of ${of}`, String(lasting)] };
  });
  const cell = (text, i) => make("td", { class: i < 2 ? "text" : undefined }, text);
  const caption = `${said} Warnings, by row.`;
  const table = sortable({ caption, heads: ["row", "warning", "likely cause, of the last such run", "runs", "at the end"], rows, order: { head: "", direction: -1 }, cell, texts: 2 });
  const all = make("details", {}, make("summary", {}, `All ${every.length} warnings, run by run`));
  all.addEventListener("toggle", () => {
    if (all.children.length > 1) return;
    const lines = every.map((i) => {
      const run = warnings.run[i];
      return { label: runs.id[run], cells: [`${DATA.rows[runs.row[run]]}, ${DATA.tasks[runs.task[run]]}, seed ${runs.seed[run]}`, warnings.warning[i], warnings.at[i].join(", ")] };
    });
    const caption = "da diagnose RUN prints the evaluations of one";
    all.append(scrollable("All warnings", sortable({ caption, heads: ["run", "of", "warning", "steps"], rows: lines, order: { head: "", direction: -1 }, cell, texts: 2 }), "scroll tall"));
  });
  body.append(scrollable("Warnings", table, "scroll tall"), make("p", {}), all);
};

sections.settings = (body) => {
  const { shared, rows } = DATA.settings;
  const short = (name) => name.replace(/^hp\./, "");
  const lines = rows.map((own, i) => make(
    "tr", {}, make("th", { scope: "row" }, ...breakable(DATA.rows[i])),
    make("td", { class: "text" }, Object.entries(own).filter(([name]) => name !== "method").map(([name, value]) => `${short(name)} ${value}`).join(" · ")),
  ));
  const head = make("tr", {}, make("th", { scope: "col" }, "row"), make("th", { scope: "col", class: "text" }, "settings"));
  const table = make("table", {}, captionOf("Settings in which rows differ"), make("thead", {}, head), make("tbody", {}, ...lines));
  const same = Object.entries(shared).map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, short(name)), make("td", { class: "text" }, value)));
  const all = make("details", {}, make("summary", {}, `${same.length} settings that all runs share`), make("table", {}, captionOf("Shared settings"), make("tbody", {}, ...same)));
  body.append(scrollable("Settings", table, "scroll tall"), make("p", {}), all);
};

sections.environment = (body) => {
  const { heads, rows, runs, seconds } = DATA.environment;
  const lines = rows.map((row, i) => ({ label: String(runs[i]), cells: row }));
  const cell = (text) => make("td", { class: "text" }, text);
  const time = seconds > 5400 ? `${(seconds / 3600).toFixed(1)} hours` : `${(seconds / 60).toFixed(1)} minutes`;
  const table = sortable({ caption: `The runs took ${time} in all.`, heads: ["runs", ...heads], rows: lines, order: { head: "", direction: -1 }, cell, texts: heads.length });
  body.append(scrollable("Environments", table));
};

start();
