"""What `da watch` says, of a folder and of an experiment."""

from pathlib import Path

import pytest

from da.cli import watch
from da.cli.main import main
from da.results.live import LiveFile
from da.results.records import Record, save

ID, OTHER = "3f2a9c3f2a9c", "a" * 12
SETTINGS = {"method": "dann", "task": "moons:0-20", "seed": 1}


@pytest.fixture
def training():
    """A run in hand, after an evaluation."""
    file = LiveFile(Path("results"), ID, {"settings": SETTINGS, "steps": 9, "images": 8})
    file.append({"step": 3, "entropy": 0.25, "loss/task": 0.5})
    yield file
    file.remove()


@pytest.mark.usefixtures("training")
def test_once_prints_the_state_and_ends(capsys):
    save(Record(OTHER, SETTINGS, [{"step": 9, "target_accuracy": 50.0}], 1.0), Path("results"))
    main(["watch", "--once", "--scores", "entropy"])
    counts, head, row, end = capsys.readouterr().out.splitlines()
    assert counts == "1 in hand, 1 with a record"
    assert "entropy" in head
    assert row.split()[:6] == ["dann", "moons:0-20", "seed", "1", ID, "3/9"]
    assert end.endswith(f"{OTHER} ended: target 50.0 %")


@pytest.mark.usefixtures("training")
def test_an_experiment_shows_its_own_runs_in_any_place_of_the_words(tmp_path, capsys):
    Path("own.py").write_text(
        "import da\ndef runs(): return [da.Run(da.methods.MCC(), 'moons:0-20')]\n"
    )
    Path("empty").mkdir()
    for words in (["own.py"], ["results", "own.py"], ["empty"]):
        main(["watch", "--once", *words])
        assert capsys.readouterr().out == "0 in hand, 0 with a record\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scores", "luck"], "unknown selector 'luck', known: "),
        (["results/notes.txt"], "results/notes.txt is no folder of records"),
        (["results", "nowhere.py"], "nowhere.py"),
        (["nowhere"], "no folder nowhere;"),
    ],
)
def test_mistakes_are_one_line(words, said, capsys):
    Path("results").mkdir()
    Path("results/notes.txt").touch()
    with pytest.raises(SystemExit) as ended:
        main(["watch", "--once", *words])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("interrupted", [True, False])
def test_without_a_terminal_evaluations_are_lines_while_runs_are_in_hand(
    interrupted, training, monkeypatch, capsys
):
    waits = [lambda: training.append({"step": 6, "infomax": 0.5}), training.remove]
    seconds = []

    def sleep(_):
        seconds.append(1)
        if waits:
            waits.pop(0)()
        elif interrupted:
            raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", sleep)
    main(["watch"])
    *_, step, end = capsys.readouterr().out.splitlines()
    assert step.endswith(f"dann moons:0-20 seed 1 {ID}: step 6/9, infomax 0.500")
    assert end.endswith("is no longer in hand, and left no record so far")
    assert len(seconds) == (3 if interrupted else 1 + watch.IDLE)
