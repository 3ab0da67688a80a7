"""Plug-ins outside the package: in a folder, and in an installed package."""

import os
import pickle
import re
import sys
from inspect import cleandoc
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from da.cli import listings
from da.cli.main import main
from da.cli.new import SKELETONS
from da.config.plug_in_errors import PlugInError
from da.config.registry import METHODS, REGISTRIES, SELECTORS
from da.data.datasets import task_syntax
from da.data.tasks import load_task
from da.evaluation import scores
from da.evaluation.predictions import Predictions
from da.methods import Method, describe_method
from tests.conftest import build

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"
SELECTOR = "def score(p):\n    return 0.5\n"
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
        ("dann", CODE, r"dann\.py: the method name dann is taken, rename it; known: aad, "),
        ("base", CODE, r"base\.py: the method name base is taken"),
        ("_mapping", CODE, r"_mapping\.py: the method name _mapping is taken"),
        ("mine", "x = 1\n", r"mine\.py has no method: a subclass of Method that names its paper"),
        ("mine", 'class Mine:\n    paper = "P"\n', r"mine\.py has no method: a subclass of Method"),
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
        (
            "selectors",
            "snd",
            r"snd\.py: the selector name snd is taken, rename it; known: a_distance, ",
        ),
    ],
)
def test_a_mistake_in_any_plug_in_is_named_with_its_file(plugins, kind, name, said):
    (plugins / kind / f"{name}.py").write_text('"""Nothing."""\n')
    (registry,) = [registry for registry in REGISTRIES if registry.kind == kind]
    with pytest.raises(ValueError, match=said):
        _ = registry[name]


@pytest.mark.parametrize("name", ["last", "few_shot", "oracle", "step", "target_accuracy"])
def test_no_selector_takes_a_name_that_records_use(plugins, name):
    (plugins / "selectors" / f"{name}.py").write_text(SELECTOR)
    with pytest.raises(ValueError, match=f"the selector name {name} is taken"):
        SELECTORS.find("snd")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nraise SystemExit(0)\n", r"mine\.py, line 2: SystemExit: 0"),
        ("def score(): ...\n", r"mine\.py has no function score\(predictions\)"),
        ("x = " + "-" * 10**5 + "1\n", r"mine\.py: MemoryError"),
    ],
)
def test_a_file_that_cannot_be_imported_is_named(plugins, text, said):
    (plugins / "selectors" / "mine.py").write_text(text)
    with pytest.raises(ValueError, match=said):
        _ = SELECTORS["mine"]


def test_what_a_file_prints_is_no_output(plugins, capsys):
    (plugins / "selectors" / "mine.py").write_text(f"print('hello')\n{SELECTOR}")
    assert SELECTORS["mine"]("p") == 0.5
    assert capsys.readouterr() == ("", "hello\n")


def test_a_method_that_fails_is_left_out_where_another_is_named(plugins, capsys):
    (plugins / "methods" / "mine.py").write_text("import nowhere\n")
    assert "dann" in METHODS.load(["dann"])
    assert "warning: method mine left out: " in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"mine\.py, line 1: ModuleNotFound"):
        METHODS.load(["mine"])


@pytest.mark.parametrize("value", ["3", "None", '"".join("ab")', "()"])
@pytest.mark.parametrize("what", ["paper", "family"])
def test_what_a_method_says_of_itself_is_text(plugins, what, value):
    code = re.sub(rf"    {what} = .*", f"    {what} = {value}", CODE)
    (plugins / "methods" / "cmd.py").write_text(code)
    if "join" in value:
        assert getattr(describe_method("cmd"), what) == "ab"
    else:
        with pytest.raises(ValueError, match=rf"cmd\.py gives CMD no {what}, which is text"):
            listings.list_methods()


def test_one_folder_may_be_named_twice(plugins, tmp_path, monkeypatch):
    (plugins / "methods" / "cmd.py").write_text(CODE)
    (plugins / "methods" / "._cmd.py").write_bytes(b"\0")  # as some systems leave beside a file
    (plugins / "methods" / "__init__.py").write_text("")
    (tmp_path / "link").symlink_to(plugins)
    monkeypatch.setenv("DA_PLUGINS", f"{plugins}{os.pathsep}{tmp_path / 'link'}")
    monkeypatch.setenv("DA_METHODS", str(plugins / "methods"))
    assert METHODS.find("cmd").file == plugins / "methods" / "cmd.py"
    assert not [name for name in METHODS if name.startswith(".")]


@pytest.mark.parametrize("base", ["Mixin, DANN", "DANN, Mixin"])
def test_settings_of_a_class_with_two_bases_are_those_of_the_class(plugins, base):
    (plugins / "methods" / "mine.py").write_text(
        'from da.methods.dann import DANN\n\n\nclass Mixin:\n    """X."""\n\n\n'
        f'class Mine({base}):\n    """M."""\n\n    paper = "Me 2026"\n'
    )
    assert describe_method("mine").family == METHODS["dann"].family
    assert describe_method("mine").Hparams(trade_off=0.5).trade_off == 0.5


def test_a_constant_that_changes_is_not_read(plugins):
    text = CODE.replace("\n\nclass", "\nX = 1.0\nX += 1\n\n\nclass", 1)
    text = re.sub(r"(trade_off: .*) = [\d.]+", r"\1 = X", text)
    (plugins / "methods" / "cmd.py").write_text(text)
    assert describe_method("cmd").Hparams().trade_off == METHODS["cmd"].Hparams().trade_off == 2.0


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
    file.write_text(file.read_text() + 'TASKS = ("cats-dogs+partial",)\n')
    os.utime(file, ns=(0, 0))
    assert task_syntax("pets") == "pets:cats-dogs+partial"
    file.write_text(file.read_text() + 'SYNTAX = "dogs-cats"\n')
    os.utime(file, ns=(0, 1))
    assert task_syntax("pets") == "pets:dogs-cats"


DRAWN = (
    (SKELETONS / "dataset.txt")
    .read_text()
    .replace("return Domain(", "return make(")
    .replace(" -> Domain", "")
)
DRAWN += """

def make(*parts):  # what Domain is without the type checks of tests
    made = object.__new__(Domain)
    made.__dict__.update(zip(("classes", "x", "y", "rows", "digest"), parts), left_out=0)
    return made
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return make(", "return (", r"open_domain\('white'\) gives tuple, known: Domain"),
        ("CLASSES, x,", "CLASSES, x.numpy(),", "another x than bytes b h w c"),
        ("CLASSES, x,", "CLASSES, x.mT.transpose(1, 2),", r"x of shape \(200, 3, 32, 32\)"),
        ("CLASSES, x,", "CLASSES, x[:9],", "another y than the place"),
        (", x, y,", ", x, y + 1,", "another y than the place"),
        (", x, y,", ", x, y.float(),", "another y than the place"),
        ("rows, digest", "{}, digest", "other rows than of x, int64, for source_train"),
        ("PARTS, torch.arange(200)", "PARTS, torch.arange(1, 201)", "other rows than"),
        ("rows, digest", "rows, None", "has digest None, known: a text"),
        ('DOMAINS = "white", "gray"', 'DOMAINS = "white"', "has DOMAINS 'white', known: names"),
        ('DOMAINS = "white", "gray"', "DOMAINS = 1, 2", r"has DOMAINS \(1, 2\), known: names"),
        ('DOMAINS = "white", "gray"', "", "has DOMAINS None, known: names"),
        ('DOMAINS = "white", "gray"', "DOMAINS = None", "has DOMAINS None, known: names"),
        (
            "\n\ndef open",
            "\n\ndef pair(n):\n    return 3\n\n\ndef open",
            "gives 3, known: two names",
        ),
    ],
)
def test_a_data_set_that_gives_something_else_is_named(plugins, old, new, said):
    assert old in DRAWN
    (plugins / "datasets" / "mine.py").write_text(DRAWN.replace(old, new))
    with pytest.raises(ValueError, match=said) as error:
        load_task("mine:white-gray")
    assert "datasets/mine.py" in str(error.value)


def test_the_first_data_set_is_right(plugins):
    make_first = DRAWN.replace("return make(", "return Domain(")
    (plugins / "datasets" / "mine.py").write_text(make_first)
    assert load_task("mine:white-gray").classes == ("bright", "dark")


@pytest.mark.parametrize("value", ["p", "None", "'high'", "True"])
def test_a_score_that_is_no_number_is_named(plugins, value):
    (plugins / "selectors" / "mine.py").write_text(SELECTOR.replace("0.5", value))
    with pytest.raises(PlugInError, match=r"mine\.py: score\(predictions\) has to give a float"):
        scores.score("mine", Predictions(torch.ones(1, 2), torch.ones(1).long(), torch.ones(1, 2)))


def test_the_scores_of_a_selector_have_its_axis(plugins):
    from da.results.plots.axes import name_axis

    (plugins / "selectors" / "margin.py").write_text(
        (EXAMPLES / "selectors" / "margin.py").read_text()
    )
    assert name_axis("margin") == SELECTORS.constants("margin")["AXIS"]
    assert name_axis("target_accuracy") == "target accuracy, %"


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("method", "dann", "the method 'dann' is there already; known: aad, "),
        ("dataset", "emoji", "the dataset 'emoji' is there already; known: "),
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
