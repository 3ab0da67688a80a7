"""Lines that `da list` prints, for each kind of thing that it lists. This needs no torch."""

from collections.abc import Callable, Mapping
from textwrap import fill
from typing import Any

from da.config.backbone_names import KnownBackbone, known_backbones, written_names
from da.config.registry import BACKBONES, DATASETS, METHODS, SELECTORS
from da.config.selector_needs import read_needs
from da.data import catalog
from da.methods import describe_method, sort_by_family, year_of_paper
from da.results.text_columns import align

TASKS: dict[str, Any] = {
    "initial_indent": "  ",
    "subsequent_indent": "  ",
    "break_long_words": False,
    "break_on_hyphens": False,
}
"""Layout of the tasks of a data set."""


ENDS = (
    "Domains of a side: emoji:noto,fluent-twemoji. One alone trains on its labels: emoji:noto.",
    "Classes:           emoji:noto-twemoji+partial6  +open7  +universal5/3",
    "Frequencies:       emoji:noto-twemoji+rsut10  +dirichlet0.3",
    "Labels:            emoji:noto-twemoji+3shot  +unlabelled  emoji:noto+5label",
    "Streams:           emoji:noto-twemoji+stream  +stream:sorted",
)
"""How names of tasks say more than the domains."""


OTHER_BACKBONES = (
    ("...", "Any name of torchvision, else of timm, whose tag names the weights (NAME.TAG)."),
    ("--init FILE", "Your weights: .pth, .pt or .safetensors."),
)
"""How to name what is not listed."""


def list_methods() -> list[str]:
    """List name, family, year and paper of each method, family by family."""
    methods = {name: describe_method(name) for name in sort_by_family([*METHODS])}
    rows = [(name, method.family, *_dated(method.paper)) for name, method in methods.items()]
    return align(rows, left=4)


def list_methods_and_networks() -> list[str]:
    """List all methods, then the networks that papers give them."""
    from da.cli.networks import list_networks

    return [*list_methods(), "", *list_networks(sort_by_family([*METHODS]))]


def _dated(paper: str) -> tuple[str, str]:
    """Split `Authors year, where` into the year and the rest; without a year, into '' and all."""
    year = year_of_paper(paper)
    return year, paper.replace(f" {year}", "", 1) if year else paper


def list_tasks() -> list[str]:
    """List the tasks of each data set beneath what it is, and what their names can end with."""
    lines = [
        line
        for name in DATASETS
        for line in (
            f"{name}: {first_sentence(DATASETS.constants(name))}",
            fill(catalog.describe_tasks(name), 78, **TASKS),
        )
    ]
    return [*lines, "", *ENDS]


def list_backbones() -> list[str]:
    """List the networks that papers use, then our own backbones and yours, then all others."""
    heads = KnownBackbone("name", "million", "side", "license", "what it is")
    rows = (heads, *known_backbones())
    known = align([(row[0], f"{row[1]:>7}", f"{row[2]:>4}", *row[3:]) for row in rows], left=5)
    said = (first_sentence(BACKBONES.constants(name)) for name in BACKBONES)
    own = [*zip(written_names(), said, strict=True), *OTHER_BACKBONES]
    return [*known, "", *align(own, left=2)]


def list_selectors() -> list[str]:
    """List what can choose the evaluation of a run, what it needs, and how it chooses."""
    return align(describe_selectors(), left=3)


def describe_selectors() -> list[tuple[str, str, str]]:
    """Return the name of each selector, what it needs of a run, and what it is."""
    rows = [
        (name, ", ".join(read_needs(name)), first_sentence(SELECTORS.constants(name)))
        for name in SELECTORS
    ]
    oracle = "Target test accuracy: uses target labels, so it is marked wherever it is used."
    few = "Accuracy on three labeled target images of each class: marked as the oracle is."
    ends = ("few_shot", "target labels", few), ("oracle", "target labels", oracle)
    return [("last", "", "The last evaluation."), *rows, *ends]


def first_sentence(constants: Mapping[str, str]) -> str:
    """Return the first line of a file's docstring."""
    return constants["__doc__"].partition("\n")[0]


def list_recipes() -> list[str]:
    """List method and name of each recipe, its data sets, and where it is printed."""
    from da.runs.recipes import RECIPES

    every = [
        (
            method,
            name,
            " ".join({name.partition("+")[0]: 0 for name in recipe.data_sets}) or "any",
            recipe.source,
        )
        for method, recipes in RECIPES.items()
        for name, recipe in recipes.items()
    ]
    return align(every, left=4)


LISTS: dict[str, Callable[[], list[str]]] = {
    "methods": list_methods_and_networks,
    "tasks": list_tasks,
    "backbones": list_backbones,
    "selectors": list_selectors,
    "recipes": list_recipes,
}
"""Functions that list things, by the word that follows `da list`."""
