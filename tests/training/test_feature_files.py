"""Features that runs need are computed once, and go on where they were stopped."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from da.models import feature_shards
from da.models.features import CHUNK, features_file
from da.system import checksums
from da.system.cache import cache_home
from da.system.locks import is_held
from da.training.feature_files import LocalFeatures, Shard, compute_files, find_needs
from da.training.setup import assemble
from tests.fixtures.frozen import ON_FEATURES, store_weights
from tests.fixtures.points import BEGUN

RESULTS = Path("results")


class Counted(LocalFeatures):
    """This process, which knows what it has computed."""

    def __init__(self) -> None:
        super().__init__(RESULTS, "cpu")
        self.seen: list[tuple[str, int]] = []

    def compute(self, shards: Sequence[Shard]) -> Iterator:
        for (need, number), x in super().compute(shards):
            self.seen.append((need.domain, number))
            yield (need, number), x


@pytest.fixture(autouse=True)
def _weights(monkeypatch):
    monkeypatch.setattr(feature_shards, "SHARD", 4 * CHUNK)
    store_weights()


def test_a_sweep_finds_the_files_that_it_would_make(monkeypatch):
    needs = find_needs([BEGUN, ON_FEATURES], RESULTS)
    assert [(need.domain, need.images, need.stored) for need in needs] == [
        ("moons:0", 900, False),
        ("moons:20", 900, False),
    ]
    done = [*compute_files(needs, where := Counted())]
    assert where.seen == [("moons:0", 0), ("moons:0", 1), ("moons:20", 0), ("moons:20", 1)]
    assert [(step.images, step.done) for step in done] == [(512, False), (388, True)] * 2
    assert all(need.stored for need in find_needs([ON_FEATURES], RESULTS))
    made = [features_file(need.file).read_bytes() for need in needs]
    for need in needs:
        features_file(need.file).unlink()
    assemble(ON_FEATURES, "cpu")
    assert [features_file(need.file).read_bytes() for need in needs] == made


def test_what_was_stopped_goes_on_with_the_shards_that_are_left():
    needs = find_needs([ON_FEATURES], RESULTS)
    with closing(compute_files(needs, Counted())) as steps:
        for _ in range(3):
            step = next(steps)
        assert step.need.domain == "moons:20"
        locks = [path for path in (cache_home() / "shards").glob(".*.lock")]
        assert len(locks) == 2
        assert all(map(is_held, locks))
    assert features_file(needs[0].file).exists()
    done = [*compute_files(needs, where := Counted())]
    assert where.seen == [("moons:20", 1)]
    assert [(step.need.domain, step.images) for step in done] == [("moons:0", 0), ("moons:20", 388)]
    assert not [*(cache_home() / "shards").iterdir()]


def test_shards_that_are_all_there_are_only_joined(monkeypatch):
    needs = find_needs([ON_FEATURES], RESULTS)[:1]

    def leave(_) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(feature_shards.Shards, "join", leave)
        with pytest.raises(KeyboardInterrupt):
            [*compute_files(needs, Counted())]
    (step,) = compute_files(needs, where := Counted())
    assert (step.images, step.done, where.seen) == (0, True, [])
    assert features_file(needs[0].file).exists()


def test_a_damaged_file_is_computed_again(capsys):
    needs = find_needs([ON_FEATURES], RESULTS)
    assert [*compute_files(needs, LocalFeatures(RESULTS, "cpu"))]
    file = features_file(needs[0].file)
    right = file.read_bytes()
    file.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    needs = find_needs([ON_FEATURES], RESULTS)
    assert [need.stored for need in needs] == [False, True]
    assert [*compute_files(needs[:1], where := Counted())]
    assert where.seen == [("moons:0", 0), ("moons:0", 1)]
    assert file.read_bytes() == right
    assert f"{file} is damaged: making it again" in capsys.readouterr().err


def test_files_of_another_user_are_stored_though_they_get_no_checksums(monkeypatch):
    needs = find_needs([ON_FEATURES], RESULTS)
    assert [*compute_files(needs, LocalFeatures(RESULTS, "cpu"))]
    for need in needs:
        checksums.sums_file(features_file(need.file)).unlink()

    def refuse(*_) -> None:
        raise PermissionError("read only")

    monkeypatch.setattr(checksums, "store", refuse)
    assert all(need.stored for need in find_needs([ON_FEATURES], RESULTS))


def test_features_of_a_run_to_come_are_not_computed():
    later = replace(BEGUN, seed=5)
    (first, *_) = find_needs([later, replace(ON_FEATURES, init=later.id)], RESULTS)
    assert first.is_to_come
    assert not any(need.is_to_come for need in find_needs([ON_FEATURES], RESULTS))


def test_several_sources_are_domains_of_their_own():
    needs = find_needs([replace(ON_FEATURES, task="moons:0,9-20")], RESULTS)
    assert [need.domain for need in needs] == ["moons:0", "moons:9", "moons:20"]


def test_runs_on_images_need_no_features():
    with pytest.raises(ValueError, match="no run of the experiment is of regime frozen"):
        find_needs([BEGUN], RESULTS)
