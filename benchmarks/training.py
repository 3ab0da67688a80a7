"""Measure whole trainings: the trainer's cost beyond its steps, and images per second with data.

Cost: two minutes on 2 cores.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import torch

from da.data import loaders
from da.data.batch import Batch, Labeled, Unlabeled
from da.data.domain import Images, LabeledImages, Task
from da.data.transforms import Resize
from da.methods import METHODS, Method, Network
from da.models.backbone import Features
from da.system import memory
from da.training import engine
from da.training.cuda_graph import captured_step
from measure import Bar, Section, busy, interleaved, show, tell
from peers import sgd
from step import DEVICE, build, data

STORED = 256
"""Pixels of a side of stored images that are cropped to 224."""


def bare(method: Method, batch: Batch, steps: int) -> Callable[[], None]:
    """The shortest loop that takes the same steps."""
    optimizer = sgd(list(method.parameters()), fused=True)

    def loop() -> None:
        for step in range(steps):
            losses = method(batch, step / steps)
            optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()
            optimizer.step()

    return loop


def trained(
    method: Method,
    batches: Iterator[Batch],
    steps: int,
    precision: Any = "fp32",
    captured: bool = False,
) -> Callable[[], None]:
    """`steps` by the trainer with one pause at the end, where `captured` as one CUDA graph."""
    optimizer = sgd(list(method.parameters()), fused=True)
    take = captured_step(method, optimizer, precision) if captured else None
    how = {"precision": precision, "take": take}

    def loop() -> None:
        for _ in engine.fit(method, batches, optimizer, steps, steps, **how):  # type: ignore[arg-type]
            pass

    return loop


def on_features(size: int) -> tuple[Method, Batch]:
    """DANN on 1280 features, as in the emoji experiment."""
    torch.manual_seed(0)
    method = METHODS["dann"].Hparams().build(Features(1280), 11, Network(dropout=0)).to(DEVICE)
    x_s, x_t = torch.rand(2, size, 1280, device=DEVICE)
    y, index = torch.arange(size, device=DEVICE) % 11, torch.arange(size, device=DEVICE)
    return method, Batch(Labeled(x_s, y), Unlabeled(x_t, index))


def on_digits(size: int) -> tuple[Method, Batch]:
    """DANN on the digits' network."""
    method = build("dann", "lenet")
    return method, data(method, 28, size)[0]


def overhead(quick: bool) -> Section:
    """The trainer against a bare loop."""
    size, steps, rounds = (4, 2, 2) if quick else (64, 50, 5 if DEVICE.type == "cuda" else 25)
    rows, bars, found = [], [], {}
    for work, make in (("LeNet 28", on_digits), ("1280 features", on_features)):
        (method, batch), (twin, _) = make(size), make(size)
        contenders = {
            "bare loop": bare(twin, batch, steps),
            "trainer": trained(method, repeat(batch), steps),
        }
        timing = interleaved(contenders, rounds, units=steps)
        cost = 100 * (timing.ratio("bare loop", "trainer") - 1)
        title = f"{work}, DANN {size}+{size}"
        rates = [1000 / timing.rate(who) for who in contenders]
        rows.append([title, *rates, f"{cost:.1f} %"])
        found[title] = timing.seconds
        seen = None if quick else cost
        bars.append(Bar(f"trainer overhead, {title}", "a bare loop", 5, 2, seen, "%", "less"))
    columns = ("work", "bare loop, ms a step", "trainer, ms a step", "overhead")
    return Section("The trainer", columns, rows, [f"at the end {busy(timing)}"], found, bars)


@dataclass(frozen=True)
class Course:
    """A training with its data path."""

    title: str
    method: str
    network: str
    side: int
    augment: Any
    batch: int
    steps: int
    precision: Any
    bars: dict[str, tuple[float, float]]
    """Bar and goal in images a second, by GPU."""
    captured: bool = False
    """Whether a GPU takes the steps as one CUDA graph."""


COURSES = (
    Course(
        "ResNet-50 DANN 224, bf16, with data",
        *("dann", "resnet50", 224, "crop_flip", 128, 20, "bf16"),
        bars={"H100": (3500, 6000), "H200": (4500, 7500)},
    ),
    Course(
        "ResNet-18 fine-tune 224, bf16, with data",
        *("source_only", "resnet18", 224, "crop_flip", 512, 20, "bf16"),
        bars={"H100": (12_000, 20_000), "H200": (15_000, 25_000)},
    ),
    Course(
        "LeNet DANN 64+64, one seed, with data",
        *("dann", "lenet", 28, "none", 64, 300, "fp32"),
        bars={"H100": (0.3e6, 0.5e6), "H200": (0.3e6, 0.5e6)},
        captured=True,
    ),
)


def images(stored: int, count: int, side: int) -> Task:
    """Random images of `stored` pixels on the device, shown at `side`."""
    g = torch.Generator().manual_seed(0)
    x = torch.randint(256, (count, stored, stored, 3), generator=g, dtype=torch.uint8).to(DEVICE)
    y, rows = torch.randint(10, (count,), generator=g), torch.arange(count)
    part = LabeledImages(x, rows, y, resize=Resize(side))
    hidden = Images(x, rows, resize=Resize(side))
    return Task("random", tuple("0123456789"), part, hidden, part, part)


def throughput(quick: bool) -> Section:
    """Images a second of whole trainings; on a CPU with few images, to see that it goes."""
    on_gpu = DEVICE.type == "cuda"
    rows, bars, found = [], [], {}
    for course in COURSES:
        if not on_gpu:
            course = replace(course, batch=8, steps=2)
        if quick:
            course = replace(course, side=min(course.side, 64), batch=2, steps=1)
        method = build(course.method, course.network)
        stored = course.side if course.augment == "none" else STORED
        task = images(stored, 8 * course.batch, course.side)
        batches = loaders.batches(task, course.batch, 0, augment=course.augment, device=DEVICE)
        captured = course.captured and on_gpu
        fit = trained(method, batches, course.steps, course.precision, captured)
        seen = course.batch * (1 if course.method == "source_only" else 2)
        timing = interleaved({"ours": fit}, 5 if on_gpu else 1, units=seen * course.steps)
        rows.append([course.title, seen, timing.rate("ours")])
        tell(rows[-1])
        found[course.title] = timing.seconds
        bars += reached(course, timing.rate("ours"))
    notes = [
        f"{DEVICE.type}; source images alone count in fine-tuning; at the end {busy(timing)}",
        "a GPU takes LeNet's steps as one CUDA graph, as `--cuda-graph` does",
    ]
    return Section("Trainings with data", ("work", "batch", "images/s"), rows, notes, found, bars)


def reached(course: Course, rate: float) -> list[Bar]:
    """The bars of this GPU, or those of all of them as open."""
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else ""
    here = [gpu for gpu in course.bars if gpu in name] or list(course.bars)
    return [
        Bar(course.title, gpu, *course.bars[gpu], rate if gpu in name else None, "images/s")
        for gpu in here
    ]


def measure(quick: bool) -> list[Section]:
    """Whole trainings first, since those have bars on a GPU."""
    torch.backends.cudnn.benchmark = True
    memory.keep_freed_memory()
    return [throughput(quick), overhead(quick)]


if __name__ == "__main__":
    show(measure)
