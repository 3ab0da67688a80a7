"""Steps of NRC and AaD on the target beside what their authors' scripts computed."""

from dataclasses import replace

import pytest
import torch

from da.data.batch import TargetBatch, Unlabeled
from da.data.domain import Images
from da.methods import Method
from da.training.engine import train_step
from da.training.lr_schedule import lr_factor
from da.training.optimizers import build_optimizer
from tests.fidelity.as_scripts import RemembersEarlierAaD, RemembersEarlierNRC
from tests.fidelity.inputs import BATCH, STEPS, Backbone, batches, fill
from tests.fidelity.replay import part_difference, recorded
from tests.fidelity.test_shot import PASS, RUN, parts

CLASSES, FEATURES = 12, 256
"""Numbers in the lines of both scripts."""
NETWORK = replace(RUN.network, neck=FEATURES)
CASES: dict[str, type[Method]] = {
    "authors_nrc": RemembersEarlierNRC,
    "authors_aad": RemembersEarlierAaD,
}


def build(kind: type[Method], x: torch.Tensor) -> Method:
    m = kind(kind.Hparams(), Backbone(), CLASSES, NETWORK)
    for role, parameters in parts(m).items():
        fill(role, parameters)
    m.prepare_target(Images(x, torch.arange(len(x))))
    return m.train()


def train(m: Method, lr: float, x: torch.Tensor) -> None:
    """Take 50 steps. The losses of the scripts hold an entropy that moves nothing."""
    run = replace(RUN, lr=lr, network=NETWORK)
    optimizer, factor = build_optimizer(run, m), lr_factor(run, STEPS)
    rates = [group["lr"] for group in optimizer.param_groups]
    for step in range(1, STEPS + 1):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor(step)
        index = torch.arange(BATCH) + BATCH * ((step - 1) % PASS)
        batch = TargetBatch(Unlabeled(x[index], index))
        train_step(m, optimizer, batch, (step - 1) / STEPS)


def replay_neighbors(name: str) -> dict[str, float]:
    """Return how far each part at the end is from the script's.

    In float32 alone: both remember features in that format.
    """
    theirs, x = recorded(name), torch.cat([step.x_t for step in batches()[:PASS]])
    m = build(CASES[name], x)
    train(m, theirs["settings"]["lr"], x)
    every = theirs["float32"]["parts"].items()
    return {role: part_difference(parts(m)[role], summaries) for role, summaries in every}


@pytest.mark.parametrize("name", CASES)
def test_steps_are_those_of_the_script(name):
    found = replay_neighbors(name)
    assert found.keys() == {"backbone", "bottleneck", "head"}
    assert all(gap < 1e-6 for gap in found.values()), found
