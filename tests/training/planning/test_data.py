"""A plan opens what is stored, and makes no data unless it is asked to."""

from dataclasses import replace

from da.methods import METHODS
from da.runs.run import Run
from da.training.planning.data import PlanData
from tests.fixtures.datasets import image_folder

MOONS = Run(METHODS["dann"].Hparams(), "moons:0-20", "mlp", "random", "full")


def test_images_are_decoded_only_on_demand(tmp_path):
    pair = "-".join(f"{image_folder(tmp_path / name)}" for name in ("amazon", "webcam"))
    run = replace(MOONS, task=f"folder:{pair}", backbone="lenet")
    before = sorted(tmp_path.rglob("*"))
    data = PlanData(prepare=False)
    assert data.open(run) is None
    assert data.size(run.settings()) is None
    assert data.notes == ["images of folder are not stored yet; --prepare fetches and decodes them"]
    assert sorted(tmp_path.rglob("*")) == before
    asked = PlanData(prepare=True)
    assert [len(domain.x) for domain in asked.open(run)] == [20, 20]
    assert asked.size(run.settings()) == 40
    assert PlanData(prepare=False).size(run.settings()) == 40


def test_a_task_that_does_not_exist_is_noted_once():
    data = PlanData(prepare=False)
    for seed in (0, 1):
        assert data.open(replace(MOONS, task="moons:0-x", seed=seed)) is None
    (note,) = data.notes
    assert note.startswith("dann moons:0-x seed 0: unknown rotation 'x'")
