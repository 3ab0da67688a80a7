"""What large data sets cost, from committed reports and published numbers of images."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from da.runs.experiment import load_experiment
from tools.docs import papers
from tools.docs.markdown import table

REPORTS = Path(__file__).parents[2] / "benchmarks" / "reports"

DOMAINNET = {
    "clipart": (48_129, 1.3),
    "infograph": (51_605, 4.0),
    "painting": (72_266, 3.7),
    "quickdraw": (172_500, 0.439),
    "real": (172_947, 5.6),
    "sketch": (69_128, 2.5),
}
"""Images of the cleaned lists, training and test, and GB of the archives (Peng et al. 2019)."""

ADAPTED = "clipart", "painting", "real", "sketch"
"""Domains of the 12 tasks."""

METHODS, SEEDS = 12, 3

CORRUPTIONS, SEVERITIES, IMAGES = 15, 5, 50_000
"""Of ImageNet-C, without its four extra corruptions (Hendrycks and Dietterich 2019)."""

WIDTH = 2_048
"""Features of a ResNet-101."""

STORED = 256**2 * 3
"""Bytes of an image as pixels, as `da` stores it for crops of 224."""

GPUS = 8

TRAINED = "ResNet-50 DANN 224, bf16, with data"
ON_FEATURES = "1280 features, DANN 64+64"
DECODED = "224 px, crop_flip, decoded for every batch"


def _rows(script: str, machine: str = "") -> Iterator[tuple[Path, dict[str, Any], list[Any]]]:
    """Yield the rows of a script in dated reports, with their report, the oldest first."""
    for file in sorted(REPORTS.glob(f"*_{machine}*.json")):
        report = json.loads(file.read_text())
        for section in report.get("scripts", {}).get(script, {}).get("sections", ()):
            yield from ((file, report, row) for row in section["rows"])


@cache
def _measured(script: str, name: str, column: int, machine: str = "") -> tuple[float, str, int]:
    """Return the newest measurement of a row, the name of its report, and the machine's cores."""
    found = [each for each in _rows(script, machine) if each[2][0] == name]
    file, report, row = found[-1]
    return float(row[column]), f"benchmarks/reports/{file.stem}.md", report["cores"]


def training_rate(network: str = "resnet50") -> float:
    """Return the images a second that a GPU trains on, scaled by multiply-adds from ResNet-50."""
    rate, _, _ = _measured("training", TRAINED, 2, "nvidia-h200")
    return rate * papers.WORK["resnet50"] / papers.WORK[network]


def forward_rate(network: str) -> float:
    """Return the images a second of a forward pass, a third of the work of a training step."""
    return 3 * training_rate(network)


def decode_rate() -> float:
    """Return the images a second that a core decodes and crops."""
    rate, _, cores = _measured("data", DECODED, 1)
    return rate / cores


def step_seconds() -> float:
    """Return the time of a training step on features."""
    milliseconds, _, _ = _measured("training", ON_FEATURES, 2, "nvidia-h200")
    return milliseconds / 1000


def list_rates() -> str:
    """Return the rates that all tables are made of, as Markdown."""
    h200, data = (_measured("training", TRAINED, 2, "nvidia-h200"), _measured("data", DECODED, 1))
    by_work = f"scaled by multiply-adds, {papers.WORK['resnet50']} and {papers.WORK['resnet101']} G"
    rows = [
        ("ResNet-50, trained", _per_second(h200[0]), f"measured, `{h200[1]}`"),
        ("ResNet-101, trained", _per_second(training_rate("resnet101")), by_work),
        ("ResNet-101, forward", _per_second(forward_rate("resnet101")), "scaled: three times that"),
        ("a step on features", f"{1000 * step_seconds():.2f} ms", f"measured, `{h200[1]}`"),
        ("decoding, a core", _per_second(decode_rate()), f"measured, `{data[1]}`"),
    ]
    return table(("work", "rate", "from"), rows, (1,))


def list_domains() -> str:
    """Return the sizes of DomainNet's domains, as Markdown."""
    rows = [_domain(name, *known) for name, known in DOMAINNET.items()]
    sums = [sum(column) for column in zip(*DOMAINNET.values(), strict=True)]
    rows.append(_domain("all", int(sums[0]), sums[1]))
    heads = "domain", "images", "archive, GB", "kB a file", "pixels, GB", "features, GB"
    return table(heads, rows, range(1, 6))


def _domain(name: str, images: int, archive: float) -> list[str]:
    each = archive * 1e6 / images
    pixels, features = images * STORED / 1e9, images * WIDTH * 4 / 1e9
    shown = f"{archive:.1f}", f"{each:.0f}", f"{pixels:.1f}", f"{features:.2f}"
    return [name, f"{images:,}", *shown]


def compare_ways() -> str:
    """Return what DomainNet costs on frozen features and in full training, as Markdown."""
    images = sum(DOMAINNET[name][0] for name in ADAPTED)
    size = sum(DOMAINNET[name][1] for name in ADAPTED) * 1e9 / images
    printed = load_experiment(papers.FOLDER / "tllib_domainnet.py")
    share = METHODS / len({run.method.owner.name for run in printed})
    steps, seen = (
        share * sum(each)
        for each in ((r.steps for r in printed), map(papers.count_images, printed))
    )
    seconds = steps * step_seconds()
    hours = _hours(seconds), _hours(seconds / GPUS)
    rows = [
        _work("features, once", images, forward_rate("resnet101"), size),
        ["432 runs on them", f"{steps / 1e6:,.1f} M steps", "", "", *hours, "", ""],
        _work("432 full trainings", seen, training_rate("resnet101"), size),
    ]
    return table(WORK_HEADS, rows, range(1, len(WORK_HEADS)))


WORK_HEADS = (
    *("work", "images or steps", "read, TB", "MB/s a GPU", "GPU hours", f"hours on {GPUS} GPUs"),
    *("core hours of decoding", "cores that feed a GPU"),
)


def _work(name: str, images: float, rate: float, size: float) -> list[str]:
    """Return a row of work on images that are decoded whenever they are read.

    Args:
        name: What is done.
        images: Number of images; one that comes twice counts twice.
        rate: Images a second of a GPU.
        size: Bytes of an image as it is read.
    """
    seconds, decoding = images / rate, images / decode_rate()
    read = f"{images * size / 1e12:,.3f}", _number(rate * size / 1e6)
    hours = map(_hours, (seconds, seconds / GPUS, decoding))
    return [name, f"{images / 1e6:,.2f} M images", *read, *hours, str(ceil(rate / decode_rate()))]


def list_streams() -> str:
    """Return what streams of ImageNet-C cost, as Markdown."""
    every = CORRUPTIONS * SEVERITIES * IMAGES
    several = METHODS * SEEDS
    rows = [
        _stream("severity 5, a method, a seed", every // SEVERITIES),
        _stream("all severities, a method, a seed", every),
        _stream(f"all severities, {METHODS} methods, {SEEDS} seeds", every * several),
    ]
    return table(("streams", *WORK_HEADS[1:]), rows, range(1, len(WORK_HEADS)))


def _stream(name: str, images: int) -> list[str]:
    return _work(name, images, training_rate("resnet50"), 224**2 * 3)


def compare_clusters(report: Path = REPORTS / "features.jsonl") -> str:
    """Return how fast features are computed here and on a cluster, as Markdown.

    Args:
        report: File that `benchmarks/features.py` writes.
    """
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    rows = [_compare(lines, images) for images in dict.fromkeys(line["images"] for line in lines)]
    heads = (
        *("images", "local, images/s", "three nodes, images/s", "ratio"),
        *("local, peak MB", "driver, peak MB", "an actor, peak MB"),
    )
    return table(heads, rows, range(len(heads)))


def _compare(lines: Sequence[dict[str, Any]], images: int) -> list[str]:
    here, there = (
        [line for line in lines if line["images"] == images and line["way"] == way]
        for way in ("local", "ray")
    )
    rates = [images / median(line["seconds"] for line in each) for each in (here, there)]
    peaks = [max(line["command_mb"] for line in each) for each in (here, there)]
    shown = [*map(_number, rates), f"{rates[1] / rates[0]:.2f}"]
    return [f"{images:,}", *shown, *map(_number, [*peaks, max(li["actor_mb"] for li in there)])]


def _per_second(rate: float) -> str:
    return f"{_number(rate)} images/s"


def _number(number: float) -> str:
    return f"{number:,.0f}"


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"
