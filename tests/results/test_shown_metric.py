from pathlib import Path

import pytest

from da.results import tables
from da.results.records import Record
from da.results.shown_metric import TITLES, check_metric, list_metrics, show_metric

POINTS = [
    {"step": 1, "target_accuracy": 50.0, "metric/hos": 30.0, "metric/mean_class": 40.0, "snd": 2.0},
    {"step": 2, "target_accuracy": 60.0, "metric/hos": 20.0, "metric/mean_class": 45.0, "snd": 1.0},
]


def record(task: str, method: str = "dann", **more: float) -> Record:
    settings = {"method": method, "task": task, "seed": 0}
    return Record(f"{len(task):012x}", settings, [point | more for point in POINTS], 1.0)


def test_papers_print_other_metrics_in_other_settings():
    for task, metric in (
        ("emoji:noto-twemoji", "accuracy"),
        ("emoji:noto-twemoji+open7", "hos"),
        ("emoji:noto-twemoji+open7+rsut", "hos"),
        ("emoji:noto-twemoji+rsut10", "mean_class"),
        ("emoji:noto-twemoji+dirichlet0.3", "mean_class"),
        ("visda2017:synthetic-real", "mean_class"),
        ("emoji:noto-twemoji+universal5/3", "accuracy"),  # these records lack an H-score
    ):
        assert check_metric([record(task)], "") == metric
    mixed = [record("emoji:noto-twemoji"), record("emoji:noto-twemoji+open7")]
    assert check_metric(mixed, "") == "accuracy"
    assert list_metrics(mixed) == ["accuracy", "mean_class", "hos"]
    with pytest.raises(ValueError, match="'auroc', known: accuracy, mean_class, hos"):
        check_metric(mixed, "auroc")


def test_a_table_shows_the_metric_and_the_oracle_chooses_by_it():
    rows = [record("emoji:noto-twemoji+open7"), record("emoji:noto-twemoji+open7", "mcc")]
    assert "HOS, harmonic mean of OS* and UNK in %" in (text := tables.render_table(rows))
    assert "20.0" in text
    assert "30.0" in tables.render_table(rows, "oracle")
    assert "50.0" not in tables.render_table(rows, "oracle")
    assert "60.0" in tables.render_table(rows, metric="accuracy")
    assert tables.render_table(rows, format="csv").splitlines()[1].endswith(",hos")
    assert show_metric(rows[0], "hos").point("snd")["target_accuracy"] == 30


def test_the_lowest_error_is_the_best():
    rows = [
        record("a:b-c", "dann", **{"metric/online_error": 10.0}),
        record("a:b-c", "mcc", **{"metric/online_error": 20.0}),
    ]
    assert "10.0*" in tables.render_table(rows, metric="online_error")
    with pytest.raises(ValueError, match="oracle chooses the highest evaluation, and online_error"):
        tables.render_table(rows, "oracle", metric="online_error")


def test_every_metric_is_on_its_page():
    page = (Path(__file__).parents[2] / "docs/reference/metrics.md").read_text()
    assert [name for name in TITLES if f"| `{name}` |" not in page] == []
