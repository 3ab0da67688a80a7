"""Methods outside the package, and README's own, word for word."""

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from textwrap import dedent

import pytest

from da import methods
from da.cli import listings
from da.methods import METHODS, OWN, Method, load
from tests.conftest import build

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## Add a method\n")[2].partition("\n## ")[0]
FILES = dict(re.findall(r"`(\S+\.py)`[^`]*```python\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE))
CODE = FILES["mine/cmd.py"]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Iterator[Path]:
    """An empty folder, whose methods are forgotten when the test has ended."""
    modules, known, path = set(sys.modules), set(METHODS), list(methods.__path__)
    yield tmp_path
    methods.__path__[:] = path
    for module in set(sys.modules) - modules:
        if module.startswith("da.methods."):
            del sys.modules[module]
    for name in METHODS.keys() - known:
        del METHODS[name]


def da(*words: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a shell does, with `da` within reach and nothing of the user's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    clean = {"PATH": path, "HOME": str(home), "WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    return subprocess.run(words, cwd=home, env=clean | variables, capture_output=True, text=True)


def test_a_complete_method_fits_in_forty_lines():
    assert len(CODE.splitlines()) <= 40
    assert "cmd" not in OWN


@pytest.mark.slow
def test_the_method_of_the_readme_is_trained_and_stands_in_the_table(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (commands,) = re.findall(r"^```sh\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
    done = da("sh", "-ec", commands, home=tmp_path)
    assert done.returncode == 0, done.stderr
    table = done.stdout.partition("moons: target accuracy in %")[2]
    reached = dict(re.findall(r"^cmd trade_off=(\S+) +(\d+\.\d) ±.* 2$", table, re.MULTILINE))
    assert reached.keys() == {"0.0", "4.0"}
    assert float(reached["4.0"]) > float(reached["0.0"]) + 3
    assert done.stderr.count("adaptation gradient exactly zero") == 2


def test_it_is_listed_and_found_by_its_name(folder):
    (folder / "_shared.py").write_text("")
    (folder / "cmd.py").write_text(CODE)
    load(folder)
    method = METHODS["cmd"]
    assert method.name == "cmd"
    (line,) = [line.split() for line in listings.list_methods() if line.startswith("cmd ")]
    assert line[:3] == ["cmd", "discrepancy", "2017"]
    settings = method.Hparams(trade_off=0.5)
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert "da.methods._shared" not in sys.modules


def test_the_example_in_the_docstring_of_a_method_is_one(folder, batch):
    text = cleandoc(Method.__doc__).partition("complete file:\n\n")[2]
    example = text.partition("\n\nA method")[0]
    (folder / "mean_gap.py").write_text(dedent(example))
    load(folder)
    assert set(build(METHODS["mean_gap"])(batch, 0.5)) == {"task", "gap"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("dann", CODE, r"dann\.py: the name dann stands already, known: .*source_only"),
        ("base", CODE, r"base\.py: the name base stands already"),
        ("_mapping", CODE, r"_mapping\.py: the name _mapping stands already"),
        ("mine", "x = 1\n", r"mine\.py has no method: a subclass of Method that names its paper"),
        ("mine", "x = \n", r"mine\.py fails: SyntaxError: invalid syntax \(mine\.py, line 1\)"),
        ("mine", "import nowhere\n", r"mine\.py fails: ModuleNotFoundError: .*'nowhere'"),
        ("mine", CODE + "\n\nclass Twin(CMD):\n    paper = 'none'\n", "two methods in"),
        ("mine", CODE.replace('"discrepancy"', '"luck"'), "CMD has no known family: baseline, "),
        ("mine", CODE.replace("    family =", "    kind ="), "CMD has no known family: baseline, "),
        ("mine", re.sub(r'    """Features.*', "", CODE), r"mine\.py: CMD has no docstring"),
    ],
)
def test_a_mistake_is_named_with_its_file(folder, name, text, said):
    (folder / f"{name}.py").write_text(text)
    with pytest.raises(ValueError, match=said) as raised:
        load(folder)
    assert "\n" not in str(raised.value)


def test_a_second_folder_may_not_take_the_name(folder):
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "cmd.py").write_text(CODE)
    load(folder / "a")
    with pytest.raises(ValueError, match=r"b/cmd\.py: the name cmd stands already"):
        load(folder / "b")


@pytest.mark.slow
def test_a_folder_that_is_not_there_ends_with_status_2_and_one_line(tmp_path):
    done = da("da", "list", "methods", home=tmp_path, DA_METHODS=f"{tmp_path}{os.pathsep}nowhere")
    assert done.returncode == 2
    assert done.stderr == "da: no folder nowhere, which DA_METHODS names\n"
