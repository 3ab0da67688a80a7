"""Runs that make smaller networks of finished ones, and the table of what these cost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da.cli.main import main
from da.deploy import compress
from da.methods import METHODS
from da.methods.distill import Distill
from da.methods.source_only import SourceOnly
from da.models import saved_weights
from da.runs.run import Run

FROZEN = Run(SourceOnly.Hparams(), "emoji:noto-twemoji+3label", views=2, augment="crop")


def test_a_pruned_run_is_its_parent_begun_with_its_weights():
    parent = replace(FROZEN, regime="full", views=0, lr=0.5, seed=3)
    child = compress.pruned_run(parent, 0.5, structured=True)
    assert child == replace(parent, init=parent.id, sparsity=0.5, structured=True)


def test_features_of_a_run_that_did_not_move_them_stay_scaled():
    child = compress.pruned_run(FROZEN, 0.5)
    assert (child.regime, child.views, child.unit_features) == ("full", 0, True)
    assert compress.pruned_run(child, 0.8).unit_features


def test_a_method_of_frozen_features_cannot_be_pruned():
    with pytest.raises(ValueError, match="tca needs regime frozen"):
        compress.pruned_run(replace(FROZEN, method=METHODS["tca"].Hparams()), 0.5)


def test_a_student_has_its_teachers_task_without_bought_labels():
    teacher = replace(
        FROZEN, method=METHODS["fine_tune"].Hparams(), task="emoji:noto-twemoji+3shot"
    )
    child = compress.student_run(teacher, "resnet18", Distill.Hparams(teacher.id))
    assert (child.task, child.backbone, child.init) == (
        "emoji:noto-twemoji",
        "resnet18",
        "pretrained",
    )
    assert not child.unit_features
    kept = compress.student_run(FROZEN, "resnet18", Distill.Hparams(FROZEN.id))
    assert kept.task == FROZEN.task


@pytest.fixture
def task(tmp_path) -> str:
    """Two classes of pictures, light and dark, in two domains."""
    random = np.random.default_rng(0)
    for domain in ("here", "there"):
        for name, light in (("dark", 0), ("light", 120)):
            folder = tmp_path / domain / name
            folder.mkdir(parents=True)
            for i in range(10):
                pixels = random.integers(light, light + 100, (32, 32, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    return f"folder:{tmp_path / 'here'}:{tmp_path / 'there'}"


@pytest.fixture
def parent(task, tmp_path, monkeypatch) -> Run:
    monkeypatch.chdir(tmp_path)
    words = f"--task {task} --backbone lenet --init random --regime full --side 28 --steps 3"
    main(f"train {words} --neck 8 --batch 4 --save-weights --wandb off source_only".split())
    return Run.of(
        saved_weights.load_network_state(next(Path("results").glob("*.json")).stem)[1].settings
    )


def rows(text: str) -> dict[str, list[float]]:
    """Numbers of the first table in `text`, by label."""
    lines = [line.split() for line in text.partition("─\n")[2].partition("\n\n")[0].splitlines()]
    return {label: [float(n.replace(",", "")) for n in numbers] for label, *numbers in lines}


@pytest.mark.slow
def test_prune_and_distill_as_a_user_types_them(parent, capsys):
    capsys.readouterr()
    main(f"prune {parent.id} --sparsity 0.5 0.75 --steps 2 --workers 1".split())
    found = rows(capsys.readouterr().out)
    assert list(found) == ["parent", "0.5", "0.75"]
    _, sizes, macs, _, ratios, _ = zip(*found.values(), strict=True)
    dense, head = sizes[0], 8 * 2
    spared = head + 32 + 48 + 8 + 2 + 2 * 8  # and biases and the norm
    assert sizes[1] == pytest.approx(spared + (dense - spared) / 2, abs=2)
    assert sizes[2] == pytest.approx(spared + (dense - spared) / 4, abs=2)
    assert len(set(macs)) == 1
    assert ratios[0] == 1

    main(f"prune {parent.id} --sparsity 0.5 --structured --steps 2".split())
    found = rows(capsys.readouterr().out)
    assert found["0.5"][1] == pytest.approx(dense - 16 * (75 + 1) - 16 * 25 * 48, abs=2)
    assert found["0.5"][2] < 0.6 * found["parent"][2]

    main(f"distill {parent.id} --student lenet --init random --steps 2".split())
    assert list(rows(capsys.readouterr().out)) == ["teacher", "student"]


def test_a_student_that_does_not_fit_the_images_ends_with_status_2_and_one_line(parent, capsys):
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(f"distill {parent.id} --student mlp --init random --steps 2".split())
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("da: backbone mlp does not fit images of 28 x 28 pixels")
    assert error.count("\n") == 1


def test_runs_that_fail_are_listed_and_end_with_status_1(parent, capsys):
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(f"prune {parent.id} --sparsity 0.5 0.6 --steps 1 --lr 1e30 --workers 1".split())
    assert ended.value.code == 1
    first, *failed = capsys.readouterr().err.splitlines()
    assert first == "2 failed:"
    assert all("DivergedError" in line for line in failed)


@pytest.mark.slow
def test_a_second_time_nothing_is_trained(parent, capsys, monkeypatch):
    words = f"prune {parent.id} --sparsity 0.5 --steps 2".split()
    main(words)
    first = capsys.readouterr()
    main(words)
    second = capsys.readouterr()
    assert "source_only" in first.err
    assert "source_only" not in second.err
    assert [row[:3] for row in rows(first.out).values()] == [
        row[:3] for row in rows(second.out).values()
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("prune 0123 --sparsity 0.5", "no record of a run '0123' in results, known: none yet"),
        ("distill 0123 --student lenet", "known: none yet"),
        ("prune 0123", "sparsity"),
    ],
)
def test_a_mistake_is_one_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
