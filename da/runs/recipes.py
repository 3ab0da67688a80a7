"""Named sets of settings, as papers and libraries print them for a method and a data set."""

from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import product
from typing import Any

from da.config.network import Network
from da.config.transforms import Transforms
from da.runs.printed.authors import AUTHORS, SDAT, SDAT_RESNET, code_of_cdan
from da.runs.printed.closed_set import CLOSED_SET
from da.runs.printed.dann import PAPER
from da.runs.printed.dassl import DASSL
from da.runs.printed.deepda import DEEPDA
from da.runs.printed.open_set import OPEN_SET, TLLIB_OPEN
from da.runs.printed.partial import PARTIAL
from da.runs.printed.pytorch_adapt import PYTORCH_ADAPT
from da.runs.printed.recipe import Recipe as Recipe
from da.runs.printed.skada_bench import SKADA_BENCH
from da.runs.printed.source_free import NRC_SOURCE, SHOT_SOURCE, SOURCE_FREE
from da.runs.printed.streams import SAR_RESNET, SAR_VIT, STREAMS
from da.runs.printed.tllib import TLLIB, TLLIB_VIT
from da.runs.printed.tllib_alignment import TLLIB_ALIGNMENT, TLLIB_ALIGNMENT_VIT
from da.runs.printed.tllib_first import TLLIB_FIRST
from da.runs.printed.tllib_self_training import TLLIB_SELF_TRAINING, TLLIB_SELF_TRAINING_VIT
from da.runs.run import PARTS, Run

NAMED: dict[str, dict[str, Recipe]] = {
    "paper": {"dann": PAPER},
    "tllib": TLLIB | TLLIB_ALIGNMENT | TLLIB_SELF_TRAINING | TLLIB_OPEN,
    "tllib_vit": TLLIB_VIT | TLLIB_ALIGNMENT_VIT | TLLIB_SELF_TRAINING_VIT,
    **TLLIB_FIRST,
    "authors": AUTHORS | STREAMS | CLOSED_SET | PARTIAL | OPEN_SET | SOURCE_FREE,
    "authors_resnet": SDAT_RESNET,
    "shot": {"source_only": SHOT_SOURCE},
    "nrc": {"source_only": NRC_SOURCE},
    "cdan": {"dann": code_of_cdan("DANN", {})},
    "sdat": SDAT,
    "sar": SAR_RESNET,
    "sar_vit": SAR_VIT,
    "dassl": DASSL,
    "deepda": DEEPDA,
    "pytorch_adapt": PYTORCH_ADAPT,
    "skada_bench": SKADA_BENCH,
}
"""Recipes by name, then by method."""

_METHODS = sorted({method for recipes in NAMED.values() for method in recipes})

RECIPES: dict[str, dict[str, Recipe]] = {
    method: {name: recipes[method] for name, recipes in NAMED.items() if method in recipes}
    for method in _METHODS
}
"""Recipes by method, then by name."""

_FROZEN = {"init": "pretrained", "augment": "none", "backbone_lr": 1.0, "test_crop": "center"}

_OF_PIXELS = {"backbone_momentum": 1.0, **vars(Transforms())}
"""Settings, at their defaults, that features have no use for."""


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
            A recipe that begins with another run has the id of `first_run` as `init`.

    Raises:
        ValueError: For an unknown recipe.
    """
    if find_recipe(method, name).begins and "init" not in changes:
        changes |= {"init": first_run(method, name, task, seed, **changes).id}
    settings = find_settings(method, name, task, frozen=changes.get("regime") == "frozen")
    whole = {name: value for name, value in changes.items() if name in ("method", *PARTS)}
    settings |= {name: value for name, value in changes.items() if name not in whole}
    made = Run.of({"method": method, "task": task, "seed": seed, **settings})
    return replace(made, **whole)


SHARED = {"backbone", "regime", "side", "fit", "skip_bad", "mean", "std", "interpolation"}
SHARED |= {"network", *(f.name for f in fields(Network))}
"""Settings that a run has as the run before it."""


def first_run(method: str, name: str, /, task: str, seed: int = 0, **changes: Any) -> Run:
    """Build the run that a recipe's run begins with, such as a source model, to train it first.

    Args:
        method: Name of the method.
        name: Name of the recipe.
        task: Name of the task.
        seed: Seed of the run's random choices.
        **changes: Changes to the run that follows, of which this one has those of the network and
            of how images are read.

    Raises:
        ValueError: For an unknown recipe, or one that begins with no other run.
    """
    begins = find_recipe(method, name).begins
    if not begins:
        raise ValueError(f"recipe {name} of {method} begins with no other run")
    first, its_name = begins
    return run(first, its_name, task, seed, **{k: v for k, v in changes.items() if k in SHARED})


def searched_runs(method: str, name: str, /, task: str, seed: int = 0, **changes: Any) -> list[Run]:
    """Build a run for each combination of the values that a recipe's source searches.

    Args:
        method: Name of the method.
        name: Name of the recipe.
        task: Name of the task.
        seed: Seed of the runs' random choices.
        **changes: Changes to all runs, as `run` takes them.

    Raises:
        ValueError: For an unknown recipe, or one whose source searches nothing.
    """
    searched = find_recipe(method, name).searched
    if not searched:
        raise ValueError(f"the source of recipe {name} of {method} searches no values")
    grid = [dict(zip(searched, values, strict=True)) for values in product(*searched.values())]
    return [run(method, name, task, seed, **{**changes, **point}) for point in grid]


def find_settings(method: str, name: str, task: str, *, frozen: bool = False) -> dict[str, Any]:
    """Return the settings of a recipe for a task, as `Run.of` takes them.

    Args:
        method: Name of the method.
        name: Name of the recipe.
        task: Name of the task.
        frozen: Whether to leave out what concerns the training of the backbone.
    """
    settings = find_recipe(method, name).at(task)
    if not frozen:
        return settings
    return settings | {k: v for k, v in _OF_PIXELS.items() if k in settings} | _FROZEN


build_run = run
"""The same as `run`, by its first name."""
