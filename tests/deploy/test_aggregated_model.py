"""Several runs as one network and one file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from da.data import tasks
from da.deploy import aggregated_model
from da.deploy.aggregated_model import AggregatedModel, export_aggregate
from da.deploy.export import ExportResult
from da.deploy.predict import load_onnx, wrap_network
from da.evaluation.kept_outputs import load_target
from da.evaluation.predictions import accuracy
from da.models.backbone import Backbone
from da.runs.trained_model import load_model
from da.selection.combined import compare
from da.selection.pools import Candidate
from da.training.train import train
from tests.fixtures.runs import RUN, pictures, run_of, stand_in, trained

FROZEN = {"regime": "frozen", "steps": 20, "init": RUN.id}
RUNS = run_of("source_only", **FROZEN), run_of("coral", **FROZEN), run_of("dann", steps=3)


@pytest.fixture(autouse=True)
def _pictures(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)


@pytest.fixture
def members() -> list[Candidate]:
    """Two runs on one frozen backbone and one that trained its own, with weights and outputs."""
    trained(RUN)
    found = [train(run, device="cpu", save_weights=True, quiet=True, outputs="all") for run in RUNS]
    return [Candidate(record.settings["method"], record, record.curve[-1]) for record in found]


def images() -> np.ndarray:
    return pictures("flower.jpg").x[80:].numpy()


@pytest.mark.slow
def test_outputs_are_those_of_the_runs_and_a_common_backbone_is_there_once(members):
    combined = compare(RUN.task, 0, members, ["mean", "iwa"], Path("results"))
    for by, weights in combined.weights.items():
        networks = [load_model(m.record.id) for m in members]
        alone = torch.stack([n(torch.from_numpy(images())).softmax(1) for n in networks])
        whole = AggregatedModel(networks, weights)
        expected = torch.einsum("a,ank->nk", weights.float(), alone).clamp_min(1e-6)
        p, _ = wrap_network(whole).outputs(images())
        np.testing.assert_allclose(p, expected / expected.sum(1, keepdim=True), atol=1e-5)
        y = load_target(members[0].record, Path("results")).y
        assert accuracy(torch.from_numpy(p), y) == pytest.approx(combined.reached[by], abs=2)
        assert len({id(m) for m in whole.modules() if isinstance(m, Backbone)}) == 2


def test_runs_of_other_input_are_refused():
    trained(RUN)
    other = load_model(RUN.id)
    other.about = replace(other.about, stored_side=16)
    with pytest.raises(ValueError, match="cannot be combined: their stored_side are 32 and 16"):
        AggregatedModel([load_model(RUN.id), other], torch.ones(2))


def test_an_aggregate_has_no_features():
    trained(RUN)
    whole = AggregatedModel([load_model(RUN.id)], torch.ones(1))
    assert set(whole.predict(images())) <= {*whole.classes}
    with pytest.raises(ValueError, match="no features in common"):
        whole.features(images())


@pytest.fixture
def written(monkeypatch) -> list:
    """What would be exported, instead of a file."""
    found: list = []

    def write(finished, about, run, what, file) -> ExportResult:
        found.append((finished, about))
        return ExportResult(finished.classes, 0.0, "")

    monkeypatch.setattr(aggregated_model, "export_network", write)
    return found


@pytest.mark.slow
def test_an_exported_aggregate_knows_its_runs_and_how_sure_it_is(members, written):
    weights = torch.tensor([0.5, 0.25, 0.25])
    export_aggregate(members, weights, "mean", Path("x.onnx"), Path("results"))
    ((whole, about),) = written
    assert json.loads(about["weights"]) == dict(
        zip([m.record.id for m in members], weights.tolist(), strict=True)
    )
    right = np.mean([share for _, share in json.loads(about["confidence"])])
    single = [m.point["source_accuracy"] / 100 for m in members]
    assert min(single) - 0.1 <= right <= max(single) + 0.1
    assert whole.about.confidence != load_model(members[0].record.id).about.confidence


@pytest.mark.slow
def test_one_file_classifies_like_all_runs_together(members, tmp_path):
    file = tmp_path / "all.onnx"
    weights = torch.tensor([0.6, 0.6, -0.2])
    made = export_aggregate(members, weights, "iwa", file, Path("results"))
    assert made.difference <= 1e-4
    whole = AggregatedModel([load_model(m.record.id) for m in members], weights)
    np.testing.assert_allclose(
        load_onnx(file).outputs(images())[0], wrap_network(whole).outputs(images())[0], atol=1e-4
    )
    graph = onnx.load(file).graph
    first = [n for n in graph.initializer if n.dims[1:] == [3, 5, 5]]
    assert len(first) == 2  # the frozen backbone once, and that of dann
