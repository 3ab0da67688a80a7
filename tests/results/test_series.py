"""Rows of runs along a setting, and accuracy drawn against it."""

from dataclasses import replace

import numpy as np
import pytest

from da.results.aggregate import group_records
from da.results.plots import experiment as plots
from da.results.records import Record
from da.results.series import ALL, add_setting_to_seed, group_by_value
from da.runs.run import Run

TASKS = "emoji:a-b", "emoji:b-a"
FINAL = {0: 5.0, 1: -5.0}
"""What a seed adds."""


def record(task: str, seed: int, accuracy: float, **settings) -> Record:
    own = {"method": "dann", "task": task, "seed": seed, "neck_norm": True, **settings}
    points = ((1, accuracy + 9, 2.0), (2, accuracy, 1.0))
    curve = [{"step": n, "target_accuracy": a, "infomax": i} for n, a, i in points]
    return Record(f"{task}{seed}{settings}", own, curve, 1.0)


def sweep(accuracy: float, suffix: str = "", tasks=TASKS, **settings) -> list[Record]:
    """The second task is 20 points easier; seeds deviate by 5 points in either direction."""
    return [
        record(task + suffix, seed, accuracy + 20 * TASKS.index(task) + more, **settings)
        for task in tasks
        for seed, more in FINAL.items()
    ]


def lines(figure) -> dict[str, tuple[list, list]]:
    """Places and heights of every line by its name."""
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in figure.axes[0].lines]
    return dict(zip(named, drawn, strict=False))


def ticks(figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_xticklabels()]


def test_a_line_is_the_mean_over_tasks_and_its_band_the_deviation_over_seeds():
    figure = plots.plot_against([*sweep(30, lr=0.1), *sweep(50, lr=0.2)], "lr")
    assert lines(figure)["dann"] == ([0.1, 0.2], [40, 60])
    (band,) = figure.axes[0].collections
    edges = band.get_paths()[0].vertices
    spread = np.std(list(FINAL.values()), ddof=1)
    for x, middle in ((0.1, 40), (0.2, 60)):
        ys = [y for at, y in edges if at == x]
        np.testing.assert_allclose((min(ys), max(ys)), (middle - spread, middle + spread))


def test_values_ascend_whatever_the_order_of_runs():
    figure = plots.plot_against([r for lr in (0.3, 0.1, 0.2) for r in sweep(100 * lr, lr=lr)], "lr")
    assert lines(figure)["dann"][0] == [0.1, 0.2, 0.3]


def test_what_else_varies_makes_lines_of_their_own():
    runs = [
        r
        for lr in (0.1, 0.2)
        for w in (1.0, 2.0)
        for r in sweep(10 * w + 100 * lr, lr=lr, **{"hp.w": w})
    ]
    by_lr, by_w = lines(plots.plot_against(runs, "lr")), lines(plots.plot_against(runs, "w"))
    assert by_lr["dann w=2.0"] == ([0.1, 0.2], [40, 50])
    assert by_w["dann lr=0.1"] == ([1, 2], [30, 40])


def test_a_value_that_lacks_a_task_is_left_out_of_its_line():
    runs = [*sweep(30, lr=0.1), *sweep(50, lr=0.2), *sweep(99, lr=0.3, tasks=TASKS[:1])]
    assert lines(plots.plot_against(runs, "lr"))["dann"][0] == [0.1, 0.2]


def test_a_method_without_the_setting_stands_at_every_value():
    runs = [*sweep(30, lr=0.1), *sweep(50, lr=0.2), *sweep(40, method="map")]
    assert lines(plots.plot_against(runs, "lr"))["map"] == ([0.1, 0.2], [50, 50])


def test_labels_are_those_of_the_task_and_all_of_them_come_last():
    runs = [r for k in (20, 1, 5) for r in sweep(k, f"+{k}label")] + sweep(60)
    figure = plots.plot_against(runs, "labels")
    places, heights = lines(figure)["dann"]
    assert heights == [11, 15, 30, 70]
    assert places[:3] == [1, 5, 20] < places[3:]
    assert ticks(figure)[::-1] == ["1", "5", "20", "all"]
    assert set(group_records(add_setting_to_seed(runs, "labels"))) == set(group_records(sweep(60)))


def test_no_features_are_all_features():
    runs = [r for kept in (0, 10, 20) for r in sweep(kept, features=kept)]
    assert {r.settings["seed"][0] for r in add_setting_to_seed(runs, "features")} == {10, 20, ALL}
    assert lines(plots.plot_against(runs, "features"))["dann"] == ([10, 20, 30], [20, 30, 10])


def test_runs_that_pruned_ones_begin_with_are_the_first_point_of_each_of_their_lines():
    parents = [replace(r, id=f"{r.id} whole") for r in sweep(50, sparsity=0.0, init="pretrained")]
    children = [
        record(p.settings["task"], p.settings["seed"], p.curve[-1]["target_accuracy"] - lost, **own)
        for p in parents
        for structured, cost in ((False, 10), (True, 30))
        for sparsity in (0.9, 0.5)
        for lost in [cost * sparsity]
        for own in [{"sparsity": sparsity, "structured": structured, "init": p.id}]
    ]
    found = lines(plots.plot_against([*parents, *children], "sparsity"))
    assert found["dann structured=False"] == ([0, 0.5, 0.9], [60, 55, 51])
    assert found["dann structured=True"] == ([0, 0.5, 0.9], [60, 45, 33])
    assert len(found) == 2
    assert {r.settings["seed"][0] for r in add_setting_to_seed(children, "sparsity")} == {0.5, 0.9}


@pytest.mark.parametrize(
    ("values", "kind"),
    [((1, 10), "linear"), ((1, 11), "log"), ((0, 1, 10), "linear"), ((0, 1, 100), "symlog")],
)
def test_more_than_a_decade_is_drawn_by_its_logarithm(values, kind):
    runs = [r for value in values for r in sweep(30, steps=value)]
    figure = plots.plot_against(runs, "steps")
    assert figure.axes[0].get_xscale() == kind
    assert ticks(figure)[::-1] == [str(value) for value in values]


def test_of_many_values_some_are_named_the_last_among_them():
    figure = plots.plot_against([r for n in range(1, 31) for r in sweep(n, steps=n)], "steps")
    assert len(lines(figure)["dann"][0]) == 30
    assert ticks(figure) == [str(n) for n in range(30, 0, -3)]


def test_a_selector_picks_the_evaluation():
    runs = [*sweep(30, lr=0.1), *sweep(50, lr=0.2)]
    figure = plots.plot_against(runs, "lr", "infomax")
    assert lines(figure)["dann"][1] == [49, 69]
    assert figure.axes[0].get_ylabel() == "target accuracy, %, chosen by infomax"


def test_the_setting_of_a_run_comes_before_one_of_its_method():
    runs = [r for lr in (1, 2) for own in (3, 4) for r in sweep(30, lr=lr, **{"hp.lr": own})]
    assert {r.settings["seed"][0] for r in add_setting_to_seed(runs, "lr")} == {1, 2}
    assert {r.settings["seed"][0] for r in add_setting_to_seed(runs, "hp.lr")} == {3, 4}


@pytest.mark.parametrize("setting", ["steps", "seed", "task", "bn", "neck_norm", "labels", "lrr"])
def test_what_is_no_number_or_does_not_vary_is_refused(setting):
    runs = [
        r
        for lr, bn in ((0.1, "joint"), (0.2, "separate"))
        for r in sweep(30, lr=lr, bn=bn, steps=9, neck_norm=lr == 0.1, **{"hp.w": lr})
    ]
    with pytest.raises(ValueError, match=f"^'{setting}' is no number .*, known: lr, w$"):
        plots.plot_against(runs, setting)


def test_what_varies_with_the_method_alone_does_not_count():
    runs = [*sweep(30, steps=1), *sweep(50, steps=2, method="map")]
    with pytest.raises(ValueError, match=r"known: none$"):
        plots.plot_against(runs, "steps")


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match="no records to plot"):
        plots.plot_against([], "lr")


def test_rows_by_value_keep_their_seeds():
    ((_, row),) = group_records(
        add_setting_to_seed([*sweep(30, lr=0.1), *sweep(50, lr=0.2)], "lr")
    ).items()
    parts = group_by_value(row)
    assert list(parts) == [0.1, 0.2]
    assert all(list(by_seed) == [0, 1] for part in parts.values() for by_seed in part.values())


def test_every_number_of_a_real_run_can_be_drawn_against():
    from da.methods.dann import DANN

    settings = Run(DANN.Hparams(), "emoji:noto-twemoji").settings()
    for name in ("features", "steps", "lr", "hp.trade_off", "neck", "dropout"):
        records = [Record(str(v), settings | {name: v}, [{"step": 1}], 1.0) for v in (1, 2)]
        assert len(group_records(add_setting_to_seed(records, name.removeprefix("hp.")))) == 1
