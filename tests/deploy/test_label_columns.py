"""Finished runs with several heads: loaded, begun with, exported and used for predictions."""

from dataclasses import replace
from functools import partial

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from da.cli.main import main
from da.config.label_columns import LabelColumns
from da.data import tasks
from da.data.label_columns import Column
from da.data.reading import Reading
from da.deploy.export import export
from da.deploy.predict import load_onnx, wrap_network
from da.evaluation import predictions
from da.methods._column_heads import find_heads
from da.results import records
from da.runs.trained_model import load_model
from da.training.setup import assemble
from da.training.train import train
from tests.fixtures.runs import CLASSES, pictures, run_of, trained

LABELS = LabelColumns(("parity", "half day"), column_weighting="uncertainty")
HALVES = ("am", "pm")


def opened(_, read: Reading = tasks.USUAL, *, turned: bool = False):
    """Two photographs' pieces, whose second column may have its classes in another order."""
    y = (torch.arange(144) // 2) % 2
    names = HALVES[::-1] if turned else HALVES
    column = Column("half day", names, 1 - y if turned else y)
    found = pictures("china.jpg"), pictures("flower.jpg")
    return tuple(replace(one, columns=(column,) if read.label_columns[1:] else ()) for one in found)


@pytest.fixture(autouse=True)
def _pictures(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", opened)


@pytest.mark.parametrize("name", ["dann", "mean_teacher", "mcd"])
def test_a_loaded_model_gives_the_logits_of_every_column(name):
    record, parts = trained(run_of(name, labels=LABELS, init="random"))
    finished = load_model(record.id)
    assert finished.columns == {"half day": HALVES}
    seen = predictions.predict_columns(parts.method, parts.task)
    images = parts.task.target_test
    every = finished.forward_columns(
        images.to_input(torch.arange(len(images)), torch.device("cpu"))
    )
    for logits, expected in zip(every, seen.values(), strict=True):
        torch.testing.assert_close(logits, expected.target_logits, atol=1e-4, rtol=1e-4)
    bytes_of = finished.predict_columns(np.zeros((3, 20, 20, 3), np.uint8))
    assert {column: len(names) for column, names in bytes_of.items()} == {
        "parity": 3,
        "half day": 3,
    }
    assert {*bytes_of["parity"]} <= {*finished.classes}
    assert {*bytes_of["half day"]} <= {*HALVES}
    alone = predictions.predict(parts.method, parts.task)
    assert torch.equal(seen[""].target_logits, alone.target_logits)


def test_a_run_without_columns_stores_what_it_always_did():
    record, parts = trained(run_of("dann"))
    assert find_heads(parts.method) is None
    assert "label_columns" in record.settings
    assert load_model(record.id).columns == {}
    assert not [key for key in record.curve[-1] if key.endswith(("/mean", "/half day"))]


def test_a_source_free_method_takes_the_heads_of_its_beginning(monkeypatch):
    first = train(run_of("source_only", labels=LABELS), save_weights=True, quiet=True, device="cpu")
    begun = replace(run_of("shot", labels=LabelColumns(LABELS.label_columns)), init=first.id)
    head = find_heads(assemble(begun, "cpu").method).each[0][0].weight
    theirs = find_heads(load_model(first.id).method).each[0][0].weight
    assert torch.equal(head, theirs)
    monkeypatch.setattr(tasks, "open_domains", partial(opened, turned=True))
    method = assemble(begun, "cpu").method
    assert torch.equal(find_heads(method).each[0][0].weight, theirs.flip(0))
    record = train(begun, quiet=True, device="cpu")
    assert "target_accuracy/half day" in record.curve[-1]
    assert not find_heads(method).each[0][0].weight.requires_grad


def test_a_beginning_without_a_head_is_refused():
    first = train(run_of("source_only"), save_weights=True, quiet=True, device="cpu")
    begun = replace(run_of("shot", labels=LABELS), init=first.id)
    with pytest.raises(ValueError, match="has no head of 'half day', and learned its class alone"):
        assemble(begun, "cpu")


@pytest.mark.slow
def test_an_exported_file_has_all_heads(tmp_path, capsys):
    record, _ = trained(run_of("dann", labels=LABELS))
    records.save(record, tmp_path / "results")
    file = tmp_path / "all.onnx"
    export(record, file)
    names = [output.name for output in onnx.load(file).graph.output]
    assert names == ["probabilities", "logits", "probabilities_half day", "logits_half day"]
    pixels = pictures("flower.jpg").x[:5].numpy()
    shipped, ours = load_onnx(file), wrap_network(load_model(record.id))
    assert shipped.columns == ours.columns == {"half day": HALVES}
    for a, b in zip(shipped.outputs(pixels), ours.outputs(pixels), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    Image.fromarray(pixels[0]).save(tmp_path / "a.png")
    main(["predict", str(file), str(tmp_path / "a.png")])
    words = capsys.readouterr().out.split()
    assert (words[1] in CLASSES, words[3] in HALVES) == (True, True)
    main(["predict", str(file), str(tmp_path / "a.png"), "--csv"])
    head, line = capsys.readouterr().out.splitlines()
    ends = "", " probability", " am", " pm"
    assert head.split(",")[-4:] == [f"half day{end}" for end in ends]
    assert len(line.split(",")) == len(head.split(","))
