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
