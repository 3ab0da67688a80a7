"""Named sets of settings, as papers and libraries print them for a method and a data set."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from da.runs.printed.authors import AUTHORS, SDAT, code_of_cdan
from da.runs.printed.dann import DASSL, PAPER
from da.runs.printed.recipe import Recipe as Recipe
from da.runs.printed.streams import SAR_RESNET, SAR_VIT, STREAMS
from da.runs.printed.tllib import TLLIB, TLLIB_VIT
from da.runs.run import PARTS, Run

NAMED: dict[str, dict[str, Recipe]] = {
    "paper": {"dann": PAPER},
    "tllib": TLLIB,
    "tllib_vit": TLLIB_VIT,
    "authors": AUTHORS | STREAMS,
    "cdan": {"dann": code_of_cdan("DANN", {})},
    "sdat": SDAT,
    "sar": SAR_RESNET,
    "sar_vit": SAR_VIT,
    "dassl": {"dann": DASSL},
}
"""Recipes by name, then by method."""

_METHODS = sorted({method for recipes in NAMED.values() for method in recipes})

RECIPES: dict[str, dict[str, Recipe]] = {
    method: {name: recipes[method] for name, recipes in NAMED.items() if method in recipes}
    for method in _METHODS
}
"""Recipes by method, then by name."""

_FROZEN = {"init": "pretrained", "augment": "none", "backbone_lr": 1.0, "test_crop": "center"}


def find_recipe(method: str, name: str) -> Recipe:
    """Return a recipe by the names of its method and of its source.

    Raises:
        ValueError: There is none.
    """
    found = RECIPES.get(method, {}).get(name)
    if found is None:
        raise ValueError(f"no recipe {method} {name}, known: {', '.join(_known(method, name))}")
    return found


def _known(method: str, name: str) -> Iterable[str]:
    """Return recipes of the method, or of the name, or all."""
    every = [(m, n) for m, recipes in RECIPES.items() for n in recipes]
    near = [pair for pair in every if pair[0] == method] or [p for p in every if p[1] == name]
    return (f"{m} {n}" for m, n in near or every)


def run(method: str, name: str, /, task: str, seed: int = 0, **changes: Any) -> Run:
    """Build the run that a recipe describes for a task, with `changes` to its settings.

    Args:
        method: Name of the method, such as dann.
        name: Name of the recipe: see `RECIPES`.
        task: Name of the task, such as office31:amazon-webcam.
        seed: Seed of the run's random choices.
        **changes: Fields of `Run`, or of its parts as `nesterov`, that replace those of the recipe.
            With `regime="frozen"` the recipe's settings for training the backbone are left out.

    Raises:
        ValueError: For an unknown recipe.
    """
    settings = find_settings(method, name, task, frozen=changes.get("regime") == "frozen")
    whole = {name: value for name, value in changes.items() if name in ("method", *PARTS)}
    settings |= {name: value for name, value in changes.items() if name not in whole}
    made = Run.of({"method": method, "task": task, "seed": seed, **settings})
    return replace(made, **whole)


def find_settings(method: str, name: str, task: str, *, frozen: bool = False) -> dict[str, Any]:
    """Return the settings of a recipe for a task, as `Run.of` takes them.

    Args:
        method: Name of the method.
        name: Name of the recipe.
        task: Name of the task.
        frozen: Whether to leave out what concerns the training of the backbone.
    """
    return find_recipe(method, name).at(task) | (_FROZEN if frozen else {})


build_run = run
"""The same as `run`, by its first name."""


def list_runs(
    name: str,
    methods: Sequence[str],
    tasks: Sequence[str],
    seeds: Iterable[int] = range(3),
    **changes: Any,
) -> list[Run]:
    """List the runs of those methods that have a recipe of a name, seed by seed.

    Args:
        name: Name of the recipe.
        methods: Names of methods; those without such a recipe are left out.
        tasks: Names of tasks.
        seeds: Seeds of the runs.
        **changes: Changes to all runs, as `run` takes them.
    """
    return [
        run(method, name, task, seed, **changes)
        for seed, task, method in product(seeds, tasks, methods)
        if name in RECIPES.get(method, {})
    ]
