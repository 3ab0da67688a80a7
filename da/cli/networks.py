"""The networks that papers give their methods, as options of `da train`. This needs no torch."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from da.cli.recipe_words import as_words
from da.config.network import Network
from da.results.text_columns import align
from da.runs.recipes import RECIPES, Recipe

FIRST = "authors", "paper", "tllib"
"""Recipes in the order in which one of them stands for a method; others follow."""

TITLE = "Networks that recipes give to methods; without a recipe all share one:"


def network_of(recipe: Recipe) -> dict[str, Any]:
    """Return what differs from our network in a recipe, by the names of `Network`."""
    ours = asdict(Network())
    settings = dict(recipe.settings) | dict(next(iter(recipe.data.values()), {}))
    return {name: settings[name] for name in ours if settings.get(name, ours[name]) != ours[name]}


def list_networks(methods: Iterable[str]) -> list[str]:
    """List the network of each method that has a recipe, and which recipe that is."""
    rows = []
    for method in methods:
        recipes = RECIPES.get(method, {})
        for name in [name for name in (*FIRST, *recipes) if name in recipes][:1]:
            options = " ".join(as_words(network_of(recipes[name])))
            rows += [(method, name, options)] if options else []
    return [TITLE, "", *align(rows, left=3)]
