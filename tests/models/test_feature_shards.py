"""Shards become the file of features that one computation makes, to the bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from da.data.domain import Domain
from da.data.joined import JoinedPixels
from da.data.transforms import Resize, scale
from da.models import feature_shards
from da.models.feature_shards import Shards, compute_shard
from da.models.features import CHUNK, Extractor, Recipe, extract_features, list_files
from da.models.frozen_backbone import FrozenBackbone
from da.system.cache import cache_home
from tests.conftest import points
from tests.fixtures.files import age

CPU = torch.device("cpu")
N = 3 * CHUNK + 7
PLAIN, VIEWS = Recipe(), Recipe("fp32", "crop", 1)


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(feature_shards, "SHARD", 2 * CHUNK)


@pytest.fixture
def images() -> Domain:
    g = torch.Generator().manual_seed(0)
    x = torch.randint(256, (N, 6, 6, 3), generator=g, dtype=torch.uint8)
    return replace(points(x, torch.arange(N) % 2), resize=Resize(6))


class Small(nn.Module):
    """A network with a batch norm to fold."""

    width = 9

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        conv, norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.body = nn.Sequential(conv, norm, nn.Flatten(), nn.Linear(64, 9))

    def forward(self, x):
        return self.body(scale(x))


BACKBONE = FrozenBackbone(Small, "known", name="small")


def open_shards(domain: Domain, recipe: Recipe) -> tuple[Shards, Extractor]:
    ((file, part),) = list_files(domain, BACKBONE, recipe)
    return Shards(file, N), Extractor(part, BACKBONE, recipe, CPU)


def left() -> list[str]:
    return sorted(file.name for file in (cache_home() / "shards").iterdir())


@pytest.mark.parametrize("recipe", [PLAIN, VIEWS])
@pytest.mark.parametrize("decoded", [True, False])
def test_shards_become_the_file_of_one_computation(images, recipe, decoded):
    if not decoded:
        images = replace(images, x=JoinedPixels((images.x[:200], images.x[200:])))
    shards, extractor = open_shards(images, recipe)
    assert shards.list_missing() == [0, 1]
    for number in (1, 0):
        shards.save(number, compute_shard(extractor, number))
    joined = shards.join().read_bytes()
    assert left() == []
    shards.file.unlink()
    extract_features(images, BACKBONE, recipe, CPU)
    assert shards.file.read_bytes() == joined


def test_what_is_stored_is_not_missing_and_what_is_damaged_is(images):
    shards, extractor = open_shards(images, PLAIN)
    for number in range(shards.count):
        shards.save(number, compute_shard(extractor, number))
    assert [shards.size(number) for number in range(2)] == [256, 135]
    assert shards.list_missing() == []
    files = sorted((cache_home() / "shards").glob("*.npy"))
    np.save(files[0], np.zeros((255, 9), np.float32))
    files[1].write_bytes(files[1].read_bytes()[:500])
    assert shards.list_missing() == [0, 1]


def test_a_shard_is_whole_or_not_there(images, monkeypatch):
    shards, _ = open_shards(images, PLAIN)

    def break_off(file, _) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", break_off)
    with pytest.raises(KeyboardInterrupt):
        shards.save(0, np.zeros((256, 9), np.float32))
    assert left() == []


def test_shards_that_nobody_wants_go_with_time(images):
    shards, extractor = open_shards(images, PLAIN)
    others = Shards(shards.file.with_name(f"{'a' * 24}.npy"), N)
    for of in (shards, others):
        of.save(0, compute_shard(extractor, 0))
        of.save(1, compute_shard(extractor, 1))
    age(cache_home() / "shards" / f"{'a' * 24}-00000.npy")
    shards.join()
    assert left() == [f"{'a' * 24}-00001.npy"]
