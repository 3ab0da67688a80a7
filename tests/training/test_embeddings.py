from dataclasses import replace

import numpy as np
import pytest
import torch

from da.methods import METHODS, Network
from da.runs.run import Run
from da.training.embeddings import compute_embedding
from da.training.setup import assemble
from da.training.train import train

FULL = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    network=Network(neck=0, dropout=0),
    steps=2,
    batch=16,
    eval_every=2,
)


@pytest.fixture
def frozen() -> Run:
    train(FULL, device="cpu", save_weights=True, quiet=True)
    return replace(FULL, regime="frozen", init=FULL.id)


def test_before_a_mapping_are_the_features_and_after_it_the_mapped_ones(frozen):
    run = replace(frozen, method=METHODS["subspace_alignment"].Hparams(dimensions=3))
    seen = compute_embedding(run)
    plain, mapped = assemble(frozen).task, assemble(run).task
    rows = plain.source_test.rows, plain.target_test.rows
    for i, part in enumerate(("source_test", "target_test")):
        np.testing.assert_allclose(seen.before[i], getattr(plain, part).x[rows[i]], rtol=1e-5)
        np.testing.assert_allclose(seen.after[i], getattr(mapped, part).x[rows[i]], rtol=1e-5)
    assert seen.before[0].shape[1] == 64
    assert seen.after[0].shape[1] == 3


def test_weights_that_were_kept_are_not_trained_again(monkeypatch):
    trained = compute_embedding(FULL).after
    train(FULL, device="cpu", save_weights=True, quiet=True)
    monkeypatch.setattr("da.training.embeddings.fit", None)
    for ours, theirs in zip(compute_embedding(FULL).after, trained, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_a_training_that_is_done_again_is_told_on_stderr_without_its_evaluations(capsys):
    seen = compute_embedding(replace(FULL, seed=1))
    said = capsys.readouterr()
    assert said.err.count("weights of source_only moons:0-40 seed 1 were not kept") == 2
    assert not said.out
    right = train(replace(FULL, seed=1), device="cpu", quiet=True).curve[-1]["target_accuracy"]
    assert seen.title == f"source_only moons:0-40 seed 1: target accuracy {right:.1f} %"


def test_images_that_were_bought_are_shown_by_neither(frozen):
    run = replace(frozen, method=METHODS["fine_tune"].Hparams(), task="moons:40-40+2shot")
    seen = compute_embedding(run)
    tested = assemble(run).task.target_test
    assert len(seen.before[1]) == len(seen.after[1]) == len(seen.y_t) == len(tested)
    assert torch.from_numpy(seen.y_t).equal(tested.y)
