"""`da train` with a recipe that begins with another run carries out both."""

import json

import pytest

from da.cli.main import main
from da.models.saved_weights import load_network_state
from da.runs import recipes
from da.runs.printed.recipe import Recipe

SMALL = "--backbone mlp --init-as default --side 0 --augment none --neck 8"
SHORT = "--steps 2 --eval-every 2 --batch 8"


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """What BSP's script trains first takes two steps from random weights."""
    first = recipes.find_recipe("source_only", "tllib_bsp")
    own = {"steps": 2, "eval_every": 2, "init": "random", "augment": "none", "batch": 8}
    made = Recipe(first.source, {**first.settings, **first.data["office31"], **own})
    monkeypatch.setitem(recipes.RECIPES["source_only"], "tllib_bsp", made)


def train(folder, *more: str) -> list[dict]:
    words = f"train --recipe tllib moons:0-40 {SMALL} {SHORT}".split()
    main([*words, "--results", str(folder), *more, "bsp", "--hidden", "4"])
    return [json.loads(file.read_text())["settings"] for file in sorted(folder.glob("*.json"))]


def test_one_word_trains_the_source_first_then_the_method(tmp_path, capsys):
    by_method = {found["method"]: found for found in train(tmp_path)}
    first, second = by_method["source_only"], by_method["bsp"]
    assert (first["neck"], first["backbone"], first["lr"]) == (8, "mlp", 0.001)
    assert second["begins_with"] == "network"
    (weights,) = (tmp_path / "weights").glob("*.pt")
    assert weights.stem == second["init"]
    assert load_network_state(second["init"], tmp_path)
    told = capsys.readouterr().err
    assert "begins with source_only moons:0-40" in told
    assert "trains first" in told
    train(tmp_path)
    told = capsys.readouterr().err
    assert "which is in" in told
    assert "trains first" not in told


def test_python_names_the_same_runs(tmp_path):
    ids = {found["method"]: found for found in train(tmp_path)}
    changes = {"backbone": "mlp", "init_as": "default", "side": 0, "augment": "none", "neck": 8}
    first = recipes.first_run("bsp", "tllib", "moons:0-40", **changes)
    assert first.id == ids["bsp"]["init"]
    made = recipes.run("bsp", "tllib", "moons:0-40", **changes, steps=2, eval_every=2, batch=8)
    assert made.settings() == ids["bsp"] | {"hp.hidden": [1024, 1024]}


def test_a_run_of_ones_own_may_come_first(tmp_path, capsys):
    (first,) = [f for f in train(tmp_path) if f["method"] == "source_only"]
    own = recipes.first_run("bsp", "tllib", "moons:0-40", backbone="mlp", side=0, neck=8)
    capsys.readouterr()
    train(tmp_path, "--init", own.id)
    assert "begins with" not in capsys.readouterr().err
    assert first["seed"] == 0
    with pytest.raises(ValueError, match="recipe tllib of mdd begins with no other run"):
        recipes.first_run("mdd", "tllib", "moons:0-40")
