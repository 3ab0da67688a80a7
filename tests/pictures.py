"""A benchmark of small pictures, pieces of two photographs, and runs on it."""

import json
from dataclasses import replace
from functools import cache

import torch
from einops import rearrange
from sklearn.datasets import load_sample_image

from conftest import skip_without
from da import domains
from da.assemble import Parts, assemble
from da.domains import Domain
from da.methods import METHODS, Network
from da.records import Record
from da.run import Run
from da.train import fit, keep_weights

STORED, SIDE, CLASSES = 32, 28, ("even", "odd", "other")

RUN = Run(
    METHODS["source_only"].Hparams(),
    "digits:mnist-mnistm",
    backbone="lenet",
    init="random",
    regime="full",
    side=SIDE,
    network=Network(neck=8, dropout=0.1),
    steps=2,
    batch=6,
    look_every=9,
)
"""Of a task that `stand_in` is for."""

_open_pair = domains.open_pair


@cache
def pictures(photograph: str) -> Domain:
    """144 pieces of a photograph that scikit-learn has: 80 for training, 64 for tests."""
    photo = torch.tensor(load_sample_image(photograph))[: 13 * STORED]
    x = rearrange(photo, "(m h) (n w) c -> (m n) h w c", h=STORED, w=STORED)[:144]
    train, test = torch.arange(80), torch.arange(80, 144)
    rows = {"source_train": train, "source_test": test, "target_train": train, "target_test": test}
    return Domain(CLASSES, x.contiguous(), torch.arange(144) % 3, rows, photograph)


def stand_in(name: str, side: int = 0) -> tuple[Domain, Domain]:
    """For `da.domains.open_pair`: the pictures, where it is asked for digits."""
    if name.startswith("digits"):
        return pictures("china.jpg"), pictures("flower.jpg")
    return _open_pair(name, side)


def run_of(name: str, **settings) -> Run:
    """As `RUN`, of another method; one that needs a finished run begins with `RUN`."""
    kind = METHODS[name]
    skip_without(kind.needs)
    task = RUN.task + "+2shot" * kind.takes_shots
    begun = {"init": RUN.id} if kind.source_free else {}
    return replace(RUN, method=kind.Hparams(), task=task, **{**begun, **settings})


def trained(run: Run) -> tuple[Record, Parts]:
    """The record of a run whose weights are kept, and what they are of."""
    parts = assemble(run, "cpu")
    fit(run, parts, quiet=True)
    keep_weights(run, parts)
    return Record(run.id, json.loads(json.dumps(run.settings())), [], 0), parts
