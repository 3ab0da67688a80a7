import numpy as np
import pytest
from sklearn.decomposition import PCA

from da.report import feature_data
from da.report.feature_data import describe_maps, project
from da.report.outputs import Outputs


def outputs(row: int, n: int = 40, labels: bool = True) -> Outputs:
    draw = np.random.default_rng(row)
    x = draw.normal(size=(2, n, 5)).astype(np.float32)
    y = np.arange(n) % 2
    return Outputs(row, 0, 0, 1 - y, y if labels else y * 0 - 1, y, ("a", "b"), x[0], x[1])


def test_coordinates_are_those_of_principal_components():
    x = np.random.default_rng(0).normal(size=(60, 7)) * np.arange(1, 8)
    theirs = PCA(2).fit_transform(x)
    assert np.abs(project(x)) == pytest.approx(np.abs(theirs / np.abs(theirs).max()))


def test_directions_do_not_flip_and_one_column_is_enough():
    for seed in range(8):
        wide = np.random.default_rng(seed).normal(size=(30, 3)) * [9, 1, 1]
        assert np.corrcoef(project(wide)[:, 0], wide[:, 0])[0, 1] > 0.9
    x = np.random.default_rng(0).normal(size=(9, 3))
    assert project(np.concatenate([x, x])) == pytest.approx(np.tile(project(x), (2, 1)))
    assert project(x[:, :1])[:, 1] == pytest.approx(0)
    assert project(x * 0) == pytest.approx(0)


def test_a_map_has_few_points_and_whole_numbers():
    (one,) = describe_maps([outputs(3, 1000)])["maps"]
    assert len(one["source"]["y"]) == len(one["target"]["x0"]) == feature_data.MOST_POINTS
    assert (
        max(np.abs(one[side][axis]).max() for side in ("source", "target") for axis in ("x0", "x1"))
        == 999
    )


def test_targets_without_labels_have_the_colors_of_predictions():
    (one,) = describe_maps([outputs(0, labels=False)])["maps"]
    assert one["target"]["y"][:2] == [1, 0]


def test_of_many_runs_the_first_are_shown(monkeypatch):
    monkeypatch.setattr(feature_data, "MOST_MAPS", 2)
    found = describe_maps([outputs(row) for row in range(3)])
    assert [one["row"] for one in found["maps"]] == [0, 1]
    assert "2 of 3 runs" in found["said"]


def test_without_features_the_section_says_what_it_needs():
    assert "outputs" in describe_maps([])
