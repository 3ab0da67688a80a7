"""What `da features` prints, and which mistakes it refuses."""

import sys
from pathlib import Path

import pytest

from da.cli.main import main
from tests.fixtures.frozen import store_weights

EXPERIMENT = """
from dataclasses import replace
from tests.fixtures.frozen import ON_FEATURES
from tests.fixtures.points import BEGUN

def runs():
    return [BEGUN, ON_FEATURES, replace(ON_FEATURES, seed=1)]
"""


@pytest.fixture(autouse=True)
def _experiment():
    Path("tiny.py").write_text(EXPERIMENT)


def test_it_says_what_it_computes_and_what_is_stored(capsys):
    store_weights()
    main(["features", "tiny.py", "--device", "cpu"])
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("mlp moons:0: 900 images, 0.2 MB, ")
    assert first.endswith(" images/s")
    assert second.startswith("mlp moons:20: 900 images, ")
    assert last == "2 of 2 files of features are stored"
    main(["features", "tiny.py"])
    assert capsys.readouterr().out.splitlines() == [
        "mlp moons:0: 900 images, stored already",
        "mlp moons:20: 900 images, stored already",
        last,
    ]


def test_it_waits_for_weights_that_are_to_come(capsys):
    main(["features", "tiny.py", "--device", "cpu"])
    said = capsys.readouterr().out
    assert said.startswith("da: 2 more need weights of runs, which are not stored: give the ")
    assert said.endswith("0 of 2 files of features are stored\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "slurm"], "unknown executor 'slurm', known: local, ray, ray:ADDRESS"),
        (["--on", "ray:"], "unknown executor 'ray:', known: local, ray, ray:ADDRESS"),
        (["--resources", "gpus=1"], "unknown resource 'gpus' of local, known: none, as clusters"),
        (["--device", "abacus"], "no device 'abacus'"),
        (
            ["--on", "ray", "--resources", "gpus=auto"],
            "resource auto is for runs, known for features: a number",
        ),
        (["--only", "seed=7"], "no run with 'seed=7'"),
        (["--only", "regime=full"], "no run of the experiment is of regime frozen"),
    ],
)
def test_mistakes_are_one_line(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["features", "tiny.py", *words])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_library_that_is_missing_is_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SystemExit) as ended:
        main(["features", "tiny.py", "--on", "ray"])
    assert ended.value.code == 2
    assert '--on ray needs ray: pip install "da-lab[ray]"' in capsys.readouterr().err
