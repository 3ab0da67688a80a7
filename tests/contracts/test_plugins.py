"""Plug-ins outside the package: in a folder, and in an installed package."""

import os
import pickle
import re
import sys
from inspect import cleandoc
from pathlib import Path
from textwrap import dedent

import pytest

from da.cli import listings
from da.cli.main import main
from da.config.registry import METHODS, REGISTRIES, SELECTORS
from da.data.datasets import task_syntax
from da.methods import Method, describe_method
from tests.conftest import build

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"
CODE = (EXAMPLES / "methods" / "cmd.py").read_text()


def test_a_complete_method_fits_in_forty_lines():
    assert len(CODE.splitlines()) <= 40
    assert "cmd" not in METHODS


def test_a_method_is_listed_and_found_by_its_name(plugins):
    (plugins / "methods" / "_shared.py").write_text("")
    (plugins / "methods" / "cmd.py").write_text(CODE)
    (line,) = [line.split() for line in listings.list_methods() if line.startswith("cmd ")]
    assert line[:3] == ["cmd", "discrepancy", "2017"]
    assert "da.methods.cmd" not in sys.modules
    settings = METHODS["cmd"].Hparams(trade_off=0.5)
    assert METHODS["cmd"].name == "cmd"
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert "da.methods._shared" not in sys.modules


def test_shared_code_stands_in_a_file_of_its_own(plugins):
    (plugins / "methods" / "_mine.py").write_text(CODE.replace("    paper =", "    source ="))
    text = '"""A."""\nfrom da.methods._mine import CMD\n\n\nclass Mine(CMD):\n    """M."""\n'
    (plugins / "methods" / "mine.py").write_text(f'{text}    paper = "Me 2026, here"\n')
    assert describe_method("mine").Hparams(trade_off=2.0).trade_off == 2.0
    assert describe_method("mine").family == METHODS["mine"].family == "discrepancy"


def test_the_example_in_the_docstring_of_a_method_is_one(plugins, batch):
    text = cleandoc(Method.__doc__).partition("complete file:\n\n")[2]
    example = text.partition("\n\nA method")[0]
    (plugins / "methods" / "mean_gap.py").write_text(dedent(example))
    assert set(build(METHODS["mean_gap"])(batch, 0.5)) == {"task", "gap"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("dann", CODE, r"dann\.py: the method name dann is taken, rename it; known: adabn, "),
        ("base", CODE, r"base\.py: the method name base is taken"),
        ("_mapping", CODE, r"_mapping\.py: the method name _mapping is taken"),
        ("mine", "x = 1\n", r"mine\.py has no method: a subclass of Method that names its paper"),
        ("mine", "\nx = \n", r"mine\.py, line 2: SyntaxError: invalid syntax"),
        ("mine", "\n\nimport nowhere\n", r"mine\.py, line 3: ModuleNotFoundError: .*'nowhere'"),
        (
            "mine",
            CODE + "\n\nclass Twin(CMD):\n    paper = 'none'\n",
            "two methods, CMD and Tw",
        ),
        ("mine", CODE.replace("    family =", "    kind ="), "CMD no family"),
        (
            "mine",
            re.sub(r'^    """.*', "", CODE, count=1, flags=re.M),
            r"mine\.py gives CMD no docstring",
        ),
    ],
)
def test_a_mistake_in_a_method_is_named_with_its_file(plugins, name, text, said):
    (plugins / "methods" / f"{name}.py").write_text(text)
    with pytest.raises(ValueError, match=said) as raised:
        listings.list_methods()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("datasets", "mine", r"mine\.py has no function open_domain\(name\) -> Domain"),
        ("backbones", "mine", r"mine\.py has no function build\(pretrained\) -> Backbone"),
        ("selectors", "mine", r"mine\.py has no function score\(predictions\) -> float"),
        ("selectors", "snd", r"snd\.py: the selector name snd is taken, rename it; known: bnm, "),
    ],
)
def test_a_mistake_in_any_plug_in_is_named_with_its_file(plugins, kind, name, said):
    (plugins / kind / f"{name}.py").write_text('"""Nothing."""\n')
    (registry,) = [registry for registry in REGISTRIES if registry.kind == kind]
    with pytest.raises(ValueError, match=said):
        _ = registry[name]


def test_a_second_folder_may_not_take_the_name(plugins, tmp_path, monkeypatch):
    (plugins / "methods" / "cmd.py").write_text(CODE)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "cmd.py").write_text(CODE)
    monkeypatch.setenv("DA_METHODS", str(tmp_path / "b"))
    with pytest.raises(ValueError, match=r"b/cmd\.py: the method name cmd is taken"):
        METHODS.find("cmd")


@pytest.mark.parametrize("variable", ["DA_PLUGINS", "DA_METHODS"])
def test_a_folder_that_is_not_there_ends_with_status_2_and_one_line(
    plugins, monkeypatch, capsys, variable
):
    monkeypatch.setenv(variable, f"{plugins}{os.pathsep}nowhere")
    with pytest.raises(SystemExit) as ended:
        main(["list", "methods"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"da: no folder nowhere, which {variable} names\n"


def test_what_a_data_set_does_not_say_is_usual(plugins):
    file = plugins / "datasets" / "pets.py"
    file.write_text('"""Pets."""\nDOMAINS = "cats", "dogs"\n\ndef open_domain(name): ...\n')
    assert task_syntax("pets") == "pets:cats-dogs"
    file.write_text(file.read_text() + 'SYNTAX = "dogs-cats"\n')
    os.utime(file, ns=(0, 0))
    assert task_syntax("pets") == "pets:dogs-cats"


def test_the_scores_of_a_selector_have_its_axis(plugins):
    from da.results.plots.experiment import name_axis

    (plugins / "selectors" / "atc.py").write_text((EXAMPLES / "selectors" / "atc.py").read_text())
    assert name_axis("atc") == SELECTORS.constants("atc")["AXIS"]
    assert name_axis("target_accuracy") == "target accuracy, %"


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("method", "dann", "the method 'dann' is there already; known: adabn, "),
        ("dataset", "emoji", "the dataset 'emoji' is there already; known: arrays, "),
        ("method", "My-Method", "in small letters, such as my_method, not 'My-Method'"),
        ("selector", "../../x", "in small letters, such as my_selector, not '../../x'"),
    ],
)
def test_da_new_refuses_a_name(capsys, kind, name, said):
    with pytest.raises(SystemExit) as ended:
        main(["new", kind, name])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not any(Path().iterdir())
