"""Experiment files import files beside them."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from da.cli.main import main
from da.runs.experiment import load_experiment, row_names

EXPERIMENT = """
import da
from shared_settings import SETTINGS

def runs():
    from parts.lists import SEEDS
    return [da.Run(da.methods.SourceOnly(), seed=seed, **SETTINGS) for seed in SEEDS]

def name(run):
    from shared_settings import row
    return row(run)
"""
SHARED = """
SETTINGS = dict(task="moons:0-%d", backbone="mlp", init="random", regime="full", steps=2)

def row(run):
    return f"row of {run.task}"
"""


def folder_of(folder: Path, degrees: int) -> Path:
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "lists.py").write_text("SEEDS = 0, 1\n")
    (folder / "shared_settings.py").write_text(SHARED % degrees)
    (folder / "mine.py").write_text(EXPERIMENT)
    return folder / "mine.py"


def test_files_beside_an_experiment_are_its_own_and_leave_nothing(tmp_path):
    before, path = {*sys.modules}, [*sys.path]
    for name, degrees in (("a", 20), ("b", 40)):
        file = folder_of(tmp_path / name, degrees)
        runs = load_experiment(file)
        assert [(run.task, run.seed) for run in runs] == [(f"moons:0-{degrees}", s) for s in (0, 1)]
        assert {*row_names(file, runs).values()} == {f"row of moons:0-{degrees}"}
    left = {*sys.modules} - before
    assert not [name for name in left if name.startswith(("shared_settings", "parts"))]
    assert sys.path == path


def test_a_module_that_was_there_before_stays(tmp_path, monkeypatch):
    """As `da` does where an experiment lies in the folder of the repository."""
    there = ModuleType("shared_settings")
    there.SETTINGS, there.__file__ = {"task": "moons:0-90"}, str(tmp_path / "shared_settings.py")
    monkeypatch.setitem(sys.modules, "shared_settings", there)
    assert load_experiment(folder_of(tmp_path, 20))[0].task == "moons:0-90"
    assert sys.modules["shared_settings"] is there


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("shared_settings.py", "\n1 / 0\n", "line 2: ZeroDivisionError: division by zero"),
        ("shared_settings.py", "\ndef f(:\n", "line 2: SyntaxError: invalid syntax"),
        ("parts/lists.py", "import nowhere\n", "line 1: ModuleNotFoundError: No module named"),
        (
            "shared_settings.py",
            'import da\n\nSETTINGS = {"network": da.Network(neck=-1)}\n',
            "line 3: ValueError: wrong settings: neck",
        ),
        ("mine.py", "import ast\nast.parse('1 +')\n", "line 2: SyntaxError: "),
    ],
)
@pytest.mark.parametrize("relative", [True, False])
def test_an_error_names_file_and_line_of_the_file_it_is_in(
    file, text, said, relative, tmp_path, monkeypatch
):
    experiment = folder_of(tmp_path / "a", 20)
    (experiment.parent / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    folder = Path("a") if relative else tmp_path / "a"
    with pytest.raises(ValueError, match="Error") as caught:
        load_experiment(folder / "mine.py")
    assert str(caught.value).startswith(f"{folder / file}, {said}")


@pytest.mark.slow
def test_processes_of_a_sweep_do_without_the_files(tmp_path, monkeypatch, capfd):
    file = folder_of(tmp_path, 20)
    monkeypatch.chdir(tmp_path)
    main(["sweep", str(file), "--workers", "2", "--wandb", "off"])
    main(["table", str(file)])
    assert "row of moons:0-20" in capfd.readouterr().out
    main(["plot", str(file)])
    words = ["tune", str(file), "--trials", "1", "--only", "seed=0"]
    subprocess.run([sys.executable, "-m", "da", *words], check=True)
