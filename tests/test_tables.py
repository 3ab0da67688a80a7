import csv
import io
from itertools import product
from statistics import stdev
from typing import Any

import pytest

from da.published import split_task
from da.records import Point, Record
from da.tables import build, plain, render, selectors
from da.typeset import Cell, Table

STYLES = ["emoji:noto-twemoji", "emoji:twemoji-noto"]
EMOJI = [
    f"emoji:{s}-{t}"
    for s, t in product(["noto", "twemoji", "fluent", "contrast", "openmoji"], repeat=2)
    if s != t
]


def record(method: str, task: str, accuracy: float, seed: int = 0, **settings: Any) -> Record:
    """A run of one look."""
    look = {"step": 10.0, "target_accuracy": accuracy, "snd": 0.5, "loss/task": 1.0}
    named = {key.replace("hp_", "hp."): value for key, value in settings.items()}
    about = {"method": method, "task": task, "seed": seed, "lr": 0.1, **named}
    return Record(f"{method}{task}{seed}{settings}", about, [look], 1.0)


def cells(table: Table) -> dict[str, dict[str, Cell]]:
    return {row.label: dict(zip(table.heads, row.cells, strict=True)) for row in table.rows}


def texts(table: Table) -> dict[str, list[str]]:
    return {row[0]: row[1:-1] for row in plain(table)[1]}


def twenty() -> list[Record]:
    return [
        record(method, task, base + 3 * i + seed, seed)
        for (i, task), seed in product(enumerate(EMOJI), range(3))
        for method, base in (("source_only", 20), ("subspace_alignment", 19), ("mcc", 30.2))
    ]


def test_mean_deviation_and_seeds() -> None:
    records = [record("dann", STYLES[0], 50 + 3 * seed, seed) for seed in range(3)]
    header, rows = plain(build(records))
    assert header == ["method", "noto-twemoji", "seeds"]
    assert rows == [["dann", "53.0 ± 3.0", "3"]]


def test_one_seed_has_no_deviation() -> None:
    table = build([record("dann", STYLES[0], 50.04)])
    assert texts(table) == {"dann": ["50.0"]}
    assert "±" not in render([record("dann", STYLES[0], 50.04)])


def test_deviation_of_the_average_is_that_of_each_seeds_average() -> None:
    values = {STYLES[0]: [40.0, 50.0, 60.0], STYLES[1]: [80.0, 72.0, 61.0]}
    records = [record("dann", t, v, seed) for t, vs in values.items() for seed, v in enumerate(vs)]
    average = cells(build(records))["dann"]["average"]
    assert average.mean == pytest.approx(60.5)
    assert average.deviation == pytest.approx(stdev([60.0, 61.0, 60.5]))


def test_no_average_where_a_task_is_missing() -> None:
    records = [record("dann", t, 50) for t in STYLES] + [record("mcc", STYLES[0], 60)]
    table = build(records, wanted=4)
    assert texts(table) == {"dann": ["50.0", "50.0", "50.0"], "mcc": ["60.0", "", ""]}
    assert any("blank" in note for note in table.notes)
    assert table.notes[0].startswith("only 3 of 4 runs")


def test_complete_sweeps_are_said_to_be() -> None:
    table = build([record("dann", STYLES[0], 50)], wanted=1)
    assert table.notes == ("1 of 1 runs, each at its last look",)


def test_hyperparameters_are_never_averaged_together() -> None:
    records = [
        record("dann", STYLES[0], 10 * weight, seed, hp_trade_off=weight)
        for weight, seed in product((1.0, 2.0), range(2))
    ]
    assert texts(build(records)) == {
        "dann trade_off=1.0": ["10.0 ± 0.0"],
        "dann trade_off=2.0": ["20.0 ± 0.0"],
    }


def test_settings_that_vary_with_the_method_alone_are_not_named() -> None:
    records = [
        record("source_only", STYLES[0], 50, steps=5),
        record("dann", STYLES[0], 60, steps=9, hp_trade_off=1.0),
    ]
    assert list(texts(build(records))) == ["source_only", "dann"]


def test_every_setting_that_varies_is_named() -> None:
    records = [
        record("dann", STYLES[0], 50, bn=bn, hp_trade_off=w)
        for bn, w in (("joint", 0.5), ("separate", 0.5), ("joint", 1.0))
    ]
    assert list(texts(build(records))) == [
        "dann bn=joint trade_off=0.5",
        "dann bn=separate trade_off=0.5",
        "dann bn=joint trade_off=1.0",
    ]


def test_rows_with_target_labels_stand_last_and_are_never_the_best() -> None:
    records = [
        record("source_only", "emoji:twemoji-twemoji", 90),
        record("fine_tune", "emoji:noto-twemoji+3shot", 70),
        record("source_only", "emoji:noto-twemoji", 50),
        record("dann", "emoji:noto-twemoji", 60),
        record("dann", "emoji:fluent-twemoji", 55),
    ]
    table = build(records)
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
    assert [row.cells[0].best for row in build(records).rows] == [True, False, False]


def test_target_only_stands_only_under_its_own_target() -> None:
    records = [record("dann", t, 60) for t in STYLES]
    records.append(record("source_only", "emoji:noto-noto", 90))
    assert texts(build(records))["target_only †"] == ["", "90.0", ""]


def test_runs_on_no_other_runs_target_keep_their_column() -> None:
    records = [record("dann", STYLES[0], 60), record("source_only", "emoji:noto-noto", 90)]
    assert texts(build(records)) == {"dann": ["60.0", "", ""], "source_only": ["", "90.0", ""]}


def test_an_experiment_of_labelled_runs_alone_is_an_ordinary_table() -> None:
    records = [
        record("fine_tune", "emoji:noto-twemoji+3shot", 70),
        record("dann", "emoji:noto-twemoji+3shot", 72),
    ]
    table = build(records)
    assert table.heads == ("noto-twemoji+3shot",)
    assert texts(table) == {"fine_tune": ["70.0"], "dann": ["72.0"]}
    assert cells(table)["dann"]["noto-twemoji+3shot"].best


def test_equal_as_printed_are_both_the_best() -> None:
    records = [record("dann", STYLES[0], 60.01), record("mcc", STYLES[0], 60.04)]
    assert [row.cells[0].best for row in build(records).rows] == [True, True]


def test_an_only_row_is_not_the_best() -> None:
    assert "*" not in render([record("dann", STYLES[0], 60)], style="markdown")


def looks() -> list[Record]:
    """Last 50, the oracle's 70 at the first look, 60 where snd is highest."""
    curve: list[Point] = [
        {"step": 1, "target_accuracy": 70, "snd": 0.1, "loss/task": 3.0},
        {"step": 2, "target_accuracy": 60, "snd": 0.9, "loss/task": 2.0},
        {"step": 3, "target_accuracy": 50, "snd": 0.2, "loss/task": 1.0},
    ]
    return [Record("a", {"method": "dann", "task": STYLES[0], "seed": 1}, curve, 1.0)]


@pytest.mark.parametrize(("name", "value"), [("last", "50.0"), ("snd", "60.0"), ("oracle", "70.0")])
def test_selector(name: str, value: str) -> None:
    table = build(looks(), [name])
    assert texts(table) == {"dann": [value]}
    assert ("target labels" in table.notes[0]) == (name != "last")


def test_several_selectors_the_oracle_last_and_marked() -> None:
    table = build(looks(), ["oracle", "snd", "last", "snd"])
    assert table.heads == ("snd", "last", "oracle ‡")
    assert texts(table) == {"dann": ["60.0", "50.0", "70.0"]}
    assert "‡ oracle: chosen with target labels" in table.notes


def test_several_selectors_average_over_tasks() -> None:
    records = [
        record("dann", t, a, s) for t, a in zip(STYLES, (40, 60), strict=True) for s in (0, 1)
    ]
    assert texts(build(records, ["last", "snd"])) == {"dann": ["50.0 ± 0.0", "50.0 ± 0.0"]}


def test_unknown_selector_names_the_known() -> None:
    with pytest.raises(ValueError, match=r"'best', known: last, snd, oracle$"):
        render(looks(), ["best"])


def test_losses_and_scores_that_some_runs_lack_choose_nothing() -> None:
    other = record("mcc", STYLES[0], 1)
    other.curve[0]["bnm"] = 1.0
    assert selectors([other, *looks()]) == ["last", "snd", "oracle"]


def test_unknown_style_names_the_known() -> None:
    with pytest.raises(ValueError, match="'html', known: terminal, markdown, latex, csv"):
        render(looks(), style="html")


@pytest.mark.parametrize("style", ["terminal", "csv"])
def test_no_records(style: str) -> None:
    with pytest.raises(ValueError, match="da sweep"):
        render([], style=style)


def test_twenty_tasks_fit_a_terminal() -> None:
    text = render(twenty())
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("from noto to") == 1
    assert "average from" in text


@pytest.mark.parametrize("style", ["terminal", "markdown", "latex"])
def test_all_twenty_numbers_are_shown(style: str) -> None:
    text = render(twenty(), style=style)
    for i in range(20):
        assert f"{21 + 3 * i}.0" in text


def test_average_of_a_source_is_over_its_targets() -> None:
    row = cells(build(twenty()))["source_only"]
    of_noto = [row[f"noto-{t}"].mean for t in ("twemoji", "fluent", "contrast", "openmoji")]
    assert row["from noto"].mean == pytest.approx(sum(m for m in of_noto if m) / 4)


def test_many_tasks_of_one_source_each_are_cut_into_pieces() -> None:
    records = [record("dann", f"moons:{i}-{i + 1}", i) for i in range(10)]
    for style in ("terminal", "markdown", "latex"):
        assert all(f"{i}-{i + 1}" in render(records, style=style) for i in range(10))


def test_printed_numbers_stand_beneath_with_their_papers() -> None:
    records = [
        record(method, task, 60)
        for method in ("source_only", "dann", "mcc")
        for task in ("digits:mnist-mnistm", "digits:mnist-optdigits")
    ]
    records.append(record("source_only", "digits:mnistm-mnistm", 95))
    table = build(records)
    printed = {label: row for label, row in texts(table).items() if "printed" in label}
    assert printed == {
        "source_only, printed [1]": ["≈52.25", "", ""],
        "dann, printed [1]": ["≈76.66", "", ""],
        "target_only, printed [1]": ["≈95.96", "", ""],
    }
    assert [row.section for row in table.rows] == [0, 0, 0, 1, 2, 2, 2]
    assert sum(note.startswith("≈ mnistm") for note in table.notes) == 1
    assert any(note.startswith("[1] DANN (Ganin et al., JMLR 2016)") for note in table.notes)


def test_printed_numbers_of_several_papers_are_cited_one_by_one() -> None:
    records = [record("dann", t, 60) for t in ("digits:mnist-mnistm", "digits:synfont-mnist")]
    row = texts(build(records))["dann, printed"]
    assert row == ["≈76.66 [1]", "≈89.35 [2]", ""]


def test_printed_numbers_of_the_same_task_are_not_marked() -> None:
    pairs = [("amazon", "webcam"), ("dslr", "webcam")]
    records = [record("dann", f"folder:office31/{s}-office31/{t}", 60) for s, t in pairs]
    table = build(records)
    assert table.heads == ("amazon-webcam", "dslr-webcam", "average")
    assert texts(table)["dann, printed [1]"] == ["91.4", "97.9", "94.7"]
    assert not any(note.startswith("≈") for note in table.notes)


def test_bought_labels_have_no_printed_counterpart() -> None:
    records = [
        record("mcc", "digits:mnist-mnistm", 60),
        record("dann", "digits:mnist-mnistm+3shot", 80),
    ]
    assert "76.66" not in render(records)
    assert "76.66" not in render(records, style="csv")


def test_printed_numbers_are_never_the_best() -> None:
    records = [record(m, "digits:mnist-mnistm", a) for m, a in (("source_only", 5), ("dann", 6))]
    best = [row.label for row in build(records).rows if row.cells[0].best]
    assert best == ["dann"]


def test_heads_that_would_be_alike_stay_whole() -> None:
    tasks = ["folder:a/x-b/y", "folder:c/x-d/y"]
    assert build([record("dann", t, 60) for t in tasks]).heads[:2] == tuple(tasks)


def test_several_benchmarks_keep_their_names() -> None:
    records = [record("dann", t, 60) for t in (STYLES[0], "moons:0-20")]
    assert build(records).heads[:2] == ("emoji:noto-twemoji", "moons:0-20")


def test_csv_has_a_line_for_each_method_task_and_selector() -> None:
    text = render(twenty(), ["oracle", "last"], style="csv")
    lines = list(csv.DictReader(io.StringIO(text)))
    keys = [(line["method"], line["task"], line["chosen_by"]) for line in lines]
    methods = "source_only", "subspace_alignment", "mcc"
    assert sorted(keys) == sorted(product(methods, EMOJI, ("last", "oracle")))
    first = lines[0]
    assert (first["mean"], first["deviation"], first["seeds"]) == ("21.0000", "1.0000", "3")


def test_csv_tells_the_printed_number_and_who_saw_labels() -> None:
    records = [
        record("dann", "digits:mnist-mnistm", 78),
        record("source_only", "digits:mnistm-mnistm", 97),
    ]
    lines = list(csv.DictReader(io.StringIO(render(records, style="csv"))))
    assert [line["method"] for line in lines] == ["dann", "target_only"]
    assert [line["uses_target_labels"] for line in lines] == ["no", "yes"]
    assert [line["printed"] for line in lines] == ["76.66", "95.96"]
    assert all("photographs" in line["differs"] for line in lines)


def test_columns_of_one_source_stand_side_by_side() -> None:
    tasks = ["emoji:noto-fluent", "emoji:fluent-noto", "emoji:noto-openmoji"]
    heads = build([record("dann", t, 60) for t in tasks]).heads
    assert heads == ("noto-fluent", "noto-openmoji", "fluent-noto", "average")
    assert [split_task(task)[1] for task in tasks] == ["noto", "fluent", "noto"]
