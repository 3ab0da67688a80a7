from dataclasses import replace
from itertools import product
from statistics import stdev

import pytest

from da.config.task_name import TaskName
from da.results.aggregate import list_selectors
from da.results.tables import build_table
from tests.results.test_tables import STYLES, cells, evaluated, record, texts


def test_deviation_of_the_average_is_that_of_each_seeds_average() -> None:
    values = {STYLES[0]: [40.0, 50.0, 60.0], STYLES[1]: [80.0, 72.0, 61.0]}
    records = [record("dann", t, v, seed) for t, vs in values.items() for seed, v in enumerate(vs)]
    average = cells(build_table(records))["dann"]["average"]
    assert average.mean == pytest.approx(60.5)
    assert average.deviation == pytest.approx(stdev([60.0, 61.0, 60.5]))


def test_hyperparameters_are_never_averaged_together() -> None:
    records = [
        record("dann", STYLES[0], 10 * weight, seed, hp_trade_off=weight)
        for weight, seed in product((1.0, 2.0), range(2))
    ]
    assert texts(build_table(records)) == {
        "dann trade_off=1.0": ["10.0 ± 0.0"],
        "dann trade_off=2.0": ["20.0 ± 0.0"],
    }


def test_rows_have_the_names_that_the_experiment_gives_them() -> None:
    records = [
        record("dann", task, 10 * weight, hp_trade_off=weight, row=f"{weight:.0f} times")
        for weight, task in product((1.0, 2.0), STYLES[:2])
    ]
    assert list(texts(build_table(records))) == ["1 times", "2 times"]


def test_runs_that_an_experiment_gives_one_name_are_told_apart() -> None:
    records = [
        record("dann", task, 50 + lr, seed, lr=lr, side=side, row="ours")
        for task, side in ((STYLES[0], 32), (STYLES[1], 48))
        for lr in (1, 2)
        for seed in range(2)
    ]
    rows = texts(build_table(records))
    assert rows["ours lr=1"][:2] == ["51.0 ± 0.0"] * 2
    assert rows["ours lr=2"][:2] == ["52.0 ± 0.0"] * 2
    assert len(rows) == 2


def test_settings_that_vary_with_the_method_alone_are_not_named() -> None:
    records = [
        record("source_only", STYLES[0], 50, steps=5),
        record("dann", STYLES[0], 60, steps=9, hp_trade_off=1.0),
    ]
    assert list(texts(build_table(records))) == ["source_only", "dann"]


def test_every_setting_that_varies_is_named() -> None:
    records = [
        record("dann", STYLES[0], 50, bn=bn, hp_trade_off=w)
        for bn, w in (("joint", 0.5), ("separate", 0.5), ("joint", 1.0))
    ]
    assert list(texts(build_table(records))) == [
        "dann bn=joint trade_off=0.5",
        "dann bn=separate trade_off=0.5",
        "dann bn=joint trade_off=1.0",
    ]


def test_target_only_stands_only_under_its_own_target() -> None:
    records = [record("dann", t, 60) for t in STYLES]
    records.append(record("source_only", "emoji:noto-noto", 90))
    assert texts(build_table(records))["target_only †"] == ["", "90.0", ""]


def test_runs_on_no_other_runs_target_keep_their_column() -> None:
    records = [record("dann", STYLES[0], 60), record("source_only", "emoji:noto-noto", 90)]
    assert texts(build_table(records)) == {
        "dann": ["60.0", "", ""],
        "source_only": ["", "90.0", ""],
    }


def test_an_experiment_of_labeled_runs_alone_is_an_ordinary_table() -> None:
    records = [
        record("fine_tune", "emoji:noto-twemoji+3shot", 70),
        record("dann", "emoji:noto-twemoji+3shot", 72),
    ]
    table = build_table(records)
    assert table.heads == ("noto-twemoji+3shot",)
    assert texts(table) == {"fine_tune": ["70.0"], "dann": ["72.0"]}
    assert cells(table)["dann"]["noto-twemoji+3shot"].best


def test_losses_measurements_and_scores_that_some_runs_lack_choose_nothing() -> None:
    records = [record("mcc", STYLES[0], 1), *evaluated()]
    records[0].curve[0]["bnm"] = 1.0
    for point in (point for r in records for point in r.curve):
        point |= {"diagnosis/lambda": 1.0, "predicted/cat": 1}
    assert list_selectors(records) == ["last", "snd", "oracle"]


def test_columns_of_one_source_stand_side_by_side() -> None:
    tasks = ["emoji:noto-fluent", "emoji:fluent-noto", "emoji:noto-openmoji"]
    heads = build_table([record("dann", t, 60) for t in tasks]).heads
    assert heads == ("noto-fluent", "noto-openmoji", "fluent-noto", "average")
    assert [TaskName.parse(task).source for task in tasks] == ["noto", "fluent", "noto"]


def test_a_run_that_begins_with_anothers_weights_is_named_by_the_others_method() -> None:
    begun = [record("source_only", STYLES[0], 50, seed) for seed in range(2)]
    other = record("dann", STYLES[0], 50)
    after = [record("coral_map", STYLES[0], 70, r.settings["seed"], init=r.id) for r in begun]
    assert texts(build_table([*begun, *after]))["coral_map"] == ["70.0 ± 0.0"]
    after.append(record("coral_map", STYLES[0], 60, init=other.id))
    rows = texts(build_table([*begun, other, *after]))
    assert rows["coral_map init=source_only"] == ["70.0 ± 0.0"]
    assert rows["coral_map init=dann"] == ["60.0"]
    taught = [record("dine", STYLES[0], 60, r.settings["seed"]) for r in begun]
    for r, first in zip(taught, begun, strict=True):
        r.settings["hp.teacher"] = first.id
    assert texts(build_table([*begun, *taught]))["dine"] == ["60.0 ± 0.0"]


def test_a_run_over_a_stream_has_a_row_for_what_it_said_meanwhile() -> None:
    tent = record("tent", STYLES[0], 60)
    curve = [*tent.curve[:-1], tent.curve[-1] | {"target_accuracy/online": 55.0}]
    records = [record("dann", STYLES[0], 50), replace(tent, curve=curve)]
    assert texts(build_table(records)) == {
        "dann": ["50.0"],
        "tent": ["60.0"],
        "tent (online)": ["55.0"],
    }


def test_labels_stand_in_the_column_of_all_labels() -> None:
    records = [
        record("source_only", f"emoji:noto{few}", accuracy)
        for few, accuracy in (("+5label", 40), ("", 90), ("+20label", 60))
    ]
    table = build_table(records)
    assert table.heads == ("noto",)
    assert texts(table) == {
        "source_only (5-label)": ["40.0"],
        "source_only": ["90.0"],
        "source_only (20-label)": ["60.0"],
    }
    assert not any("†" in note for note in table.notes)


def test_tasks_with_few_labels_alone_have_their_own_columns() -> None:
    tasks = ["fashion_mnist+5label", "emoji:noto+5label", "cifar10:/my-data/cifar-10+5label"]
    table = build_table([record("source_only", task, 50) for task in tasks])
    assert table.heads[:3] == (
        *("fashion_mnist+5label", "emoji:noto+5label"),
        "cifar10:cifar-10+5label",
    )
    one = build_table(
        [record("source_only", task, 50) for task in ("fashion_mnist", "fashion_mnist:/x")]
    )
    assert one.heads[:2] == ("fashion_mnist", "x")
