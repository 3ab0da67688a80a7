"""Which runs train together, and that their records are those of runs alone."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from da.config.fine_tuning import FineTuning
from da.config.optimization import Optimization
from da.methods import METHODS, Network
from da.methods.source_only import SourceOnly
from da.models import saved_weights
from da.results.records import Record
from da.runs.run import Run
from da.training import engine, multi_run
from da.training.engine import DivergedError
from da.training.multi_run import sharing_key, train_together, training_key
from da.training.sweep import sweep_outcomes
from da.training.train import train
from tests.conftest import THREADS

FULL = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    steps=4,
    batch=16,
    eval_every=2,
)
DANN = METHODS["dann"].Hparams(hidden=(8,))
FROZEN = replace(
    FULL,
    method=DANN,
    regime="frozen",
    init=FULL.id,
    steps=50,
    eval_every=25,
    network=Network(neck=8),
    optimizer="sgd",  # AdamW steps along rounding where a gradient is 0, as of the neck's bias
    lr=0.05,
    optimization=Optimization(nesterov=True, neck_lr=0.5, rest_lr=2),
)


@pytest.fixture
def begun() -> None:
    """The weights that frozen runs begin with."""
    train(FULL, device="cpu", save_weights=True, quiet=True)


def others() -> list[Run]:
    weak = replace(DANN, trade_off=0.3)
    return [
        FROZEN,
        replace(FROZEN, task="moons:20-40", seed=1),
        replace(FROZEN, method=weak, seed=2),
    ]


def test_tasks_seeds_and_batchable_settings_may_differ():
    assert len({sharing_key(run) for run in others()}) == 1
    assert sharing_key(FROZEN) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"method": METHODS["mcc"].Hparams()},
        {"method": replace(DANN, hidden=(9,))},
        {"lr": 0.1},
        {"steps": 51},
        {"init": "pretrained"},
        {"task": "digits:mnist-mnistm"},
    ],
)
def test_nothing_else_may_differ(change):
    assert sharing_key(replace(FROZEN, **change)) != sharing_key(FROZEN)


def test_shots_are_as_many_for_all():
    runs = [
        replace(FROZEN, method=METHODS["fine_tune"].Hparams(), task=f"moons:0-40+{k}shot")
        for k in (1, 2)
    ]
    assert sharing_key(runs[0]) != sharing_key(runs[1])


def test_a_moving_backbone_trains_alone():
    assert sharing_key(FULL) is None


def test_norms_without_decay_train_alone():
    """Their stacked scales have two axes, as weight matrices have, and would decay."""
    assert sharing_key(replace(FROZEN, tuning=FineTuning(decay_norms=False))) is None


def close(a: Record, b: Record) -> None:
    assert (a.id, a.settings) == (b.id, b.settings)
    for p, q in zip(a.curve, b.curve, strict=True):
        assert p == pytest.approx(q, rel=1e-5, abs=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("begun")
def test_records_are_those_of_runs_alone_to_the_bit():
    records = dict(train_together(others(), device="cpu"))
    assert list(records) == others()
    for run in others():
        assert records[run].curve == train(run, device="cpu", quiet=True).curve
        assert "shared_steps" not in records[run].environment


@pytest.mark.slow
@pytest.mark.usefixtures("begun")
def test_records_of_shared_steps_are_those_of_runs_alone_but_for_rounding():
    records = dict(train_together(others(), device="cpu", share_steps=True))
    assert list(records) == others()
    for run in others():
        close(records[run], train(run, device="cpu", quiet=True))
        assert records[run].environment["shared_steps"] == "3 trainings"


BLIND = replace(FROZEN, method=FULL.method, steps=4, eval_every=2, network=Network(neck=8))


def noting(function, used: list[int]):
    """`function` that also says how many threads it may use."""

    def noted(*args):
        used.append(torch.get_num_threads())
        return function(*args)

    return noted


@pytest.fixture
def two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(THREADS)


@pytest.mark.usefixtures("begun", "two_threads")
@pytest.mark.parametrize(("run", "threads"), [(BLIND, 1), (FULL, 2)], ids=["frozen", "full"])
def test_a_run_on_features_uses_one_thread_from_its_first_weight_on(run, threads, monkeypatch):
    """So its record is the same by `da train`, in a sweep, and on any number of cores."""
    used = []
    for name in ("__init__", "prepare", "forward"):
        monkeypatch.setattr(SourceOnly, name, noting(getattr(SourceOnly, name), used))
    train(run, device="cpu", quiet=True)
    assert len(used) > 4
    assert set(used) == {threads}


SEEDS_AND_TARGETS = [(0, 20), (0, 40), (1, 20)]


@pytest.fixture
def trained(monkeypatch) -> list[int]:
    """How many runs take each of the steps that are taken."""
    found = []
    usual = engine.train_step

    def counted(method, optimizer, batch, *rest, **how):
        found.append(batch.source.x.shape[0] if batch.source.y.ndim > 1 else 1)
        return usual(method, optimizer, batch, *rest, **how)

    monkeypatch.setattr(engine, "train_step", counted)
    return found


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("share", [False, True], ids=["one by one", "steps shared"])
@pytest.mark.parametrize("run", [BLIND, FULL], ids=["frozen", "full"])
def test_a_blind_method_is_trained_once_for_all_targets(run, share, trained):
    runs = [replace(run, task=f"moons:0-{to}", seed=seed) for seed, to in SEEDS_AND_TARGETS]
    assert len({training_key(run) for run in runs}) == 2
    records = dict(train_together(runs, device="cpu", save_weights=runs, share_steps=share))
    shared = share and run is BLIND
    assert trained == ([2] * 4 if shared else [1] * 8)
    for run in runs:
        alone = train(run, device="cpu", save_weights=False, quiet=True)
        close(records[run], alone)
        assert shared or records[run].curve == alone.curve
    kept = [torch.load(saved_weights.weights_file(run.id), weights_only=True) for run in runs]
    for name in ("neck.0.weight", "head.0.weight"):
        assert kept[0][name].equal(kept[1][name])
        assert not kept[0][name].equal(kept[2][name])


@pytest.mark.parametrize(
    "change",
    [{"task": "moons:20-40"}, {"seed": 1}, {"lr": 0.2}, {"method": METHODS["adabn"].Hparams()}],
)
def test_other_runs_are_trainings_of_their_own(change):
    assert training_key(replace(BLIND, **change)) != training_key(BLIND)


def test_runs_that_keep_the_best_look_are_trainings_of_their_own():
    """Their targets may find another evaluation best."""
    runs = [
        replace(FULL, task=f"moons:0-{to}", tuning=replace(FULL.tuning, chosen_by="infomax"))
        for to in (20, 40)
    ]
    assert training_key(runs[0]) != training_key(runs[1])


@pytest.mark.usefixtures("begun")
def test_runs_that_begin_otherwise_are_trained_apart(trained, monkeypatch):
    """Such as by another split of the source."""
    usual = multi_run.assemble

    def assemble(run, device, results):
        part = usual(run, device, results)
        if "40" not in run.task:
            return part
        source = part.task.source_train
        i, j = (source.y == 0).nonzero().flatten()[:2].tolist()
        rows = source.rows.clone()
        rows[[i, j]] = rows[[j, i]]
        return replace(part, task=replace(part.task, source_train=replace(source, rows=rows)))

    monkeypatch.setattr(multi_run, "assemble", assemble)
    list(train_together([BLIND, replace(BLIND, task="moons:0-20")], device="cpu"))
    assert trained == [1] * 8


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.usefixtures("begun")
def test_what_goes_wrong_in_a_training_ends_all_its_runs(share):
    wild = replace(BLIND, lr=1e30)
    runs = [replace(wild, task=f"moons:0-{to}", seed=seed) for seed, to in SEEDS_AND_TARGETS]
    ended = dict(train_together(runs, device="cpu", share_steps=share))
    assert list(ended) == runs
    assert all(isinstance(end, DivergedError) for end in ended.values())


@pytest.mark.usefixtures("begun")
def test_weights_are_kept_of_those_that_others_begin_with():
    runs = others()[:2]
    list(train_together(runs, device="cpu", save_weights=runs[1:], share_steps=True))
    assert [saved_weights.weights_file(run.id).exists() for run in runs] == [False, True]
    kept = torch.load(saved_weights.weights_file(runs[1].id), weights_only=True)
    assert kept["neck.0.weight"].shape == (8, 64)


@pytest.mark.usefixtures("begun")
def test_what_goes_wrong_in_one_ends_that_one():
    unknown = replace(FROZEN, task="moons:0-x")
    wild = replace(FROZEN, method=replace(DANN, trade_off=1e300))
    ended = dict(train_together([FROZEN, unknown, wild], device="cpu", share_steps=True))
    assert isinstance(ended[FROZEN], Record)
    assert "unknown rotation" in str(ended[unknown])
    assert isinstance(ended[wild], DivergedError)
    assert "no loss is finite at step" in str(ended[wild])


@pytest.mark.usefixtures("begun")
def test_one_whose_predictions_are_not_finite_at_a_look_leaves_the_others_alone():
    tame = replace(FROZEN, steps=2, eval_every=1)
    wild = replace(tame, method=replace(DANN, trade_off=1e300))
    ended = dict(train_together([tame, wild], device="cpu", share_steps=True))
    assert isinstance(ended[tame], Record)
    assert isinstance(ended[wild], DivergedError)
    assert "predictions are not finite after step" in str(ended[wild])


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("name", ["bnm", "bsp"])
def test_a_matrix_that_is_not_finite_ends_its_own_run_alone(name):
    tame = replace(FROZEN, method=METHODS[name].Hparams(), steps=4, eval_every=4)
    wild = replace(tame, method=replace(tame.method, trade_off=1e300))
    ended = dict(train_together([tame, wild], device="cpu", share_steps=True))
    assert isinstance(ended[tame], Record)
    assert isinstance(ended[wild], DivergedError)


@pytest.mark.slow
@pytest.mark.usefixtures("begun")
def test_a_sweep_shares_steps_when_asked(tmp_path: Path):
    runs = [*others(), FULL]
    shared, alone = (
        {
            o.run: o.record
            for o in sweep_outcomes(runs, tmp_path / name, workers=1, share_steps=share)
        }
        for name, share in (("a", True), ("b", False))
    )
    assert shared.keys() == alone.keys() == set(runs)
    for run in runs:
        close(shared[run], alone[run])
        assert ("shared_steps" in shared[run].environment) == (run != FULL)
