"""Measure many seeds at once: LeNet's DANN step for 1 to 32 of them, one after another or stacked.

Each seed has its own weights and its own order of images. The images are on the device as uint8,
and a batch is made of rows of that table. The ways to stack are vmap
(`da.training.vmap`), a convolution with one group per seed, and patches times weights as batched
matrix products. Before anything is timed, their losses are compared with those of seeds one after
another. On a GPU, every way is timed both as it is and as one CUDA graph.

Cost: two minutes on 2 cores.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle, product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from da.data.batch import Batch, Labeled, Unlabeled
from da.methods import METHODS, Losses, Method, Network, Phase
from da.models import backbone
from da.models.backbones.lenet import build
from da.ops.functional import grl_warmup, reverse_gradient
from da.training.cuda_graph import Captured
from da.training.engine import train_step
from da.training.vmap import Group
from measure import Bar, Section, Timing, busy, interleaved, is_over, show, tell
from peers import sgd
from step import DEVICE

ON_GPU = DEVICE.type == "cuda"
SEEDS = (1, 32, 8) if ON_GPU else (1, 2, 4, 8, 16)
GPUS = "H100", "H200"
ALONE = "one after another"
STEPS = 8
"""Batches that are gone through again and again."""
TOLERANCE = 1e-3 if ON_GPU else 1e-5
"""Largest difference of a loss; a GPU has many ways to add up."""


class Resident(nn.Module):
    """Images by their rows in a table on the device, as a network takes them."""

    def __init__(self, images: Tensor, network: backbone.Backbone):
        super().__init__()
        self.images, self.network, self.width = images, network, network.width

    def forward(self, rows: Tensor) -> Tensor:
        """Features of the images in `rows`."""
        return self.network(self.images[rows].float() / 255)


class Stacked(Group):
    """LeNet's DANN with the weights of all seeds in one layer each; how to convolve is left."""

    def phases(self) -> Iterator[Phase]:
        """A single one, which moves everything."""
        yield Phase(self.losses, self.together.parameters())

    def losses(self, batch: Batch, progress: Any) -> Losses:
        """Those of `dann`, an element for each seed."""
        n = batch.source.x.shape[1]
        f = self.features(torch.cat([batch.source.x, batch.target.x], 1))
        strength = self.together.hp.trade_off * grl_warmup(progress)  # type: ignore[attr-defined]
        domain = self.mlp("discriminator", reverse_gradient(f, strength)).squeeze(2)
        is_source = (torch.arange(f.shape[1], device=f.device) < n).to(domain).expand_as(domain)
        logits, y = self.mlp("head", f[:, :n]), batch.source.y
        task = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
        doubt = F.binary_cross_entropy_with_logits(domain, is_source, reduction="none")
        return {"task": task.unflatten(0, y.shape).mean(1), "domain": doubt.mean(1)}

    def mlp(self, name: str, x: Tensor) -> Tensor:
        """Linear layers with ReLU between them, on `g b d`."""
        layers = [part for part in self.state if part.startswith(f"{name}.")]
        for weight, bias in zip(layers[::2], layers[1::2], strict=True):
            x = x if weight == layers[0] else x.relu()
            x = torch.baddbmm(self.state[bias][:, None], x, self.state[weight].mT)
        return x

    def features(self, rows: Tensor) -> Tensor:
        """Features `g b 768` of the images in rows `g b`."""
        backbone: Any = self.together.backbone
        x = (backbone.images[rows].float() / 255 - 0.5) / 0.5  # LeNet's own normalization
        for layer in (0, 3):
            names = (f"backbone.network.body.{layer}.{part}" for part in ("weight", "bias"))
            x = self.layer(x, *(self.state[name] for name in names))
        return x.flatten(2)

    def layer(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Convolution, pool and ReLU of images `g b c h w`, with weights `g o c h w`."""
        raise NotImplementedError


class Grouped(Stacked):
    """The seeds are groups of one convolution, side by side in the channels."""

    layout = torch.contiguous_format

    def layer(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """One convolution of `b gc h w`."""
        g = len(x)
        x = x.transpose(0, 1).flatten(1, 2).contiguous(memory_format=self.layout)
        x = F.conv2d(x, weight.flatten(0, 1), bias.flatten(), groups=g)
        return F.max_pool2d(x, 2).relu().unflatten(1, (g, -1)).transpose(0, 1)


class GroupedLast(Grouped):
    """The same with channels last."""

    layout = torch.channels_last


class Patches(Stacked):
    """Every patch is a row, and a convolution a product of matrices for each seed."""

    def layer(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """One product of `g (b h w) (i j c)` and `g (i j c) o`."""
        if torch.is_autocast_enabled(x.device.type):  # or patches, far more, would be converted
            x = x.to(torch.get_autocast_dtype(x.device.type))
        g, b, _, height, _ = x.shape
        k = weight.shape[-1]
        patches = x.permute(0, 1, 3, 4, 2).unfold(2, k, 1).unfold(3, k, 1)
        patches = patches.permute(0, 1, 2, 3, 5, 6, 4).reshape(g, -1, weight[0, 0].numel())
        matrix = weight.permute(0, 3, 4, 2, 1).flatten(1, 3)
        out = torch.baddbmm(bias[:, None], patches, matrix)
        side = height - k + 1
        out = out.view(g * b, side, side, -1).permute(0, 3, 1, 2)  # channels last
        return F.max_pool2d(out, 2).relu().unflatten(0, (g, b))


WAYS: dict[str, Callable[..., Group]] = {
    "vmap": Group,
    "grouped": Grouped,
    "grouped, channels last": GroupedLast,
    "patches": Patches,
}


def network(images: Tensor, seed: int, layout: torch.memory_format) -> Method:
    """The DANN paper's network and discriminator for digits."""
    torch.manual_seed(seed)
    lenet = build()
    lenet.layout = layout
    parts = Network(neck=0, dropout=0, head=(100, 100))
    method = METHODS["dann"].Hparams(hidden=(100,)).build(Resident(images, lenet), 10, parts)  # type: ignore[call-arg]
    method.to(DEVICE)
    return method.to(memory_format=layout) if layout == torch.channels_last else method


def data(seeds: int, size: int) -> tuple[Tensor, list[Batch]]:
    """Images of both domains in one table, and for each step the rows that each seed sees."""
    g = torch.Generator().manual_seed(0)
    count = 64 * size
    images = torch.randint(256, (2 * count, 3, 28, 28), generator=g, dtype=torch.uint8)
    y = torch.randint(10, (count,), generator=g)
    i, j = torch.randint(count, (2, STEPS, seeds, size), generator=g)
    tables = zip(*(x.to(DEVICE) for x in (i, y[i], count + j, j)), strict=True)
    return images.to(DEVICE), [
        Batch(Labeled(rows, classes), Unlabeled(others, index))
        for rows, classes, others, index in tables
    ]


def of_seed(batch: Batch, seed: int) -> Batch:
    """What one seed sees of a stacked batch."""
    source, target = batch.source, batch.target
    return Batch(
        Labeled(source.x[seed], source.y[seed]), Unlabeled(target.x[seed], target.index[seed])
    )


def stepper(
    method: Any, batches: Sequence[Batch], precision: Any, captured: bool
) -> Callable[[], Losses]:
    """A step of `method` on the next of `batches`, halfway through the training."""
    optimizer = sgd(list(getattr(method, "together", method).parameters()), fused=True)
    step: Callable[[Batch, float], Losses]
    if captured:
        step = Captured(method, optimizer, batches[0], precision)
    else:
        step = partial(train_step, method, optimizer, precision=precision)
    endless = cycle(batches)
    return lambda: step(next(endless), 0.5)


def contender(
    way: str, seeds: int, size: int, precision: Any = "fp32", captured: bool = False
) -> Callable[[], Losses]:
    """A step of all seeds, each on its own images; the same weights and images for every way."""
    images, batches = data(seeds, size)
    if way != ALONE:
        methods = [network(images, seed, torch.contiguous_format) for seed in range(seeds)]
        group = WAYS[way](methods, [torch.Generator(DEVICE) for _ in methods])
        return stepper(group, batches, precision, captured)
    steps = [
        stepper(
            network(images, seed, torch.channels_last),
            [of_seed(batch, seed) for batch in batches],
            precision,
            captured,
        )
        for seed in range(seeds)
    ]

    def in_turn() -> Losses:
        each = [step() for step in steps]
        return {name: torch.stack([losses[name] for losses in each]) for name in each[0]}

    return in_turn


def gap(way: str, size: int, captured: bool = False) -> float:
    """The largest difference of any loss from seeds one after another, in 3 seeds' 4 steps."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        ours, theirs = contender(way, 3, size, captured=captured), contender(ALONE, 3, size)
        steps = [(ours(), theirs()) for _ in range(4)]
    gaps = [(a[name] - b[name]).abs().max().item() for a, b in steps for name in b]
    assert max(gaps) <= TOLERANCE, f"{way} differs from one after another by {max(gaps):.2g}"
    return max(gaps)


def timed(seeds: int, size: int, precision: Any, captured: bool, rounds: int) -> Timing:
    """Every way, in turns."""
    calls = max(1, 32 // seeds) if ON_GPU else 1
    contenders = {way: contender(way, seeds, size, precision, captured) for way in (ALONE, *WAYS)}
    return interleaved(contenders, rounds, calls=calls, units=2 * size * seeds)


def row(key: tuple, timing: Timing) -> list[object]:
    """Milliseconds a step of each way; of the fastest its name, images a second, and ms a seed."""
    seeds, precision, captured = key
    best = min(timing.seconds, key=timing.median)
    times = [1000 * timing.median(way) for way in timing.seconds]
    kind = f"{precision}, {'graph' if captured else 'eager'}"
    stacking = max(timing.ratio(way, ALONE) for way in WAYS)
    one = 1000 * timing.median(best) / seeds
    return [seeds, kind, *times, stacking, best, timing.rate(best), one]


def bars(timings: dict[tuple, Timing]) -> list[Bar]:
    """What must hold on an H100 or H200, by the fastest way as a graph; open elsewhere."""
    name = torch.cuda.get_device_name() if ON_GPU else ""
    here = [gpu for gpu in GPUS if gpu in name]
    rate = time = None
    if here and {1, 32} <= {key[0] for key in timings if key[2]}:
        rate, time = 128 / _fastest(1, timings), 1000 * _fastest(32, timings)
    gpu = here[0] if here else GPUS[0]
    return [
        Bar("LeNet DANN 64+64, one seed, CUDA graph", gpu, 0.3e6, 0.5e6, rate, "images/s"),
        Bar("LeNet DANN 64+64, 32 seeds, one CUDA graph", gpu, 3, 1.5, time, "ms", "less"),
    ]


def _fastest(seeds: int, timings: dict[tuple, Timing]) -> float:
    """Seconds of a step as a graph."""
    graphs = [timing for key, timing in timings.items() if key[0] == seeds and key[2]]
    return min(timing.median(way) for timing in graphs for way in timing.seconds)


def measure(quick: bool) -> Section:
    """Check that every way is the same training, then time each."""
    torch.backends.cudnn.benchmark = True
    size, rounds = (4, 2) if quick else (64, 7 if ON_GPU else 3)
    gaps = {way: gap(way, size) for way in WAYS}
    if ON_GPU:
        gaps |= {f"{way}, graph": gap(way, size, captured=True) for way in (ALONE, *WAYS)}
    kinds = product(("fp32", "bf16"), (True, False)) if ON_GPU else [("fp32", False)]
    keys = [(s, *kind) for kind in kinds for s in (SEEDS[:2] if quick else SEEDS)]
    timings: dict[tuple, Timing] = {}
    for key in keys:
        if timings and is_over():
            break
        timings[key] = timed(key[0], size, *key[1:], rounds)
        tell(row(key, timings[key]))
    ways = [f"{way}, ms" for way in (ALONE, *WAYS)]
    last = "best stacking, times faster", "fastest", "its images/s", "its ms a seed"
    columns = ("seeds", "step", *ways, *last)
    widest = max(gaps, key=lambda way: gaps[way])
    notes = [
        f"DANN on LeNet, {size}+{size} images a seed, SGD; {DEVICE.type}, "
        f"{torch.get_num_threads()} threads; one after another has channels last",
        "largest difference of a loss from one after another, 3 seeds, 4 steps, fp32: "
        f"{gaps[widest]:.1g} ({widest})",
        f"at the end {busy(list(timings.values())[-1])}",
    ]
    rows = [row(key, timing) for key, timing in timings.items()]
    found = {f"{key}": timing.seconds for key, timing in timings.items()} | {"gaps": gaps}
    held = bars({} if quick else timings)
    return Section("Many seeds at once", columns, rows, notes, found, held)


if __name__ == "__main__":
    show(measure)
