"""Each recipe is what its source prints."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from da.config.network import Network
from da.config.transforms import Transforms
from da.data.batch import Batch, Labeled, Unlabeled
from da.methods import METHODS
from da.models.backbone import Features
from da.ops.functional import grl_warmup
from da.runs.printed.recipe import Recipe
from da.runs.recipes import RECIPES, build_run, run
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


ENDS = {"pada": "+partial", "mme": "+3shot"}
"""What a task of a method needs at its end."""

every_recipe = pytest.mark.parametrize(
    ("method", "name"), [(m, n) for m, some in RECIPES.items() for n in some]
)


def tasks(method: str, name: str) -> list[str]:
    """A task of every data set of a recipe, and one of another."""
    named = [key if ":" in key else f"{key}:a-b" for key in RECIPES[method][name].data]
    ends = [key.partition("+")[::2] for key in RECIPES[method][name].data if "+" in key]
    more = [f"{data}:a,b-c" if end == "several" else f"{data}:a-b+{end}" for data, end in ends]
    alone = "moons:0,20-40" if METHODS[method].takes_domains else "moons:0-40"
    return [alone, *(key for key in named if "+" not in key), *more]


@every_recipe
def test_every_recipe_is_a_run_for_every_data_set_and_says_where_it_is_printed(method, name):
    recipe = RECIPES[method][name]
    begun = {"init": "0123456789ab"} if METHODS[method].source_free else {}
    for task in tasks(method, name):
        end = "" if "+" in task else ENDS.get(method, "")
        made = build_run(method, name, task=task + end, seed=3, **begun)
        assert made.method.owner is METHODS[method]
        assert (made.task, made.seed) == (task + end, 3)
        found = made.settings()
        for setting, value in recipe.at(made.task).items():
            assert found[setting] == (list(value) if isinstance(value, tuple) else value)
        assert recipe.is_printed_for(made.task) is (not task.startswith("moons") or not recipe.data)
    assert len(recipe.source) > 20


def test_a_task_has_the_settings_of_its_data_set_then_of_its_setting_then_its_own():
    data = {"a": {"lr": 1, "batch": 1}, "b": {"lr": 2}, "b+partial": {"lr": 3}, "b:x-y": {"lr": 4}}
    data["pacs+several"] = {"lr": 5}
    recipe = Recipe("printed", {"lr": 0, "steps": 9}, data)
    some = "a:x-y", "b:y-x", "b:y-x+partial", "b:x-y", "c:d-e", "pacs:photo,sketch-cartoon"
    found = {task: recipe.at(task) for task in some}
    assert [one["lr"] for one in found.values()] == [1, 2, 3, 4, 1, 5]
    assert found["c:d-e"] == {"lr": 1, "batch": 1, "steps": 9}
    assert recipe.data_sets == ["a", "b", "b+partial", "pacs+several"]
    assert [recipe.is_printed_for(task) for task in found] == [*4 * [True], False, True]


def test_changes_replace_settings_of_the_run_of_its_parts_and_of_its_method():
    own = METHODS["dann"].Hparams(trade_off=0.5)
    made = run("dann", "tllib", "moons:0-40", steps=7, nesterov=False, dropout=0.1, method=own)
    assert (made.steps, made.optimization.nesterov, made.network.dropout) == (7, False, 0.1)
    assert made.method == own
    whole = run("dann", "tllib", "moons:0-40", network=Network(neck=3))
    assert whole.network == Network(neck=3)
    with pytest.raises(ValueError, match="stps"):
        run("dann", "tllib", "moons:0-40", stps=7)


@each_dann
def test_on_frozen_features_what_concerns_the_backbone_is_left_out(name):
    made = build_run("dann", name, task="moons:0-40", regime="frozen", steps=7)
    assert (made.regime, made.augment, made.backbone_lr, made.steps) == ("frozen", "none", 1.0, 7)
    assert made.transforms == Transforms()
    assert made.method == build_run("dann", name, task="moons:0-40").method


def test_recipes_differ():
    assert (
        len({build_run("dann", name, task="moons:0-40", regime="frozen").id for name in DANN}) == 8
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
    "tllib_vit": (NORMED, [*NORMED, *NORMED, "Linear"]),
    "cdan": (["Linear"], [*2 * ["Linear", "ReLU", "Dropout"], "Linear"]),
    "dassl": (NORMED, [*2 * ["Linear", "BatchNorm1d", "LeakyReLU"], "Linear"]),
    "deepda": (["Linear", "ReLU"], [*NORMED, *NORMED, "Linear"]),
    "pytorch_adapt": ([], [*2 * ["Linear", "ReLU"], "Linear"]),
    "skada_bench": ([], [*2 * ["Linear", "ReLU", "Dropout"], "Linear"]),
}
STEEPNESS = {"deepda": 1.0, "pytorch_adapt": 1e6, "skada_bench": 1e6}
"""Of sources that count the whole run; elsewhere 10, as in the paper."""
SCALES = {"paper": 1, "dassl": 1, "pytorch_adapt": 1, "skada_bench": 1}
"""Of the sum of both domains' losses; elsewhere a half."""


@each_dann
def test_layers_are_those_of_the_source(name):
    m = built(name)
    assert (kinds(m.neck), kinds(m.discriminator)) == NETWORKS[name]


@each_dann
def test_strength_counted_in_steps_as_libraries_do(name):
    """2 / (1 + exp(-i / 1000)) - 1 after i steps in both libraries that count steps."""
    m, steps = built(name), DANN[name].at("moons:0-40")["steps"]
    counted = name in ("tllib", "tllib_vit", "cdan")
    for i in (0, 500, 5000):
        own = STEEPNESS.get(name, 10.0)
        expected = grl_warmup(i / 1000, 1.0) if counted else grl_warmup(i / steps, own)
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
    if m.network.bn == "joint":
        f_s, f_t = ref.neck(torch.cat(domains)).chunk(2)
        d_s, d_t = judge(torch.cat([f_s, f_t])).sigmoid().chunk(2)
    else:
        f_s, f_t = map(ref.neck, domains)
        d_s, d_t = judge(f_s).sigmoid(), judge(f_t).sigmoid()
    total = -d_s.log().mean() - (1 - d_t).log().mean()
    expected = {
        "task": F.cross_entropy(ref.head(f_s), batch.source.y),
        "domain": SCALES.get(name, 0.5) * total,
    }
    torch.testing.assert_close(m(batch, 0.5), expected)
