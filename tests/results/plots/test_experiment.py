import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from da.results.plots import experiment as plots
from da.results.plots import style
from da.results.records import Record

ACCURACY = {
    ("emoji:a-b", 0): (20.0, 50.0),
    ("emoji:a-b", 1): (30.0, 60.0),
    ("emoji:b-a", 0): (40.0, 70.0),
    ("emoji:b-a", 1): (30.0, 74.0),
}
MEAN, DEVIATION = (30.0, 63.5), np.array([0.0, 7 / 2**0.5])


BOTH = "mean of tasks ± deviation over seeds"


def record(method: str, task: str, seed: int, accuracies, **settings) -> Record:
    own = {"method": method, "task": task, "seed": seed, **settings}
    curve = [
        {"step": 100 * i, "target_accuracy": a, "infomax": a / 100, "loss/task": 1.0}
        for i, a in enumerate(accuracies)
    ]
    return Record(f"{method}{task}{seed}{settings}", own, curve, 1.0)


def sweep(method: str = "dann", gain: float = 0.0, suffix: str = "", **settings) -> list[Record]:
    return [
        record(method, task + suffix, seed, [a + gain for a in values], **settings)
        for (task, seed), values in ACCURACY.items()
    ]


def along(records: list[Record]) -> list[Record]:
    """Each record at two learning rates."""
    return [replace(r, settings=r.settings | {"lr": lr}) for r in records for lr in (1, 2)]


def names(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_line_is_the_mean_and_its_band_the_deviation_over_seeds():
    figure = plots.plot_curves(sweep())
    target, infomax = figure.axes[:2]
    assert target.get_title("left") == "target accuracy, %"
    (line,), (band,) = target.lines, target.collections
    np.testing.assert_allclose(line.get_xydata(), [(0, MEAN[0]), (100, MEAN[1])])
    bounds = {x: [y for at, y in band.get_paths()[0].vertices if at == x] for x in (0, 100)}
    np.testing.assert_allclose([min(ys) for ys in bounds.values()], MEAN - DEVIATION)
    np.testing.assert_allclose([max(ys) for ys in bounds.values()], MEAN + DEVIATION)
    np.testing.assert_allclose(infomax.lines[0].get_ydata(), np.array(MEAN) / 100)


def bars(panel: Axes) -> list[tuple[float, float]]:
    """Lower and upper end of each bar of deviation."""
    ends = [each.get_segments()[0][:, 1] for each in panel.collections]
    return [(low, high) for low, high in ends]


def test_runs_of_one_evaluation_have_a_bar_for_the_deviation_over_seeds():
    fitted = [replace(r, curve=r.curve[-1:]) for r in sweep()]
    target, infomax = plots.plot_curves(fitted).axes[:2]
    low, high = MEAN[1] - DEVIATION[1], MEAN[1] + DEVIATION[1]
    np.testing.assert_allclose(bars(target), [(low, high)])
    np.testing.assert_allclose(bars(infomax), [(low / 100, high / 100)])
    assert [*target.get_xticks()] == [100]
    assert bars(plots.plot_curves([r for r in fitted if r.settings["seed"] == 0]).axes[0]) == []


def test_every_score_has_a_panel_and_no_loss_has():
    titles = [panel.get_title("left") for panel in plots.plot_curves(sweep()).axes]
    assert titles == ["target accuracy, %", "infomax, nats"]


def test_a_seed_without_all_tasks_counts_in_the_mean_only():
    line = plots.plot_methods(sweep()[1:]).axes[0]
    assert [text.get_text() for text in line.texts] == ["66.0"]


def test_a_method_without_all_tasks_says_so():
    figure = plots.plot_curves(sweep() + sweep("mcc")[:2])
    assert names(figure) == ["dann", "mcc (1 of 2 tasks)", BOTH]


def test_settings_that_vary_make_lines_of_their_own():
    figure = plots.plot_curves(sweep(lr=0.1) + sweep(lr=0.2, gain=5))
    assert names(figure) == ["dann lr=0.1", "dann lr=0.2", BOTH]
    first, second = (line.get_ydata() for line in figure.axes[0].lines)
    np.testing.assert_allclose(second - first, 5)


def test_methods_are_sorted_with_their_numbers_beside_them():
    panel = plots.plot_methods(sweep("dann") + sweep("mcc", 9) + sweep("coral", -9)).axes[0]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["coral", "dann", "mcc"]
    assert [text.get_text() for text in panel.texts] == ["54.5 ± 4.9", "63.5 ± 4.9", "72.5 ± 4.9"]
    means = [box.lines[0].get_xydata()[0] for box in panel.containers]
    np.testing.assert_allclose(means, [(54.5, 0), (63.5, 1), (72.5, 2)])
    whisker = panel.containers[1].lines[2][0].get_segments()[0]
    np.testing.assert_allclose(whisker[:, 0], (63.5 - DEVIATION[1], 63.5 + DEVIATION[1]))
    tasks = [line.get_xdata() for line in panel.lines if len(line.get_xdata()) == 2]
    np.testing.assert_allclose(tasks[1], (55, 72))


def test_a_selector_picks_the_evaluation():
    falling = [record("dann", "emoji:a-b", 0, (60.0, 50.0))]
    last, chosen = (plots.plot_methods(falling, by).axes[0] for by in ("last", "infomax"))
    assert (last.texts[0].get_text(), chosen.texts[0].get_text()) == ("50.0", "60.0")
    assert "chosen by infomax" in chosen.get_xlabel()


def test_runs_that_saw_target_labels_are_marked():
    few = sweep("fine_tune", 5, suffix="+3shot")
    own = [record("source_only", "emoji:b-b", 0, (90.0, 95.0))]
    own += [record("source_only", "emoji:a-a", 0, (90.0, 97.0))]
    panel = plots.plot_methods(sweep() + few + own).axes[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert ["†" in label for label in labels] == [False, True, True]
    fills = [box.lines[0].get_markerfacecolor() for box in panel.containers]
    assert [same_color(fill, "white") for fill in fills] == [False, True, True]
    legend = plots.plot_curves(sweep() + few).legends[0]
    assert [text.get_text()[-1] for text in legend.get_texts()] == ["n", "†", "s", "s"]
    assert same_color(legend.get_lines()[1].get_color(), style.GRAY)


def test_long_names_do_not_overlap():
    long = {"backbone": "efficientnet_lite0", "schedule": "annealed by the paper", "bn": "separate"}
    figure = plots.plot_methods([r for i in range(3) for r in sweep(lr=i, **long)] + sweep())
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert all(low.y1 < high.y0 for low, high in pairwise(boxes))


def test_an_accuracy_s_band_and_whisker_end_where_there_is_no_such_accuracy():
    reached = {"dann": (92.0, 100.0), "mcc": (8.0, 0.0)}
    runs = [
        record(m, "emoji:a-b", seed, [a])
        for m, both in reached.items()
        for seed, a in enumerate(both)
    ]
    for figure in (plots.plot_curves(runs), plots.plot_against(along(runs), "lr")):
        bands = figure.axes[0].collections
        ends = [path.vertices[:, 1] for band in bands for path in band.get_paths()]
        assert (np.min(ends), np.max(ends)) == (0, 100)
    rows = plots.plot_methods(runs).axes[0].containers
    ends = [box.lines[2][0].get_segments()[0][:, 0] for box in rows]
    assert (np.min(ends), np.max(ends)) == (0, 100)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (sweep(), BOTH),
        (sweep()[:2], "mean ± deviation over seeds"),
        (sweep()[::2], "mean of tasks"),
        (sweep()[:1], None),
    ],
)
def test_what_a_line_and_its_band_are_is_said(runs, said):
    for figure in (plots.plot_curves(runs), plots.plot_against(along(runs), "lr")):
        assert names(figure)[1:] == ([said] if said else [])


def styles(figure: Figure) -> list[tuple[str, str]]:
    """Color and dashes of every line of the first panel."""
    return [(x.get_color(), str(x._unscaled_dash_pattern)) for x in figure.axes[0].lines]


def test_fourteen_lines_stay_apart():
    figure = plots.plot_curves([r for i in range(14) for r in sweep(lr=i)[:1]])
    assert len(set(styles(figure))) == len(names(figure)) == 14
    assert not figure.get_supxlabel()


@pytest.mark.parametrize(
    "draw", [plots.plot_curves, lambda runs: plots.plot_against(along(runs), "lr")]
)
def test_of_many_lines_the_baseline_and_the_best_are_named_and_the_others_gray(draw):
    runs = [r for i in range(40) for r in sweep(f"method{i}", gain=i / 10)[:1]]
    few = [r for i in range(6) for r in sweep(f"tune{i}", gain=i, suffix="+3shot")[:1]]
    figure = draw(runs + sweep("source_only", -9)[:1] + few)
    fair, shown = [*(f"method{i}" for i in range(34, 40)), "source_only"], range(2, 6)
    daggered = [f"tune{i} (3-shot) †" for i in shown]
    own = [name for name in names(figure) if name[0] in "mst" and "mean" not in name]
    assert own == fair + daggered
    rest = (style.REST["color"], "(0, None)")
    found = styles(figure)
    assert len(set(found) - {rest}) == len(own)
    assert found.count(rest) == 36
    assert figure.get_supxlabel().startswith("36 more rows")


@pytest.mark.parametrize("draw", [plots.plot_curves, plots.plot_methods])
def test_nothing_to_draw_is_said(draw):
    with pytest.raises(ValueError, match="no records to plot"):
        draw([])


def test_an_unknown_selector_is_told_the_known():
    with pytest.raises(ValueError, match="'entropi', known: last, infomax, oracle"):
        plots.plot_methods(sweep(), "entropi")


@pytest.mark.slow
@pytest.mark.parametrize("draw", [plots.plot_curves, plots.plot_methods])
def test_pictures_are_wide_legible_and_the_same_bytes_each_time(draw, tmp_path):
    first, second = draw(sweep()), draw(sweep())
    files = png, _, pdf = style.save_figure(first, tmp_path / "v1.0")
    assert [file.name for file in files] == ["v1.0.png", "v1.0.svg", "v1.0.pdf"]
    assert imread(png).shape[1] == 1600
    assert {b"/FontFile2", b"/ToUnicode"} <= {*re.findall(rb"/[A-Z]\w+", pdf.read_bytes())}
    again = style.save_figure(second, tmp_path / "again")
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in files]
    points_at_900_pixels = 900 / style.WIDTH / 96
    texts = [text for text in first.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in texts) * points_at_900_pixels >= 9


def test_a_picture_is_whole_or_absent(tmp_path, monkeypatch):
    def full(self, file, **_):
        file.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match="disk full"):
        style.save_figure(Figure(), tmp_path / "curves")
    assert list(tmp_path.iterdir()) == []
