"""What is said of choosers."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from da.selection.plot import plot_study
from da.selection.pools import build_pools
from da.selection.study import Verdict, frame, judge, known_scores, list_choosers
from da.selection.study_text import render_study
from tests.selection.test_pools import TASK, record

OTHER = "emoji:noto-fluent"
RECORDS = [
    record("source_only", [50.0, 52.0]),
    record("mcc", [60.0, 40.0]),
    record("source_only", [70.0, 60.0], task=OTHER),
    record("mcc", [64.0, 66.0], task=OTHER),
]
POOLS = build_pools(RECORDS)


def test_verdict_says_mean_regret_worst_pick_and_share_below_source_only() -> None:
    best, worst = judge(POOLS, "infomax"), judge(POOLS, "snd")
    assert (best.picked, best.labels) == ([60, 70], ["mcc", "source_only"])
    assert (best.regret, best.below, best.correlation) == (0, 0, pytest.approx(1))
    assert (worst.picked, worst.labels) == ([40, 60], ["mcc", "source_only"])
    assert (worst.mean, worst.regret, worst.worst, worst.below) == (50, 15, 40, 50)
    assert worst.correlation < 0


def test_frame_has_oracle_baseline_and_mean_of_the_pools() -> None:
    assert [(v.name, v.picked) for v in frame(POOLS)] == [
        ("oracle", [60, 70]),
        ("source_only", [52, 60]),
        ("mean of the pool", [50.5, 65]),
    ]
    assert [v.name for v in frame(build_pools(RECORDS[1::2]))] == ["oracle", "mean of the pool"]


def test_score_that_sees_target_labels_is_no_chooser_but_stands_beside_the_oracle() -> None:
    pools = build_pools(
        [record("mcc", [60.0], few_shot=50.0), record("dann", [70.0], few_shot=9.0)]
    )
    assert "few_shot" not in known_scores(pools)[0]
    assert [(v.title, v.picked) for v in frame(pools)][:2] == [
        ("oracle ‡", [70]),
        ("few_shot ‡", [60]),
    ]


def test_interval_is_the_bootstraps_over_tasks() -> None:
    values = np.random.default_rng(0).normal(60, 5, 20)
    pools = [
        pool
        for i, value in enumerate(values)
        for seed in range(3)
        for pool in build_pools([record("mcc", [value], seed, f"emoji:noto-{i}")])
    ]
    found = Verdict("any", pools, list(np.repeat(values, 3))).interval
    expected = bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(1))
    assert found == pytest.approx(tuple(expected.confidence_interval), abs=0.15)
    seeds = [pool for pool in pools if pool.task == "emoji:noto-0"]
    low, high = Verdict("any", seeds, [50.0, 60.0, 70.0]).interval
    assert low < 60 < high


def test_choosers_are_scores_gates_and_the_mean_rank() -> None:
    assert list_choosers(["snd", "source_accuracy"]) == ["snd", "source_accuracy", "snd+gate"]
    assert list_choosers(["entropy", "infomax", "bnm"])[3:] == ["entropy+infomax+bnm"]
    assert list_choosers(["bnm"]) == ["bnm"]


def test_score_that_a_pool_lacks_is_no_chooser() -> None:
    more = build_pools([record("dann", [1.0], task="emoji:noto-contrast", atc=3.0)])
    assert known_scores([*POOLS, *more])[1] == ["atc"]
    assert "atc" in known_scores(more)[0]


def test_table_has_the_best_chooser_first() -> None:
    verdicts = [judge(POOLS, name) for name in ("snd", "infomax")]
    text = render_study(frame(POOLS), verdicts, markdown=True)
    assert "emoji, 2 tasks, 2 pools of 4 evaluations: target accuracy" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0][2:] for row in rows[2:]] == [
        *("oracle ‡", "source_only", "mean of the pool", "infomax", "snd"),
    ]
    cells = rows[-1].strip("| ").split(" | ")
    assert (cells[1], *cells[3:6], cells[7]) == ("50.0", "15.0", "40.0", "50 %", "mcc 1/2")


def test_figure_has_a_row_for_each_chooser_with_the_best_on_top() -> None:
    verdicts = [judge(POOLS, name) for name in ("infomax", "snd")]
    [panel] = plot_study(frame(POOLS), verdicts).axes
    assert [label.get_text() for label in panel.get_yticklabels()] == ["snd", "infomax"]


def test_tasks_are_not_taken_for_each_other() -> None:
    assert {pool.task for pool in POOLS} == {TASK, OTHER}
