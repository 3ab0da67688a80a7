"""Steps of test-time adaptation beside what the authors' scripts computed."""

from itertools import count
from math import log
from typing import Any

import pytest
import torch

from da import methods
from da.data.batch import TargetBatch, Unlabeled
from da.data.domain import Images
from da.methods import Network, Settings
from da.methods._streaming import Streaming
from da.runs.run import Run
from da.training.engine import train_step
from da.training.optimizers import build_optimizer
from tests.fidelity.inputs import BATCH, CLASSES, STEPS
from tests.fidelity.peer_streams import (
    MARGINS,
    Layers,
    View,
    fill_classifier,
    random_numbers,
    source_images,
    stream,
)
from tests.fidelity.record import FORMATS, default_dtype
from tests.fidelity.replay import difference, part_difference, recorded
from tests.fidelity.test_trajectories import CLOSE

MARGIN = {name: margin / log(CLASSES) for name, margin in MARGINS.items()}
STREAMS: dict[str, Settings] = {
    "authors_tent": methods.Tent(),
    "sar_tent": methods.Tent(),
    "authors_eata": methods.EATA(margin=MARGIN["eata"], redundancy=0.9, trade_off=2000),
    "authors_sar": methods.SAR(margin=MARGIN["sar"]),
    "authors_cotta": methods.CoTTA(),
}
"""Methods that take the same steps as a script, with its defaults."""
SINGLE = {"authors_cotta"}
"""Cases in float32 alone: we average the teacher's predictions in that format."""


def run_of(method: Settings, theirs: dict[str, Any]) -> Run:
    group = theirs["optimizers"][0]
    return Run(
        method,
        "emoji:noto-twemoji",
        regime="full",
        init="0" * 12,
        network=Network(neck=0, dropout=0),
        optimizer=group["kind"].lower(),
        lr=theirs["rates"][0][0],
        backbone_lr=1,
        momentum=group.get("momentum") or group["betas"][0],
        weight_decay=group["weight_decay"],
        steps=STEPS,
    )


def build(run: Run, x: torch.Tensor) -> Streaming:
    m = run.method.build(Layers(), CLASSES, run.network)
    assert isinstance(m, Streaming)
    fill_classifier(m.head)
    if hasattr(m, "view"):
        m.view = View()
    source = source_images()
    m.prepare_source(Images(source, torch.arange(len(source))))
    m.prepare_target(Images(x, torch.arange(len(x))))
    m.online = m.online.float()  # predictions are stored in that format
    return m.train()


def replay_stream(name: str, format: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Return how far losses and weights are from the script's."""
    places = count()
    monkeypatch.setattr(torch, "rand", lambda shape: random_numbers(next(places), *shape))
    monkeypatch.setattr(torch, "randperm", lambda n, generator: torch.arange(n))
    with default_dtype(FORMATS[format]):
        theirs, images = recorded(name), stream()
        run = run_of(STREAMS[name], theirs)
        m = build(run, torch.cat(images))
        optimizer, losses = build_optimizer(run, m), []
        moving = [p for p in m.parameters() if p.requires_grad]
        for i, x in enumerate(images):
            batch = TargetBatch(Unlabeled(x, torch.arange(BATCH) + BATCH * i))
            losses.append(sum(train_step(m, optimizer, batch, i / STEPS).values()).item())
        every = theirs[format]["losses"]["backward"]
        if name == "authors_sar":
            every = every[1::2]
        mine = [loss for loss in losses if loss]
        (summaries,) = theirs[format]["parts"].values()
        return {
            "loss": difference(mine, every[-len(mine) :]),
            "weights": part_difference(moving, summaries),
        }


ROOM = {("authors_eata", "float32"): 5e-6}
"""Where kinds of processors differ by 1e-6: EATA's loss has 2000 times a penalty in it."""

CASES = [(name, format) for name in STREAMS for format in CLOSE if name not in SINGLE]
CASES += [pytest.param(name, "float32", marks=pytest.mark.slow) for name in SINGLE]


@pytest.mark.parametrize(("name", "format"), CASES)
def test_steps_are_those_of_the_script(name, format, monkeypatch):
    found = replay_stream(name, format, monkeypatch)
    limit = ROOM.get((name, format), CLOSE[format])
    assert all(gap < limit for gap in found.values()), found
