import threading
import time
from dataclasses import replace
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from da.data import draws, loaders, tasks
from da.data.batch import tensors
from da.data.domain import Domain, Task
from da.data.draws import draw
from da.data.loaders import batches, prefetch, stream, target_batches
from da.data.transforms import Resize
from tests.conftest import points

N = 12


def domain(x: torch.Tensor) -> Domain:
    """Its target training images are the second half, so that rows are no positions."""
    made = points(x, torch.arange(2 * N) % 2)
    return replace(made, rows=made.rows | {"target_train": torch.arange(N, 2 * N)})


@pytest.fixture
def numbered() -> Task:
    """A feature says which row it is; those of the target are negative."""
    rows = torch.arange(2 * N, dtype=torch.float32)[:, None]
    return tasks.build_task("moons:0-1+2shot", domain(rows), domain(-rows))


@pytest.fixture
def pictures() -> Task:
    x = torch.randint(256, (2 * N, 6, 6, 3), dtype=torch.uint8)
    some = replace(domain(x), resize=Resize(5))
    return tasks.build_task("moons:0-1", some, some)


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


@pytest.mark.parametrize("augment", ["none", "crop"])
def test_batches_from_a_step_on_are_those_of_that_step(pictures, augment):
    later = first(3, pictures, 8, 0, augment=augment, start=4)
    same = first(7, pictures, 8, 0, augment=augment)[4:]
    for ours, theirs in zip(later, same, strict=True):
        assert all(map(torch.equal, tensors(ours), tensors(theirs)))
    alone = list(islice(target_batches(pictures, 8, 0, augment=augment), 5))
    begun = next(target_batches(pictures, 8, 0, augment=augment, start=4))
    assert begun.target.x.equal(alone[4].target.x)
    shown = [batch.target.index for batch in stream(pictures.target_test, 5, 0)]
    left = [batch.target.index for batch in stream(pictures.target_test, 5, 0, start=1)]
    assert torch.cat(left).equal(torch.cat(shown[1:]))


def test_epochs_differ_in_order():
    assert not draw(N, N, 0, 0).equal(draw(N, N, 1, 0))


def test_same_seed_and_step_are_the_same_images_whatever_was_drawn_before():
    once = draw(N, 5, 7, 3)
    draw(N, 5, 2, 9)
    torch.rand(1)
    draws.shuffle.cache_clear()
    draws._block.cache_clear()
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
    assert first(1, pictures, 4, 0)[0].shots is None


def test_batches_may_be_larger_than_a_domain(numbered):
    batch = first(1, numbered, 2 * N + 1, 0)[0]
    assert {int(n) for n in batch.source.x[:, 0].unique(return_counts=True)[1]} == {2, 3}


def test_features_pass_as_they_are(numbered):
    seen = first(1, numbered, 4, 0, augment="crop_flip")[0].source.x
    assert seen.equal(draw(N, 4, 0, 0)[:, None].float())


def test_pixels_become_network_input(pictures):
    batch = first(1, pictures, 4, 0)[0]
    for x in (batch.source.x, batch.target.x):
        assert x.shape == (4, 3, 5, 5)
        assert x.dtype == torch.uint8  # a quarter of the memory; the backbone makes them numbers
        assert x.max() > 127


def test_random_crops_are_those_of_seed_and_step(pictures):
    x = pictures.source_train.x[:1].expand(2 * N, -1, -1, -1)
    alike = replace(pictures, source_train=replace(pictures.source_train, x=x))

    def seen(seed: int) -> list[torch.Tensor]:
        return [b.source.x for b in first(2, alike, N, seed, augment="crop_flip")]

    ours, twin, other = seen(0), seen(0), seen(1)
    assert all(a.equal(b) for a, b in zip(ours, twin, strict=True))
    assert not any(ours[0].equal(x) for x in (ours[1], *other))


CPU = torch.device("cpu")


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 30), size=st.integers(1, 70), step=st.integers(0, 40))
def test_draw_is_a_piece_of_the_chain_of_shuffles(n, size, step):
    epochs = range((step + 1) * size // n + 1)
    chain = torch.cat([draws.shuffle(n, 5, 2, epoch) for epoch in epochs])
    assert draw(n, size, step, 5, 2).equal(chain[step * size : (step + 1) * size])


@pytest.mark.parametrize("augment", ["none", "crop"])
def test_no_generator_is_made_where_nothing_is_random(numbered, monkeypatch, augment):
    keys = []
    generator = draws.generator
    monkeypatch.setattr(loaders, "generator", lambda *key: keys.append(key) or generator(*key))
    first(2, numbered, 4, 0, augment=augment)
    assert not [key for key in keys if key[1] == draws.VIEWS]


def test_features_of_several_views_show_one(numbered):
    views = torch.arange(2 * N)[:, None, None] + torch.tensor([[0.0], [0.25], [0.5]])
    source = domain(views)
    task = tasks.build_task("moons:0-1+2shot", source, source)
    seen = torch.cat([b.source.x for b in first(20, task, 4, 0)])
    i = torch.cat([draw(N, 4, step, 0, 0) for step in range(20)])
    assert (seen[:, 0] - i).unique().tolist() == [0, 0.25, 0.5]
    again = torch.cat([b.source.x for b in first(20, task, 4, 0)])
    assert again.equal(seen)


def test_prefetched_batches_are_the_same_in_the_same_order(pictures):
    def seen(wrap) -> list[torch.Tensor]:
        made = wrap(batches(pictures, 4, 0, augment="strong"))
        return [x for b in islice(made, 6) for x in (b.source.x, b.source.y, b.target.index)]

    pairs = zip(seen(iter), seen(lambda made: prefetch(made, CPU)), strict=True)
    assert all(a.equal(b) for a, b in pairs)


def test_prefetching_ends_where_the_batches_do(numbered):
    three = first(3, numbered, 4, 0)
    assert list(prefetch(iter(three), CPU)) == three
    assert list(prefetch(iter(three), CPU, 9)) == three


def test_prefetching_is_ahead_by_as_many_as_asked(numbered):
    made = []
    source = (made.append(i) or batch for i, batch in enumerate(batches(numbered, 4, 0)))
    ahead = prefetch(source, CPU, 3)
    next(ahead)
    time.sleep(0.1)
    assert len(made) <= 4
    ahead.close()


def test_what_fails_in_the_thread_is_raised_after_the_good_batches(numbered):
    def failing():
        yield from first(2, numbered, 4, 0)
        raise ValueError("no such image")

    made = prefetch(failing(), CPU)
    assert len([next(made), next(made)]) == 2
    with pytest.raises(ValueError, match="no such image"):
        next(made)
    assert not alive()


def alive() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("batches")]


@pytest.mark.parametrize("leave", ["close", "delete", "before the first"])
def test_the_thread_ends_when_the_consumer_stops(numbered, leave):
    made = prefetch(batches(numbered, 4, 0), CPU)
    if leave != "before the first":
        next(made)
        assert alive()
    if leave == "close":
        made.close()
    del made
    assert not alive()


def test_batches_on_their_device_are_not_prefetched(numbered):
    made = batches(numbered, 4, 0)
    next(made)
    assert not alive()


@pytest.mark.parametrize("x", [torch.rand(2 * N, 1), torch.zeros(2 * N, 3, 3, 3).byte()])
def test_images_stay_where_they_are_on_a_cpu(x):
    assert loaders.place_near(x, CPU) is x


@pytest.mark.parametrize("pages", [1, 10**9])
def test_images_are_read_once_where_they_fit_into_memory(monkeypatch, pages):
    read = []
    monkeypatch.setattr(loaders, "_read", read.append)
    sizes = {"SC_PHYS_PAGES": pages, "SC_PAGE_SIZE": 1}
    monkeypatch.setattr(loaders.os, "sysconf", sizes.get)
    x = torch.rand(2 * N, 1)
    loaders.place_near(x, CPU)
    assert read == ([x] if pages > 2 * x.nbytes else [])


def test_a_batch_may_have_several_target_images_for_each_source_image(numbered):
    first = next(batches(numbered, 4, 0, target_images=3))
    assert (len(first.source.x), len(first.target.x), len(first.target.index)) == (4, 12, 12)
    usual = next(batches(numbered, 4, 0))
    assert usual.source.x.equal(first.source.x)
    assert usual.target.x.equal(first.target.x[:4])
