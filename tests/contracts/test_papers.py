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
    "tllib_office31": (published.office31, "dann"),
    "tllib_officehome": (published.officehome, "cdan"),
    "tllib_visda": (published.visda2017, "mcc"),
    "tllib_domainnet": (published.domainnet, "jan"),
    "dann_digits": (published.mnist_and_mnistm, "source_only subspace_alignment dann"),
    "cdan_office31": (published.office31, "cdan"),
    "shot_office_home": (published.officehome, "source_only shot"),
    "sdat_vit_officehome": (published.officehome, "sdat"),
    "mme_domainnet126": (published.domainnet126, "mme"),
    "ovanet_officehome": (published.officehome, "ovanet"),
    "tent_cifar10c": (published.cifar10_c, "source_only bn_adapt tent"),
    "cotta_imagenetc": (published.imagenet_and_corruptions, "source_only cotta"),
    "robust_streams": (published.imagenet_and_corruptions, "source_only eata"),
    "dann_amazon_reviews": (published.amazon_reviews, "dann"),
}
"""What writes the files of each experiment, and the methods that are tried, the row's last."""

UNPRINTED = "mme_domainnet126", "ovanet_officehome"
"""Experiments of which a single task has no printed number."""


def test_every_experiment_is_tried():
    assert FILES.keys() == WRITTEN.keys()


def shrink(run: Run, ids: dict[str, str]) -> Run:
    """The run with a network for tests and two steps; it begins with a run that shrank before."""
    streams = "+stream" in run.task
    tiny = {"batch": 20 if streams else 4}
    if not run.method.owner.streams:
        tiny |= {"steps": 2, "eval_every": 2}
    if run.backbone != "identity":
        begun = "random" if run.init == "pretrained" else run.init
        tiny |= {"backbone": "lenet", "side": 28, "init": ids.get(begun, begun)}
        tiny |= {"mean": (), "std": (), "interpolation": "weights"}
    if run.network.neck or streams:
        tiny["network"] = replace(run.network, neck=8)
    if hasattr(run.method, "dimensions"):
        tiny["method"] = replace(run.method, dimensions=4)
    ids[run.id] = (found := replace(run, **tiny)).id
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_a_table_is_made_from_files_in_the_real_layout(name, tmp_path, monkeypatch, capsys):
    write, methods = WRITTEN[name]
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    write(tmp_path / "data", monkeypatch)
    first = load_experiment(FILES[name])[0]
    only = [f"seed={first.seed}", *(f"method={method}" for method in methods.split())]
    only += [] if name == "dann_digits" else [f"task={first.task}"]
    ids: dict[str, str] = {}
    for run in load_experiment(FILES[name], only):
        tiny = shrink(run, ids)
        found = da.train(tiny, device="cpu", save_weights=True, quiet=True, results="tiny")
        records.save(replace(found, id=run.id, settings=run.settings()), Path("results"))
    capsys.readouterr()
    main(["table", str(FILES[name]), "--only", *only])
    shown = capsys.readouterr().out
    assert f"{len(ids)} of {len(ids)} runs" in shown
    row = methods.split()[-1]
    assert (f"{row}, printed [1]" in shown) == (name not in UNPRINTED)
    assert (f"{row}, difference" in shown) == (name not in UNPRINTED)
