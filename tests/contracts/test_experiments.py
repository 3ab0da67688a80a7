"""What experiments share, and what they compare."""

from dataclasses import replace
from pathlib import Path

import pytest

from da.cli.options import named_records
from da.methods import METHODS
from da.results import records
from da.runs import experiment
from da.runs.run import Run

TWELVE = """
from da.methods import METHODS
from da.runs.run import Run

def runs():
    kinds = METHODS["dann"].Hparams(hidden=(8, 9)), *(METHODS[n].Hparams() for n in ("mcc", "jan"))
    return [Run(kind, "moons:0-20", seed=seed) for kind in kinds for seed in range(4)]
"""

FOLDER = Path(__file__).parents[2] / "experiments"
SETTINGS = "partial", "open-set", "universal", "multi-source", "semi-supervised", "label shift"
"""Families of methods for other settings."""


@pytest.fixture(scope="module")
def every() -> dict[str, Run]:
    """Runs of methods.py by id."""
    return {run.id: run for run in experiment.load_experiment(FOLDER / "methods.py")}


def test_every_method_of_the_package_is_compared_but_peers(every):
    apart = {"peer", "distillation", "zero-shot", "source-free", "test-time"} | {*SETTINGS}
    ours = {name for name, kind in METHODS.items() if kind.family not in apart} | {"shot", "tent"}
    assert {run.method.owner.name for run in every.values()} == ours
    assert len(every) == len(ours) * 20 * 3


def test_they_differ_from_those_of_the_emoji_experiment_in_their_batch_norms_alone(every):
    runs = experiment.load_experiment(FOLDER / "emoji.py")
    assert len(runs) == 420
    apart = [replace(run, network=replace(run.network, bn="separate")) for run in runs]
    assert all(every[run.id] == run for run in apart)


def test_the_front_page_has_runs_of_methods_with_two_seeds_more(every):
    runs = experiment.load_experiment(FOLDER / "front_page.py")
    assert len(runs) == 9 * 20 * 5
    assert all((run.id in every) == (run.seed < 3) for run in runs)
    assert {replace(run, seed=0).id for run in runs} < {*every}


def test_the_first_table_is_a_part_of_the_emoji_experiment():
    first = experiment.load_experiment(FOLDER.parent / "examples" / "first_table.py")
    whole = experiment.load_experiment(FOLDER / "emoji.py", ["seed=0"])
    assert len(first) == 12
    assert {run.id for run in first} < {run.id for run in whole}


def test_the_first_rows_of_the_first_table_need_two_styles():
    first = experiment.load_experiment(FOLDER.parent / "examples" / "first_table.py")
    early, late = ({run.task.partition(":")[2] for run in half} for half in (first[:6], first[6:]))
    assert early == {"noto-twemoji", "twemoji-noto"}
    assert {shift.partition("-")[0] for shift in late} == {"contrast"}


def some(tmp_path: Path, *only: str) -> list[tuple[str, int]]:
    """Method and seed of the runs that `only` leaves of twelve."""
    file = tmp_path / "twelve.py"
    file.write_text(TWELVE)
    return [(run.method.owner.name, run.seed) for run in experiment.load_experiment(file, only)]


@pytest.mark.parametrize("only", [["method=dann", "method=mcc"], ["method=dann,mcc"]])
def test_values_of_one_setting_are_alternatives_and_settings_must_all_hold(tmp_path, only):
    found = some(tmp_path, *only, "seed=0,2")
    assert found == [("dann", 0), ("dann", 2), ("mcc", 0), ("mcc", 2)]
    assert some(tmp_path, "seed=0", *only, "seed=2") == found


def test_a_value_with_commas_in_it_is_one(tmp_path):
    assert set(some(tmp_path, "hp.hidden=[8, 9]")) == {("dann", seed) for seed in range(4)}


def test_a_source_free_run_begins_with_source_only_on_its_task_and_seed(every):
    free = [run for run in every.values() if run.method.owner.source_free]
    assert len(free) >= 60
    for run in free:
        first = every[run.init]
        assert first.method.owner.name == "source_only"
        assert (first.task, first.seed) == (run.task, run.seed)


def test_one_of_several_values_is_wanted_and_an_unknown_one_is_named():
    file = FOLDER / "methods.py"
    some = experiment.load_experiment(file, ["method=dann,mcc", "seed=0,2"])
    assert {(run.method.owner.name, run.seed) for run in some} == {
        *(("dann", 0), ("dann", 2), ("mcc", 0), ("mcc", 2))
    }
    with pytest.raises(ValueError, match="no run with 'seed=7', known: seed=0, seed=1, seed=2"):
        experiment.load_experiment(file, ["seed=0,7"])


def test_papers_of_an_experiment_are_names(tmp_path):
    file = tmp_path / "twelve.py"
    for written, known in (("", ()), ("('SHOT', 'NRC')", ("SHOT", "NRC"))):
        file.write_text(TWELVE + (f"PAPERS = {written}\n" if written else ""))
        assert experiment.named_papers(file) == known
    file.write_text(f"{TWELVE}PAPERS = 'SHOT'\n")
    with pytest.raises(ValueError, match="PAPERS is 'SHOT', known: a tuple of names of papers"):
        experiment.named_papers(file)


def test_a_run_whose_name_is_empty_has_no_row(tmp_path):
    file = tmp_path / "twelve.py"
    file.write_text(f"{TWELVE}\ndef name(run):\n    return '' if run.seed else 'first'\n")
    runs = experiment.load_experiment(file)
    for run in runs:
        point = {"step": 1.0, "target_accuracy": 50.0}
        records.save(records.Record(run.id, run.settings(), [point], 1.0), tmp_path / "results")
    found = named_records(file, runs, tmp_path / "results")
    assert [record.settings["row"] for record in found] == ["first"] * 3
    assert {record.settings["seed"] for record in found} == {0}
