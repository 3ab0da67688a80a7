"""Experiments that reproduce tables of papers run end to end, on files in the real layout."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import da
from da.cli.main import main
from da.results import records
from da.runs.experiment import load_experiment
from da.runs.run import Run
from tests.fixtures import published

FOLDER = Path(__file__).parents[2] / "experiments" / "papers"
FILES = {file.stem: file for file in sorted(FOLDER.glob("[a-z]*.py"))}

Write = Callable[[Path, pytest.MonkeyPatch], None]
WRITTEN: dict[str, tuple[Write, str]] = {
    "tllib_office31": (published.office31, "dann, printed [1]"),
    "tllib_officehome": (published.officehome, "cdan, printed [1]"),
    "tllib_visda": (published.visda2017, "mcc, printed [1]"),
    "tllib_domainnet": (published.domainnet, "jan, printed [1]"),
    "dann_digits": (published.mnist_and_mnistm, "subspace_alignment, printed [1]"),
    "cdan_office31": (published.office31, "cdan, printed [1]"),
    "shot_office_home": (published.officehome, "shot, printed [1]"),
    "sdat_vit_officehome": (published.officehome, "sdat, printed [1]"),
    "mme_domainnet126": (published.domainnet126, ""),
    "ovanet_officehome": (published.officehome, ""),
    "tent_cifar10c": (published.cifar10_c, "tent, printed [1]"),
    "cotta_imagenetc": (published.imagenet_and_corruptions, "cotta, printed [1]"),
    "robust_streams": (published.imagenet_and_corruptions, "eata, printed [1]"),
    "dann_amazon_reviews": (published.amazon_reviews, "dann, printed [1]"),
}
"""What writes the files of each experiment, and a printed row that one task and seed has."""


def test_every_experiment_is_tried():
    assert FILES.keys() == WRITTEN.keys()


def shrink(run: Run, ids: dict[str, str]) -> Run:
    """The run with a network for tests and two steps; it begins with a run that shrank before."""
    begun = "random" if run.init == "pretrained" and run.regime == "full" else run.init
    tiny = {"backbone": "lenet", "side": 28, "mean": (), "std": (), "interpolation": "weights"}
    tiny |= {"init": ids.get(run.init, begun), "batch": 4}
    if run.backbone == "identity":
        tiny = {"batch": 4}
    if run.network.neck or run.method.owner.streams or run.task.endswith("stream"):
        tiny["network"] = replace(run.network, neck=8)
    steps = {} if run.method.owner.streams else {"steps": 2, "eval_every": 2}
    ids[run.id] = (found := replace(run, **tiny, **steps)).id
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_a_table_is_made_from_files_in_the_real_layout(name, tmp_path, monkeypatch, capsys):
    write, row = WRITTEN[name]
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    write(tmp_path / "data", monkeypatch)
    first = load_experiment(FILES[name])[0]
    only = [f"seed={first.seed}"] + [f"task={first.task}"] * (name != "dann_digits")
    ids: dict[str, str] = {}
    for run in load_experiment(FILES[name], only):
        tiny = shrink(run, ids)
        found = da.train(tiny, device="cpu", save_weights=True, quiet=True, results="tiny")
        records.save(replace(found, id=run.id, settings=run.settings()), Path("results"))
    capsys.readouterr()
    main(["table", str(FILES[name]), "--only", *only])
    shown = capsys.readouterr().out
    assert f"{len(ids)} of {len(ids)} runs" in shown
    assert row in shown
    assert not row or f"{row.partition(',')[0]}, difference" in shown
