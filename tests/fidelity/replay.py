"""Take the steps of a recorded script with a method of ours, from the same weights and images."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from da.config.optimization import Optimization
from da.data.batch import Batch, Labeled, Unlabeled
from da.data.domain import Images, LabeledImages
from da.methods import Method, Network, Settings
from da.runs.run import Run
from da.training.earlier_runs import refresh_copies
from da.training.engine import train_step
from da.training.lr_schedule import lr_factor
from da.training.optimizers import build_optimizer
from tests.fidelity import inputs
from tests.fidelity.record import FOLDER, FORMATS, default_dtype, sample

ROLES = "backbone", "bottleneck", "head", "rival", "discriminator", "top"
"""Parts of a network; the last is neck and head in one."""


class Term(NamedTuple):
    """A loss of the script, as ours should be."""

    factor: float
    loss: str
    place: int = 0
    """Which of the script's losses of that name in a step it is."""
    offset: float = 0.0
    """Constant that the script adds to the loss."""
    size: float = 0.0
    """Size of the numbers whose difference the loss is, where that is larger than the loss."""


@dataclass(frozen=True)
class Ours:
    """A method of ours that should take the same steps as a script."""

    method: Settings
    terms: Mapping[str, Term]
    """The recorded loss, and a factor of it, that each loss of ours should be."""
    network: Network = field(default_factory=lambda: Network(neck=inputs.WIDTH, dropout=0))
    steps: int = 20_000
    """Length of the training, of which 50 steps are taken."""
    target_images: int = 1
    lr: float = 0.0
    """Learning rate of the head, where the script's setting is that of the backbone."""
    gamma: float = 0.0
    """Gamma of the schedule, where the script has no setting for it."""
    optimization: Optimization = field(default_factory=Optimization)
    shots: bool = False
    """Whether the script reads labeled target images: the other view's first ones."""
    backbone_lr: float = 0.0
    """Share of the learning rate for the backbone, where the first step's has fallen already."""
    whole_top: bool = False
    """Whether neck and head are one part of the script."""
    ahead: int = 0
    """Steps by which the script counts the progress of the training further than ours."""
    own: type[Method] | None = None
    """Class in place of the method's, which undoes what the method does in another way."""
    loose: float = 1.0
    """Factor of the difference that is allowed, for a script that adds 1e-6 in logarithms."""
    unseen: tuple[tuple[str, int], ...] = ()
    """Role and place of parameters that no loss depends on: biases before a batch norm, of which
    Adam makes steps of rounding.
    """


def recorded(name: str) -> dict[str, Any]:
    """Read the file of a recorded script."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def replay(ours: Ours, theirs: dict[str, Any], format: str) -> dict[str, float]:
    """Return how far each loss, and each part of the network at the end, is from the script's.

    Args:
        ours: Our method.
        theirs: What was recorded.
        format: Name of the number format.
    """
    with default_dtype(FORMATS[format]):
        method = build(ours)
        losses = train(method, ours, theirs)
        found = {}
        for name, term in ours.terms.items():
            every = theirs[format]["losses"][term.loss]
            own = every[term.place :: len(every) // inputs.STEPS]
            aims = [term.factor * (x - term.offset) for x in own]
            found[name] = difference(losses[name], aims, term.size)
        for role, summaries in theirs[format]["parts"].items():
            mine = parameters(method, role)
            seen = [i for i in range(len(mine)) if (role, i) not in ours.unseen]
            found[role] = part_difference([mine[i] for i in seen], [summaries[i] for i in seen])
    return found


def build(ours: Ours) -> Method:
    """Build a method of ours with the weights with which the script begins."""
    make = partial(ours.own, ours.method) if ours.own else ours.method.build
    method = make(inputs.Backbone(), inputs.CLASSES, ours.network)
    if getattr(method, "randomized", False):
        for place, matrix in enumerate((method.r_f, method.r_p)):
            matrix.copy_(inputs.random_map(place, *matrix.shape))
    for role in ROLES[: None if ours.whole_top else -1]:
        with torch.no_grad():
            for place, rows in enumerate(pieces(method, role)):
                p = torch.cat(rows)
                whole = inputs.initial(role, place, p.flatten(1) if p.ndim > 1 else p).view_as(p)
                for row, value in zip(rows, whole.split([len(r) for r in rows]), strict=True):
                    row.copy_(value)
    images = torch.cat([step.x_t for step in inputs.batches(ours.target_images)])
    none = torch.zeros(0, dtype=torch.long)
    method.prepare(LabeledImages(images, none, none), Images(images, torch.arange(len(images))))
    refresh_copies(method)
    return method.train()


def pieces(method: Method, role: str) -> list[list[Tensor]]:
    """Return the parameters of a part, as views in the order and layout of TLlib.

    CDAN's products of a feature and a class are sorted by feature here, and by class there. The
    unknown class of OSBP is a layer of its own here, and the last row of the classifier there.
    """
    part = getattr(method, {"bottleneck": "neck"}.get(role, role), None)
    found = list(part.parameters()) if part is not None else []
    if role == "top":
        found = [*method.neck.parameters(), *method.head.parameters()]
    if role == "discriminator" and getattr(method, "randomized", None) is False:
        found[0] = found[0].view(-1, method.width, method.classes).mT
    if role == "head" and isinstance(unknown := getattr(method, "unknown", None), nn.Module):
        return [[p, q] for p, q in zip(found, unknown.parameters(), strict=True)]
    return [[p] for p in found]


def parameters(method: Method, role: str) -> list[Tensor]:
    """Return the parameters of a part, each in one piece."""
    return [torch.cat(rows) for rows in pieces(method, role)]


def train(method: Method, ours: Ours, theirs: dict[str, Any]) -> dict[str, list[float]]:
    """Take 50 steps, and return each loss before each of them."""
    run = run_of(ours, theirs)
    optimizer, rate = build_optimizer(run, method), lr_factor(run, ours.steps)
    rates = [group["lr"] for group in optimizer.param_groups]
    losses = defaultdict(list)
    for i, step in enumerate(inputs.batches(ours.target_images)):
        for group, usual in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = usual * rate(i + 1)
        batch = _batch(step, ours.shots, i)
        progress = (i + ours.ahead) / ours.steps
        for name, loss in train_step(method, optimizer, batch, progress).items():
            losses[name].append(loss.item())
    return losses


def _batch(step: inputs.Step, shots: bool, place: int) -> Batch:
    source = Labeled(step.x_s, step.y_s)
    if shots:
        source = Labeled(torch.cat([step.x_s, step.strong]), step.y_s.repeat(2))
    index = torch.arange(len(step.x_t)) + len(step.x_t) * place
    return Batch(source, Unlabeled(step.x_t, index, step.strong))


def run_of(ours: Ours, theirs: dict[str, Any]) -> Run:
    """Return the run that a script's settings describe."""
    settings, lr = theirs["settings"], ours.lr or theirs["settings"]["lr"]
    moves = {group["role"]: group for group in theirs["optimizers"]}
    top = next(moves[role] for role in ("bottleneck", "head", "top") if role in moves)
    momentum = top["betas"][0] if top["kind"] == "Adam" else top["momentum"]
    optimization = replace(
        ours.optimization,
        nesterov=top.get("nesterov", False),
        anneal_gamma=settings.get("lr_gamma", ours.gamma) * ours.steps,
        anneal_power=settings.get("lr_decay", 0.75),
        backbone_momentum=moves["backbone"].get("momentum", momentum) / momentum,
    )
    return Run(
        ours.method,
        "emoji:noto-twemoji",
        regime="full",
        network=ours.network,
        optimizer=top["kind"].lower(),
        lr=lr,
        backbone_lr=ours.backbone_lr or theirs["rates"][0][0] / lr,
        momentum=momentum,
        weight_decay=top["weight_decay"],
        schedule="annealing",
        steps=ours.steps,
        optimization=optimization,
    )


def part_difference(mine: list[Tensor], theirs: list[dict[str, Any]]) -> float:
    """Return the largest difference of entries of a part, relative to its largest entry."""
    ours = [x for p in mine for x in sample(p)]
    return difference(ours, [x for summary in theirs for x in summary["entries"]])


def difference(mine: list[float], theirs: list[float], least: float = 0.0) -> float:
    """Return the largest difference of numbers, relative to the largest number or to `least`."""
    largest = max(least, max(map(abs, theirs), default=1.0))
    return max((abs(x - y) for x, y in zip(mine, theirs, strict=True)), default=0.0) / largest
