"""Scores of a user's selectors, from outputs that were kept."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from da.config.plug_in_errors import PlugInError
from da.evaluation import kept_outputs
from da.evaluation.kept_outputs import Target, pack
from da.evaluation.predictions import Predictions
from da.results import records
from da.results.output_files import find_outputs, outputs_file
from da.results.records import Record
from da.selection.kept_scores import add_scores, keep_scorable, lacking, save_scores, score_pools
from da.selection.pools import Candidate, Pool, build_pools

TASK = "emoji:noto-twemoji"
ALONE = '''"""The largest source logit."""


def score(p):
    """Return it."""
    return p.source_logits.max().item() if p.target_features is None else float("nan")
'''
TOGETHER = '''"""Difference from the lowest logit of the pool."""

NEEDS = "logits", "runs"
POOL = "{pool}"


def score_pool(pool):
    """Return it."""
    assert all(p.target_features is None for p in pool)
    lows = [p.source_logits.min().item() for p in pool]
    return [low - min(lows) for low in lows]
'''


def outputs(logit: float, features: bool = False) -> Predictions:
    own = [torch.tensor([[logit, logit - 1]]) for _ in range(2)]
    f = [torch.ones(1, 2) if features else None for _ in range(2)]
    return Predictions(own[0], torch.zeros(1, dtype=torch.int64), own[1], *f)


@pytest.fixture
def pools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Pool]:
    """Two runs with two seeds each, whose logits tell method, seed and step."""
    folder = tmp_path / "plugins" / "selectors"
    folder.mkdir(parents=True)
    (folder / "highest.py").write_text(ALONE)
    (folder / "of_task.py").write_text(TOGETHER.format(pool="task"))
    (folder / "of_seeds.py").write_text(TOGETHER.format(pool="seeds"))
    monkeypatch.setenv("DA_PLUGINS", str(tmp_path / "plugins"))
    found = []
    for i, method in enumerate(("dann", "mcc")):
        for seed in range(2):
            id = f"{i}{seed}" * 6
            kept = {s: pack(outputs(100.0 * i + 10 * seed + s, s == 3)) for s in (1, 2, 3)}
            target = Target(torch.zeros(1, dtype=torch.int64), ("a", "b"))
            digest = kept_outputs.save(
                id, kept, torch.zeros(1, dtype=torch.int64), target, tmp_path
            )
            curve = [{"step": s, "target_accuracy": 50.0} for s in kept]
            settings = {"method": method, "task": TASK, "seed": seed}
            found.append(Record(id, settings, curve, 1.0, outputs=digest))
            records.save(found[-1], tmp_path)
    return build_pools(found)


NAMES = "highest", "of_task", "of_seeds"


def test_selectors_score_evaluations_alone_in_their_task_and_beside_other_seeds(
    pools: list[Pool], tmp_path: Path
) -> None:
    assert {*NAMES} <= {*lacking(pools)}
    assert keep_scorable(pools, tmp_path) == pools
    found = score_pools(pools, NAMES, tmp_path)
    scored = add_scores(pools, found)
    seeds = [[[p.get(name) for p in pool.points] for name in NAMES] for pool in scored]
    assert seeds[0] == [[1, 2, None, 101, 102, None], [0, 1, 2, 100, 101, 102], [0] * 6]
    assert seeds[1][1:] == [[0, 1, 2, 100, 101, 102], [10] * 6]


def test_scores_are_written_into_records_that_stay_whole(pools: list[Pool], tmp_path: Path) -> None:
    assert save_scores(score_pools(pools, NAMES[:2], tmp_path), tmp_path) == 4
    record = records.get("111111111111", tmp_path)
    assert record
    first, _, last = record.curve
    assert first == {"step": 1, "target_accuracy": 50, "highest": 111, "of_task": 100}
    assert "highest" not in last
    assert record.outputs == pools[1].candidates[-1].record.outputs


def test_runs_that_begin_in_other_ways_are_no_other_seeds(
    pools: list[Pool], tmp_path: Path
) -> None:
    """Two that begin with unknown runs are alike, and differ from those of other weights."""
    begun = {"0" * 12: "pretrained", "01" * 6: "random", "10" * 6: "a" * 12, "11" * 6: "b" * 12}
    found = [c.record for pool in pools for c in pool.candidates[::3]]
    alike = [
        replace(r, settings=r.settings | {"method": "dann", "init": begun[r.id], "seed": i})
        for i, r in enumerate(found)
    ]
    scored = add_scores(of := build_pools(alike), score_pools(of, ["of_seeds"], tmp_path))
    assert [pool.points[0]["of_seeds"] for pool in scored] == [0, 0, 0, 10]


def test_scores_that_no_record_gets_are_not_counted(pools: list[Pool], tmp_path: Path) -> None:
    found = score_pools(pools, ["highest"], tmp_path)
    assert save_scores({"f" * 12: {1: {"highest": 1.0}}, "0" * 12: {1: {}}} | found, tmp_path) == 4
    assert save_scores({"f" * 12: {1: {"highest": 1.0}}, "0" * 12: {1: {}}}, tmp_path) == 0


def test_pool_of_which_outputs_are_missing_is_not_scored(pools: list[Pool], tmp_path: Path) -> None:
    outputs_file("0" * 12, tmp_path).unlink()
    assert keep_scorable(pools, tmp_path) == pools[1:]


def test_published_outputs_are_found_without_being_read(pools: list[Pool], tmp_path: Path) -> None:
    [first, *_] = found = [pools[0].candidates[0].record, pools[1].candidates[0].record]
    about = {"runs": {first.id: {"outputs": first.outputs, "classes": []}}}
    file = tmp_path / "other" / "outputs" / "set.safetensors"
    kept_outputs.write({f"{first.id}/source_y": torch.zeros(1, dtype=torch.int64)}, about, file)
    assert find_outputs(found, tmp_path / "other") == {first.id}
    assert not find_outputs([replace(first, outputs="else")], tmp_path / "other")
    file.write_bytes(b"no outputs at all")
    assert not find_outputs(found, tmp_path / "other")


def test_unknown_pool_is_named(pools: list[Pool], tmp_path: Path) -> None:
    (tmp_path / "plugins" / "selectors" / "of_moon.py").write_text(TOGETHER.format(pool="moon"))
    with pytest.raises(PlugInError, match=r"of_moon.py: POOL is 'moon', known: task, seeds"):
        score_pools(pools, ["of_moon"], tmp_path)


def test_a_score_that_an_evaluation_cannot_have_is_not_asked_for():
    def pool(**scores: float) -> Pool:
        record = Record("a" * 12, {"method": "mcc"}, [], 0.0)
        return Pool("moons:0-40", 0, (Candidate("mcc", record, {"step": 1, **scores}),), None)

    assert "discriminator" in lacking([pool(infomax=1.0)])  # a record of before all were computed
    assert lacking([pool(infomax=1.0, diversity=1.0)]) == ["agreement_line", "disagreement", "ensv"]
