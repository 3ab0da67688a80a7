"""Choose the number format and the memory format of a run by what is faster on this machine."""

import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple, get_args

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from da.config.choices import MemoryFormat, Precision
from da.models.backbone import Backbone
from da.models.own_backbone import OwnBackbone
from da.runs.run import Run
from da.system.cache import cache_home, make_once, may_make
from da.system.environment import processor
from da.training.processes import count_processes, is_first, take_from_first

CLOSE = 1.05
"""How many times as long as the fastest formats others may take that are chosen before these."""

_NUMBERS = 2**21
"""Numbers in the images of a pass on a CPU at most."""

_SECONDS, _ROUNDS = 1.0, 3
"""Seconds and rounds of a measurement at least."""


class Formats(NamedTuple):
    """How a network's numbers are stored."""

    precision: Precision = "fp32"
    memory_format: MemoryFormat = "channels_last"

    @property
    def layout(self) -> torch.memory_format:
        """The memory format as PyTorch has it."""
        last = self.memory_format == "channels_last"
        return torch.channels_last if last else torch.contiguous_format


Measure = Callable[[nn.Module, Tensor, Sequence[Formats]], Mapping[Formats, float]]
"""Function from a network, its input and formats to the seconds of a pass in each of these."""


def choose_formats(
    run: Run, backbone: nn.Module, x: Shaped[Tensor, "b ..."], measure: Measure | None = None
) -> Formats:
    """Return the formats of a run; where a setting is `auto`, those that are faster.

    What was measured stays in the cache, so that later runs of the network make the same choice.
    Where formats are nearly as fast, fp32 and channels_last come first. On a CPU, a precision of
    bf16 that is slower than fp32 is told of.

    Args:
        run: Settings of the run.
        backbone: Its backbone, which stays as it is.
        x: A few of its images, or its points or texts, on the run's device.
        measure: Function that measures, in place of `measure_formats`.
    """
    asked = _candidates(run.precision, run.memory_format)
    slow = run.precision == "bf16" and run.regime == "full" and x.device.type == "cpu"
    tried = _candidates("auto", run.memory_format) if slow else asked
    if len(tried) == 1 or not any(p.requires_grad for p in backbone.parameters()):
        return asked[0]
    known = _recall(run, backbone, x, tried, measure or measure_formats) if is_first() else {}
    seconds = take_from_first(known)
    if not seconds:
        return asked[0]
    fastest = min(seconds[each] for each in asked)
    chosen = next(each for each in asked if seconds[each] <= CLOSE * fastest)
    if slow:
        own = isinstance(backbone, OwnBackbone)
        name = "your backbone" if own else run.backbone
        _warn_if_slow(name, seconds[chosen] / min(seconds.values()))
    return chosen


def _candidates(precision: str, memory_format: str) -> list[Formats]:
    """Return the formats that settings allow, in the order in which they are preferred."""
    return [
        Formats(number, order)
        for number, order in product(get_args(Precision), get_args(MemoryFormat))
        if precision in (number, "auto") and memory_format in (order, "auto")
    ]


@cache
def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)


def _warn_if_slow(name: str, ratio: float) -> None:
    """Warn, once in a process, where a backbone takes longer in bf16 than in fp32."""
    if ratio > CLOSE:
        _warn(f"precision bf16 takes {ratio:.2f} times as long as fp32 for {name} on this CPU")


def set_formats(method: nn.Module, backbone: nn.Module, formats: Formats) -> None:
    """Store the weights of a method, and the images inside its backbone, in a memory format."""
    if isinstance(backbone, Backbone):
        backbone.layout = formats.layout
    method.to(memory_format=formats.layout)


def _recall(
    run: Run, backbone: nn.Module, x: Tensor, tried: Sequence[Formats], measure: Measure
) -> dict[Formats, float]:
    """Return the seconds of each format from the cache, measured if they are not there.

    There are none where nothing may be written to the cache.
    """
    x = _enlarge(x, 2 * run.batch // (run.optimization.accumulate * count_processes()))
    about = _describe(run, backbone, x, tried)
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:24]
    file = cache_home() / "formats" / f"{key}.json"
    if not may_make() and not file.exists():
        return {}

    def write(part: Path) -> None:
        found = measure(backbone, x, tried)
        seconds = {" ".join(each): found[each] for each in tried}
        part.write_text(json.dumps(about | {"seconds": seconds}, indent=1) + "\n")

    def read(path: Path) -> dict[Formats, float]:
        seconds = json.loads(path.read_text())["seconds"]
        return {each: float(seconds[" ".join(each)]) for each in tried}

    return read(make_once(file, write, read))


def _describe(
    run: Run, backbone: nn.Module, x: Tensor, tried: Sequence[Formats]
) -> dict[str, object]:
    """Return what the speed of a network depends on."""
    layers = re.sub(r" at 0x[0-9a-f]+", "", repr(backbone))
    weights = [[name, [*p.shape], p.requires_grad] for name, p in backbone.named_parameters()]
    on_gpu = x.device.type == "cuda"
    return {
        "backbone": run.backbone,
        "network": hashlib.sha256(json.dumps([layers, weights]).encode()).hexdigest()[:24],
        "input": [*x.shape],
        "device": torch.cuda.get_device_name(x.device) if on_gpu else processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "deterministic": run.deterministic,
        "torch": torch.__version__,
        "formats": [" ".join(each) for each in tried],
    }


def _enlarge(x: Tensor, count: int) -> Tensor:
    """Repeat a few images until there are `count`, or as many as a CPU passes in some seconds."""
    if x.device.type == "cpu":
        count = min(count, _NUMBERS // x[0].numel())
    return x[torch.arange(max(2, count), device=x.device) % len(x)]


def measure_formats(
    backbone: nn.Module, x: Shaped[Tensor, "b ..."], tried: Sequence[Formats]
) -> dict[Formats, float]:
    """Return the seconds of a forward and backward pass in each of some formats.

    Passes take turns, and the best of each counts. Copies of the network are trained, and random
    numbers are those of before.

    Args:
        backbone: Network, which stays as it is.
        x: Its input, on the device of the measurement.
        tried: Formats to compare.
    """
    with torch.random.fork_rng([x.device] if x.is_cuda else []):
        copies = {each.memory_format: _copy(backbone, x, each) for each in tried}
        best = dict.fromkeys(tried, float("inf"))
        for each in tried:
            _pass(copies[each.memory_format], x, each.precision)
        rounds, end = 0, time.perf_counter() + _SECONDS
        while rounds < _ROUNDS or time.perf_counter() < end:
            for each in tried:
                seconds = _pass(copies[each.memory_format], x, each.precision)
                best[each] = min(best[each], seconds)
            rounds += 1
    return best


def _copy(backbone: nn.Module, x: Tensor, formats: Formats) -> nn.Module:
    """Return a copy of a network that trains, in a memory format."""
    copy = deepcopy(backbone).to(x.device).train()
    set_formats(copy, copy, formats)
    return copy


def _pass(network: nn.Module, x: Tensor, precision: Precision) -> float:
    """Return the seconds of a forward and backward pass."""
    start = time.perf_counter()
    with torch.autocast(x.device.type, torch.bfloat16, precision == "bf16"):
        f = network(x)
    f.float().sum().backward()
    network.zero_grad()
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start
