"""The scripts in examples/ do what they say, as a user starts them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.journeys.page_sessions import draw_classes

EXAMPLES = Path(__file__).parents[2] / "examples"


def start(script: str, *arguments: str, folder: Path) -> str:
    """Return what a script prints that is started in a folder."""
    environment = os.environ | {"WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, EXAMPLES / script, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_fits_in_forty_lines():
    scripts = list(EXAMPLES.glob("*.py"))
    assert len(scripts) > 3
    assert all(len(script.read_text().splitlines()) < 40 for script in scripts)


def test_own_folders_become_a_table(tmp_path):
    for domain in ("amazon", "webcam"):
        draw_classes(tmp_path / "photos" / domain)
    printed = start("own_folders.py", "photos/amazon", "photos/webcam", folder=tmp_path)
    assert "folder, amazon-webcam: target accuracy in %" in printed
    assert all(f"\n{method} " in printed for method in ("source_only", "coral", "mcc"))
    assert "6 runs, each" in printed


def test_a_torchvision_dataset_and_model_become_a_table_and_onnx(tmp_path):
    short = (EXAMPLES / "torchvision_dataset.py").read_text()
    assert len(short.splitlines()) <= 15
    for domain in ("ink", "chalk"):
        draw_classes(tmp_path / domain)
    quick = short.replace('regime="full"', 'regime="full", side=64, steps=8, batch=8')
    (tmp_path / "script.py").write_text(quick)
    printed = start(str(tmp_path / "script.py"), "ink", "chalk", folder=tmp_path)
    assert "python: target accuracy in %" in printed
    assert "\ndann " in printed
    assert (tmp_path / "dann.onnx").stat().st_size > 4e7


def test_own_loaders_train_an_own_network(tmp_path):
    assert len((EXAMPLES / "own_loaders.py").read_text().splitlines()) <= 25
    printed = start("own_loaders.py", folder=tmp_path)
    assert float(printed.split(" %")[0]) > 90
    assert not [path for path in tmp_path.iterdir() if path.name != "home"]


def test_an_ablation_becomes_latex(tmp_path):
    start("ablation_to_latex.py", "ablation.tex", folder=tmp_path)
    table = (tmp_path / "ablation.tex").read_text()
    assert r"\begin{tabular}" in table
    assert all(f"trade\\_off={weight} &" in table for weight in ("0.0", "0.3", "1.0"))


def test_every_selector_says_which_evaluation_it_takes(tmp_path):
    header, *rows = start("choose_without_labels.py", folder=tmp_path).splitlines()
    below = {row.split()[0]: float(row.split()[-1]) for row in rows}
    assert header.split()[0] == "selector"
    assert len(below) == 7
    assert below["oracle"] == 0 <= min(below.values())
    assert below["last"] > 0
