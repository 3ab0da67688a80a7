"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const sections = {}; // A function for each section, which fills its element.
const PAPER = 680; // Width of figures in print, in pixels.
const drawn = new Map(); // What draws each figure again, by its element.

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function say(text) {
  document.getElementById("status").textContent = text;
}

function scrollable(name, child, kind = "scroll") {
  return make("div", { class: kind, role: "region", "aria-label": name, tabindex: "0" }, child);
}

function choose(label, options, value, onChange) {
  const list = make("select", { "aria-label": label });
  for (const [key, text] of options) {
    list.append(make("option", { value: String(key), selected: String(key) === String(value) }, text));
  }
  list.addEventListener("change", () => onChange(list.value));
  return make("label", {}, label, list);
}

// A name that may break after an underscore, on a phone.
const breakable = (name) => name.split(/(?<=[_:])/).flatMap((part, i) => (i ? [make("wbr"), part] : [part]));
const captionOf = (text) => make("caption", {}, make("span", {}, text));
const missing = (text) => make("p", { class: "missing" }, text);
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values) => {
  const middle = mean(values);
  const squares = values.map((value) => (value - middle) ** 2);
  return values.length > 1 ? Math.sqrt(squares.reduce((a, b) => a + b, 0) / (values.length - 1)) : 0;
};
const color = (name) => {
  const probe = document.body.appendChild(make("i", { style: `color: var(--${name})` }));
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};

function isDark() {
  const own = document.documentElement.dataset.theme;
  return own ? own === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function themeSwitch() {
  const button = document.getElementById("theme");
  const name = () => {
    button.textContent = isDark() ? "Light theme" : "Dark theme";
  };
  const draw = () => {
    name();
    for (const again of drawn.values()) again();
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  name();
}

function render(section) {
  const body = section.querySelector(".body");
  if (!body || body.dataset.done) return;
  body.dataset.done = "yes";
  sections[section.id](body);
  body.style.minHeight = "";
}

function start() {
  themeSwitch();
  const near = new IntersectionObserver(
    (seen) => seen.filter((entry) => entry.isIntersecting).forEach((entry) => render(entry.target)),
    { rootMargin: "300px" },
  );
  const every = [...document.querySelectorAll("main > section")];
  render(every[0]);
  every.slice(1).forEach((section) => near.observe(section));
  addEventListener("beforeprint", () => {
    every.forEach(render);
    resize(PAPER);
  });
}
