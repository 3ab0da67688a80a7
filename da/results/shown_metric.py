"""Which number of an evaluation a table shows: the accuracy, or another metric of the records."""

from collections.abc import Sequence
from dataclasses import replace

from da.config.registry import DATASETS
from da.config.task_name import TaskName
from da.results.label_columns import ACCURACY
from da.results.records import Point, Record

TITLES = {
    "accuracy": "target accuracy",
    "mean_class": "mean accuracy of classes",
    "macro_f1": "macro F1",
    "os_star": "OS*, accuracy on known classes",
    "unk": "UNK, unknown images that are rejected",
    "os": "OS, mean accuracy of known and unknown classes",
    "hos": "HOS, harmonic mean of OS* and UNK",
    "h_score": "H-score",
    "h3": "H3-score",
    "auroc": "AUROC of unknown images",
    "oscr": "OSCR",
    "known": "accuracy on known images without rejection",
    "private_nmi": "NMI of clusters of private images",
    "mean_domain": "mean accuracy of targets",
    "worst_domain": "lowest accuracy of a target",
    "worst_group": "lowest accuracy of a group of images",
    "online": "online accuracy",
    "online_error": "online error",
    "mean_online_error": "mean online error of targets",
}
"""What each metric is, as titles of tables say it."""

FALLING = "online_error", "mean_online_error"
"""Metrics that are better where they are lower."""

PREFIX = "metric/"
SETTINGS = {"open": "hos", "universal": "h_score"}
"""The usual metric of settings with unknown images."""


def key_of(metric: str) -> str:
    """Return the key of a metric in an evaluation."""
    return {"accuracy": ACCURACY, "online": f"{ACCURACY}/online"}.get(metric, f"{PREFIX}{metric}")


def list_metrics(records: Sequence[Record]) -> list[str]:
    """List the metrics that every evaluation of the records has."""
    points = [point for record in records for point in record.curve]
    return [name for name in TITLES if points and all(key_of(name) in p for p in points)]


def usual_metric(records: Sequence[Record]) -> str:
    """Return the metric that papers print of such tasks, where all records have it."""
    names = [TaskName.parse(record.settings["task"]) for record in records]
    usual = {_of_setting(name) or _of_dataset(name.benchmark) for name in names}
    found = usual.pop() if len(usual) == 1 else "accuracy"
    return found if found in list_metrics(records) else "accuracy"


def _of_setting(name: TaskName) -> str:
    if name.stream is not None:
        return "online_error"
    return SETTINGS.get(name.classes) or ("mean_class" if name.frequencies else "")


def _of_dataset(benchmark: str) -> str:
    known = benchmark in DATASETS
    return DATASETS.constants(benchmark).get("METRIC", "accuracy") if known else "accuracy"


def check_metric(records: Sequence[Record], metric: str) -> str:
    """Return a metric's name, that of the usual one where it is empty.

    Raises:
        ValueError: Not every record has it; the message lists those that they all have.
    """
    known = list_metrics(records)
    if metric and metric not in known:
        raise ValueError(f"unknown metric {metric!r}, known: {', '.join(known) or 'none'}")
    return metric or usual_metric(records)


def show_metric(record: Record, metric: str) -> Record:
    """Return a record whose target accuracy is a metric, at each evaluation that has it."""
    return replace(record, curve=[_shown(point, key_of(metric)) for point in record.curve])


def show_records(records: Sequence[Record], metric: str) -> tuple[list[Record], str]:
    """Return records with a metric as their target accuracy, and what that is.

    Args:
        records: Records of an experiment.
        metric: Its name; empty for the usual one.

    Raises:
        ValueError: Not every record has it.
    """
    name = check_metric([record for record in records if record.curve], metric)
    return [show_metric(record, name) for record in records], TITLES[name]


def _shown(point: Point, key: str) -> Point:
    others = (ACCURACY,) if key == ACCURACY else (ACCURACY, key_of("online"))
    rest = {name: value for name, value in point.items() if name not in others}
    return rest | ({ACCURACY: point[key]} if key in point else {})
