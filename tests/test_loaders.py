from dataclasses import replace
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import points
from da import domains, loaders, vision
from da.loaders import batches, draw

N = 12


def domain(x: torch.Tensor) -> domains.Domain:
    """Its target training images are the second half, so that rows are no positions."""
    made = points(x, torch.arange(2 * N) % 2)
    return replace(made, rows=made.rows | {"target_train": torch.arange(N, 2 * N)})


@pytest.fixture
def numbered() -> domains.Task:
    """A feature says which row it is; those of the target are negative."""
    rows = torch.arange(2 * N, dtype=torch.float32)[:, None]
    return domains.build("moons:0-1+2shot", domain(rows), domain(-rows))


@pytest.fixture
def pictures() -> domains.Task:
    x = torch.randint(256, (2 * N, 6, 6, 3), dtype=torch.uint8)
    return domains.build("moons:0-1", domain(x), domain(x))


def first(n: int, *args, **kwargs) -> list:
    return list(islice(batches(*args, **kwargs), n))


@settings(deadline=None)
@given(n=st.integers(1, 30), size=st.integers(1, 70), seed=st.integers(0, 2**31))
def test_an_epoch_shows_each_image_once(n, size, seed):
    epochs = 3
    steps = -(-epochs * n // size)
    drawn = torch.cat([draw(n, size, step, seed) for step in range(steps)])
    assert len(drawn) == steps * size
    for epoch in drawn[: epochs * n].split(n):
        assert epoch.sort().values.equal(torch.arange(n))


def test_epochs_differ_in_order():
    assert not draw(N, N, 0, 0).equal(draw(N, N, 1, 0))


def test_same_seed_and_step_are_the_same_images_whatever_was_drawn_before():
    once = draw(N, 5, 7, 3)
    draw(N, 5, 2, 9)
    torch.rand(1)
    loaders._shuffle.cache_clear()
    assert draw(N, 5, 7, 3).equal(once)


def test_another_seed_is_another_order():
    assert not draw(N, N, 0, 0).equal(draw(N, N, 0, 1))


def test_source_and_target_are_drawn_apart(numbered):
    batch = first(1, numbered, N, 0)[0]
    assert not batch.source.x[:, 0].equal(batch.target.index.float())


def test_batches_are_what_draw_says(numbered):
    for step, batch in enumerate(first(4, numbered, 5, seed=3)):
        i, j, k = (draw(n, 5, step, 3, stream) for stream, n in enumerate((N, N, 4)))
        assert batch.source.x[:, 0].equal(i.float())
        assert batch.source.y.equal(i % 2)
        assert batch.target.x[:, 0].equal(-(N + j.float()))
        assert batch.shots.x[:, 0].equal(numbered.shots.x[numbered.shots.rows[k], 0])
        assert batch.shots.y.equal(numbered.shots.y[k])


def test_index_is_a_position_in_the_target_training_images(numbered):
    target = first(1, numbered, N, 0)[0].target
    assert numbered.target_train.take(target.index).equal(target.x)
    assert target.index.sort().values.equal(torch.arange(N))


def test_shots_come_only_where_they_were_bought(numbered, pictures):
    assert first(1, numbered, 4, 0)[0].shots is not None
    assert first(1, pictures, 4, 0, side=6)[0].shots is None


def test_batches_may_be_larger_than_a_domain(numbered):
    batch = first(1, numbered, 2 * N + 1, 0)[0]
    assert {int(n) for n in batch.source.x[:, 0].unique(return_counts=True)[1]} == {2, 3}


def test_features_pass_as_they_are(numbered):
    seen = first(1, numbered, 4, 0, side=99, augment="crop_flip")[0].source.x
    assert seen.equal(draw(N, 4, 0, 0)[:, None].float())


def test_pixels_become_network_input(pictures):
    batch = first(1, pictures, 4, 0, side=5)[0]
    for x in (batch.source.x, batch.target.x):
        assert x.shape == (4, 3, 5, 5)
        assert x.dtype == torch.float32
        assert x.min() >= 0
        assert 0.5 < x.max() <= 1


def test_random_crops_are_those_of_seed_and_step(pictures):
    x = pictures.source_train.x[:1].expand(2 * N, -1, -1, -1)
    alike = replace(pictures, source_train=replace(pictures.source_train, x=x))

    def seen(seed: int) -> list[torch.Tensor]:
        return [b.source.x for b in first(2, alike, N, seed, side=5, augment="crop_flip")]

    ours, twin, other = seen(0), seen(0), seen(1)
    assert all(a.equal(b) for a, b in zip(ours, twin, strict=True))
    assert not any(ours[0].equal(x) for x in (ours[1], *other))


def test_unaugmented_is_the_plain_image_or_the_feature(numbered, pictures):
    x = pictures.source_test.x
    assert vision.unaugmented(x, 4).shape == (2 * N, 3, 4, 4)
    assert vision.unaugmented(numbered.source_test.x, 4) is numbered.source_test.x


def test_images_stay_where_they_are_on_a_cpu():
    images = domain(torch.rand(2 * N, 1))
    assert loaders.resident(images, torch.device("cpu")) is images
