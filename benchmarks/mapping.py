"""Measure time and memory of closed-form mappings of n source and n target images, 1,280 features.

`python benchmarks/mapping.py --sizes 1000 2000` measures these sizes. A peer is left out if it
would take more than half a minute, estimated by cubic growth from the size before.
"""

import argparse
import importlib.util
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from da.methods._mapping import Mapping
from da.methods.coral_map import CORALMap
from da.methods.subspace_alignment import SubspaceAlignment
from da.methods.tca import TCA
from da.models.backbone import Features
from da.ops.linalg import squared_distances
from da.ops.transport import barycenters, normalize_cost, sinkhorn
from measure import Bar, Section, Timing, interleaved

WIDTH, CLASSES, COMPONENTS = 1280, 31, 20
REG, ITERATIONS = 0.05, 200
LONGEST = 30.0
"""Seconds that a peer may take."""
Work = Callable[[Tensor, Tensor], object]


def data(n: int) -> tuple[Tensor, Tensor]:
    """Source and target features: classes, noise, ReLU, and a shift."""
    g = torch.Generator().manual_seed(0)
    centers = torch.randn(CLASSES, WIDTH, generator=g)
    x_s, x_t = (
        (centers[torch.arange(n) % CLASSES] + torch.randn(n, WIDTH, generator=g) + move).relu_()
        for move in (0.0, 0.3)
    )
    return x_s, x_t


def ours(hp: Mapping.Hparams) -> Work:
    """All that a run pays for the mapping: finding it, and mapping every training image."""

    def work(x_s: Tensor, x_t: Tensor) -> object:
        m = hp.build(Features(WIDTH), CLASSES)
        m.find(x_s, x_t)
        return m.map_source(x_s), m.map_target(x_t)

    return torch.no_grad()(work)


def our_sinkhorn(x_s: Tensor, x_t: Tensor) -> object:
    """As many iterations as the peers do, converged or not."""
    cost = normalize_cost(squared_distances(x_s, x_t), "max")
    return barycenters(sinkhorn(cost, REG, max_iterations=ITERATIONS, tolerance=0.0), x_t)


def skada(module: str, name: str, **settings: object) -> Work:
    """An adapter of skada."""

    def work(x_s: Tensor, x_t: Tensor) -> object:
        adapter = getattr(importlib.import_module(f"skada.{module}"), name)(**settings)
        x, domain = np.concatenate([x_s, x_t]), np.repeat([1, -2], [len(x_s), len(x_t)])
        y = np.where(domain > 0, 0, -1)
        return adapter.fit(x, y, sample_domain=domain).transform(
            x, y, sample_domain=domain, allow_source=True
        )

    return work


def pot(name: str, **settings: object) -> Work:
    """A transport of POT."""

    def work(x_s: Tensor, x_t: Tensor) -> object:
        import ot

        transport = getattr(ot.da, name)(**settings)
        return transport.fit_transform(Xs=x_s.double().numpy(), Xt=x_t.double().numpy())

    return work


_SINKHORN = {"reg_e": REG, "max_iter": ITERATIONS, "tol": 0, "norm": "max"}
CONTENDERS: dict[str, dict[str, Work]] = {
    "CORAL": {
        "ours": ours(CORALMap.Hparams()),
        "skada": skada("_mapping", "CORALAdapter", reg=0.1),
    },
    "subspace alignment": {
        "ours": ours(SubspaceAlignment.Hparams(dimensions=100)),
        "skada": skada("_subspace", "SubspaceAlignmentAdapter", n_components=100),
    },
    "TCA": {
        "ours": ours(TCA.Hparams(dimensions=COMPONENTS)),
        "skada": skada("_subspace", "TransferComponentAnalysisAdapter", n_components=COMPONENTS),
    },
    "Sinkhorn": {
        "ours": our_sinkhorn,
        "skada": skada("_mapping", "EntropicOTMappingAdapter", **_SINKHORN),
        "POT, by products": pot(
            "SinkhornTransport", method="sinkhorn", out_of_sample_map="ferradans", **_SINKHORN
        ),
    },
    "exact transport": {
        "POT": pot("EMDTransport", max_iter=10_000_000),
        "skada": skada("_mapping", "OTMappingAdapter", max_iter=10_000_000),
    },
}
"""Method to who does it; the first of each is what the others are compared with."""


def peak_memory() -> float:
    """MB that this process has held at most, not a number where that is not to be had."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(x.split()[1]) / 1024 for x in lines if x.startswith("VmHWM")), math.nan)


def peak_of(method: str, name: str, n: int) -> float:
    """MB that a contender adds to a process which has its imports and its data."""
    command = [sys.executable, __file__, "--peak", method, name, str(n)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_peak(method: str, name: str, n: int) -> None:
    """What the process that `peak_of` starts does."""
    work = CONTENDERS[method][name]
    quietly(work, *data(128))  # imports
    x_s, x_t = data(n)
    before = peak_memory()
    quietly(work, x_s, x_t)
    print(peak_memory() - before)


def quietly(work: Work, x_s: Tensor, x_t: Tensor) -> None:
    """Without the peers' warnings, of too few iterations for one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work(x_s, x_t)


def timed(contenders: dict[str, Work], n: int, rounds: int) -> Timing:
    """Seconds of each contender on the same data, in turns."""
    x_s, x_t = data(n)
    for work in contenders.values():
        quietly(work, *data(128))  # imports
    return interleaved(
        {name: lambda work=work: quietly(work, x_s, x_t) for name, work in contenders.items()},
        rounds,
        warm_up=0,
    )


def rows_of(method: str, sizes: list[int], rounds: int) -> Iterator[Sequence[object]]:
    """Rows of the table for one method."""
    works = CONTENDERS[method]
    first = next(iter(works))
    before: dict[str, tuple[int, float]] = {}
    for n in sizes:
        slow = {k for k, (m, t) in before.items() if k != first and t * (n / m) ** 3 > LONGEST}
        ready = {k: v for k, v in works.items() if installed(k) and k not in slow}
        timing = timed(ready, n, rounds if n <= 2000 else 1)
        for name in works:
            if name not in ready:
                why = (
                    "over half a minute" if name in slow else "peer not installed: make bench-peers"
                )
                yield method, n, name, why, None, None, None
                continue
            seconds = timing.median(name)
            m, then = before.get(name, (n, seconds))
            growth = math.log(seconds / then) / math.log(n / m) if n > m else None
            before[name] = n, seconds
            faster = timing.ratio(first, name)
            yield method, n, name, seconds, faster, peak_of(method, name, n), growth


def installed(name: str) -> bool:
    """Whether a peer is there; POT is one of our own requirements."""
    return name != "skada" or importlib.util.find_spec("skada") is not None


def measure(quick: bool, sizes: Sequence[int] = ()) -> Section:
    """All methods at all sizes."""
    before = os.getloadavg()[0]
    sizes = list(sizes) or ([200, 400] if quick else [1000, 2000, 4000, 8000])
    rows = [row for method in CONTENDERS for row in rows_of(method, sizes, 1 if quick else 3)]
    ratios = {(row[0], row[1], row[2]): row[4] for row in rows}
    return Section(
        f"Closed-form mappings of {WIDTH:,} features",
        ("method", "n a domain", "by", "seconds", "first is faster by", "MB over base", "growth"),
        rows,
        notes=[
            f"{torch.get_num_threads()} threads; load average {before:.1f} before, "
            f"{os.getloadavg()[0]:.1f} after",
            "seconds: finding the map and mapping all training images; growth: exponent of n",
            f"Sinkhorn: {ITERATIONS} iterations, entropy {REG} of the largest cost; TCA: "
            f"{COMPONENTS} components; subspace alignment: 100, exact here, approximate in skada",
            "ours in float32, peers in float64 where they turn to it",
        ],
        bars=[
            Bar(f"{name}, n = 2,000", "skada", 15, 30, ratios.get((name, 2000, "skada")))  # type: ignore[arg-type]
            for name in ("TCA", "Sinkhorn")
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--sizes", type=int, nargs="*", default=(), help="images a domain")
    parser.add_argument("--peak", nargs=3, help="memory of one contender: METHOD BY SIZE")
    arguments = parser.parse_args()
    if arguments.peak:
        print_peak(*arguments.peak[:2], int(arguments.peak[2]))
    else:
        print(measure(arguments.quick, arguments.sizes).markdown())
