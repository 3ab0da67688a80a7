"""Targets without labels: what is read, what is recorded, and what every reader makes of it."""

import json
from pathlib import Path

import pytest
import torch

import da
from da.cli.main import main
from da.data import tasks
from da.results import aggregate, records, tables
from da.results.record_list import Records
from da.results.record_schema import MARKS
from da.results.records import Record
from da.runs import provenance
from da.search.tune import Search
from da.training.train import train
from tests.conftest import points
from tests.fixtures.datasets import image_folder

FAST = {
    "backbone": "lenet",
    "init": "random",
    "regime": "full",
    "side": 28,
    "steps": 2,
    "eval_every": 1,
    "batch": 4,
}


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path) -> None:
    """A labeled source `a`, a labeled target `b`, and the images of `b` in a flat folder."""
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    image_folder(Path("a"), each=5)
    image_folder(Path("b"), each=4)
    Path("flat").mkdir()
    for file in Path("b").rglob("*.png"):
        (Path("flat") / file.name).write_bytes(file.read_bytes())


def run_on(task: str, method: object = None, **settings) -> da.Run:
    return da.Run(method or da.methods.MCC(), task, **(FAST | settings))


def record_of(task: str, seed: int = 0) -> Record:
    """A record with scores alone where the task says so."""
    run = run_on(task, seed=seed)
    point = {"infomax": 0.5 + seed, "source_accuracy": 75.0}
    mark = {} if "flat" in task or "unlabelled" in task else {"target_accuracy": 60.0}
    curve = [{"step": step, **mark, **point} for step in (1, 2)]
    return Record(run.id, run.settings(), curve, 1.0)


FLAT, HIDDEN, LABELED = "folder:a-flat", "folder:a-b+unlabelled", "folder:a-b"


@pytest.mark.parametrize("task", [FLAT, HIDDEN])
def test_a_target_without_labels_has_the_classes_of_the_source(task):
    opened = tasks.load_task(task)
    assert opened.classes == ("cat", "dog")
    assert not opened.is_tested
    assert opened.target_test.y.unique().tolist() == [-1]
    assert len(opened.target_train) == len(opened.target_test) == 8
    assert tasks.load_task(LABELED).is_tested


def test_hidden_labels_are_not_looked_at(tmp_path):
    (tmp_path / "b" / "cat").rename(tmp_path / "b" / "anything")
    assert len(tasks.load_task(HIDDEN).target_test) == 8
    with pytest.raises(ValueError, match="only a has cat"):
        tasks.load_task(LABELED)


def test_labels_of_any_benchmark_can_be_hidden():
    hidden, shown = (tasks.load_task(f"moons:0-40{end}") for end in ("+unlabelled", ""))
    assert (hidden.is_tested, shown.is_tested) == (False, True)
    assert hidden.target_test.x.equal(shown.target_test.x)


def test_a_source_needs_labels_and_so_do_shots():
    with pytest.raises(ValueError, match="images of flat have no labels, and a source needs them"):
        tasks.open_domains("folder:flat-b")
    with pytest.raises(ValueError, match="images of flat have no labels: none can be shown"):
        tasks.load_task("folder:a-flat+2shot")
    with pytest.raises(ValueError, match=r"\+unlabelled in 'moons:0\+unlabelled', known: of two"):
        tasks.parse_task("moons:0+unlabelled")


def test_labeled_and_hidden_images_do_not_share_the_cache():
    assert tasks.load_task(HIDDEN).target_test.y.unique().tolist() == [-1]
    assert tasks.load_task(LABELED).target_test.y.unique().tolist() == [0, 1]
    assert tasks.current_digests(HIDDEN) != tasks.current_digests(LABELED)


@pytest.mark.parametrize("task", [FLAT, HIDDEN])
def test_training_without_target_labels_equals_training_with_them_but_for_the_mark(task):
    mine, labeled = (train(run_on(t), device="cpu", quiet=True).curve for t in (task, LABELED))
    kept = [{k: v for k, v in p.items() if k.partition("/")[0] not in MARKS} for p in labeled]
    assert mine == kept != labeled


def test_the_lines_of_train_and_runs_say_why_there_is_no_accuracy(capsys):
    own = [f"--{name.replace('_', '-')}={value}" for name, value in FAST.items()]
    main(["train", "--task", FLAT, *own, "--wandb", "off", "--chosen-by", "infomax", "mcc"])
    (file,) = Path("results").glob("*.json")
    assert "target_accuracy" not in json.loads(file.read_text())["curve"][0]
    assert "mcc folder:a-flat seed 0 " in (out := capsys.readouterr().out)
    assert ": no accuracy, as the target has no labels, at step" in out
    main(["runs"])
    out = capsys.readouterr().out
    assert "target %  " not in out
    assert "1 without target %, as the target of folder:a-flat has no labels" in out


def test_tent_streams_over_images_without_labels(tmp_path):
    first = run_on(FLAT, da.methods.SourceOnly())
    train(first, device="cpu", quiet=True, save_weights=True)
    record = train(run_on(FLAT, da.methods.Tent(), init=first.id), device="cpu", quiet=True)
    assert not any(key.startswith("target_accuracy") for key in record.curve[-1])


def test_a_table_of_unlabeled_targets_shows_scores_and_says_why():
    text = tables.render_table([record_of(FLAT, seed) for seed in (0, 1)])
    assert "scores without target labels" in text
    assert "no target accuracy: the target of folder:a-flat has no labels" in text
    assert "1.000 ± 0.707" in text
    with pytest.raises(ValueError, match=r"oracle needs target labels: no target accuracy"):
        tables.render_table([record_of(FLAT)], "oracle")
    with pytest.raises(ValueError, match="choose by one selector, not last, infomax"):
        tables.render_table([record_of(FLAT)], "last,infomax")


def test_a_mixed_table_leaves_out_unlabeled_targets_and_says_so():
    mixed = [record_of(FLAT), record_of(HIDDEN), record_of(LABELED)]
    text = tables.render_table(mixed)
    assert "a-b" in text.splitlines()[2]
    assert "60.0" in text
    assert "left out, as their targets have no labels: folder:a-b+unlabelled, folder:a-flat" in text
    assert len(text.splitlines()[2].split()) == 3
    assert aggregate.average(aggregate.group_records(mixed[:1]).popitem()[1], [FLAT], "last") == (
        None,
        None,
    )


def test_csv_leaves_the_mean_empty():
    line = tables.render_table([record_of(FLAT)], format="csv").splitlines()[1]
    assert line.startswith("mcc,folder:a-flat,last,,,1,no")


def test_records_refuse_accuracy_and_the_oracle():
    with pytest.raises(ValueError, match="no target accuracy: the target of folder:a-flat"):
        Records([record_of(FLAT)]).accuracy()
    assert Records([record_of(LABELED)]).accuracy() == [60.0]


def test_plots_leave_accuracy_out():
    plots = pytest.importorskip("da.results.plots.experiment")
    figure = plots.plot_curves([record_of(FLAT)])
    assert figure.axes[0].get_title() != "target accuracy, %"
    for plot in (plots.plot_methods, lambda r: plots.plot_against(r, "seed")):
        with pytest.raises(ValueError, match=r"no target accuracy|no number that varies"):
            plot([record_of(FLAT)])


def test_a_search_by_the_oracle_is_refused(tmp_path):
    pytest.importorskip("optuna")
    record = record_of(FLAT)
    records.save(record, tmp_path / "r")
    search = Search("x", [run_on(FLAT)], {}, tmp_path / "r", chosen_by="oracle")
    with pytest.raises(ValueError, match="oracle needs target labels"):
        search._scores([run_on(FLAT)])


def test_labeled_test_images_may_lie_elsewhere(tmp_path):
    image_folder(tmp_path / "tests", each=3)
    run = run_on(FLAT, test="tests")
    record = train(run, device="cpu", quiet=True)
    assert record.curve[-1].keys() - train(run_on(FLAT), device="cpu", quiet=True).curve[-1].keys()
    assert record.made_from["test"] != record.made_from["target"]
    assert record.made_from["repeated"]  # as all three are made of the same noise
    assert run.id != run_on(FLAT).id == run_on(FLAT, test="").id
    assert sum(n for key, n in record.curve[-1].items() if key.startswith("predicted/")) == 6


def test_test_images_of_elsewhere_are_mapped_as_the_target_is():
    domains = [points(torch.full((6, 2), float(x)), torch.arange(6) % 3, 3) for x in (1, 2, 3)]
    mapped = tasks.build_task("moons:0-1", *domains).map(lambda x: x + 1, lambda x: x * 2)
    assert mapped.source_test.x.unique().tolist() == [2]
    assert mapped.target_train.x.unique().tolist() == [4]
    assert mapped.target_test.x.unique().tolist() == [6]


def test_a_record_is_old_when_its_test_images_change(tmp_path):
    image_folder(tmp_path / "tests", each=3)
    record = train(run_on(FLAT, test="tests"), device="cpu", quiet=True)
    assert provenance.find_states([record], tmp_path)[record.id] == provenance.CURRENT
    (tmp_path / "tests" / "cat" / "cat-00.png").unlink()
    states = provenance.find_states([record], tmp_path, decode=True)
    assert states[record.id] == provenance.OTHER_DATA


@pytest.mark.parametrize(
    ("task", "test", "said"),
    [
        (FLAT, "flat", "images of flat have no labels, and tests need them"),
        (FLAT, "nowhere", "cannot read the folder nowhere"),
        ("moons:0", "1", "test '1' needs a task of two domains"),
        ("emoji:noto-twemoji", "x", "unknown domain 'x' for tests, known: noto"),
    ],
)
def test_tests_that_cannot_be_are_refused(task, test, said):
    with pytest.raises(ValueError, match=said):
        tasks.open_tests(run_on(task, test=test).task, test)


def test_tests_of_other_classes_are_refused(tmp_path):
    image_folder(tmp_path / "other", ("cat", "cow"), each=2)
    with pytest.raises(ValueError, match="test images have the classes cat, cow, the source has"):
        train(run_on(FLAT, test="other"), device="cpu", quiet=True)
