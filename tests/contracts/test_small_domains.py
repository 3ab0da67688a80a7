"""Very few images, or small batches: a run has a whole record, or says what it needs."""

import math
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from da.config.task_name import TaskName
from da.data import tasks
from da.data.domain import Domain
from da.data.joined import join_domains
from da.methods import METHODS, Network
from da.runs.run import Run
from da.training.train import train
from tests.conftest import begin_with, skip_without

FIRST = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    steps=2,
    batch=8,
    eval_every=2,
)

REFUSALS = (
    "batch is 2 or more where the neck has batch norm",
    "batch norm needs two images or more at once",
    r"norms, and this network has none",
    "needs two images or more of each domain",
    r"needs more than \d+ (target )?images",
    "has only 0 target training images",
    "features, not with neck 0",
    "a batch of 1 source images has none of some of 2 domains",
)
"""What a run may say that cannot do with so little."""


def few(images: int, seed: int) -> Domain:
    """Points of two classes in the plane: as many for training as for tests."""
    x = torch.randn(2 * images, 2, generator=torch.Generator().manual_seed(seed))
    train, test = torch.arange(2 * images).chunk(2)
    rows = {"source_train": train, "source_test": test, "target_train": train, "target_test": test}
    y = torch.arange(2 * images) % 2
    return Domain(("a", "b"), x, y, rows, f"{images} of seed {seed}")


def outcome(run: Callable[[], Run], monkeypatch: pytest.MonkeyPatch, n: int, m: int) -> str:
    """The error of a run on `n` images of each source and `m` target images, or nothing."""

    def open_few(name: str, *_: object) -> tuple[Domain, Domain]:
        sources = TaskName.parse(name).sources
        return join_domains(name, sources, [few(n, int(s)) for s in sources]), few(m, 1)

    monkeypatch.setattr(tasks, "open_domains", open_few)
    try:
        record = train(run(), device="cpu", quiet=True)
    except ValueError as error:
        return str(error)
    (*_, last) = record.curve
    assert all(map(math.isfinite, last.values())), last
    return ""


@pytest.mark.usefixtures("names_as_noise")
@pytest.mark.parametrize("neck", [8, 0])
@pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
def test_few_images_make_a_record_or_a_line(kind, neck, monkeypatch):
    skip_without(kind.needs)
    first = replace(FIRST, network=Network(neck=neck))
    monkeypatch.setattr(tasks, "open_domains", lambda *_: (few(30, 0), few(30, 1)))
    train(first, device="cpu", save_weights=True, quiet=True)
    begun = begin_with(kind, first.id)
    begun |= {"regime": "frozen", "init": first.id} if kind.frozen_only else {}
    begun |= {"task": f"{first.task}+1shot"} if kind.takes_shots else {}
    begun |= {"task": "moons:0,9-40"} if kind.takes_domains else {}
    for (n, m), batch in [((1, 1), 8), ((9, 1), 8), ((1, 9), 8), ((2, 17), 8), ((30, 30), 1)]:

        def run(batch: int = batch) -> Run:
            return replace(first, batch=batch, **begun)

        said = outcome(run, monkeypatch, n, m)
        assert "\n" not in said
        if said:
            assert any(re.search(refusal, said) for refusal in REFUSALS), said
