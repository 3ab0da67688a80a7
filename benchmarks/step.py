"""Measure one training step of each method: ours, pytorch-adapt's hook, and a TLlib-style loop.

All have the same network, weights, SGD (Nesterov) and one batch in memory. The batch of the peers
is normalized in advance, as float32. Ours comes in bytes, which every step normalizes. Peers have
PyTorch's memory format, contiguous; ours is the one that `--memory-format auto` chooses here.

Cost: a quarter of an hour on 2 cores, some minutes on a GPU.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from da.config.choices import Precision
from da.data.batch import Batch, Labeled, Unlabeled
from da.methods import METHODS, Method, Network
from da.models import backbones
from da.runs.run import Run
from da.system import memory
from da.system.hardware import count_flops, measure_ceilings
from da.training.engine import train_step
from da.training.formats import Formats, choose_formats, set_formats
from measure import Bar, Section, Timing, busy, interleaved, is_over, show, tell
from peers import Data, Step, plain, pytorch_adapt, sgd
from tllib import tllib_style

NAMES = "dann", "cdan", "mcc", "mcd", "source_only"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PEERS = "pytorch-adapt", "TLlib-style"
OURS: dict[str, Precision] = {"ours": "fp32", "ours, bf16": "bf16"}
POOL_FIRST = ", ReLU after pool"
COLUMNS = (
    *("network, images", "method", *(f"{peer}, images/s" for peer in PEERS)),
    *("ours in", "ours, images/s", *(f"vs {peer}" for peer in PEERS), "of fp32 ceiling"),
    *("ours, bf16, images/s", *(f"vs {peer} as shipped" for peer in PEERS), "of bf16 ceiling"),
)


@dataclass(frozen=True)
class Case:
    """A network and its images, and how often a step is measured."""

    network: str
    side: int
    batch: int
    rounds: int
    calls: int

    @property
    def title(self) -> str:
        """Network, pixels, images of each domain."""
        return f"{self.network} {self.side}, {self.batch}+{self.batch}"


CPU = (
    Case("lenet", 28, 128, 9, 4),
    Case("resnet18", 64, 16, 5, 2),
    Case("resnet18", 224, 16, 3, 1),
    Case("efficientnet_lite0", 96, 32, 3, 1),
    Case("resnet50", 224, 4, 3, 1),
)
CUDA = (
    Case("resnet50", 224, 64, 5, 3),
    Case("lenet", 28, 64, 5, 15),
    Case("resnet18", 64, 128, 5, 6),
    Case("efficientnet_lite0", 96, 128, 5, 3),
    Case("resnet18", 224, 128, 5, 3),
    Case("lenet", 28, 128, 5, 15),
)
QUICK = (Case("lenet", 28, 4, 2, 1),)


def build(name: str, network: str) -> Method:
    """An untrained method on `network`, for 10 classes on the digits' network and 31 elsewhere."""
    torch.manual_seed(0)
    backbone = backbones.build_backbone(network, "random")
    own: dict[str, Any] = {}
    if network == "lenet":
        parts, classes = Network(neck=0, dropout=0, head=(100, 100)), 10
        own = {"hidden": (100,)} if name in ("dann", "cdan") else {}
    else:
        parts, classes = Network(dropout=0, bn="separate" if name == "mcd" else "joint"), 31
    method = METHODS[name].Hparams(**own).build(backbone, classes, parts)
    return method.to(DEVICE)


def formats(case: Case, method: Method, images: Tensor, precision: Precision) -> Formats:
    """The formats of a run of this case that chooses its memory format."""
    settings = METHODS["source_only"].Hparams(), "emoji:noto-twemoji", case.network, "random"
    run = Run(*settings, "full", batch=case.batch, precision=precision, memory_format="auto")
    return choose_formats(run, method.backbone, images)


def data(method: Method, side: int, size: int) -> tuple[Batch, Data]:
    """The same random images for us, in bytes, and for the peers, normalized."""
    g = torch.Generator().manual_seed(0)
    shape = (2, size, side, side, 3)
    stored = torch.randint(256, shape, generator=g, dtype=torch.uint8).to(DEVICE)
    x_s, x_t = rearrange(stored, "two b h w c -> two b c h w")
    y_s = torch.randint(method.classes, (size,), generator=g).to(DEVICE)
    index = torch.arange(size, device=DEVICE)
    body = method.backbone
    normal = [((x / 255 - body.mean) / body.std).contiguous() for x in (x_s, x_t)]
    return Batch(Labeled(x_s, y_s), Unlabeled(x_t, index)), Data(normal[0], y_s, normal[1])


def contenders(name: str, case: Case) -> tuple[dict[str, Step], str]:
    """A step of everybody who has this method, and our memory format in fp32.

    Each trains weights of its own.
    """
    method = build(name, case.network)
    batch, theirs = data(method, case.side, case.batch)
    chosen = {
        who: formats(case, method, batch.source.x, precision) for who, precision in OURS.items()
    }
    found: dict[str, Step | None] = {
        who: ours(copy.deepcopy(method), batch, each) for who, each in chosen.items()
    }
    for order in (False, True) if (case.network, name) == ("lenet", "dann") else (False,):
        suffix = POOL_FIRST * order
        for peer, step in zip(PEERS, (pytorch_adapt, tllib_style), strict=True):
            found[peer + suffix] = step(plain(method, pool_first=order), name, theirs)
    return {who: step for who, step in found.items() if step}, chosen["ours"].memory_format


def ours(method: Method, batch: Batch, chosen: Formats) -> Step:
    """Our step as `da.training.engine` takes it, halfway through the training."""
    set_formats(method, method.backbone, chosen)
    optimizer = sgd(list(method.parameters()), fused=True)
    return partial(train_step, method, optimizer, batch, 0.5, chosen.precision)


def measured(name: str, case: Case) -> tuple[Timing, int, str]:
    """How long everybody's step takes, and the operations and the memory format of ours."""
    steps, memory_format = contenders(name, case)
    images = case.batch * (1 if name == "source_only" else 2)
    timing = interleaved(steps, case.rounds, calls=case.calls, units=images)
    return timing, count_flops(steps["ours"]), memory_format


def against(timing: Timing, who: str, peers: tuple[str, ...] = PEERS) -> list[float | None]:
    """How many times faster than each peer that is installed."""
    return [timing.ratio(who, peer) if peer in timing.seconds else None for peer in peers]


def row(name: str, case: Case, timing: Timing, work: int, memory_format: str) -> list[object]:
    """Images a second, times faster than both peers in fp32 and bf16, share of the ceilings."""
    top = measure_ceilings(DEVICE)
    cells: list[object] = [case.title, name]
    cells += [timing.rate(peer) if peer in timing.seconds else None for peer in PEERS]
    cells.append(memory_format)
    for who, ceiling in (("ours", top.fp32), ("ours, bf16", top.bf16)):
        share = 100 * work / timing.median(who) / ceiling
        cells += [timing.rate(who), *against(timing, who), f"{share:.0f} %"]
    return cells


def note(case: Case, timing: Timing) -> Iterator[str]:
    """What LeNet's order of ReLU and pool is worth."""
    same = tuple(f"{peer}{POOL_FIRST}" for peer in PEERS)
    if same[-1] in timing.seconds:
        ratios = " and ".join(f"{ratio:.2f}x" for ratio in against(timing, "ours", same) if ratio)
        yield (
            "our LeNet has its ReLU after the pool, which gives the same numbers; against peers "
            f"whose ReLU stands there too, dann on {case.title} in fp32 is {ratios} as fast"
        )


def bars(timings: dict[str, Timing]) -> list[Bar]:
    """What must hold on a CPU."""
    if DEVICE.type == "cuda":
        return []
    both = " and ".join(PEERS)
    lenet = _least(timings.get("lenet 28, 128+128 dann"), "ours")
    resnet = _least(timings.get("resnet18 224, 16+16 dann"), "ours, bf16")
    return [
        Bar("LeNet 28 DANN step, CPU, fp32", both, 1.35, 1.8, lenet),
        Bar("ResNet-18 224 DANN step, CPU, bf16", f"{both} as shipped", 2.0, 2.3, resnet),
    ]


def _least(timing: Timing | None, who: str) -> float | None:
    """The ratio to the faster peer; None where one is missing."""
    ratios = against(timing, who) if timing else []
    found = [ratio for ratio in ratios if ratio]
    return min(found) if len(found) == len(PEERS) else None


def measure(quick: bool) -> Section:
    """Every method on every network."""
    torch.backends.cudnn.benchmark = True
    memory.keep_freed_memory()
    cases = QUICK if quick else CUDA if DEVICE.type == "cuda" else CPU
    rows, timings, work = [], {}, {}
    notes: list[str] = []
    for case, name in product(cases, NAMES):
        if rows and is_over():
            notes.append("the time that was given ended before the other rows")
            break
        key = f"{case.title} {name}"
        timings[key], work[key], memory_format = measured(name, case)
        rows.append(row(name, case, timings[key], work[key], memory_format))
        tell(rows[-1])
        notes += note(case, timings[key])
    last = timings[key]
    about = [
        "images/s: source and target, for source_only source alone; all in memory",
        "vs: how many times faster ours is, the median of the ratios within rounds",
        "ours in: what --memory-format auto chooses in fp32; the default is channels_last",
        "freed memory is kept in the process, as da does on a CPU, which peers gain from too",
        "mcd shows each of its steps the domains that it needs, as its authors' code and "
        "pytorch-adapt do; TLlib-style shows both",
        "bf16 is compared with peers as they ship, in fp32: not like for like",
        f"on {DEVICE.type}, {torch.get_num_threads()} threads; at the end {busy(last)}",
    ]
    if PEERS[0] not in last.seconds:
        about.append(f"{PEERS[0]} is not installed here: make bench-peers")
    found = {key: {"seconds": t.seconds, "flops": work[key]} for key, t in timings.items()}
    return Section("A training step", COLUMNS, rows, about + notes, found, bars(timings))


if __name__ == "__main__":
    show(measure)
