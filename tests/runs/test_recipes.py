"""Each recipe is what its source prints."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from da.data.batch import Batch, Labeled, Unlabeled
from da.methods import METHODS
from da.models.backbone import Features
from da.ops.functional import grl_warmup
from da.runs.recipes import RECIPES, build_run
from tests.conftest import normal

DANN = RECIPES["dann"]
each_dann = pytest.mark.parametrize("name", DANN)


def built(name: str):
    """The method of a recipe, on features of width 5."""
    torch.manual_seed(0)
    run = build_run("dann", name, task="moons:0-40")
    return run.method.build(Features(5), 3, run.network)


def kinds(module: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in module]


def points() -> Batch:
    x_s, x_t = (normal(6, 5, seed=seed, dtype=torch.float32) + seed for seed in (0, 1))
    return Batch(Labeled(x_s, torch.arange(6) % 3), Unlabeled(x_t, torch.arange(6)))


@pytest.mark.parametrize(("method", "name"), [(m, n) for m, some in RECIPES.items() for n in some])
def test_every_recipe_is_a_run_and_says_where_it_is_printed(method, name):
    made = build_run(method, name, task="moons:0-40", seed=3)
    assert made.method.owner is METHODS[method]
    assert (made.task, made.seed) == ("moons:0-40", 3)
    assert RECIPES[method][name].says
    settings = RECIPES[method][name].settings
    own = METHODS[method].Hparams(**settings["method"])
    assert made == replace(made, **settings | {"method": own})


@each_dann
def test_on_frozen_features_what_concerns_the_backbone_is_left_out(name):
    made = build_run("dann", name, task="moons:0-40", regime="frozen", steps=7)
    assert (made.regime, made.augment, made.backbone_lr, made.steps) == ("frozen", "none", 1.0, 7)
    assert made.method == METHODS["dann"].Hparams(**DANN[name].settings["method"])


def test_recipes_differ():
    assert (
        len({build_run("dann", name, task="moons:0-40", regime="frozen").id for name in DANN}) == 4
    )


def test_unknown_recipes_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"no recipe dann mine, known: dann paper, dann tllib"):
        build_run("dann", "mine", task="moons:0-40")
    with pytest.raises(ValueError, match=r"no recipe coral paper, known: "):
        build_run("coral", "paper", task="moons:0-40")


NORMED = ["Linear", "BatchNorm1d", "ReLU"]
NETWORKS = {
    "paper": ([], ["Linear", "ReLU", "Linear"]),
    "tllib": (NORMED, [*NORMED, *NORMED, "Linear"]),
    "cdan": (["Linear"], [*2 * ["Linear", "ReLU", "Dropout"], "Linear"]),
    "dassl": (NORMED, [*2 * ["Linear", "BatchNorm1d", "LeakyReLU"], "Linear"]),
}


@each_dann
def test_layers_are_those_of_the_source(name):
    m = built(name)
    assert (kinds(m.neck), kinds(m.discriminator)) == NETWORKS[name]


@each_dann
def test_strength_counted_in_steps_as_libraries_do(name):
    """2 / (1 + exp(-i / 1000)) - 1 after i steps in both libraries that count steps."""
    m, steps = built(name), DANN[name].settings["steps"]
    counted = name in ("tllib", "cdan")
    for i in (0, 500, 5000):
        expected = grl_warmup(i / 1000, 1.0) if counted else grl_warmup(i / steps)
        assert m.strength(i / steps) == pytest.approx(expected, rel=1e-3)


@each_dann
def test_losses_are_those_of_the_source(name):
    """By hand: passes of both domains, one or two, and the scale of the loss."""
    m, batch = built(name), points()
    for module in m.modules():
        if type(module).__name__ == "Dropout":
            module.share = 0.0
    ref = copy.deepcopy(m)
    judge = nn.Sequential(*ref.discriminator)
    domains = [batch.source.x, batch.target.x]
    if DANN[name].settings["network"].bn == "joint":
        f_s, f_t = ref.neck(torch.cat(domains)).chunk(2)
        d_s, d_t = judge(torch.cat([f_s, f_t])).sigmoid().chunk(2)
    else:
        f_s, f_t = map(ref.neck, domains)
        d_s, d_t = judge(f_s).sigmoid(), judge(f_t).sigmoid()
    total = -d_s.log().mean() - (1 - d_t).log().mean()
    scale = {"paper": 1, "dassl": 1, "tllib": 0.5, "cdan": 0.5}[name]
    expected = {
        "task": F.cross_entropy(ref.head(f_s), batch.source.y),
        "domain": scale * total,
    }
    torch.testing.assert_close(m(batch, 0.5), expected)
