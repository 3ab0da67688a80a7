"""`da select` and `da validate` on records of an experiment."""

from pathlib import Path

import pytest

from da.cli.main import main
from da.results import records
from da.results.records import Record
from da.runs.experiment import load_experiment
from da.selection.pools import build_pools
from da.selection.study_text import render_picks

EXPERIMENT = '''"""Two methods."""

from itertools import product

import da


def runs() -> list[da.Run]:
    """List both, with two seeds."""
    pairs = product((0, 1), (da.methods.SourceOnly(), da.methods.MCC()))
    return [da.Run(m, "moons:0-40", "mlp", "random", "full", seed=seed) for seed, m in pairs]
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records whose first evaluation is better, while infomax prefers the second."""
    monkeypatch.chdir(tmp_path)
    Path("two.py").write_text(EXPERIMENT)
    for i, run in enumerate(load_experiment("two.py")):
        curve = [
            {"step": 1, "target_accuracy": 60.0 + i, "source_accuracy": 99.0, "infomax": 0.1},
            {"step": 2, "target_accuracy": 50.0 + i, "source_accuracy": 50.0, "infomax": 0.2 + i},
        ]
        records.save(Record(run.id, run.settings(), curve, 1.0), tmp_path / "results")
    return tmp_path


def test_select_says_what_each_chooser_takes(folder: Path, capsys) -> None:
    main(["select", "two.py", "--chosen-by", "infomax,infomax+gate", "--only", "seed=0"])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == "moons:0-40 seed 0, all methods: 4 evaluations, 50.0 to 61.0 %"
    assert [line.split()[:2] + line.split()[3:] for line in lines] == [
        ["infomax", "mcc", "step", "2", "51.0", "%"],
        ["infomax+gate", "mcc", "step", "1", "61.0", "%"],
    ]
    main(["select", "two.py", "--within", "run", "--chosen-by", "last"])
    assert capsys.readouterr().out.count("step 2") == 4


def test_choosers_that_take_the_same_stand_together_most_first(folder, capsys) -> None:
    names = "infomax+gate,infomax,source_accuracy,oracle"
    main(["select", "two.py", "--chosen-by", names, "--only", "seed=0"])
    _, *lines, _, _ = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1].strip() for line in lines] == [
        "infomax+gate, source_accuracy, oracle ‡",
        "infomax",
    ]
    long = [f"score_number_{i}" for i in range(4)]
    every = [*long, f"{long[0]}+gate", "oracle"]
    pool = build_pools(records.load_sound(Path("results"), None)[0])[0]
    _, *shown = render_picks(pool, [(name, 0) for name in every], "all")
    assert [line.split("  ")[1].strip() for line in shown] == [
        "score_number_0(+gate), score_number_1,",
        "score_number_2, score_number_3, oracle ‡",
    ]
    assert shown[1].strip() == "score_number_2, score_number_3, oracle ‡"


def test_what_target_labels_choose_is_marked_and_one_pool_has_no_interval(folder, capsys) -> None:
    main(["select", "two.py", "--chosen-by", "infomax,oracle", "--only", "seed=0"])
    *_, oracle, _, note = capsys.readouterr().out.splitlines()
    assert oracle.startswith("  oracle ‡  mcc")
    assert note == "‡ chosen with target labels"
    main(["validate", "two.py", "--chosen-by", "infomax", "--only", "seed=0"])
    out = capsys.readouterr().out
    assert ["infomax", "51.0", "-", "10.0"] in [line.split()[:4] for line in out.splitlines()]
    assert "95 %: an interval takes two pools" in out


def test_validate_judges_all_choosers(folder: Path, capsys) -> None:
    main(["validate", "two.py", "--format", "markdown"])
    out = capsys.readouterr().out
    assert "moons, 1 task, 2 pools of 4 evaluations" in out
    assert "| infomax+gate | 62.0 |" in out
    assert "| infomax | 52.0 |" in out
    assert "| source_only | 51.0 |" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["validate"], "no experiment to validate on"),
        (
            ["validate", "two.py", "--chosen-by", "snd"],
            "records lack scores of 'snd' (`da validate --save`",
        ),
        (["select", "two.py", "--chosen-by", "snd+luck"], "records lack scores of 'snd' in"),
        (["select", "two.py", "--chosen-by", "luck"], "unknown selector 'luck', known: source_acc"),
        (
            ["select", "two.py", "--chosen-by", "few_shot"],
            "records lack what 'few_shot' chooses by",
        ),
        (
            ["select", "two.py", "--chosen-by", "last"],
            "'last' chooses within a run: name --within run",
        ),
        (["validate", "two.py", "--results", "none"], "no records in none"),
        (["select", "none.py"], "no experiment none.py"),
    ],
)
def test_mistakes_are_one_line(folder: Path, capsys, words: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_select_needs_no_target_labels(folder: Path, capsys) -> None:
    for run in load_experiment("two.py"):
        record = records.get(run.id, Path("results"))
        assert record
        curve = [{k: v for k, v in p.items() if k != "target_accuracy"} for p in record.curve]
        records.save(Record(run.id, run.settings(), curve, 1.0), Path("results"))
    main(["select", "two.py", "--chosen-by", "infomax"])
    assert (
        "moons:0-40 seed 0, all methods: 4 evaluations\n  infomax  mcc" in capsys.readouterr().out
    )
    for words, said in (
        (["validate", "two.py"], "nothing to validate on: no task and seed has two evaluations"),
        (["select", "two.py", "--chosen-by", "oracle"], "records lack what 'oracle' chooses by"),
    ):
        with pytest.raises(SystemExit):
            main(words)
        assert said in capsys.readouterr().err
