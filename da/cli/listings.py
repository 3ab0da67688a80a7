"""Lines that `da list` prints, for each kind of thing that it lists."""

import re
from collections.abc import Callable
from typing import get_args

from da.data import catalog
from da.evaluation.selectors import SELECTORS
from da.methods import METHODS
from da.methods.base import Family
from da.models.backbones import OWN
from da.results.text_columns import align
from da.runs.recipes import RECIPES


def list_methods() -> list[str]:
    """List name, family, year and paper of each method, family by family."""
    families = get_args(Family)
    every = sorted(METHODS.items(), key=lambda item: (families.index(item[1].family), item[0]))
    rows = [(name, method.family, *_dated(method.paper)) for name, method in every]
    return align(rows, left=4)


def _dated(paper: str) -> tuple[str, str]:
    """Split `Authors year, where` into the year and the rest; without a year, into '' and all."""
    year = re.search(r"\b(?:19|20)\d\d\b", paper.partition(",")[0])
    if not year:
        return "", paper
    return year[0], paper.replace(f" {year[0]}", "", 1)


def list_backbones() -> list[str]:
    """List our own backbones; those of timm and torchvision would be a thousand lines."""
    return [*OWN, "any name of timm or torchvision"]


def list_selectors() -> list[str]:
    """List what can choose the evaluation of a run, and how."""
    docs = {name: _description(score) for name, score in SELECTORS.items()}
    oracle = "Target test accuracy: uses target labels, so it is marked wherever it is used."
    return align([("last", "The last evaluation."), *docs.items(), ("oracle", oracle)], left=2)


def _description(selector: Callable[..., object]) -> str:
    """Return the first sentence of a selector's docstring as a noun phrase."""
    phrase = str(selector.__doc__).partition("\n")[0].removeprefix("Return ")
    return phrase[0].upper() + phrase[1:]


def list_recipes() -> list[str]:
    """List method and name of each recipe, and where it was printed."""
    every = [
        (method, name, recipe.says)
        for method, recipes in RECIPES.items()
        for name, recipe in recipes.items()
    ]
    return align(every, left=3)


LISTS: dict[str, Callable[[], list[str]]] = {
    "methods": list_methods,
    "tasks": catalog.list_tasks,
    "backbones": list_backbones,
    "selectors": list_selectors,
    "recipes": list_recipes,
}
"""Functions that list things, by the word that follows `da list`."""
