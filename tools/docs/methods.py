"""A page for each method, and an index of all."""

import re
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

from da.cli.options import named_records
from da.methods import METHODS, Method
from da.results import table_cost, tables
from da.results.records import PUBLISHED
from da.results.table_render import Row, Table, render_markdown
from da.runs.experiment import load_experiment
from tools.docs.equations import load_equations
from tools.docs.markdown import NOTE, describe_settings, link_papers, paragraphs, table

ROOT = Path(__file__).parents[2]
EXPERIMENT = ROOT / "experiments" / "methods.py"
REFUSED = re.compile(r"Raises ValueError (.*?)\.(?: |$)")
ENDS = {
    "partial": "+partial6",
    "open-set": "+open7",
    "universal": "+universal5/3",
    "semi-supervised": "+3shot",
}
"""End of the task of the settings that a family of methods is for."""

CHOSEN_BY = "last", "infomax", "oracle"
INDEX = """{note}

# Methods

Accuracy is the mean over the twenty tasks between five emoji styles, in %, with what is left to
chance over three seeds. All methods have the same budget: 500 steps on features of
EfficientNet-Lite0 (`experiments/methods.py`; [all columns and costs](../../results/methods.md)).
A † marks methods that are shown target labels. Blank: the method is not in that experiment.

{rows}

## How equations are written

`x` are images, `y` classes, `f` features after the neck, `p` predicted class probabilities. An
index `s` stands for source and `t` for target; `n` and `m` are their images in a batch, `K` is the
number of classes, `H` the entropy, `CE` the cross-entropy. λ is the setting `trade_off` unless the
page says otherwise. Equations are those of the code, which is where a method differs from its
paper.
"""


def names() -> tuple[str, ...]:
    """Return the names of the methods of this package."""
    return tuple(sorted(name for name, found in METHODS.plug_ins().items() if found.own))


def render_pages() -> dict[str, str]:
    """Return the text of each page by its name: every method, and `index`."""
    return {name: _render(name, METHODS[name]) for name in names()} | {"index": _render_index()}


def _render(name: str, method: type[Method]) -> str:
    sections = {
        "": "\n\n".join(_idea(method)),
        "Equation": load_equations().get(name, ""),
        "Train it": _command(name, method),
        "Settings": _settings(method),
        "What it needs": "\n".join(f"- {need}" for need in _needs(method)),
        "In our tables": _results(name),
        "Differs from the paper": "\n\n".join(_differences(method)),
    }
    about = (method.__name__, method.family, link_papers(method.paper))
    parts = [NOTE, f"# {name}", " · ".join(dict.fromkeys(about))]
    parts += [
        f"## {title}\n\n{text}".removeprefix("## \n\n") for title, text in sections.items() if text
    ]
    return "\n\n".join(parts) + "\n"


def _module_title(method: type[Method]) -> str:
    module = __import__(method.__module__, fromlist=["_"])
    return paragraphs(module.__doc__)[0]


def _idea(method: type[Method]) -> list[str]:
    """Return title and docstring of a method, without what has a section of its own."""
    first, *rest = map(_common_part, paragraphs(method.__doc__))
    return list(filter(None, [f"**{_module_title(method)}** {first}", *rest]))


def _common_part(paragraph: str) -> str:
    """Return a paragraph up to how the method differs from its paper, without what it refuses."""
    return REFUSED.sub("", paragraph).partition("Differs from")[0].strip()


def _differences(method: type[Method]) -> list[str]:
    """Return what the docstrings of a method and of its settings say after "Differs from"."""
    own = [*paragraphs(method.__doc__), *paragraphs(method.Hparams.__doc__)]
    own = [REFUSED.sub("", part).strip() for part in own]
    return [part[part.index("Differs from") :] for part in own if "Differs from" in part]


def _settings(method: type[Method]) -> str:
    """Render the origin of the defaults and the table of settings."""
    origin = map(_common_part, paragraphs(_own_doc(method)))
    rows = describe_settings(method.Hparams) if fields(method.Hparams) else ""
    return "\n\n".join(filter(None, [*origin, rows]))


def _own_doc(method: type[Method]) -> str:
    """Return the docstring of a method's settings, but neither the base class's nor Python's."""
    doc = method.Hparams.__doc__ or ""
    return "" if doc == Method.Hparams.__doc__ or doc.startswith("Hparams(") else doc


def _command(name: str, method: type[Method]) -> str:
    task = "emoji:noto" + ",fluent" * method.takes_domains + "-twemoji"
    task += "+3shot" if method.takes_shots else ENDS.get(method.family, "")
    task += " --backbone open_clip:ViT-B-32/openai" * method.takes_names
    black_box = method.source_free and method.taught
    begins = (method.source_free or method.taught) and not black_box
    init = " --regime full" * (method.taught and not black_box) + " --init 559a23d9cc1f" * begins
    own = " --teacher 559a23d9cc1f" * black_box
    which = "--teacher" if black_box else "--init"
    why = f"`{which}` names a finished run whose weights are stored.\n\n" if init + own else ""
    return f"{why}<!-- test: only parse -->\n```sh\nda train --task {task}{init} {name}{own}\n```"


def _needs(method: type[Method]) -> list[str]:
    needs = {
        "Frozen features: regime `frozen`.": method.frozen_only,
        "Nothing of the target: one run serves all targets of a source.": method.blind,
        "Labeled target images, in tasks that end in `+Kshot`.": method.takes_shots,
        "Several sources, as in `emoji:noto,fluent-twemoji`.": method.takes_domains,
        "A strongly augmented view of target images, where images are pixels.": method.takes_strong,
        "A backbone that reads texts too, as `open_clip:MODEL/WEIGHTS`.": method.takes_names,
        "No source: it starts from a finished run, `--init`.": (
            method.source_free and not method.taught
        ),
        "No source, and of a finished run the predictions alone: its teacher.": (
            method.source_free and method.taught
        ),
        "A finished run to learn from: its teacher.": method.taught and not method.source_free,
        "Target test images in the order in which they arrive, each once.": method.streams,
        f"The library {method.needs}.": bool(method.needs),
    }
    found = [text for text, needed in needs.items() if needed]
    refused = [
        f"It is refused {why}." for why in REFUSED.findall(" ".join(paragraphs(method.__doc__)))
    ]
    usual = ["Labeled source images and unlabeled target images."]
    return [*(found or usual), *refused, _shared(method)]


def _shared(method: type[Method]) -> str:
    if method.batchable is None:
        return "Its runs cannot share steps (`--share-steps`)."
    differ = ", ".join(["task", "seed", *(f"`{name}`" for name in method.batchable)])
    return f"Its runs can share steps (`--share-steps`) and differ in {differ}."


def _results(name: str) -> str:
    """Render the rows of a method next to those of source_only, and what a run costs."""
    rows = _rows(name)
    if not rows:
        return ""
    shown = rows if name == "source_only" else _rows("source_only") + rows
    marks = "‡" + "†" * any(row.section for row in shown)
    notes = tuple(note for note in _table().notes if note[0] in marks)
    part = replace(_table(), rows=tuple(shown), notes=notes)
    more = "[All methods](../../results/methods.md) on the same tasks and by the same budget."
    return f"{render_markdown(part).strip()}\n\n{_cost(name)} {more}"


def _rows(name: str) -> list[Row]:
    return [row for row in _table().rows if row.label.split()[0] == name]


@cache
def _records():
    runs = load_experiment(EXPERIMENT)
    return named_records(EXPERIMENT, runs, ROOT / PUBLISHED)


@cache
def _table() -> Table:
    return tables.build_table(_records(), CHOSEN_BY)


def _cost(name: str) -> str:
    """Say what a run costs, from the runs of seed 0, next to which nothing else ran."""
    runs = [r for r in _records() if r.settings["method"] == name and r.settings["seed"] == 0]
    costs = table_cost.costs([{r.id: r for r in runs}])
    times = [f"{seconds:.2g} s ({machine})" for machine, (seconds, _) in costs.items()]
    return f"A run takes {' or '.join(times)}, the median over the tasks of seed 0."


def _render_index() -> str:
    rows = [_index_row(name, METHODS[name]) for name in names()]
    heads = ("method", "last", "infomax", "oracle ‡", "family", "year", "paper")
    return INDEX.format(note=NOTE, rows=table(heads, rows, numbers=range(1, 4)))


def _index_row(name: str, method: type[Method]) -> tuple[str, ...]:
    from da.cli.listings import _dated

    year, paper = _dated(method.paper)
    rows = _rows(name)
    shown = rows[0].cells[: len(CHOSEN_BY)] if rows else [""] * len(CHOSEN_BY)
    mark = " †" * bool(rows and rows[0].section)
    return f"[{name}]({name}.md){mark}", *map(str, shown), method.family, year, link_papers(paper)
