"""A search: shared, taken up again, blind to target labels, and pasted."""

import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from da.cli.main import main
from da.cli.tune import _describe_trial
from da.config.ranges import Choice, LogUniform
from da.methods import METHODS, Network
from da.results import records
from da.results.records import Record
from da.runs.run import Run
from da.search import plot, tune
from da.search.codegen import render_python
from da.search.space import replace_settings, search_space
from da.search.trial import Trial
from da.search.tune import Search
from da.training.sweep import Outcome

RUN = Run(
    METHODS["mcc"].Hparams(),
    "moons:0-20",
    backbone="mlp",
    init="random",
    regime="full",
    network=Network(neck=0, dropout=0),
    steps=4,
    eval_every=2,
)
RUNS = [replace(RUN, task=task, seed=s) for s in range(2) for task in ("moons:0-20", "moons:0-40")]
SAMPLERS = "grid", "random", "tpe"


def score(run: Run) -> float:
    """Best at a learning rate of 0.01."""
    return -abs(math.log10(run.lr) + 2) + run.seed / 10


def invented(runs, folder, **_):
    """In place of a sweep: records without training."""
    for run in runs:
        point = {"step": 4, "infomax": score(run), "target_accuracy": 50.0 - score(run)}
        record = Record(run.id, run.settings(), [point], 1.0)
        records.save(record, folder)
        yield Outcome(run, record)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(tune, "sweep_outcomes", invented)


def search(folder: Path, *names: str, **more) -> Search:
    return Search("tiny", RUNS, search_space(RUNS, names), folder=folder, **more)


def carried_out(a_search: Search, wanted: int) -> list[Trial]:
    """All its trials, once there are as many as wanted."""
    study = a_search.open()
    for _ in a_search.carry_out(study, wanted):
        pass
    return study.trials()


@pytest.mark.slow
def test_a_trial_is_recorded_runs_and_is_not_repeated(tmp_path):
    (trial,) = carried_out(search(tmp_path), 1)
    runs = search(tmp_path).with_settings(trial.settings)
    found = records.load(tmp_path, {run.id: run.settings() for run in runs})
    assert len(found) == trial.runs == 4
    assert trial.score == pytest.approx(sum(r.curve[-1]["infomax"] for r in found) / 4)
    assert {r.settings["hp.temperature"] for r in found} == {trial.settings["temperature"]}
    before = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.json")}
    assert carried_out(search(tmp_path), 1) == [trial]
    assert {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.json")} == before


def small(folder: Path) -> Search:
    return Search("tiny", RUNS[:1], search_space(RUNS, ["lr"]), folder=folder, sampler="random")


@pytest.fixture
def whole(tmp_path, quick) -> tuple[bytes, list[Trial]]:
    """The journal of a search after its second trial, and its first three trials."""
    begun = small(tmp_path / "whole")
    carried_out(begun, 2)
    return begun.file.read_bytes(), carried_out(begun, 3)


def goes_on(folder: Path, journal: bytes) -> list[Trial]:
    """Three trials of a search that goes on with a journal."""
    begun = small(folder)
    folder.mkdir(exist_ok=True)
    begun.file.write_bytes(journal)
    trials = carried_out(begun, 3)
    assert all(json.loads(line) for line in begun.file.read_bytes().splitlines())
    return trials


@pytest.mark.parametrize("less", [1, 15, 300])
def test_a_search_goes_on_after_a_torn_last_line(tmp_path, whole, less, capsys):
    journal, trials = whole
    assert goes_on(tmp_path / "torn", journal[:-less]) == trials
    file = small(tmp_path / "torn").file
    said = f"da: {file}: the last line was cut short and is left out\n"
    assert capsys.readouterr().err == said


@pytest.mark.slow
def test_a_search_goes_on_wherever_its_last_two_lines_are_cut(tmp_path, whole):
    journal, trials = whole
    begun = small(tmp_path)
    for less in range(sum(map(len, journal.splitlines(keepends=True)[-2:])) + 1):
        begun.file.write_bytes(journal[: len(journal) - less])
        attempt = begun.open().claim(3)
        assert attempt.settings == trials[attempt.number].settings
        attempt.release()
        assert all(json.loads(line) for line in begun.file.read_bytes().splitlines())


@pytest.mark.parametrize("line", [b"garbage", b"5", b"{}", b'{"op_code": 99}', b"\xff\0"])
def test_a_journal_with_something_else_in_it_is_named(tmp_path, whole, line):
    journal, _ = whole
    first, rest = journal.split(b"\n", 1)
    with pytest.raises(ValueError, match="is no journal of a search: ") as error:
        goes_on(tmp_path / "damaged", b"\n".join([first, line, rest]))
    assert line[:1] == b"{" or "line 2 is no entry of a journal: delete it" in str(error.value)


def test_method_and_lr_are_searched_unless_others_are_named():
    assert list(search_space(RUNS)) == ["lr", "trade_off", "temperature"]
    assert list(search_space(RUNS, ["neck", "lr", "neck"])) == ["neck", "lr"]


def test_settings_go_where_they_belong():
    run = replace_settings(RUN, {"lr": 0.1, "temperature": 3.0, "neck": 128})
    assert run == replace(
        RUN, lr=0.1, method=replace(RUN.method, temperature=3.0), network=Network(128, dropout=0)
    )


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_call_gives_the_same_trials_wherever_it_was_cut(tmp_path, sampler):
    one = carried_out(search(tmp_path / "one", sampler=sampler), 14)
    for wanted in (3, 11, 14):
        two = carried_out(search(tmp_path / "two", sampler=sampler), wanted)
        assert two == one[:wanted]
    assert len({tuple(trial.settings.values()) for trial in one}) == 14


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_tpe_learns_from_the_trials_before(tmp_path):
    random, tpe = (
        carried_out(search(tmp_path, "lr", sampler=sampler), 20) for sampler in ("random", "tpe")
    )
    assert random[:10] == tpe[:10]
    means = [sum(trial.score for trial in trials[10:]) for trials in (random, tpe)]
    assert means[1] > means[0]


@pytest.mark.usefixtures("quick")
def test_a_grid_is_done_once_and_ends(tmp_path):
    a_search = Search("tiny", RUNS, {"neck": Choice(0, 8, 16)}, folder=tmp_path, sampler="grid")
    assert len(carried_out(a_search, 2)) == 2
    trials = carried_out(a_search, 100)
    assert sorted(trial.settings["neck"] for trial in trials) == [0, 8, 16]


@pytest.mark.usefixtures("quick")
def test_a_bad_setting_is_given_up_after_some_runs(tmp_path):
    trials = carried_out(search(tmp_path, "lr", sampler="random"), 20)
    early = [trial for trial in trials if trial.pruned]
    assert early
    assert not any(trial.pruned for trial in trials[:4])
    assert all((trial.runs < 4) == trial.pruned for trial in trials)
    assert max(t.score for t in early) < max(t.score for t in trials if not t.pruned)
    assert len(list(tmp_path.glob("*.json"))) == sum(trial.runs for trial in trials)


@pytest.mark.usefixtures("quick")
def test_trials_are_compared_after_the_same_runs(tmp_path):
    """Though the mean of the first run alone is the highest of a trial's means, or the lowest."""
    study = search(tmp_path).open()
    for first in (5.0, -5.0, 5.0, -5.0, 5.0):
        attempt = study.claim(100)
        assert not attempt.report(0, [0.0])
        assert not attempt.report(1, [first, 1.0])
        attempt.complete()
        attempt.release()
    worse = study.claim(100)
    assert not worse.report(0, [9.0])
    assert worse.report(1, [9.0, -9.0])


@pytest.mark.usefixtures("quick")
def test_a_trial_is_held_by_one_and_left_to_the_next(tmp_path):
    first = search(tmp_path).open().claim(9)
    assert search(tmp_path).open().claim(9).number == 1
    settings = first.settings
    first.release()  # as the death of its process would
    again = search(tmp_path).open().claim(9)
    assert (again.number, again.settings) == (0, settings)
    assert search(tmp_path).open().claim(1) is None


def test_a_trial_that_diverges_has_no_score_and_counts(tmp_path, monkeypatch):
    def diverging(runs, folder, **_):
        for outcome in invented(runs, folder):
            bad = outcome.run.lr > 0.01
            yield Outcome(outcome.run, error="DivergedError: loss at step 3") if bad else outcome

    monkeypatch.setattr(tune, "sweep_outcomes", diverging)
    trials = carried_out(search(tmp_path, "lr"), 8)
    assert [trial.number for trial in trials] == list(range(8))
    assert {trial.settings["lr"] > 0.01 for trial in trials if trial.error} == {True}
    assert all(math.isnan(trial.score) for trial in trials if trial.error)
    assert any(not trial.error for trial in trials)


def test_a_run_that_fails_otherwise_ends_the_search_and_is_tried_again(tmp_path, monkeypatch):
    failing = [Outcome(RUNS[0], error="ValueError: no such folder")]
    monkeypatch.setattr(tune, "sweep_outcomes", lambda *_, **__: failing)
    with pytest.raises(ValueError, match="no such folder"):
        carried_out(search(tmp_path), 2)
    assert search(tmp_path).open().trials() == []
    monkeypatch.setattr(tune, "sweep_outcomes", invented)
    assert [trial.number for trial in carried_out(search(tmp_path), 2)] == [0, 1]


class Sealed(dict):
    """An evaluation whose target accuracy cannot be read."""

    def __getitem__(self, key):
        if "target_accuracy" in key:
            raise AssertionError("target accuracy was read")
        return super().__getitem__(key)


def test_target_labels_choose_nothing_unless_asked(tmp_path, monkeypatch):
    load = records.load

    def sealed(*arguments):
        return [replace(r, curve=[Sealed(p) for p in r.curve]) for r in load(*arguments)]

    monkeypatch.setattr(tune, "sweep_outcomes", invented)
    monkeypatch.setattr(records, "load", sealed)
    assert len(carried_out(search(tmp_path), 5)) == 5
    with pytest.raises(AssertionError, match="target accuracy was read"):
        carried_out(search(tmp_path, chosen_by="oracle"), 1)


@pytest.mark.usefixtures("quick")
def test_the_oracle_is_marked(tmp_path):
    chosen = {}
    for chosen_by in ("infomax", "oracle"):
        a_search = search(tmp_path, "lr", chosen_by=chosen_by)
        trials = carried_out(a_search, 3)
        chosen[chosen_by] = max(trials, key=lambda trial: trial.score)
        marked = chosen_by == "oracle"
        assert a_search.open().study.user_attrs["chosen_with_target_labels"] is marked
        assert ("‡" in _describe_trial(a_search, trials[0])) is marked
        assert ("oracle" in a_search.name) is marked
        figure = plot.plot_search(trials, a_search.space, chosen_by)
        words = [text.get_text() for text in figure.legends[0].get_texts()]
        assert ("‡ chosen with target labels" in words) is marked
        assert ("oracle ‡" in figure.axes[0].get_ylabel()) is marked
    assert chosen["infomax"].settings != chosen["oracle"].settings


def test_other_searches_do_not_mix(tmp_path):
    names = [
        search(tmp_path).name,
        search(tmp_path, "lr").name,
        search(tmp_path, chosen_by="snd").name,
        search(tmp_path, sampler="grid").name,
        replace(search(tmp_path), runs=RUNS[:2]).name,
        replace(search(tmp_path, "lr"), space={"lr": LogUniform(1e-3, 1e-1)}).name,
    ]
    assert len(set(names)) == len(names)


@pytest.mark.usefixtures("quick")
def test_studies_share_a_file_and_nothing_else(tmp_path):
    file = tmp_path / "all.journal"
    assert len(carried_out(search(tmp_path, storage=file), 3)) == 3
    assert len(carried_out(search(tmp_path, "lr", storage=file), 2)) == 2
    assert len(carried_out(search(tmp_path, storage=file), 1)) == 3


def notes(folder: Path) -> Path:
    """A file that is no study."""
    file = folder / "notes.txt"
    file.write_text("first line\nsecond line\n")
    return file


@pytest.mark.parametrize(
    ("make", "known"),
    [
        (lambda folder: search_space(RUNS, ["hidden"]), "'hidden', known: lr, .*temperature"),
        (
            lambda folder: search_space([*RUNS, replace(RUN, method=METHODS["dann"].Hparams())]),
            "=dann",
        ),
        (lambda folder: search(folder, chosen_by="last"), "'last', known: a_distance, .*oracle"),
        (lambda folder: search(folder, storage=notes(folder)).open(), "no journal of a search"),
        (
            lambda folder: replace_settings(replace(RUN, init="pretrained"), {"steps": 0}),
            "1 or more",
        ),
    ],
)
def test_mistakes_are_named_in_one_line(tmp_path, make, known):
    with pytest.raises(ValueError, match=known) as caught:
        make(tmp_path)
    assert "\n" not in str(caught.value)


WIDE = replace(
    RUN,
    method=METHODS["dann"].Hparams(trade_off=0.123, hidden=(64,), domain_loss="sum", steepness=2.5),
    network=Network(neck=128, dropout=0.123, head=(100, 100), bn="separate", neck_norm=False),
    augment="crop_flip",
)


@pytest.mark.parametrize(
    "runs",
    [
        RUNS,
        [RUN],
        [WIDE],
        [replace(WIDE, steps=steps, network=Network(neck=steps)) for steps in (1, 2)],
        [Run(METHODS["coral"].Hparams(), "moons:0-20")],
    ],
)
def test_pasted_python_gives_the_same_runs(runs):
    pasted = render_python(runs, "What it is.")
    names: dict = {}
    exec(pasted, names)
    for run in runs:
        own = {"task": run.task, "seed": run.seed, "steps": run.steps, "neck": run.network.neck}
        parameters = names["tuned"].__annotations__
        assert names["tuned"](**{k: v for k, v in own.items() if k in parameters}) == run
    assert max(map(len, pasted.splitlines())) <= 100
    assert [line for line in pasted.splitlines() if "import" in line] == ["import da"]


def test_a_plot_has_a_panel_a_setting_on_the_axis_it_is_searched_on():
    ranges = search_space(RUNS, ["lr", "dropout", "neck", "momentum"])
    tried = {"lr": 0.01, "dropout": 0.2, "neck": 256, "momentum": 0.9}
    trials = [
        Trial(0, tried, 0.5, 0.1, 4),
        Trial(1, tried | {"neck": 512}, 0.1, runs=1, pruned=True),
        Trial(2, tried | {"lr": 0.1}, 0.7, 0.1, 4),
        Trial(3, tried, error="DivergedError"),
    ]
    figure = plot.plot_search(trials, ranges, "infomax")
    course, *panels = figure.axes
    assert [panel.get_xlabel() for panel in panels] == list(ranges)
    assert [panel.get_xscale() for panel in panels] == ["log", "linear", "linear", "linear"]
    assert [tick.get_text() for tick in panels[2].get_xticklabels()][:2] == ["0", "128"]
    *_, best, so_far = course.lines
    assert best.get_xydata().tolist() == [[2, 0.7]]
    assert list(so_far.get_ydata()) == [0.5, 0.5, 0.7]
    with pytest.raises(ValueError, match="no trials"):
        plot.plot_search(trials[3:], ranges, "infomax")


SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.search import test_tune
from da.search import tune
calls = 0
def sweep_outcomes(runs, folder, **more):
    global calls
    calls += 1
    time.sleep({pause})
    if calls == {stop}:
        print("in mid-trial", flush=True)
        time.sleep(60)
    return test_tune.invented(runs, folder)
tune.sweep_outcomes = sweep_outcomes
search = test_tune.search(Path({folder!r}))
for trial in search.carry_out(search.open(), 30):
    print(trial.number, flush=True)
"""


def start(folder: Path, *, stop: int = 0, pause: float = 0) -> subprocess.Popen:
    tests = str(Path(__file__).parents[2])
    code = SCRIPT.format(tests=tests, folder=str(folder), stop=stop, pause=pause)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_killed_search_goes_on_with_the_trials_of_one_never_killed(tmp_path, monkeypatch):
    with start(tmp_path / "killed", stop=7) as process:
        assert process.stdout
        assert [process.stdout.readline() for _ in range(2)] == ["0\n", "in mid-trial\n"]
        process.kill()
    monkeypatch.setattr(tune, "sweep_outcomes", invented)
    assert len(search(tmp_path / "killed").open().trials()) == 1
    killed, whole = (carried_out(search(tmp_path / name), 12) for name in ("killed", "whole"))
    assert killed == whole


@pytest.mark.slow
def test_two_processes_share_the_trials(tmp_path, monkeypatch):
    def slow(*arguments, **more):
        time.sleep(0.01)
        return invented(*arguments)

    monkeypatch.setattr(tune, "sweep_outcomes", slow)
    with start(tmp_path, pause=0.01) as process:
        assert process.stdout
        theirs = [int(process.stdout.readline())]
        here = search(tmp_path)
        ours = [trial.number for trial in here.carry_out(here.open(), 30)]
        theirs += map(int, process.stdout.read().split())
    assert process.returncode == 0
    assert sorted(ours + theirs) == list(range(30))
    assert ours
    assert [trial.number for trial in here.open().trials()] == list(range(30))


EXPERIMENT = """
from tests.search.test_tune import RUNS


def runs():
    return RUNS
"""


@pytest.mark.slow
def test_tune_at_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("tiny.py").write_text(EXPERIMENT)
    main(["tune", "tiny.py", "--trials", "3", "--only", "seed=0", "--chosen-by", "oracle"])
    said = capsys.readouterr().out
    assert said.count("oracle ‡") == 4
    head, _, rest = said.partition("\n\n")
    assert head.splitlines()[-1].startswith("3 trials, 0 of them given up early, 0 failed, in ")
    pasted, _, files = rest.rpartition("\n\n")
    names: dict = {}
    exec(pasted, names)
    assert "‡ Chosen with target labels." in names["tuned"].__doc__
    best = names["tuned"]("moons:0-20", 0)
    assert (Path("results") / f"{best.id}.json").exists()
    assert all(Path(file).stat().st_size > 1000 for file in files.split())
    main(["tune", "tiny.py", "--trials", "3", "--only", "seed=0", "--chosen-by", "oracle"])
    assert capsys.readouterr().out == said[said.index("3 trials") :]


@pytest.mark.parametrize(
    ("words", "known"),
    [("--trials 0", "1 and more"), ("--search hidden", "known: lr"), ("--sampler best", "grid")],
)
def test_mistakes_at_the_command_line(tmp_path, monkeypatch, capsys, words, known):
    monkeypatch.chdir(tmp_path)
    Path("tiny.py").write_text(EXPERIMENT)
    with pytest.raises(SystemExit) as ended:
        main(["tune", "tiny.py", *words.split()])
    assert ended.value.code == 2
    assert known in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["strength", "ridge"]),
        ({"strength_by": "reverse"}, ["ridge"]),
        ({"classifier": "trained", "shrinkage": "ledoit_wolf"}, ["lr"]),
    ],
)
def test_settings_that_runs_refuse_are_not_searched(settings, names):
    run = Run(METHODS["coral_map"].Hparams(**settings), "moons:0-40", "identity")
    assert list(search_space([run])) == names


def test_a_search_of_nothing_is_refused():
    run = Run(METHODS["mean_map"].Hparams(classifier="nearest"), "moons:0-40", "identity")
    with pytest.raises(ValueError, match="nothing to search: no setting of mean_map may vary"):
        search_space([run])
