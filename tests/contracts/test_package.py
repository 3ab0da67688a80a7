"""What is installed: imports beyond the core are guarded; the project's files say the same."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import torch
import yaml

import da
from da.cli.main import main
from da.config.registry import DATASETS
from da.deploy.predict import load_onnx
from da.models.feature_selection import mutual_information
from da.ops.transport import exact_plan
from da.results.record_list import Records

PACKAGE = Path(da.__file__).parent
ROOT = PACKAGE.parent
PROJECT = ROOT / "pyproject.toml"
FILES = {str(file.relative_to(PACKAGE)): file for file in sorted(PACKAGE.rglob("*.py"))}

BROUGHT = {"huggingface_hub": "timm", "safetensors": "timm", "threadpoolctl": "scikit-learn"}
"""Libraries that come with another one, and that one."""


def normal(name: str) -> str:
    return re.split(r"[<>=\[]", name)[0].lower().replace("_", "-")


@cache
def dependencies() -> dict[str, set[str]]:
    """Each extra's distributions; those of the core are under ''."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    found = {"": project["dependencies"], **project["optional-dependencies"]}
    return {name: {normal(line) for line in lines} for name, lines in found.items()}


def imported(node: ast.AST) -> set[str]:
    """The top names of what a statement imports, of libraries alone."""
    if isinstance(node, ast.Import):
        tops = {alias.name.partition(".")[0] for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
        tops = {str(node.module).partition(".")[0]}
    else:
        return set()
    return tops - sys.stdlib_module_names - {"da"}


def guarding(node: ast.AST) -> str | None:
    """The extra that guards the block of a `with`, if one does."""
    calls = [item.context_expr for item in node.items] if isinstance(node, ast.With) else []
    for call in calls:
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "extra":
            return getattr(call.args[0], "value", None)
    return None


def walk(node: ast.AST, name: str = "") -> Iterator[tuple[str, str]]:
    """Each library that is imported when code runs, and the extra that guards the import or ''."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    for library in imported(node):
        yield library, name
    for child in ast.iter_child_nodes(node):
        yield from walk(child, guarding(node) or name)


@cache
def distributions() -> dict[str, set[str]]:
    """The distributions that have each library."""
    found = {name: {*map(normal, has)} for name, has in packages_distributions().items()}
    return found | {name: {has} for name, has in BROUGHT.items()}


@pytest.mark.parametrize("file", FILES)
def test_each_import_is_core_or_behind_its_extra(file):
    known = dependencies()
    for library, name in walk(ast.parse(FILES[file].read_text())):
        has = distributions().get(library, {library})
        assert has & known[name], f"{library} is not in {name or 'the core'}"


def test_extras_that_code_requires_are_those_of_the_project():
    known, asked = dependencies(), set()
    for file in FILES.values():
        asked |= set(re.findall(r'\b(?:extra|require)\("(\w+)"', file.read_text()))
    assert asked == known.keys() - {"", "all", "docs", "test"}
    (everything,) = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]["all"]
    assert {*re.findall(r"\w+", everything.partition("[")[2])} == asked


def forget(monkeypatch, *names: str) -> None:
    """Make libraries look as if they were not installed, and their importers not yet loaded."""
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)
    for module in [
        name for name in sys.modules if name.startswith(("da.results.plots", "da.search"))
    ]:
        monkeypatch.delitem(sys.modules, module)


EXPERIMENT = """
import da


def runs():
    return [da.Run(da.methods.DANN(), "moons:0-20", backbone="mlp", init="random", regime="full")]
"""


@pytest.mark.parametrize(
    ("library", "command", "line"),
    [
        ("matplotlib", "plot a.py", 'a plot needs matplotlib: pip install "da-lab[plot]"'),
        ("optuna", "tune a.py", 'a search needs optuna: pip install "da-lab[tune]"'),
        ("matplotlib", "tune a.py", 'a search needs matplotlib: pip install "da-lab[tune]"'),
        (
            "wandb",
            "sweep a.py --wandb online",
            '--wandb online needs wandb: pip install "da-lab[wandb]"',
        ),
        (
            "submitit",
            "sweep a.py --on slurm",
            '--on slurm needs submitit: pip install "da-lab[slurm]"',
        ),
        ("ray", "sweep a.py --on ray", '--on ray needs ray: pip install "da-lab[ray]"'),
        ("wandb", "wandb push results", 'W&B needs wandb: pip install "da-lab[wandb]"'),
        ("onnxruntime", "predict a.onnx a.png", None),
    ],
)
def test_a_missing_library_is_one_line(monkeypatch, capsys, tmp_path, library, command, line):
    Path("a.py").write_text(EXPERIMENT)
    Path("a.onnx").write_bytes(b"")
    Path("a.png").write_bytes(b"")
    forget(monkeypatch, library)
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    line = line or 'an ONNX file needs onnxruntime: pip install "da-lab[export]"'
    assert (ended.value.code, capsys.readouterr().err) == (2, f"da: {line}\n")
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("library", "extra", "use"),
    [
        ("resvg_py", "emoji", lambda: DATASETS["emoji"].open_domain("noto")),
        ("sklearn.datasets", "digits", lambda: DATASETS["digits"].open_domain("optdigits")),
        ("ot", "methods", lambda: exact_plan(torch.ones(2, 2))),
        (
            "sklearn.feature_selection",
            "methods",
            lambda: mutual_information(torch.ones(2, 2), torch.zeros(2, dtype=int)),
        ),
        ("onnxruntime", "export", lambda: load_onnx(Path("a.onnx"))),
        ("pandas", "table", lambda: Records().to_frame()),
    ],
)
def test_a_missing_library_of_data_or_a_method_names_its_extra(monkeypatch, library, extra, use):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ValueError, match=rf'pip install "da-lab\[{extra}\]"$'):
        use()


def test_the_citation_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    about = tomllib.loads(PROJECT.read_text())["project"]
    said = [cited["version"], cited["license"], cited["authors"], cited["message"][-1]]
    assert said == [about["version"], about["license"], about["authors"], "."]
    assert about["authors"][0]["name"] in (ROOT / "LICENSE").read_text()


def test_hooks_and_workflows_run_what_make_and_ci_run():
    makefile, workflows = (ROOT / "Makefile").read_text(), ROOT / ".github" / "workflows"
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in local["hooks"]:
        tool = hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude")
        assert f"\t$(BIN)/{tool}" in makefile
    check = yaml.safe_load((workflows / "ci.yml").read_text())["jobs"]["check"]
    assert check["steps"][-1] == {"run": ".ci/run"}
    classes = tomllib.loads(PROJECT.read_text())["project"]["classifiers"]
    for version in check["strategy"]["matrix"]["python"]:
        assert f"Programming Language :: Python :: {version}" in classes
