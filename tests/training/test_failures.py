"""Errors of libraries that a run's settings explain."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from da.cli.errors import one_line_errors
from da.methods import METHODS, Network
from da.runs.run import Run
from da.training.engine import DivergedError
from da.training.failures import explain_failures
from da.training.train import train

RUN = Run(
    METHODS["dann"].Hparams(hidden=(8,)),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    network=Network(neck=8),
    steps=2,
    batch=8,
    eval_every=2,
)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": METHODS["dann"].Hparams(hidden=(10**12,))},
        {"method": METHODS["dann"].Hparams(hidden=(2**62,))},
        {"network": Network(neck=10**12)},
        {"batch": 10**12},
    ],
    ids=["hidden", "wider than a number of bytes", "neck", "batch"],
)
def test_a_run_that_does_not_fit_into_memory_says_what_to_lower(changes):
    with pytest.raises(MemoryError, match=r"^dann is out of memory: lower batch, side, "):
        train(replace(RUN, **changes), device="cpu", quiet=True)


def test_it_ends_with_status_1_and_one_line(capsys):
    with pytest.raises(SystemExit) as ended, one_line_errors():
        train(replace(RUN, batch=10**12), device="cpu", quiet=True)
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("da: dann is out of memory")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (torch.linalg.LinAlgError("eigh: it failed\nand more"), DivergedError, "eigh: it failed"),
        (np.linalg.LinAlgError("SVD did not converge"), DivergedError, "SVD did not converge"),
        (ValueError("Input X contains NaN.\nand more"), DivergedError, "Input X contains NaN."),
        (torch.OutOfMemoryError("CUDA out of memory. Tried"), MemoryError, "lower batch"),
        (MemoryError(), MemoryError, "lower batch"),
        (OverflowError(34, "Numerical result out of range"), DivergedError, "too large"),
    ],
)
def test_errors_of_libraries_become_one_line_that_names_the_method(error, kind, said):
    @explain_failures
    def compute(run: Run) -> None:
        raise error

    with pytest.raises(kind, match=f"dann.*{said}") as caught:
        compute(RUN)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ValueError("wrong"), TypeError("a bug")])
def test_other_errors_stay_as_they_are(error):
    @explain_failures
    def compute(run: Run) -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        compute(RUN)


def test_batch_norm_of_one_image_is_refused_in_words():
    alone = METHODS["dann"].Hparams(hidden=(8,), hidden_norm=True)
    network = Network(neck=0, bn="separate")
    with pytest.raises(ValueError, match=r"^batch norm needs two images .* known: batch 2 or more"):
        train(replace(RUN, method=alone, network=network, batch=1), device="cpu", quiet=True)


def test_an_operation_that_is_not_deterministic_is_named(monkeypatch):
    def never(*_, **__):
        raise RuntimeError("put_ does not have a deterministic implementation, but you set it\nso")

    monkeypatch.setattr("da.methods._adversarial.grl_warmup", never)
    with pytest.raises(ValueError, match=r"^dann cannot be deterministic here: put_ does not"):
        train(replace(RUN, deterministic=True), device="cpu", quiet=True)
    with pytest.raises(RuntimeError, match="put_"):
        train(RUN, device="cpu", quiet=True)
