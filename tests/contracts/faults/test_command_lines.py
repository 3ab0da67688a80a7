"""Whatever is typed gives a result or one line."""

from pathlib import Path

import pytest

from da.results import records
from tests.contracts.faults.children import call_in_child, da
from tests.contracts.faults.command_lines import (
    EXPERIMENTS,
    command_lines,
    draw_examples,
    experiment_text,
    write_no_export,
)
from tests.contracts.faults.outcomes import FAULT, RESULT, Outcome, Tally, run_command
from tests.fixtures.pictures import class_folders

GOOD = """
from da.methods import METHODS, Network
from da.runs.run import Run


def runs():
    return [
        Run(
            METHODS["source_only"].Hparams(),
            "folder:A-B",
            backbone="lenet",
            init="random",
            regime="full",
            side=28,
            network=Network(neck=8),
            steps=2,
            batch=6,
            eval_every=1,
            seed=0,
        )
    ]
"""
ONLINE = {"online", "auto"}
"""Words that would reach for the network."""


@pytest.fixture
def swept(lab: Path) -> Path:
    """A folder with images, a finished run with weights, and experiments that are wrong."""
    class_folders(lab, each=4)
    (lab / "notes.txt").write_text("no image")
    (lab / "lab.py").write_text(GOOD)
    for name, pattern in EXPERIMENTS.items():
        (lab / name).write_text(experiment_text(pattern, GOOD))
    done = da(lab, "sweep", "lab.py", "--wandb", "off", "--save-weights")
    assert done.kind == RESULT, done.said
    return lab


def carry_out(run: str) -> list[Outcome]:
    """Draw and run 600 command lines in this process, with the id of the finished run."""
    lines = [named(words, run) for words in draw_examples(command_lines, 600)]
    write_no_export()
    return [run_command(words, seconds=20) for words in lines]


def named(words: list[str], run: str) -> list[str]:
    """Return the words with the id of the finished run."""
    return [word.replace("RUN", run) for word in words if word not in ONLINE]


def test_600_command_lines(swept, tally: Tally):
    (file,) = (swept / "results").glob("*.json")
    kept = records.get(file.stem, swept / "results")
    outcomes = call_in_child(swept, carry_out, file.stem)
    same = records.get(file.stem, swept / "results") == kept  # its file may be in a bundle now
    outcomes.append(Outcome("the record", RESULT if same else FAULT, "is another"))
    tally.check(outcomes)


def test_experiments_with_odd_content(swept, tally: Tally):
    outcomes = [
        da(swept, *command, name, *more)
        for name in EXPERIMENTS
        for command, more in ((["sweep"], ["--wandb", "off"]), (["table"], []), (["plot"], []))
    ]
    tally.check(outcomes)
