"""Plug-ins of each kind, in a folder and in an installed package, from `da new` to a table."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"

FILES = {"methods": "cmd", "datasets": "shapes", "backbones": "tiny", "selectors": "margin"}
"""The example of each kind."""

EXPERIMENT = """
import da

def runs():
    return [
        da.Run(
            da.methods.CMD(trade_off), "shapes:ink-chalk", "tiny", "random", "full", side=32,
            steps=4, eval_every=2, batch=16, tuning=da.FineTuning(chosen_by="margin"),
        )
        for trade_off in (0.0, 4.0)
    ]
"""


def da(*words: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a shell does, with `da` within reach and nothing of the user's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    clean = {"PATH": path, "HOME": str(home), "WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    return subprocess.run(words, cwd=home, env=clean | variables, capture_output=True, text=True)


def in_a_folder(tmp_path: Path) -> dict[str, str]:
    shutil.copytree(EXAMPLES, tmp_path / "mine")
    return {"DA_PLUGINS": "mine"}


def installed(tmp_path: Path) -> dict[str, str]:
    """A package as pip leaves it, on Python's path."""
    site = tmp_path / "site"
    shutil.copytree(EXAMPLES, site / "my_package")
    about = site / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    points = (f"[da.{kind}]\nmine = my_package.{kind}\n" for kind in FILES)
    (about / "entry_points.txt").write_text("\n".join(points))
    return {"PYTHONPATH": str(site)}


@pytest.mark.parametrize("place", [in_a_folder, installed])
def test_one_of_each_kind_is_listed_trained_selected_by_and_shown(tmp_path, place):
    variables = place(tmp_path)
    (tmp_path / "mine.py").write_text(EXPERIMENT)
    names = {**FILES, "tasks": "shapes:ink-chalk"}
    for what in ("methods", "tasks", "backbones", "selectors"):
        assert names[what] in da("da", "list", what, home=tmp_path, **variables).stdout.split()
    done = da("da", "sweep", "mine.py", "--workers", "2", home=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    chosen = ("--chosen-by", "last,margin,oracle")
    table = da("da", "table", "mine.py", *chosen, home=tmp_path, **variables)
    assert re.search(r"^cmd trade_off=4\.0 ( +\d+\.\d\*?){3} +1$", table.stdout, re.MULTILINE)
    assert "other code" not in table.stderr
    plot = da("da", "plot", "mine.py", home=tmp_path, **variables)
    assert plot.returncode == 0, plot.stderr


@pytest.mark.parametrize("kind", ["method", "dataset", "backbone", "selector", "experiment"])
def test_da_new_writes_a_file_that_passes_its_test(tmp_path, kind):
    done = da("da", "new", kind, f"my_{kind}", home=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = "experiments" if kind == "experiment" else "plugins"
    tried = da(sys.executable, "-m", "pytest", "-q", f"{folder}/test_my_{kind}.py", home=tmp_path)
    assert tried.returncode == 0, tried.stdout
    again = da("da", "new", kind, f"my_{kind}", home=tmp_path)
    assert again.returncode == 2
    assert "is there already" in again.stderr
