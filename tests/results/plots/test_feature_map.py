import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.decomposition import PCA

from da.results.plots import style
from da.results.plots.feature_map import plot_feature_map

EMOJI = [
    *("animal", "plant", "food", "clothing", "vehicle", "building", "clock", "face", "hand"),
    *("person", "sign"),
]


def features(n: int, classes: int):
    g = np.random.default_rng(0)
    y_s, y_t = g.integers(0, classes, (2, n))
    pair = [g.normal(y[:, None], 1.0, (n, 5)) for y in (y_s, y_t)]
    return tuple(pair), (pair[0], pair[1] + 9), y_s, y_t, [f"class {c}" for c in range(classes)]


def drawn(panel, marker: str) -> dict[str, np.ndarray]:
    lines = [line for line in panel.lines if line.get_marker() == marker]
    return {to_hex(line.get_color()).upper(): line.get_xydata() for line in lines}


def test_a_map_shows_each_image_in_its_class_and_domain():
    before, after, y_s, y_t, classes = features(12, 3)
    panel = plot_feature_map("dann", before, after, y_s, y_t, classes).axes[0]
    xy = PCA(2, random_state=0).fit_transform(np.concatenate(before))
    for marker, y, points in (("o", y_s, xy[:12]), ("^", y_t, xy[12:])):
        found = drawn(panel, marker)
        for label, color in enumerate(style.COLORS[:3]):
            np.testing.assert_allclose(found[color], points[y == label])


def test_a_map_of_many_classes_tells_domains_apart():
    figure = plot_feature_map("dann", *features(12, 22))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["source", "target"]
    assert set(drawn(figure.axes[1], "o")) == {style.COLORS[0]}
    assert set(drawn(figure.axes[1], "^")) == {style.COLORS[1]}


def test_a_map_of_eleven_classes_has_a_color_and_shape_for_each_and_its_run_above():
    *points, _ = features(33, 11)
    figure = plot_feature_map("dann", *points, EMOJI)
    legend = figure.legends[0]
    assert legend.get_title().get_text() == "dann"
    shown = [(x.get_color(), x.get_marker()) for x in legend.get_lines()[2:]]
    assert len(set(shown)) == 11
    target, source = (figure.axes[0].lines[:11], figure.axes[0].lines[11:])
    for lines, hollow in ((target, True), (source, False)):
        assert [(x.get_color(), x.get_marker()) for x in lines] == shown
        assert {x.get_markerfacecolor() == "none" for x in lines} == {hollow}
    figure.draw_without_rendering()
    assert legend.get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.slow
def test_a_map_draws_the_same_few_points_each_time():
    maps = [plot_feature_map("dann", *features(30, 2), points=8) for _ in range(2)]
    for one, two in zip(*(figure.axes for figure in maps), strict=True):
        for marker in "o^":
            a, b = (np.concatenate(list(drawn(p, marker).values())) for p in (one, two))
            assert len(a) == 8
            np.testing.assert_array_equal(a, b)
