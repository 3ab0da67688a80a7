"""Every command that reads weights tells of damaged ones in one line; a sweep makes them again."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da.cli.main import main
from da.models import backbones
from da.models.saved_weights import weights_file
from da.runs.trained_model import load_model
from tests.models.test_saved_weights import DAMAGES

IMAGES = "--task folder:a-b --backbone lenet --side 28 --neck 8 --steps 1 --batch 4 --wandb off"
EXPERIMENT = """
from dataclasses import replace
from pathlib import Path
from da.results.records import find
from da.runs.run import Run
first = Run.of(find("{0}", Path("results")).settings)


def runs():
    return [first, replace(first, init="{0}", seed=7)]
"""
COMMANDS = (
    f"train {IMAGES} --regime full --init {{0}} source_only",
    f"train {IMAGES} --regime frozen --init {{0}} source_only",
    f"train {IMAGES} --regime full --init {{0}} shot",
    f"train {IMAGES} --regime full --init random distill --teacher {{0}}",
    "prune {0} --sparsity 0.5 --workers 1",
    "distill {0} --student lenet --init random",
    "predict {0} a/dark/0.png",
    "predict results/{0}.json a/dark/0.png",
    "export {0} --to onnx",
    "plot experiment.py --map {0}",
)


@pytest.fixture
def run_id() -> str:
    """A run on pictures whose weights are kept."""
    random = np.random.default_rng(0)
    for folder in ("a/dark", "a/light", "b/dark", "b/light"):
        Path(folder).mkdir(parents=True)
        for i in range(6):
            pixels = random.integers(256, size=(28, 28, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(Path(folder, f"{i}.png"))
    main(f"train {IMAGES} --regime full --init random --save-weights source_only".split())
    (record,) = Path("results").glob("*.json")
    Path("experiment.py").write_text(EXPERIMENT.format(record.stem))
    return record.stem


KINDS = "short", "folder", "code", "NaN", "one bit", "other settings", "begins with itself"
"""Kinds of damage; all of them are tried where they are written down."""


@pytest.mark.slow
def test_each_command_tells_of_each_damage_in_one_line(run_id, capsys):
    file = weights_file(run_id)
    whole = file.read_bytes()
    for damage, _ in map(DAMAGES.__getitem__, KINDS):
        if file.is_dir():
            file.rmdir()
        file.write_bytes(whole)
        damage(file)
        for command in COMMANDS:
            backbones._frozen_backbone.cache_clear()
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main(command.format(run_id).split())
            *_, said = capsys.readouterr().err.splitlines()
            assert ended.value.code == 2, (command, said)
            assert f"{file} " in said, command
            assert "remove it and train or sweep the run again with --save-weights" in said
    assert [path.stem for path in Path("results").glob("*.json")] == [run_id]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
def test_a_sweep_makes_damaged_weights_again_that_a_run_begins_with(run_id, kind):
    file = weights_file(run_id)
    DAMAGES[kind][0](file)
    main(["sweep", "experiment.py", "--workers", "1", "--wandb", "off"])
    assert len(list(Path("results").glob("*.json"))) == 2
    load_model(run_id)
