"""Recipes of what scripts of Transfer-Learning-Library train on the source, before they adapt."""

from da.runs.printed.recipe import Recipe, Settings, train
from da.runs.printed.tllib_alignment import TLLIB_ALIGNMENT, TLLIB_ALIGNMENT_VIT

GAMMAS = {"bsp": 1e-3, "adda": 3e-4}
"""Gamma of the learning rate, per step, by method; of this training as of the next one."""


def _before(recipe: Recipe, gamma: float) -> Recipe:
    """Return the recipe of the training on the source before that of another recipe.

    Args:
        recipe: The other recipe.
        gamma: Gamma of the learning rate, per step.
    """
    own = _shared(recipe.settings) | {"lr": 0.001}
    data = {
        name: _shared(settings) | _three_epochs(settings["eval_every"], gamma)
        for name, settings in recipe.data.items()
    }
    return Recipe(f"{recipe.source[:-1]}: its pretraining.", own, data)


def _shared(settings: Settings) -> dict[str, object]:
    """Return the settings without those of the method, and of how it begins."""
    return {k: v for k, v in settings.items() if k[:3] != "hp." and k != "begins_with"}


def _three_epochs(each: int, gamma: float) -> Settings:
    return train(3 * each, gamma=gamma, every=each)


TLLIB_FIRST: dict[str, dict[str, Recipe]] = {
    f"{name}_{method}": {"source_only": _before(recipes[method], gamma)}
    for name, recipes in (("tllib", TLLIB_ALIGNMENT), ("tllib_vit", TLLIB_ALIGNMENT_VIT))
    for method, gamma in GAMMAS.items()
}
"""Recipes by name, then by method."""
