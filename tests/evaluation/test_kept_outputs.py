"""Files of outputs give back what was kept, and are the record's or refused."""

from dataclasses import fields, replace

import pytest
import torch

from da.evaluation import kept_outputs
from da.evaluation.kept_outputs import OutputsError, Target, pack, unpack
from da.evaluation.predictions import Predictions
from da.results.output_files import outputs_file
from da.results.records import Record

ID = "0123456789ab"


def predictions(step: int = 0, n: int = 7, m: int = 5, k: int = 3, d: int = 4) -> Predictions:
    """Return random outputs with all fields."""
    draw = torch.Generator().manual_seed(step)

    def rows(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw)

    return Predictions(
        rows(n, k),
        torch.arange(n) % k,
        rows(m, k),
        source_features=rows(n, d),
        target_features=rows(m, d),
        source_domain=rows(n),
        target_domain=rows(m),
        target_views=rows(2, m, k),
        mixed_logits=rows(2, m, k),
        mixed_with=torch.randint(-1, m, (2, m), generator=draw),
        head_weight=rows(k, d),
    )


def save(results) -> Record:
    seen = {step: predictions(step) for step in (20, 100)}
    kept = {step: pack(one) for step, one in seen.items()}
    target = Target(torch.arange(5) % 3, ("a", "b", "c"))
    digest = kept_outputs.save(ID, kept, seen[20].source_y, target, results)
    return Record(ID, {}, [], 0.0, outputs=digest)


def test_outputs_come_back_as_they_were_rounded(tmp_path):
    found = kept_outputs.load(save(tmp_path), tmp_path)
    assert list(found) == [20, 100]
    for step, seen in found.items():
        given = predictions(step)
        rounded = unpack(pack(given), given.source_y)
        for field in fields(Predictions):
            assert torch.equal(getattr(seen, field.name), getattr(rounded, field.name))
        assert torch.equal(seen.target_logits, given.target_logits)
        assert torch.allclose(seen.target_features, given.target_features, rtol=1e-3, atol=1e-3)


def test_what_is_not_there_stays_away(tmp_path):
    few = replace(predictions(), target_views=None, head_weight=None)
    seen = unpack(pack(few), few.source_y)
    assert seen.target_views is None
    assert seen.head_weight is None
    assert seen.mixed_with is not None
    assert seen.mixed_with.dtype == torch.int64


def test_numbers_beyond_float16_stay_finite():
    wild = replace(predictions(), target_features=torch.full((5, 4), 1e6))
    assert unpack(pack(wild), wild.source_y).target_features.isfinite().all()


def test_target_classes_stand_outside_of_predictions(tmp_path):
    record = save(tmp_path)
    target = kept_outputs.load_target(record, tmp_path)
    assert target.y.tolist() == [0, 1, 2, 0, 1]
    assert target.classes == ("a", "b", "c")
    assert not any(
        "target_y" in vars(seen) for seen in kept_outputs.load(record, tmp_path).values()
    )


def test_the_same_outputs_make_the_same_file(tmp_path):
    assert save(tmp_path / "a").outputs == save(tmp_path / "b").outputs


def test_outputs_of_another_record_are_refused_in_a_line(tmp_path):
    record = save(tmp_path)
    with pytest.raises(OutputsError, match="does not belong to the record of run 0123456789ab"):
        kept_outputs.load(replace(record, outputs="0" * 64), tmp_path)
    with pytest.raises(OutputsError, match=r"no outputs of run ba9876543210 .*--outputs all"):
        kept_outputs.load(replace(record, id="ba9876543210"), tmp_path)


@pytest.mark.parametrize("length", [0, 7, 300])
def test_a_cut_file_is_refused_in_a_line(tmp_path, length):
    record = save(tmp_path)
    file = outputs_file(ID, tmp_path)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(OutputsError, match=r"does not belong|damaged"):
        kept_outputs.load(record, tmp_path)
