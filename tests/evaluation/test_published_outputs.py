"""A small file has the outputs of one task, which are found like those of a run."""

from dataclasses import replace

import pytest
import torch

from da.evaluation import kept_outputs, published_outputs
from da.evaluation.kept_outputs import Target, pack
from da.evaluation.published_outputs import publish_outputs
from da.results.output_files import find_outputs
from da.results.records import Record
from tests.evaluation.test_kept_outputs import predictions

IDS = [digit * 12 for digit in "abcd"]
SETTINGS = [
    {"task": "zoo:a-b", "seed": 0},
    {"task": "zoo:a-b+3shot", "seed": 0},
    {"task": "zoo:a-b", "seed": 1},
    {"task": "zoo:a-c", "seed": 0},
]


def stored(folder) -> list[Record]:
    found = []
    for id, settings in zip(IDS, SETTINGS, strict=True):
        kept = {step: pack(predictions(step, d=40)) for step in (20, 100)}
        target = Target(torch.arange(5) % 3, ("a", "b", "c"))
        digest = kept_outputs.save(id, kept, torch.arange(7) % 3, target, folder)
        found.append(Record(id, settings, [], 0.0, outputs=digest))
    return found


def test_published_outputs_are_found_with_all_logits_and_the_last_features(tmp_path):
    found = stored(tmp_path)
    made = publish_outputs(found, "zoo:a-b", "pets", tmp_path, tmp_path / "published")
    assert (made.file.name, made.runs, made.width) == ("pets.safetensors", 2, 256)
    for record in found[:2]:
        there = kept_outputs.load(record, tmp_path / "published")
        own = kept_outputs.load(record, tmp_path)
        assert list(there) == [20, 100]
        assert there[20].target_logits.equal(own[20].target_logits)
        assert there[20].target_features is None
        assert there[100].target_features.equal(own[100].target_features)
        assert kept_outputs.load_target(record, tmp_path / "published").classes == ("a", "b", "c")
    others = [*found[2:], replace(found[0], outputs="0" * 64)]
    assert not find_outputs(others, tmp_path / "published")


def test_features_have_as_few_numbers_as_fit(tmp_path, monkeypatch):
    found = stored(tmp_path)
    monkeypatch.setattr(published_outputs, "MOST", 5_000)
    made = publish_outputs(found, "zoo:a-b", "pets", tmp_path, tmp_path / "published")
    assert 0 < made.width < 40
    assert made.file.stat().st_size <= 5_000
    last = kept_outputs.load(found[0], tmp_path / "published")[100]
    assert last.target_features.shape[1] == last.head_weight.shape[1] <= made.width
    monkeypatch.setattr(published_outputs, "MOST", 1_000)
    with pytest.raises(ValueError, match="logits of these runs alone have more than"):
        publish_outputs(found, "zoo:a-b", "pets", tmp_path, tmp_path / "published")


def test_a_task_without_outputs_is_named(tmp_path):
    found = stored(tmp_path)
    with pytest.raises(ValueError, match="unknown task 'zoo:x-y', known: zoo:a-b"):
        publish_outputs(found, "zoo:x-y", "pets", tmp_path, tmp_path)
    with pytest.raises(ValueError, match="no run of zoo:a-b and seed 0 has outputs"):
        publish_outputs(found, "zoo:a-b", "pets", tmp_path / "empty", tmp_path)
