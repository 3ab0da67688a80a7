"""The page of an experiment: one HTML file that needs no server and no network."""

import base64
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import da
from da.system.extras import extra

with extra("report", "a report"):
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

FILES = Path(__file__).parent / "page"
SCRIPTS = "base.js", "tables.js", "figures.js", "details.js"


class Section(NamedTuple):
    """A part of the page, which a function of the same name in the scripts fills."""

    id: str
    link: str
    """Name in the list of sections."""
    title: str
    lead: str
    """What it shows, in a sentence or two."""
    small: bool = False
    """Whether it is low, so that no room is kept for it."""


SECTIONS = (
    Section(
        "accuracy",
        "Table",
        "Accuracy",
        "Rows are methods or names of the experiment. Press a head to sort by its column.",
        True,
    ),
    Section(
        "selectors",
        "Selectors",
        "By what chose the evaluation",
        "The same average, by each way to choose an evaluation of each run.",
    ),
    Section("tasks", "Tasks", "Tasks", "Where each row is strong, and where it does harm."),
    Section("curves", "Curves", "Curves", "How accuracy, scores and losses change as runs go on."),
    Section(
        "scores",
        "Scores",
        "Scores against accuracy",
        "A point is an evaluation. A score that is worth something grows with accuracy.",
    ),
    Section(
        "confusion",
        "Confusion",
        "Confused classes",
        "Counts of test images at the last evaluation, summed over seeds.",
    ),
    Section(
        "features",
        "Features",
        "Feature maps",
        "What the classifier sees of test images, in two dimensions.",
    ),
    Section(
        "images",
        "Images",
        "Images that changed their class",
        "Test images whose prediction adaptation has changed, for better or worse.",
    ),
    Section(
        "warnings",
        "Warnings",
        "Diagnosis",
        "Signs of trouble in the evaluations, and what causes them most often.",
        True,
    ),
    Section("settings", "Settings", "Settings", "What was varied, and what all runs share.", True),
    Section("runs", "Runs", "Runs", "Every run, by the id of its record."),
    Section("environment", "Machines", "Environment", "Machines and versions of libraries.", True),
)


def render_page(
    name: str, about: str, facts: Sequence[Any], commands: Sequence[str], data: dict[str, Any]
) -> str:
    """Render the page of an experiment as HTML.

    Args:
        name: Name of the experiment.
        about: What it asks, in a sentence; may be empty.
        facts: Numbers at the top, each with its `name`, its `value` and `more` about it.
        commands: Commands that make the experiment again; the last writes this page.
        data: What `describe_experiment` returns.
    """
    loader = FileSystemLoader(FILES)
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return page.get_template("page.html.jinja").render(
        name=name,
        about=about,
        facts=facts,
        commands=commands,
        sections=SECTIONS,
        version=da.__version__,
        style=_read("page.css"),
        scripts=[_read(script) for script in SCRIPTS],
        data=_to_json(data),
        plotly=_pack(get_plotlyjs()),
    )


def _read(file: str) -> str:
    return (FILES / file).read_text(encoding="utf-8")


def _pack(text: str) -> str:
    """Return a text as Base64 of its gzip file, which is the same for the same text."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _to_json(data: dict[str, Any]) -> str:
    """Return compact JSON that cannot end the element of the page that it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")
