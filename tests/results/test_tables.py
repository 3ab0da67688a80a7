from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from da.results import aggregate
from da.results.aggregate import list_selectors
from da.results.records import Point, Record
from da.results.table_render import Cell, Table
from da.results.tables import build_table, build_tables, header_and_rows, render_table

STYLES = ["emoji:noto-twemoji", "emoji:twemoji-noto"]
EMOJI = [
    f"emoji:{s}-{t}"
    for s, t in product(["noto", "twemoji", "fluent", "contrast", "openmoji"], repeat=2)
    if s != t
]


def record(method: str, task: str, accuracy: float, seed: int = 0, **settings: Any) -> Record:
    """A run of one evaluation."""
    point = {"step": 10.0, "target_accuracy": accuracy, "snd": 0.5, "loss/task": 1.0}
    named = {key.replace("hp_", "hp."): value for key, value in settings.items()}
    about = {"method": method, "task": task, "seed": seed, "lr": 0.1, **named}
    return Record(f"{method}{task}{seed}{settings}", about, [point], 1.0)


def to_come(method: str, task: str) -> Record:
    """A run that has no evaluation yet."""
    return replace(record(method, task, 0), curve=[])


def cells(table: Table) -> dict[str, dict[str, Cell]]:
    return {row.label: dict(zip(table.heads, row.cells, strict=True)) for row in table.rows}


def texts(table: Table) -> dict[str, list[str]]:
    return {row[0]: row[1:-1] for row in header_and_rows(table)[1]}


def twenty() -> list[Record]:
    return [
        record(method, task, base + 3 * i + seed, seed)
        for (i, task), seed in product(enumerate(EMOJI), range(3))
        for method, base in (("source_only", 20), ("subspace_alignment", 19), ("mcc", 30.2))
    ]


def test_mean_deviation_and_seeds() -> None:
    records = [record("dann", STYLES[0], 50 + 3 * seed, seed) for seed in range(3)]
    header, rows = header_and_rows(build_table(records))
    assert header == ["method", "noto-twemoji", "seeds"]
    assert rows == [["dann", "53.0 ± 3.0", "3"]]


def test_one_seed_has_no_deviation() -> None:
    table = build_table([record("dann", STYLES[0], 50.04)])
    assert texts(table) == {"dann": ["50.0"]}
    assert "±" not in render_table([record("dann", STYLES[0], 50.04)])


def test_seeds_are_fewest_to_most() -> None:
    records = [record("dann", STYLES[0], 50, seed) for seed in range(3)]
    assert (
        header_and_rows(build_table([*records, record("dann", STYLES[1], 60)]))[1][0][-1] == "1-3"
    )


def test_no_average_where_a_task_is_missing() -> None:
    records = [record("dann", t, 50) for t in STYLES] + [record("mcc", STYLES[0], 60)]
    table = build_table(records, wanted=[*records, to_come("mcc", STYLES[1])])
    assert texts(table) == {"dann": ["50.0", "50.0", "50.0"], "mcc": ["60.0", "", ""]}
    assert any("blank" in note for note in table.notes)
    assert table.notes[0].startswith("only 3 of 4 runs")


def test_complete_sweeps_are_said_to_be() -> None:
    records = [record("dann", STYLES[0], 50)]
    assert build_table(records, wanted=records).notes == (
        "1 of 1 runs, each at its last evaluation",
    )


def test_rows_of_which_no_run_is_done_are_named() -> None:
    records = [record("dann", STYLES[0], 50), to_come("dann", STYLES[1])]
    records += [to_come(name, task) for name in ("mcc", "jan") for task in STYLES]
    records.append(to_come("source_only", "emoji:twemoji-twemoji"))
    records.append(to_come("fine_tune", f"{STYLES[0]}+3shot"))
    [note, *_] = build_table(records[:1], wanted=records).notes
    missing = "mcc, jan, fine_tune (3-shot), target_only"
    assert note == f"only 1 of 8 runs (none yet of {missing}), each at its last evaluation"


def test_rows_with_target_labels_stand_last_and_are_never_the_best() -> None:
    records = [
        record("source_only", "emoji:twemoji-twemoji", 90),
        record("fine_tune", "emoji:noto-twemoji+3shot", 70),
        record("source_only", "emoji:noto-twemoji", 50),
        record("dann", "emoji:noto-twemoji", 60),
        record("dann", "emoji:fluent-twemoji", 55),
    ]
    table = build_table(records)
    assert texts(table) == {
        "source_only": ["50.0", "", ""],
        "dann": ["60.0", "55.0", "57.5"],
        "fine_tune (3-shot) †": ["70.0", "", ""],
        "target_only †": ["90.0", "90.0", "90.0"],
    }
    best = [(label, head) for label, row in cells(table).items() for head in row if row[head].best]
    assert best == [("dann", "noto-twemoji")]
    assert any(note.startswith("†") for note in table.notes)


def test_a_row_with_target_labels_that_equals_the_best_is_none() -> None:
    records = [record("dann", STYLES[0], 60), record("mcc", STYLES[0], 50)]
    records.append(record("fine_tune", f"{STYLES[0]}+3shot", 60))
    assert [row.cells[0].best for row in build_table(records).rows] == [True, False, False]


def test_equal_as_printed_are_both_the_best() -> None:
    records = [record("dann", STYLES[0], 60.01), record("mcc", STYLES[0], 60.04)]
    assert [row.cells[0].best for row in build_table(records).rows] == [True, True]


def test_an_only_row_is_not_the_best() -> None:
    assert "*" not in render_table([record("dann", STYLES[0], 60)], format="markdown")


def evaluated() -> list[Record]:
    """Last 50, the oracle's 70 at the first evaluation, 60 where snd is highest."""
    curve: list[Point] = [
        {"step": 1, "target_accuracy": 70, "snd": 0.1, "loss/task": 3.0},
        {"step": 2, "target_accuracy": 60, "snd": 0.9, "loss/task": 2.0},
        {"step": 3, "target_accuracy": 50, "snd": 0.2, "loss/task": 1.0},
    ]
    return [Record("a", {"method": "dann", "task": STYLES[0], "seed": 1}, curve, 1.0)]


@pytest.mark.parametrize(("name", "value"), [("last", "50.0"), ("snd", "60.0"), ("oracle", "70.0")])
def test_selector(name: str, value: str) -> None:
    table = build_table(evaluated(), [name])
    assert texts(table) == {"dann": [value]}
    assert ("target labels" in table.notes[0]) == (name != "last")


def test_several_selectors_the_oracle_last_and_marked() -> None:
    table = build_table(evaluated(), ["oracle", "snd", "last", "snd"])
    assert table.heads == ("snd", "last", "oracle ‡")
    assert texts(table) == {"dann": ["60.0", "50.0", "70.0"]}
    assert "‡ oracle: chosen with target labels" in table.notes
    assert render_table(evaluated(), "oracle,snd") == render_table(evaluated(), ["oracle", "snd"])


def test_several_selectors_average_over_tasks() -> None:
    records = [
        record("dann", t, a, s) for t, a in zip(STYLES, (40, 60), strict=True) for s in (0, 1)
    ]
    assert texts(build_table(records, ["last", "snd"])) == {"dann": ["50.0 ± 0.0", "50.0 ± 0.0"]}


def test_several_tables_are_those_of_each_and_records_are_sorted_once(monkeypatch) -> None:
    found = [
        record(method, task, 40.0 + i)
        for (i, task), method in product(enumerate(STYLES), ("source_only", "mcc"))
    ]
    worse = {"step": 9.0, "target_accuracy": 9.0, "snd": 0.7}
    found = [replace(r, curve=[worse, *r.curve]) for r in found]
    choosers = [["last"], ["snd"], ["oracle"], ["last", "snd", "oracle"]]
    wanted = [*found, to_come("jan", STYLES[0])]
    alone = [build_table(found, each, wanted) for each in choosers]
    calls = []
    usual = aggregate.group_records
    monkeypatch.setattr(aggregate, "group_records", lambda r: calls.append(1) or usual(r))
    together = build_tables(found, choosers, wanted)
    assert together == alone
    assert together[0].rows != together[1].rows
    assert len(calls) == 2  # of the runs, and of those that are wanted


def test_unknown_selector_names_the_known() -> None:
    with pytest.raises(ValueError, match=r"'best', known: last, snd, oracle$"):
        render_table(evaluated(), ["best"])


def test_unknown_style_names_the_known() -> None:
    with pytest.raises(ValueError, match="'html', known: terminal, markdown, latex, csv"):
        render_table(evaluated(), format="html")


@pytest.mark.parametrize("style", ["terminal", "csv"])
def test_no_records(style: str) -> None:
    with pytest.raises(ValueError, match="da sweep"):
        render_table([], format=style)


def test_twenty_tasks_fit_a_terminal() -> None:
    text = render_table(twenty())
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("from noto to") == 1
    assert "average from" in text
    assert sum(line.endswith("  seeds") for line in text.splitlines()) == 1


@pytest.mark.parametrize("style", ["terminal", "markdown", "latex"])
def test_all_twenty_numbers_are_shown(style: str) -> None:
    text = render_table(twenty(), format=style)
    for i in range(20):
        assert f"{21 + 3 * i}.0" in text


def test_average_of_a_source_is_over_its_targets() -> None:
    row = cells(build_table(twenty()))["source_only"]
    of_noto = [row[f"noto-{t}"].mean for t in ("twemoji", "fluent", "contrast", "openmoji")]
    assert row["from noto"].mean == pytest.approx(sum(m for m in of_noto if m) / 4)


def test_many_tasks_of_one_source_each_are_cut_into_pieces() -> None:
    records = [record("dann", f"moons:{i}-{i + 1}", i) for i in range(10)]
    for style in ("terminal", "markdown", "latex"):
        assert all(f"{i}-{i + 1}" in render_table(records, format=style) for i in range(10))
        assert " 4.5" in render_table(records, format=style), "average"


def test_heads_that_would_be_alike_stay_whole() -> None:
    tasks = ["folder:a/x-b/y", "folder:c/x-d/y"]
    assert build_table([record("dann", t, 60) for t in tasks]).heads[:2] == tuple(tasks)


def test_several_benchmarks_keep_their_names() -> None:
    records = [record("dann", t, 60) for t in (STYLES[0], "moons:0-20")]
    assert build_table(records).heads[:2] == ("emoji:noto-twemoji", "moons:0-20")


def costly(method: str, seconds: float, machine: str = "one", **more: Any) -> Record:
    about = {"machine": machine, "device": "cpu"}
    r = record(method, STYLES[0], 50, **more)
    return replace(r, seconds=seconds, images_per_second=64_000 / seconds, environment=about)


def test_cost_is_the_median_run_beside_the_accuracy() -> None:
    records = [costly("dann", s, seed=i) for i, s in enumerate((8, 90, 10))] + [costly("mcc", 2)]
    table = build_table(records, cost=True)
    assert table.heads == ("last", "seconds a run", "images/s")
    assert texts(table) == {
        "dann": ["50.0 ± 0.0", "10.0", "6,400"],
        "mcc": ["50.0", "2.0", "32,000"],
    }
    assert table.notes[-2].startswith("cost: medians over runs on one, cpu;")
    assert all(
        "32,000" in render_table(records, format=s, cost=True)
        for s in ("terminal", "markdown", "latex")
    )


def test_short_times_have_two_significant_digits() -> None:
    records = [costly("tent", 0.0234), costly("gfk", 0.399), costly("sdat", 16.84)]
    cells = texts(build_table(records, cost=True))
    assert [cells[name][1] for name in ("tent", "gfk", "sdat")] == ["0.023", "0.40", "16.8"]


def test_cost_is_never_the_best() -> None:
    table = build_table([costly("dann", 2), costly("mcc", 1)], ["snd", "last"], cost=True)
    assert [cell.best for cell in table.rows[0].cells] == [True, True, False, False]


def test_costs_of_another_machine_are_marked_where_each_row_is_of_one() -> None:
    records = [costly("dann", 4, "two"), costly("mcc", 2), costly("tent", 8)]
    table = build_table(records, cost=True)
    assert table.heads[1:] == ("seconds a run", "images/s")
    assert {name: cells[1:] for name, cells in texts(table).items()} == {
        "dann": ["4.0 [1]", "16,000 [1]"],
        "mcc": ["2.0", "32,000"],
        "tent": ["8.0", "8,000"],
    }
    assert "cost: medians over runs on one, cpu; [1] two, cpu;" in table.notes[-2]


def test_each_machine_has_its_own_columns_where_a_row_is_of_two() -> None:
    records = [costly("dann", 4), costly("mcc", 2, "two"), costly("mcc", 3, seed=1)]
    table = build_table(records, cost=True)
    assert table.heads[1:] == (
        "[1] seconds a run",
        "[1] images/s",
        "[2] seconds a run",
        "[2] images/s",
    )
    assert texts(table)["dann"][1:] == ["4.0", "16,000", "", ""]
    assert texts(table)["mcc"][1:] == ["3.0", "21,333", "2.0", "32,000"]
    assert "[1] one, cpu; [2] two, cpu;" in table.notes[-2]


def test_a_run_that_stands_in_several_columns_counts_once() -> None:
    records = [record("dann", f"emoji:{pair}", 50) for pair in ("a-b", "c-b", "b-a")]
    records += [
        replace(record("source_only", "emoji:b-b", 90), seconds=1),
        replace(record("source_only", "emoji:a-a", 90), seconds=9),
    ]
    assert texts(build_table(records, cost=True))["target_only †"][1] == "5.0"


def test_runs_that_were_tested_on_training_images_are_marked() -> None:
    good = [record(name, task, 50) for name in ("dann", "mcc") for task in STYLES]
    bad = replace(good[0], made_from={"repeated": 7})
    for style in ("terminal", "markdown", "latex", "csv"):
        usual, text = (render_table(some, format=style) for some in (good, [bad, *good[1:]]))
        assert "§" not in usual
        assert "\\S{}" not in usual
        assert "repeated" not in usual
        assert ("repeated" if style == "csv" else "up to 7 of a task's test images") in text
    table = build_table([bad, *good[1:]])
    assert texts(table) == {"dann": ["50.0 §", "50.0", "50.0 §"], "mcc": ["50.0"] * 3}
    assert "§" in render_table([bad, *good[1:]], ["last", "snd"])


def test_a_source_accuracy_of_training_images_is_said_to_be_one() -> None:
    usual, all_train = (
        replace(one, curve=[one.curve[0] | {"source_accuracy": 99.0}])
        for one in (
            record("dann", STYLES[0], 50),
            record("mcc", STYLES[0], 50, hold_out=False),
        )
    )
    said = "source_accuracy is that of training images"
    assert f"{said} where hold_out is off" in render_table([usual, all_train], "source_accuracy")
    assert said in render_table([all_train], "source_accuracy")
    for records, selector in (([usual], "source_accuracy"), ([all_train], "last")):
        assert said not in render_table(records, selector)


def test_few_shot_is_marked_as_the_oracle_is_and_comes_after_scores():
    run = record("dann", "zoo:a-b", 50)
    run.curve[0]["few_shot"] = 33.0
    run.curve[0]["zeal"] = 1.0
    table = build_table([run], ("few_shot", "zeal"))
    assert table.heads == ("zeal", "few_shot ‡")
    assert "‡ few_shot: chosen with target labels" in table.notes
    assert list_selectors([run]) == ["last", "snd", "zeal", "few_shot", "oracle"]
    [alone] = [n for n in build_table([run], ("few_shot",)).notes if "few_shot" in n]
    assert alone.endswith("each at the evaluation that few_shot chooses, with target labels")
