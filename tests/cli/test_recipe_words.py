"""What `--recipe` stands for on the command line."""

import json

import pytest

from da.cli.main import main
from da.cli.recipe_words import describe_recipe, expand_recipe
from da.runs.recipes import run

SMALL = "--backbone mlp --init random --side 0 --augment none --steps 2 --eval-every 2 --batch 8"


def expanded(words: str) -> list[str]:
    return expand_recipe(words.split())


def test_all_else_stays():
    for words in ("recipe list", "train --task a:b-c dann", "train --recipe tllib --help"):
        assert expanded(words) == words.split()


def test_options_stand_before_and_behind_the_method_unless_the_user_gives_them():
    found = expanded(
        "train --recipe tllib officehome:art-real --lr=3 --no-nesterov cdan --entropy --trade-off 2"
    )
    at = found.index("cdan")
    assert found[:3] == ["train", "--recipe", "tllib"]
    assert found[at - 4 : at] == ["--task", "officehome:art-real", "--lr=3", "--no-nesterov"]
    before, behind = found[:at], found[at + 1 :]
    assert before[before.index("--steps") + 1] == "30000"
    assert "--no-hold-out" in before
    assert not {"--lr", "--nesterov"} & {*found}
    assert "--no-entropy" not in behind
    assert behind[behind.index("--steepness") + 1] == "30.0"


def test_the_task_may_follow_the_recipe_and_options_may_have_an_equals_sign():
    forms = "--recipe tllib a:b-c", "--recipe=tllib --task a:b-c", "--task a:b-c --recipe tllib"
    assert len({tuple(expanded(f"train {words} dann")) for words in forms}) == 1


def test_a_run_of_a_recipe_is_that_of_python_and_says_its_source(tmp_path, capsys):
    words = ["train", "--recipe", "tllib", "moons:0-40", *SMALL.split()]
    main([*words, "--results", str(tmp_path), "dann", "--hidden", "4"])
    told = capsys.readouterr().err
    assert "recipe tllib of dann: Transfer-Learning-Library" in told
    assert "no settings for moons:0-40: those for office31 are taken" in told
    (file,) = tmp_path.glob("*.json")
    found = json.loads(file.read_text())["settings"]
    changes = {"backbone": "mlp", "init": "random", "side": 0, "augment": "none"}
    length = {"steps": 2, "eval_every": 2, "batch": 8}
    want = run("dann", "tllib", "moons:0-40", **changes, **length).settings()
    assert found == want | {"hp.hidden": [4]}


def test_a_printed_data_set_is_not_warned_of():
    assert "no settings" not in describe_recipe("tllib", "mcc", "visda2017:synthetic-real")


def test_other_classes_than_those_that_are_printed_are_told():
    told = describe_recipe("tllib", "mdd", "office31:amazon-webcam+open10/11")
    assert "no settings for office31:amazon-webcam+open10/11: those for office31 are taken." in told
    told = describe_recipe("tllib", "pada", "officehome:art-real")
    assert "no settings for officehome:art-real: those for office31+partial are taken." in told
    for method in ("dann", "afn", "pada"):
        assert "no settings" not in describe_recipe("tllib", method, "office31:a-b+partial")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--recipe nix moons:0-40 dann", "unknown recipe 'nix', known: paper, tllib, "),
        ("--recipe tllib moons:0-40", "--recipe tllib needs a method, known: source_only, dann, "),
        ("--recipe tllib moons:0-40 infomax", "no recipe infomax tllib, known: "),
        ("--recipe dassl moons:0-40 mcc", "no recipe mcc dassl, known: mcc tllib, mcc tllib_vit"),
        ("--recipe tllib dann", "--recipe tllib needs a task, for example --task office31:"),
        ("--recipe", "unknown recipe ''"),
    ],
)
def test_mistakes_are_told_in_one_line(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", *words.split()])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_recipes_are_listed_with_data_sets_and_source(capsys):
    main(["recipe", "list"])
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    (cdan,) = [rest for method, name, rest in lines if (method, name) == ("cdan", "tllib")]
    assert cdan.startswith("office31 officehome visda2017 domainnet imagenet_r  ")
    assert "image_classification/cdan.py" in cdan
    main(["list", "recipes"])
    assert [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()] == lines
