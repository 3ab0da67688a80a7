"""Features are moved toward a source classifier that stays (Liang et al. 2020)."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from da.data import loaders, tasks
from da.data.batch import TargetBatch
from da.evaluation import predictions
from da.methods.shot import SHOT, pseudo_labels
from da.methods.source_only import SourceOnly
from da.models import saved_weights
from da.ops.functional import marginal_entropy, prediction_entropy
from da.runs.run import Run
from da.training import setup, train
from da.training.engine import train_step
from da.training.setup import Parts, assemble
from tests.conftest import build, points
from tests.fixtures import datasets


def by_hand(f: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Centers and distances written out with SciPy."""
    f = np.hstack([f, np.ones((len(f), 1))])
    f /= np.linalg.norm(f, axis=1, keepdims=True)
    y, weights = p.argmax(1), p
    for _ in range(2):
        centers = weights.T @ f / weights.sum(0)[:, None].clip(1e-8)
        present = np.unique(y)
        y = present[cdist(f, centers[present], "cosine").argmin(1)]
        weights = np.eye(p.shape[1])[y]
    return y


@pytest.mark.parametrize("seed", range(3))
def test_pseudo_labels_equal_those_by_hand(seed):
    g = torch.Generator().manual_seed(seed)
    f, p = torch.randn(40, 6, generator=g), torch.randn(40, 5, generator=g)
    p[:, 4] = -9  # a class that is never predicted gets no image
    p = p.softmax(1)
    assert pseudo_labels(f, p).tolist() == by_hand(f.double().numpy(), p.double().numpy()).tolist()


def test_losses_equal_the_sums_written_by_hand(batch):
    m = build(SHOT, trade_off=0.3)
    logits = m.predict(batch.target.x)
    p = logits.softmax(1)
    mean = p.mean(0)
    expected = {
        "entropy": -(p * p.log()).sum(1).mean(),
        "evenness": (mean * mean.log()).sum(),
        "pseudo": -0.3 * p[torch.arange(8), m.labels].log().mean(),
    }
    torch.testing.assert_close(m(batch, 0.5), expected)


def test_the_classifier_stays_and_all_else_moves(batch):
    m = build(SHOT)
    before = {name: p.clone() for name, p in m.named_parameters()}
    for _ in range(3):
        train_step(m, torch.optim.AdamW(m.parameters(), 0.1), batch, 0.5)
    still = {name for name, p in m.named_parameters() if p.equal(before[name])}
    assert still == {"head.0.weight", "head.0.bias"}


def test_training_ends_with_certain_and_even_predictions(batch):
    def trained(term: str) -> float:
        m = build(SHOT, trade_off=0.0)
        m.neck[1].momentum = None
        optimizer = torch.optim.SGD(m.parameters(), 0.5)
        m.head[0].weight.data.mul_(3)
        m.head[0].bias.data[0] += 1  # at first, one class is predicted most of the time
        for _ in range(80):
            train_step(m, optimizer, batch, 0.5)
        logits = m.predict(batch.target.x)
        found = {"entropy": prediction_entropy(logits).mean(), "evenness": marginal_entropy(logits)}
        return found[term].item()

    assert trained("entropy") < 0.3
    assert trained("evenness") > 0.7


def test_pseudo_labels_pull_predictions_to_them(batch):
    agreement = []
    for trade_off in (0.0, 10.0):
        m = build(SHOT, trade_off=trade_off)
        m.labels = torch.arange(8) % 3
        for _ in range(40):
            train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
        agreement.append((m.predict(batch.target.x).argmax(1) == m.labels).float().mean())
    assert agreement[0] < 0.7
    assert agreement[1] == 1


def test_labels_are_found_anew_so_many_times(batch):
    m = build(SHOT, refreshes=4)
    assert m.found == 1
    steps = torch.arange(40) / 40
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    when = []
    for progress in steps.tolist():
        before = m.found
        train_step(m, optimizer, batch, progress)
        when += [progress] * (m.found - before)
    assert when == [0.25, 0.5, 0.75]


def test_it_is_shown_no_source_image():
    few = points(torch.randn(40, 2), torch.arange(40) % 2)
    run = Run(
        SHOT.Hparams(), "moons:0-40", backbone="mlp", init="0123456789ab", regime="full", batch=8
    )
    task = tasks.build_task(run.task, few, few)
    parts = Parts(task, build(SHOT), torch.device("cpu"), torch.Generator())
    batch = next(setup.run_batches(run, parts))
    assert isinstance(batch, TargetBatch)
    assert not hasattr(batch, "source")
    assert batch.target.x.equal(next(loaders.batches(task, 8, 0)).target.x)


@pytest.fixture
def source_run() -> Run:
    run = Run(
        SourceOnly.Hparams(), "moons:0-40", backbone="mlp", init="random", regime="full",
        steps=20, batch=16, eval_every=20,
    )  # fmt: skip
    train.train(run, device="cpu", save_weights=True, quiet=True)
    return run


def test_it_begins_with_the_whole_network_of_a_run(source_run):
    run = replace(source_run, method=SHOT.Hparams(), init=source_run.id)
    begun = assemble(run, "cpu").method
    kept = torch.load(saved_weights.weights_file(source_run.id), weights_only=True)
    for name, weight in begun.state_dict().items():
        if name != "labels":
            assert weight.equal(kept[name]), name


def test_features_of_a_frozen_run_are_those_that_it_began_with(source_run):
    first = replace(source_run, regime="frozen", init=source_run.id)
    train.train(first, device="cpu", save_weights=True, quiet=True)
    second = replace(first, method=SHOT.Hparams(), init=first.id)
    ours, theirs = (assemble(run, "cpu") for run in (second, first))
    assert ours.task.target_train.x.equal(theirs.task.target_train.x)


def test_another_network_is_refused(source_run):
    network = replace(source_run.network, neck=8)
    run = replace(source_run, method=SHOT.Hparams(), init=source_run.id, network=network)
    with pytest.raises(ValueError, match="has another neck"):
        assemble(run, "cpu")


def test_a_run_that_begins_with_nothing_is_refused():
    with pytest.raises(ValueError, match="set init to that run's id"):
        Run(SHOT.Hparams(), "moons:0-40")


@pytest.mark.slow
def test_pixels_are_seen_at_the_size_of_the_run(tmp_path):
    """Pseudo-labels are those of the network on whole images."""
    datasets.image_folder(tmp_path / "a")
    first = Run(
        SourceOnly.Hparams(), f"folder:{tmp_path}/a-{tmp_path}/a", backbone="lenet", init="random",
        regime="full", side=28, steps=2, batch=4, eval_every=2,
    )  # fmt: skip
    train.train(first, device="cpu", save_weights=True, quiet=True)
    run = replace(first, method=SHOT.Hparams(), init=first.id)
    parts = assemble(run, "cpu")
    m, target = parts.method, parts.task.target_train
    train.fit(run, parts, quiet=True)
    m.label()
    f = predictions.outputs(m, m.embed, target)
    assert m.labels.equal(pseudo_labels(f, m.head(f).softmax(1)))
