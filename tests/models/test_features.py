import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from da.data.domain import Domain
from da.data.draws import generator
from da.data.transforms import Resize, crop_center, scale
from da.data.views import augment_images
from da.models import features
from da.models.backbones import frozen_backbone
from da.models.features import Recipe, extract_features, time_features
from da.models.frozen_backbone import FrozenBackbone
from da.system.cache import cache_home
from da.system.checksums import sums_file
from tests.conftest import points
from tests.fixtures.files import age

CPU = torch.device("cpu")
N = 130
SIX = Recipe()


class Small(nn.Module):
    """A bit of a network, in which every image counts."""

    seen = 0
    width = 64

    def __init__(self, seed: int = 0):
        super().__init__()
        torch.manual_seed(seed)
        pool = nn.AdaptiveAvgPool2d(4)
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), pool, nn.Flatten())
        self.body[1].running_mean.fill_(0.1)

    def forward(self, x):
        Small.seen += len(x)
        return self.body(scale(x))


@pytest.fixture
def images() -> Domain:
    g = torch.Generator().manual_seed(0)
    x = torch.randint(256, (N, 6, 6, 3), generator=g, dtype=torch.uint8)
    return replace(points(x, torch.arange(N) % 2), resize=Resize(6))


def small(seed: int = 0) -> FrozenBackbone:
    return FrozenBackbone(lambda: Small(seed))


def computed(domain: Domain, backbone: FrozenBackbone, recipe: Recipe = SIX) -> bool:
    """Whether these features were not there yet."""
    before = Small.seen
    extract_features(domain, backbone, recipe, CPU)
    return Small.seen - before >= N


def unit(f: torch.Tensor) -> torch.Tensor:
    return f / f.square().mean(-1, keepdim=True).sqrt()


def test_a_row_is_the_feature_of_its_image_alone(images):
    f = extract_features(images, small(), SIX, CPU).x
    assert f.shape == (N, 64)
    network = small().network
    for i in (0, 31, 32, 127, 128, 129):
        one = network(crop_center(images.x[i : i + 1], Resize(6)))[0]
        torch.testing.assert_close(f[i], unit(one))


def test_features_have_a_root_mean_square_of_1(images):
    f = extract_features(images, small(), SIX, CPU).x
    torch.testing.assert_close(f.square().mean(1), torch.ones(N))


def test_a_feature_of_nothing_but_zeros_stays_finite(images):
    backbone = small()
    for parameter in backbone.network.body[1].parameters():
        parameter.zero_()
    assert extract_features(images, backbone, SIX, CPU).x.equal(torch.zeros(N, 64))


def test_all_but_the_pixels_stays(images):
    made = extract_features(images, small(), SIX, CPU)
    assert (made.classes, made.rows, made.digest) == (images.classes, images.rows, images.digest)
    assert made.y.equal(images.y)


def test_they_are_computed_once(images):
    assert computed(images, small())
    assert not computed(images, small())


def test_runs_of_a_process_share_one_tensor(images):
    a, b = (extract_features(images, small(), SIX, CPU).x for _ in range(2))
    assert a is b


def test_another_process_reads_the_same(images):
    f = extract_features(images, small(), SIX, CPU).x
    features._read.cache_clear()
    g = extract_features(images, small(), SIX, CPU).x
    assert g is not f
    assert g.equal(f)


def test_others_are_computed_anew(images):
    other = replace(images, digest="other")
    crop, flip, more = (
        Recipe("fp32", augment, views)
        for augment, views in (("crop", 1), ("crop_flip", 1), ("crop", 2))
    )
    smaller = replace(images, resize=Resize(5))
    cases = [(images, 0, SIX), (other, 0, SIX), (images, 1, SIX), (smaller, 0, SIX)]
    cases += [(images, 0, recipe) for recipe in (Recipe("bf16"), crop, flip, more)]
    assert all([computed(domain, small(seed), recipe) for domain, seed, recipe in cases])
    assert not any([computed(domain, small(seed), recipe) for domain, seed, recipe in cases])


def test_another_way_to_compute_them_is_another_file(images, monkeypatch):
    extract_features(images, small(), SIX, CPU)
    monkeypatch.setattr(features, "RECIPE", -1)
    assert computed(images, small())


def test_batch_norm_stands_still(images):
    backbone = FrozenBackbone(lambda: Small().train())
    extract_features(images, backbone, SIX, CPU)
    norm = backbone.network.body[1]
    assert norm.num_batches_tracked == 0
    assert norm.running_mean.equal(torch.full((4,), 0.1))


def test_features_of_features(images):
    body = nn.Linear(5, 3)
    body.width = 3
    x = torch.randn(N, 5)
    f = extract_features(replace(images, x=x), FrozenBackbone(lambda: body), SIX, CPU).x
    torch.testing.assert_close(f, unit(body(x)))


def test_a_network_stays_where_it_is(monkeypatch):
    """Each domain asks on the CPU whether it fits, also after features of another on a GPU."""
    body = nn.Linear(5, 3)
    body.width = 3
    backbone = FrozenBackbone(lambda: body)
    monkeypatch.setattr(features, "_features", lambda domain, *_: iter([torch.ones(N, 3)]))
    extract_features(
        points(torch.randn(N, 5), torch.arange(N)), backbone, SIX, torch.device("meta")
    )
    assert body.weight.device == CPU


def test_bf16_is_close(images):
    f, g = (extract_features(images, small(), Recipe(p), CPU).x for p in ("fp32", "bf16"))
    assert f.dtype == g.dtype == torch.float32
    assert not f.equal(g)
    torch.testing.assert_close(f, g, rtol=0, atol=0.05)


def test_view_0_is_the_plain_image(images):
    f = extract_features(images, small(), SIX, CPU).x
    views = extract_features(images, small(), Recipe("fp32", "crop", 2), CPU).x
    assert views.shape == (N, 3, 64)
    torch.testing.assert_close(views[:, 0], f)


def test_every_view_is_another_crop(images):
    views = extract_features(images, small(), Recipe("fp32", "crop", 2), CPU).x
    for a, b in ((0, 1), (0, 2), (1, 2)):
        same = (views[:, a] - views[:, b]).abs().amax(1) < 1e-3
        assert same.float().mean() < 0.1  # of six pixels some crops take the same
    torch.testing.assert_close(views.square().mean(2), torch.ones(N, 3))


@pytest.mark.parametrize("chunk", [0, 1])
def test_a_view_is_a_feature_of_its_augmented_image(images, chunk):
    views = extract_features(images, small(), Recipe("fp32", "crop_flip", 1), CPU).x
    x, f = (each.split(features.CHUNK)[chunk] for each in (images.x, views))
    seen = augment_images(x, Resize(6), "crop_flip", generator(1, chunk))
    torch.testing.assert_close(f[:, 1], unit(small().network(seen)))


def test_views_do_not_depend_on_what_was_drawn_before(images):
    recipe = Recipe("fp32", "crop", 1)
    f = extract_features(images, small(), recipe, CPU).x
    torch.rand(7)
    assert extract_features(replace(images, digest="same"), small(), recipe, CPU).x.equal(f)


def test_a_computation_cut_short_leaves_no_file(images, monkeypatch):
    def break_off(*_):
        yield torch.zeros(64, 64)
        raise KeyboardInterrupt

    monkeypatch.setattr(features, "_features", break_off)
    with pytest.raises(KeyboardInterrupt):
        extract_features(images, small(), SIX, CPU)
    left = [file.name for file in (cache_home() / "features").iterdir()]
    assert left == []


def test_images_that_do_not_fit_leave_no_file(images, capsys):
    tiny = replace(images, resize=Resize(2))
    with pytest.raises(ValueError, match="backbone small does not fit images of 2 x 2 pixels"):
        extract_features(tiny, FrozenBackbone(Small, "known", name="small"), SIX, CPU)
    assert not list((cache_home() / "features").glob("*.npy"))
    assert capsys.readouterr().err == ""


def test_weights_are_hashed_once(images, monkeypatch):
    hashed = []
    monkeypatch.setattr(
        "da.models.frozen_backbone.fingerprint", lambda _: hashed.append(1) or "weights"
    )
    backbone = small()
    for digest in "ab":
        extract_features(replace(images, digest=digest), backbone, SIX, CPU)
    assert len(hashed) == 1


def test_known_weights_are_not_built_to_read_features(images):
    extract_features(images, FrozenBackbone(Small, "known"), SIX, CPU)
    made = extract_features(images, FrozenBackbone(pytest.fail, "known"), SIX, CPU)
    assert made.x.shape == (N, 64)


def test_building_draws_no_random_number_from_the_run():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    assert not any(p.requires_grad for p in small().network.parameters())
    assert torch.get_rng_state().equal(state)


@pytest.mark.slow
def test_each_backbone_has_weights_of_its_own():
    assert frozen_backbone("efficientnet_lite0") is frozen_backbone("efficientnet_lite0")
    assert frozen_backbone("efficientnet_lite0").digest.startswith("efficientnet_lite0 ")
    assert (
        frozen_backbone("efficientnet_lite0", "random").digest
        != frozen_backbone("efficientnet_lite0").digest
    )


def test_features_in_use_do_not_grow_old(images):
    extract_features(images, small(), SIX, CPU)
    (file,) = (cache_home() / "features").glob("*.npy")
    age(file)
    extract_features(images, small(), SIX, CPU)
    extract_features(images, small(1), SIX, CPU)
    assert file.exists()
    age(file)
    extract_features(images, small(2), SIX, CPU)
    assert not file.exists()


def stored() -> Path:
    (file,) = (cache_home() / "features").glob("*.npy")
    return file


def zero_rows(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(1000)
        opened.write(bytes(4000))


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES = {
    "zeroed": zero_rows,
    "half": lambda file: os.truncate(file, file.stat().st_size // 2),
    "head": lambda file: os.truncate(file, 20),
    "empty": lambda file: os.truncate(file, 0),
    "garbage": lambda file: file.write_bytes(b"no array" * 99),
    "longer": lambda file: file.write_bytes(file.read_bytes() * 2),
    "shape": lambda file: np.save(file, np.zeros((N + 1, 64), np.float32)),
    "type": lambda file: np.save(file, np.zeros((N, 64))),
    "number": lambda file: np.save(file, np.float32(3)),
    "objects": lambda file: np.save(file, np.array([{}], object), allow_pickle=True),
    "folder": as_folder,
}
noticed_by_shape = pytest.mark.parametrize("damage", sorted(DAMAGES.keys() - {"zeroed", "longer"}))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_features_are_computed_again_and_named(images, capsys, damage):
    f = extract_features(images, small(), SIX, CPU).x.clone()
    DAMAGES[damage](stored())
    assert extract_features(images, small(), SIX, CPU).x.equal(f)
    assert f"{stored()} is damaged: making it again" in capsys.readouterr().err
    assert not computed(images, small())


@noticed_by_shape
def test_damaged_features_of_an_earlier_version_are_computed_again(images, damage):
    f = extract_features(images, small(), SIX, CPU).x.clone()
    sums_file(stored()).unlink()
    DAMAGES[damage](stored())
    assert extract_features(images, small(), SIX, CPU).x.equal(f)


def test_features_of_an_earlier_version_get_checksums(images, capsys):
    f = extract_features(images, small(), SIX, CPU).x.clone()
    sums_file(stored()).unlink()
    assert not computed(images, small())
    zero_rows(stored())
    assert extract_features(images, small(), SIX, CPU).x.equal(f)
    assert "damaged" in capsys.readouterr().err


def test_features_that_are_made_again_stay_as_they_were_for_who_reads_them(images):
    f = extract_features(images, small(), SIX, CPU).x
    zero_rows(stored())
    damaged = f.clone()
    extract_features(images, small(), SIX, CPU)
    assert f.equal(damaged)


class Watch:
    """A clock that goes on when images are computed: 10 s for the first ones, then 1 s each."""

    def __init__(self, first: float = 10.0) -> None:
        self.now, self.first = 0.0, first

    def perf_counter(self) -> float:
        return self.now

    def slow(self, usual):
        def computed(*args):
            for f in usual(*args):
                self.now += self.first or len(f)
                self.first = 0.0
                yield f

        return computed


@pytest.mark.parametrize(
    ("count", "first", "rate"), [(300, 4.0, 1.0), (300, 64.0, 0.5), (130, 4.0, 4 / 128)]
)
def test_the_time_of_features_is_that_of_a_warm_network(monkeypatch, count, first, rate):
    """Of a slow one the first images tell enough, and of few images all."""
    x = torch.zeros(count, 6, 6, 3, dtype=torch.uint8)
    domain = replace(points(x, torch.arange(count) % 2), resize=Resize(6))
    watch = Watch(first)
    monkeypatch.setattr(features, "time", watch)
    monkeypatch.setattr(features, "_features", watch.slow(features._features))
    assert time_features(domain, small(), SIX, CPU) == (rate, 4 * 64)
    assert not (cache_home() / "features").exists()


def test_features_of_views_are_as_large_as_all_of_them(images):
    _, size = time_features(images, small(), Recipe("fp32", "crop", 2), CPU)
    assert size == 3 * 4 * 64
