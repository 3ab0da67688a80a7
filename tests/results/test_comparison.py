"""Two rows next to each other, and what may be claimed of them."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from da.results.comparison import compare_rows
from da.results.comparison_page import render_page
from da.statistics.intervals import over_seeds, over_tasks
from tests.results.test_tables import EMOJI, STYLES, record

WAVE = np.sin(np.arange(60)).reshape(20, 3)


def rows(tasks: list[str] = EMOJI, gain: float = 3.0, seeds: int = 3, **more: Any) -> list[Any]:
    """Runs of mcc, which has `gain` points more than dann."""
    return [
        record(method, task, 50 + i + (gain + WAVE[i, seed]) * (method == "mcc"), seed, **more)
        for (i, task), seed, method in product(enumerate(tasks), range(seeds), ("dann", "mcc"))
    ]


def page(records: list[Any], *names: str) -> list[str]:
    return render_page(compare_rows(records, names or ("mcc", "dann"))).splitlines()


def test_the_page_has_tasks_intervals_test_and_verdict() -> None:
    lines = page(rows())
    apart = 3 + WAVE
    seeds, tasks = over_seeds(apart), over_tasks(apart)
    assert lines[0] == (
        "mcc and dann: emoji, 20 tasks, 3 seeds: target accuracy in %, each at its last evaluation"
    )
    assert lines[4].split() == ["noto-twemoji", f"{53 + WAVE[0].mean():.1f}", "50.0", "+3.6"]
    assert lines[26:] == [
        "tasks               mcc is better on 20, equal on 0, worse on 0",
        f"difference          {apart.mean():+.2f}",
        f"  with other seeds  [{seeds.low:+.2f}, {seeds.high:+.2f}], 95 % interval: the same tasks",
        f"  on other tasks    [{tasks.low:+.2f}, {tasks.high:+.2f}], 95 % interval: tasks like "
        "these, and other seeds",
        "improvement         1.00 [0.84, 1.00], how likely a run beats one of the other row",
        "p-value             1.9e-06, signed ranks over 20 tasks",
        "one point takes     about 4 seeds, to show it in 4 of 5 repetitions",
        "",
        "mcc is better: other tasks like these and other seeds should show it too.",
        "This holds for two rows named before looking; `da table` corrects for many.",
    ]


@pytest.mark.parametrize(
    ("gain", "seeds", "verdict"),
    [
        (0.0, 3, "Not separable: other seeds or other tasks may give another order."),
        (3.0, 1, "mcc is better over tasks; these seeds do not tell whether others show it."),
        (-3.0, 3, "dann is better: other tasks like these and other seeds should show it too."),
    ],
)
def test_it_claims_no_more_than_the_numbers(gain: float, seeds: int, verdict: str) -> None:
    assert verdict in page(rows(gain=gain, seeds=seeds))


def test_a_gain_on_few_tasks_is_one_on_these_tasks_alone() -> None:
    lines = page(rows(STYLES, gain=9))
    assert "mcc is better on these tasks; they do not tell whether it is on others." in lines
    assert "p-value             0.5, signed ranks over 2 tasks: so few have at least 0.5" in lines


def test_one_run_each_has_a_difference_and_no_claim() -> None:
    lines = page(rows(STYLES[:1], seeds=1))
    assert [line.split()[0] for line in lines[5:] if line] == [
        "tasks",
        "difference",
        "one",
        "Not",
        "This",
    ]
    assert "one point takes     two seeds or more that both rows have, to say how many" in lines


def test_seeds_that_one_row_lacks_are_left_out_and_unlike_ones_are_averaged() -> None:
    records = rows(STYLES)
    found = compare_rows(records[:-1], ("mcc", "dann"))
    assert found.first.shape == (2, 2)
    unlike = [r for r in records if (r.settings["method"] == "mcc") == (r.settings["seed"] == 2)]
    found = compare_rows(unlike, ("mcc", "dann"))
    assert (found.first.shape, found.paired) == ((2, 1), False)
    assert "unlike seeds" in found.title
    assert found.first[:, 0] == pytest.approx(53 + np.arange(2) + WAVE[:2, 2])


def test_pairs_are_of_one_seed_whatever_the_order_of_the_records() -> None:
    records = rows(STYLES)
    mixed = [*records[::2], *records[1::2][::-1]]
    first, second = (compare_rows(each, ("mcc", "dann")) for each in (records, mixed))
    assert [*second.second[0]] == [*first.second[0]] == [50, 50, 50]
    assert sorted(map(tuple, second.first)) == sorted(map(tuple, first.first))


def test_of_an_error_the_lower_row_is_better() -> None:
    records = rows([f"{task}+stream" for task in EMOJI])
    for r in records:
        r.curve[-1]["metric/online_error"] = r.curve[-1]["target_accuracy"]
    lines = page(records)
    assert any(line.endswith(", lower is better") for line in lines)
    assert "tasks               mcc is better on 0, equal on 0, worse on 20" in lines
    assert "dann is better: other tasks like these and other seeds should show it too." in lines


def test_of_many_tasks_those_that_differ_most_are_listed() -> None:
    tasks = [f"moons:{i}-{i + 100}" for i in range(40)]
    records = [
        record(m, t, 50 + i * (m == "mcc")) for i, t in enumerate(tasks) for m in ("mcc", "dann")
    ]
    lines = page(records)
    assert "... 10 tasks between these are left out" in lines
    listed = [line.split()[0] for line in lines if line[:1].isdigit()]
    assert listed == [f"{i}-{i + 100}" for i in (*range(15), *range(25, 40))]


def test_a_row_is_named_by_its_label_or_by_a_method_that_has_one() -> None:
    slow = [*rows(STYLES), *rows(STYLES, lr=0.5)]
    with pytest.raises(ValueError, match=r"'mcc' has 2 rows, known: 'mcc lr=0\.1', 'mcc lr=0\.5'"):
        compare_rows(slow, ("mcc", "dann"))
    assert compare_rows(slow, ("mcc lr=0.1", "mcc lr=0.5")).names == ("mcc lr=0.1", "mcc lr=0.5")
    with pytest.raises(ValueError, match="unknown row 'jan', known: dann, mcc"):
        compare_rows(rows(STYLES), ("mcc", "jan"))
    with pytest.raises(ValueError, match="both rows are 'mcc', others: dann"):
        compare_rows(rows(STYLES), ("mcc", "mcc"))


def test_a_row_that_was_shown_labels_is_marked() -> None:
    shots = [record("fine_tune", f"{task}+3shot", 60) for task in STYLES]
    lines = page([*rows(STYLES), *shots], "fine_tune", "mcc")
    assert "† shown target labels: no fair rival of a row that was not." in lines
