from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from da.cli.main import main
from da.data import tasks
from da.data.datasets import _ct_volumes as ct_volumes
from da.data.datasets import luna16
from da.data.domain import Domain
from tests.fixtures import datasets

TURNED = (0.36, 0.48, -0.8, -0.8, 0.6, 0.0, 0.48, 0.64, 0.6)
"""A rotation about no axis of the volume, row by row."""


@pytest.fixture
def root(tmp_path) -> Path:
    return datasets.luna16(tmp_path / "luna")


@pytest.fixture
def turned(tmp_path) -> tuple[ct_volumes.Volume, sitk.Image]:
    """A volume whose voxels are no cubes and lie askew in the world."""
    image = sitk.Image(30, 24, 20, sitk.sitkInt16)
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-20.0, 35.5, -110.0))
    image.SetDirection(TURNED)
    sitk.WriteImage(image, str(tmp_path / "turned.mhd"))
    return ct_volumes.read_header(tmp_path / "turned.mhd"), image


def test_voxels_are_where_simpleitk_has_them(turned):
    volume, image = turned
    points = np.random.default_rng(0).uniform(-200, 200, (50, 3))
    wanted = [image.TransformPhysicalPointToContinuousIndex(p.tolist()) for p in points]
    np.testing.assert_allclose(volume.to_voxels(points), wanted, atol=1e-6)


def test_a_point_is_in_a_volume_up_to_the_edges_of_its_voxels(turned):
    volume, image = turned
    edges = [(-0.49, 0, 0), (-0.51, 0, 0), (29.49, 23.49, 19.49), (0, 23.51, 0), (0, 0, 19.51)]
    points = np.array([image.TransformContinuousIndexToPhysicalPoint(edge) for edge in edges])
    assert volume.contains(points).tolist() == [True, False, True, False, False]


def test_slices_are_a_millimeter_apart_in_the_world(turned):
    volume, image = turned
    every = np.moveaxis(np.indices((30, 24, 20)), 0, -1).reshape(-1, 3)
    world = np.array([image.TransformIndexToPhysicalPoint(index.tolist()) for index in every])
    hu = (world @ [3.0, -2.0, 5.0]).reshape(30, 24, 20).transpose(2, 1, 0)
    center = np.array(image.TransformContinuousIndexToPhysicalPoint((14.2, 12.7, 9.1)))
    found = ct_volumes.cut_slices(hu, volume, center, 4, (-1000.0, 1000.0))
    for row, column, channel in [(0, 0, 0), (3, 0, 1), (0, 3, 1), (2, 1, 2)]:
        point = center + np.array([column - 1.5, row - 1.5, channel - 1])
        expected = (point @ [3.0, -2.0, 5.0] + 1000) / 2000 * 255
        assert abs(found[row, column, channel] - expected) <= 0.51


def test_the_window_is_black_to_white_and_outside_is_air(turned):
    volume, image = turned
    hu = np.full((20, 24, 30), 400, np.int16)
    center = np.array(image.TransformContinuousIndexToPhysicalPoint((14.5, 11.5, 9.5)))
    found = ct_volumes.cut_slices(hu, volume, center, 64, luna16.WINDOW)
    assert (found[32, 32] == 255).all()
    assert (found[0, 0] == 0).all()
    low = ct_volumes.cut_slices(hu - 700, volume, center, 64, luna16.WINDOW)
    assert low[32, 32].tolist() == [128] * 3  # round(700 / 1400 * 255)


def scans(root: Path, domain: Domain) -> list[set[int]]:
    """The scans that train, validate and test: a patch is told by its pixels."""
    table = luna16.read_candidates(root / "candidates_V2.csv")
    files = {file.stem: file for file in root.rglob("*.mhd")}
    owner = {}
    for scan, uid in enumerate(table.scans):
        if uid not in files:
            continue
        volume = ct_volumes.read_header(files[uid])
        hu = ct_volumes.read_voxels(volume)
        for at in table.at[table.scan == scan]:
            patch = ct_volumes.cut_slices(hu, volume, at, luna16.SIDE, luna16.WINDOW)
            owner[patch.tobytes()] = scan
    roles = "source_train", "source_test", "target_test"
    return [{owner[domain.x[i].numpy().tobytes()] for i in domain.rows[role]} for role in roles]


@pytest.mark.slow
def test_no_scan_is_in_two_sets_and_classes_are_balanced(root):
    task = tasks.load_task(f"luna16:{root}")
    parts = task.source_train, task.source_test, task.target_test
    assert [part.y.bincount().tolist() for part in parts] == [[28, 28], [4, 4], [8, 8]]
    domain = luna16.open_domain(str(root))
    found = scans(root, domain)
    assert [len(some) for some in found] == [7, 1, 2]
    assert len(set.union(*found)) == 10
    assert domain.classes == ("other", "nodule")
    assert domain.x.shape == (80, 64, 64, 3)


@pytest.mark.slow
def test_subsets_are_the_sets_where_all_ten_are_there(tmp_path):
    root = datasets.luna16(tmp_path / "luna", subsets=True)
    found = scans(root, luna16.open_domain(str(root)))
    assert found == [set(range(8)), {8}, {9}]
    for file in [*root.glob("subset3/*")]:
        file.unlink()
    assert [len(some) for some in scans(root, luna16.open_domain(str(root)))] == [6, 1, 2]


def test_the_same_split_twice(root, monkeypatch, tmp_path):
    first = luna16.open_domain(str(root))
    monkeypatch.setenv("DA_HOME", str(tmp_path / "other"))
    again = luna16.open_domain(str(root))
    assert again.digest == first.digest
    assert all(again.rows[role].equal(rows) for role, rows in first.rows.items())


def test_flat_patches_are_the_middle_slice_three_times(root):
    deep, _ = tasks.open_domains(f"luna16:{root}")
    flat, _ = tasks.open_domains(f"luna16_2d:{root}+2label")
    assert all((flat.x[..., channel] == deep.x[..., 1]).all() for channel in range(3))
    assert not (deep.x[..., 0] == deep.x[..., 1]).all()
    assert flat.y.equal(deep.y)
    assert flat.digest != deep.digest


def test_candidates_without_their_volume_are_left_out_and_counted_once(root, capsys):
    for file in root.glob("*0004.*"):
        file.unlink()
    domain = luna16.open_domain(str(root))
    assert len(domain.y) == 72
    assert "left out 12 candidates of 1 scans without a volume\n" in capsys.readouterr().err
    luna16.open_domain(str(root))
    assert not capsys.readouterr().err


def test_the_older_list_counts_only_without_the_newer(root):
    (root / "candidates.csv").write_text("seriesuid\n")
    assert len(luna16.open_domain(str(root)).y) == 80
    (root / "candidates_V2.csv").rename(root / "candidates.csv")
    assert len(luna16.open_domain(str(root)).y) == 80


def spoil(root: Path, how: str) -> str:
    """Do that to the data; what is then said of it."""
    table, [scan, *_] = root / "candidates_V2.csv", sorted(root.glob("*.mhd"))
    raw = scan.with_suffix(".raw")
    lines = table.read_text().splitlines()
    if how == "cut off":
        raw.write_bytes(raw.read_bytes()[:-1])
        return f"cannot read the volume {scan}: {raw.name} has 28799 of 28800 bytes"
    if how == "no voxels":
        raw.unlink()
        return f"cannot read the volume {scan}: there is no {raw.name} beside it"
    if how == "no header":
        scan.write_text("no header")
        return f"cannot read the volume {scan}: "
    if how == "outside":
        table.write_text("\n".join([*lines, f"{scan.stem},900.5,0,-3,0"]))
        return f"{table} has a candidate outside its volume: {scan.stem} at (900.5, 0, -3)"
    if how == "no number":
        table.write_text("\n".join([*lines, f"{scan.stem},left,0,0,0"]))
        return f"{table} has the line '{scan.stem},left,0,0,0', known: numbers, 0 or 1"
    if how == "third class":
        table.write_text("\n".join([*lines, f"{scan.stem},0,0,0,2"]))
        return f"{table} has the line '{scan.stem},0,0,0,2'"
    if how == "no column":
        table.write_text("\n".join(lines).replace("coordZ", "z"))
        return f"{table} has no column 'coordZ', known: seriesuid, coordX"
    if how == "no nodules":
        table.write_text("\n".join(line for line in lines if not line.endswith(",1")))
        return "no candidate of class 'nodule' in the 7 training scans"
    if how == "no candidates":
        table.unlink()
        return f"{root} has no file of candidates, known: candidates_V2.csv, candidates.csv"
    for file in root.glob("*.mhd"):
        file.unlink()
    return f"{root} has no volumes: no .mhd in it or in subset0 to subset9"


@pytest.mark.parametrize(
    "how",
    [
        *("cut off", "no voxels", "no header", "outside", "no number", "third class"),
        *("no column", "no nodules", "no candidates", "no volumes"),
    ],
)
def test_what_is_wrong_with_the_data_is_one_line(root, how, capfd):
    said = spoil(root, how)
    with pytest.raises(SystemExit) as ended:
        main(["train", "--task", f"luna16:{root}", "source_only"])
    assert ended.value.code == 2
    error = capfd.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list((root.parent / "home").rglob("x.npy"))


def test_a_packed_volume_that_is_damaged_is_named(tmp_path):
    image = datasets.volume(tmp_path / "a.mhd")
    sitk.WriteImage(image, str(tmp_path / "b.mhd"), useCompression=True)
    packed = tmp_path / "b.zraw"
    volume = ct_volumes.read_header(tmp_path / "b.mhd")
    assert np.array_equal(ct_volumes.read_voxels(volume), sitk.GetArrayFromImage(image))
    packed.write_bytes(packed.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"cannot read the volume .*b\.mhd: "):
        ct_volumes.read_voxels(volume)
