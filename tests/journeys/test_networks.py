"""Networks of today, with random weights: a few steps, export and prediction."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da.cli.main import main

NETWORKS = {
    "vit_small_patch14_dinov2": ["--side", "224", "--moves", "lora"],
    "swin_tiny_patch4_window7_224": ["--side", "64", "--moves", "norm"],
    "convnext_atto": ["--side", "64"],
    "vit_tiny_patch16_224": ["--side", "96", "--last", "1"],
}
"""Backbones, and the size and the part of each that trains."""


@pytest.fixture
def photos(tmp_path) -> Path:
    """Two domains of two classes, with three images each."""
    for domain, label, i in np.ndindex(2, 2, 3):
        file = tmp_path / f"photos/{'ab'[domain]}/{'xy'[label]}/{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(file.name.encode()[0]).integers(99, size=(40, 40, 3))
        Image.fromarray((pixels + 100 * label + 20 * domain).astype(np.uint8)).save(file)
    return tmp_path / "photos"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_trains_is_exported_and_predicts(photos, name, capsys):
    task = f"folder:{photos}/a-{photos}/b"
    small = ["--steps", "2", "--batch", "2", "--save-weights"]
    start = ["--backbone", name, "--init", "random", "--regime", "full", *NETWORKS[name]]
    main(["train", "--task", task, *start, *small, "dann"])
    (file,) = Path("results").glob("*.json")
    assert json.loads(file.read_text())["settings"]["backbone"] == name
    main(["export", file.stem, "--to", "onnx", "--out", "net.onnx"])
    capsys.readouterr()
    main(["predict", "net.onnx", str(photos / "b"), "--csv"])
    assert len(list(csv.reader(capsys.readouterr().out.splitlines()))) == 1 + 6
    again = ["--backbone", name, "--init", file.stem, "--side", "48", "--steps", "2"]
    main(["train", "--task", task, *again, "--batch", "2", "source_only"])
    assert len([*Path("results").glob("*.json")]) == 2
