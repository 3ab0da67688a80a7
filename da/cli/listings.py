"""What `da list` shows: lines of text for each kind of thing that has names."""

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
    """Name, family, year and paper of each method, family by family."""
    families = get_args(Family)
    every = sorted(METHODS.items(), key=lambda item: (families.index(item[1].family), item[0]))
    rows = [(name, method.family, *_dated(method.paper)) for name, method in every]
    return align(rows, left=4)


def _dated(paper: str) -> tuple[str, str]:
    """Year and the rest of `Authors year, where`; no year where none is named."""
    year = re.search(r"\b(?:19|20)\d\d\b", paper.partition(",")[0])
    if not year:
        return "", paper
    return year[0], paper.replace(f" {year[0]}", "", 1)


def list_backbones() -> list[str]:
    """Backbones of our own; those of two libraries would be a thousand lines."""
    return [*OWN, "any name of timm or torchvision"]


def list_selectors() -> list[str]:
    """What may choose the look of a run, and how."""
    docs = {name: " ".join(str(score.__doc__).split()) for name, score in SELECTORS.items()}
    oracle = "Target accuracy: no fair choice, marked wherever it is used."
    return align([("last", "The last look."), *docs.items(), ("oracle", oracle)], left=2)


def list_recipes() -> list[str]:
    """Method and name of each recipe, and where it is printed."""
    every = [(m, n, recipe.says) for m, some in RECIPES.items() for n, recipe in some.items()]
    return align(every, left=3)


LISTS: dict[str, Callable[[], list[str]]] = {
    "methods": list_methods,
    "tasks": catalog.list_tasks,
    "backbones": list_backbones,
    "selectors": list_selectors,
    "recipes": list_recipes,
}
"""What can be listed, by the word that follows `da list`."""
