import copy
import gzip
import json
import math
import pickle
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da.config.fine_tuning import FineTuning
from da.config.label_columns import LabelColumns
from da.config.label_shift import LabelShift
from da.config.optimization import Optimization
from da.config.transforms import Transforms
from da.methods import METHODS, Network
from da.methods.adabn import AdaBN
from da.methods.dann import DANN
from da.methods.fine_tune import FineTune
from da.methods.mcc import MCC
from da.methods.source_only import SourceOnly
from da.methods.subspace_alignment import SubspaceAlignment
from da.results.records import PUBLISHED
from da.runs.run import Run
from tests.conftest import begin_with

PLAIN = Run(SourceOnly.Hparams(), "emoji:noto-twemoji")
TUNED = Run(
    DANN.Hparams(trade_off=0.5, hidden=(100,)),
    "digits:mnist-mnistm",
    backbone="lenet",
    init="random",
    regime="full",
    network=Network(neck=0, dropout=0.25, head=(100, 100), bn="separate"),
    steps=10_000,
    optimizer="sgd",
    lr=0.01,
    schedule="annealing",
    seed=2,
)
FULL = replace(PLAIN, regime="full")
SHOTS = Run(FineTune.Hparams(), "emoji:noto-twemoji+3shot")


@pytest.mark.parametrize(
    ("run", "id"), [(PLAIN, "3a2251601d1d"), (TUNED, "1ae245569ce6"), (SHOTS, "f35fd12c53e4")]
)
def test_ids_never_change(run, id):
    """Every record on every disk is found by them."""
    assert run.id == id


STAGES = replace(FULL, tuning=FineTuning(last=2, stage_lr=0.5))


@pytest.mark.parametrize("run", [PLAIN, TUNED, FULL, SHOTS, STAGES])
def test_a_record_tells_its_run(run):
    assert Run.of(json.loads(json.dumps(run.settings()))) == run


@pytest.mark.parametrize("changed", [{"method": "magic"}, {"hp.magic": 1}, {"magic": 1}])
def test_settings_that_are_not_known_are_named(changed):
    with pytest.raises(ValueError, match="magic"):
        Run.of(PLAIN.settings() | changed)


def test_a_new_setting_at_its_default_changes_no_id():
    @dataclass(frozen=True)
    class Later(Run):
        smoothing: float = 0.1

    for run in (PLAIN, TUNED):
        later = Later(**{f.name: getattr(run, f.name) for f in fields(run)})
        assert "smoothing" in later.settings()
        assert later.id == run.id
        assert replace(later, smoothing=0.2).id != run.id


def test_a_new_setting_of_a_method_or_network_at_its_default_changes_no_id():
    @dataclass(frozen=True)
    class Later(MCC.Hparams):
        weighting: bool = True

    run = Run(MCC.Hparams(temperature=2.0), "emoji:noto-twemoji")
    later = replace(run, method=Later(temperature=2.0))
    assert "hp.weighting" in later.settings()
    assert later.id == run.id
    assert replace(run, method=Later(temperature=2.0, weighting=False)).id != run.id


def test_a_whole_number_is_the_same_setting_as_its_float():
    whole = replace(PLAIN, method=MCC.Hparams(2), network=Network(dropout=0), lr=1)
    same = replace(PLAIN, method=MCC.Hparams(2.0), network=Network(dropout=0.0), lr=1.0)
    assert whole == same
    assert whole.id == same.id


def test_settings_are_plain_data():
    stored = TUNED.settings()
    assert json.loads(json.dumps(stored)) == stored
    assert stored["method"] == "dann"
    assert stored["hp.hidden"] == [100]
    assert stored["head"] == [100, 100]
    assert stored["regime"] == "full"
    assert "network" not in stored


choices = st.fixed_dictionaries(
    {
        "method": st.sampled_from([SourceOnly, MCC]),
        "task": st.sampled_from(["moons:0-40", "moons:40-0"]),
        "steps": st.integers(1, 2),
        "lr": st.sampled_from([1e-3, 1e-2]),
        "neck": st.integers(0, 1),
        "head": st.lists(st.just(8), max_size=2).map(tuple),
    }
)


def made(method, task, neck, head, **changes) -> Run:
    return Run(method.Hparams(), task, network=Network(neck, head=head), **changes)


@settings(deadline=None)
@given(choices, choices)
def test_ids_differ_where_a_setting_does(a, b):
    assert (made(**a).id == made(**b).id) == (a == b)


@pytest.mark.parametrize("name", [f.name for f in fields(Run)])
def test_every_setting_counts(name):
    other = {
        "skip_bad": True,
        "hold_out": False,
        "fit": "pad",
        "deterministic": True,
        "method": MCC.Hparams(),
        "task": "emoji:twemoji-noto",
        "test": "joypixels",
        "init": "0123456789ab",
        "optimizer": "sgd",
        "schedule": "cosine",
        "precision": "bf16",
        "memory_format": "auto",
        "cuda_graph": True,
        "network": Network(bn="separate"),
        "tuning": FineTuning(warmup=10),
        "labels": LabelColumns(("class", "subgroup")),
        "shift": LabelShift("rlls"),
        "optimization": Optimization(anneal_gamma=20),
        "transforms": Transforms(test_crop="whole"),
        "keep_hidden": False,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
        "interpolation": "bilinear",
        "crop_pct": 0.875,
        "momentum": 0.5,
        "backbone": "resnet18",
        "augment": "crop",
        "regime": "frozen",
        "unit_features": True,
        "sparsity": 0.7,
        "structured": True,
        "features_by": "l1",
    }
    begun = {
        "views": replace(PLAIN, augment="crop", views=1),
        "sparsity": replace(FULL, init="0123456789ab"),
        "structured": replace(FULL, init="0123456789ab", sparsity=0.5),
        "features": PLAIN,
        "optimization": replace(FULL, schedule="annealing"),
        "features_by": replace(PLAIN, features=9),
    }
    run = begun.get(name, FULL)
    assert replace(run, **{name: other.get(name, 7)}).id != run.id


@pytest.mark.parametrize(
    ("run", "changes", "message"),
    [
        (
            PLAIN,
            {"init": "pretraned"},
            "init is pretrained, random, a file of weights or a run's id .*'pretraned'",
        ),
        (
            PLAIN,
            {"init": "../../evil"},
            "there is no file '.*evil', which init names",
        ),
        (
            PLAIN,
            {"init": "x" * 999},
            "init is pretrained, random, a file of weights or a run's id .{0,80}$",
        ),
        (PLAIN, {"init": "random"}, "regime frozen needs init pretrained, a file or a run's id"),
        (PLAIN, {"augment": "crop"}, "augment crop in regime frozen needs views of 1 or more"),
        (PLAIN, {"augment": "crop", "views": -1}, "views is 0 or more, not -1"),
        (PLAIN, {"views": 1}, "views needs regime frozen and an augment other than none"),
        (FULL, {"augment": "crop", "views": 1}, "views needs regime frozen and an augment"),
        (FULL, {"features": 9}, "features needs regime frozen"),
        (PLAIN, {"features": -1}, "features is 0 or more, not -1"),
        (PLAIN, {"features_by": "l1"}, "features_by l1 needs features of 1 or more"),
        (PLAIN, {"backbone_lr": 0.1}, "backbone_lr needs regime full"),
        (FULL, {"method": SubspaceAlignment.Hparams()}, "subspace_alignment .* regime frozen"),
        (PLAIN, {"method": FineTune.Hparams()}, r"for example emoji:noto-twemoji\+3shot"),
        (SHOTS, {"method": AdaBN.Hparams()}, "adabn takes no labeled target images"),
        (PLAIN, {"steps": 0}, "steps is 1 or more, not 0"),
        (PLAIN, {"batch": 0}, "batch is 1 or more"),
        (PLAIN, {"eval_every": -1}, "eval_every is 1 or more"),
        (PLAIN, {"side": -1}, "side is from 0 to 8192, not -1"),
        (PLAIN, {"side": 8193}, "side is from 0 to 8192, not 8193"),
        (PLAIN, {"task": "folder:a-b\nc"}, r"task has a character .*'\\n'"),
        (PLAIN, {"task": "folder:a-b\udcff"}, r"task has a character .*'\\udcff'"),
        (PLAIN, {"mean": (0.5,)}, r"three numbers each, not \(0.5,\) and \(\)"),
        (PLAIN, {"mean": (127, 127, 127)}, "mean is from 0 to 1"),
        (PLAIN, {"std": (0.5, 0.5, 0)}, "std is above 0"),
        (PLAIN, {"lr": -1}, "lr is 0 or more and finite, not -1"),
        (PLAIN, {"lr": math.nan}, "lr is 0 or more and finite, not nan"),
        (FULL, {"backbone_lr": -1}, "backbone_lr is 0 or more"),
        (PLAIN, {"weight_decay": -1}, "weight_decay is 0 or more"),
        (PLAIN, {"momentum": 2}, "momentum is at least 0 and below 1, not 2"),
        (PLAIN, {"batch": 1}, "batch is 2 or more where the neck has batch norm"),
        (PLAIN, {"tuning": FineTuning(warmup=501)}, "warmup is at most steps, 500, not 501"),
        (
            PLAIN,
            {"optimization": Optimization(nesterov=True)},
            "nesterov needs optimizer sgd, not adamw",
        ),
        (
            PLAIN,
            {"optimizer": "sgd", "momentum": 0, "optimization": Optimization(nesterov=True)},
            "nesterov needs a momentum above 0",
        ),
        (
            PLAIN,
            {"optimization": Optimization(drop_factor=0.5)},
            "drop_factor needs drop_every of 1 or more",
        ),
        (
            PLAIN,
            {"optimization": Optimization(backbone_decay=0)},
            "backbone_momentum and backbone_decay need regime full",
        ),
        (
            FULL,
            {"optimization": Optimization(backbone_momentum=0)},
            "backbone_momentum needs optimizer sgd, not adamw",
        ),
        (
            PLAIN,
            {"task": "emoji:noto", "hold_out": False},
            "hold_out can only be off in a task of two domains",
        ),
        (
            PLAIN,
            {"shift": LabelShift("bbse"), "hold_out": False},
            "label_shift bbse needs images .* leave hold_out on",
        ),
        (
            PLAIN,
            {"optimization": Optimization(anneal_power=1)},
            "anneal_power .* annealing, not constant",
        ),
        (PLAIN, {"seed": -1}, r"seed is at least 0 and below 2\*\*64, not -1"),
        (PLAIN, {"seed": 2**64}, r"seed is at least 0 and below 2\*\*64"),
    ],
)
def test_contradictory_settings_are_refused_in_one_line(run, changes, message):
    with pytest.raises(ValueError, match=f"^wrong settings: .*{message}") as caught:
        replace(run, **changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("part", "name"), [(PLAIN, "optimizer"), (Network(), "bn"), (FineTuning(), "chosen_by")]
)
def test_a_choice_that_is_not_known_is_refused(part, name):
    """By ourselves: outside of tests nothing checks types."""
    part = copy.copy(part)
    object.__setattr__(part, name, "x")
    with pytest.raises(ValueError, match=f"^wrong settings: {name} is one of .*, not 'x'$"):
        part.__post_init__()


def test_what_goes_together_is_allowed():
    assert replace(FULL, init="random", augment="crop_flip", backbone_lr=0.1).augment == "crop_flip"
    assert replace(PLAIN, init="0123456789ab").init == "0123456789ab"
    assert replace(PLAIN, augment="crop", views=2).views == 2
    assert replace(PLAIN, lr=1e30, weight_decay=0, tuning=FineTuning(warmup=500)).lr == 1e30
    for network in (Network(neck=0), Network(neck_norm=False)):
        assert replace(PLAIN, batch=1, network=network).batch == 1
    huge = DANN.Hparams(trade_off=1e300)
    assert replace(PLAIN, method=huge).method.trade_off == 1e300


@pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
def test_a_run_goes_to_another_process(kind):
    task = "moons:0" + ",9" * kind.takes_domains + "-40" + "+1shot" * kind.takes_shots
    regime = "full" if kind.taught else "frozen"
    run = Run(task=task, regime=regime, **begin_with(kind, "0123456789ab"))
    assert pickle.loads(pickle.dumps(run)) == run


@pytest.mark.slow
def test_every_published_record_has_settings_that_make_sense():
    for file in sorted((Path(__file__).parents[2] / PUBLISHED).iterdir()):
        if ".jsonl" in file.name:
            with (gzip.open if file.suffix == ".gz" else open)(file, "rt") as lines:
                for record in map(json.loads, lines):
                    assert Run.of(record["settings"]).id == record["id"]


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match=r"unknown method 'nope', known: aad, adabn"):
        Run.of(PLAIN.settings() | {"method": "nope"})


OLD = "hp.classifier", "hp.strength", "hp.strength_by", "hp.standardize"
"""Settings that mappings did not have at first."""


@pytest.mark.parametrize(
    ("hp", "same"), [({"classifier": "trained", "standardize": True}, True), ({}, False)]
)
def test_a_changed_default_does_not_take_the_ids_of_old_runs(hp, same):
    run = replace(PLAIN, method=SubspaceAlignment.Hparams(**hp))
    old = {k: v for k, v in run.settings().items() if k not in OLD}
    assert (run.id == "06d9bd74fee9") == same
    assert (Run.of(old) == run) == same
    assert Run.of(run.settings()) == run
