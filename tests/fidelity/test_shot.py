"""Steps of SHOT on the target beside what its authors' script computed."""

import torch

from da import methods
from da.config.optimization import Optimization
from da.data.batch import TargetBatch, Unlabeled
from da.data.domain import Images
from da.methods import Method, Network
from da.runs.run import Run
from da.training.engine import train_step
from da.training.lr_schedule import lr_factor
from da.training.optimizers import build_optimizer
from tests.fidelity.inputs import BATCH, CLASSES, STEPS, WIDTH, Backbone, batches, fill
from tests.fidelity.replay import difference, part_difference, recorded

RUN = Run(
    methods.SHOT(refreshes=5),
    "emoji:noto-twemoji",
    regime="full",
    init="0" * 12,
    schedule="annealing",
    network=Network(neck=WIDTH, dropout=0, neck_relu=False, head_weight_norm=True),
    optimizer="sgd",
    lr=0.01,
    backbone_lr=0.1,
    momentum=0.9,
    weight_decay=1e-3,
    steps=STEPS,
    optimization=Optimization(nesterov=True, anneal_first=1),
)
PASS = 10
"""Batches in a pass over the target."""


def parts(m: Method) -> dict[str, list[torch.nn.Parameter]]:
    """Return the parameters of each part in the order of the script."""
    linear, norm = m.neck
    (layer,) = m.head
    return {
        "backbone": [*m.backbone.parameters()],
        "bottleneck": [*norm.parameters(), *linear.parameters()],
        "head": [layer.bias, layer.length, layer.weight],
    }


def build(x: torch.Tensor) -> Method:
    m = RUN.method.build(Backbone(), CLASSES, RUN.network)
    for role, parameters in parts(m).items():
        fill(role, parameters)
    m.train().prepare_target(Images(x, torch.arange(len(x))))
    return m


def replay_shot() -> dict[str, float]:
    """Return how far the loss and each part at the end are from the script's.

    In float32: the script adds small numbers in logarithms, and we label in float32. The progress
    counts the step that is taken, so that labels are as new as the script's: see docs.
    """
    theirs = recorded("authors_shot")["float32"]
    x = torch.cat([step.x_t for step in batches()[:PASS]])
    m, pseudo = build(x), []
    optimizer, factor = build_optimizer(RUN, m), lr_factor(RUN, STEPS)
    rates = [group["lr"] for group in optimizer.param_groups]
    for step in range(1, STEPS + 1):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor(step)
        index = torch.arange(BATCH) + BATCH * ((step - 1) % PASS)
        batch = TargetBatch(Unlabeled(x[index], index))
        pseudo.append(train_step(m, optimizer, batch, step / STEPS)["pseudo"].item())
    found = {"pseudo": difference(pseudo, [0.3 * x for x in theirs["losses"]["cross_entropy"]])}
    for role, summaries in theirs["parts"].items():
        found[role] = part_difference(parts(m)[role], summaries)
    return found


def test_steps_are_those_of_the_script():
    found = replay_shot()
    assert all(gap < 1e-6 for gap in found.values()), found
