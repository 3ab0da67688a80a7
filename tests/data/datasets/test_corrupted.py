"""Data sets of corrupted images: what a target is made of, and what is told."""

import hashlib

import pytest
import torch

from da.config.task_name import TaskName
from da.data import tasks
from da.data.corruptions import corrupt
from da.data.datasets import digits_c, emoji, emoji_c
from da.data.domain import Domain
from da.data.streams import order_stream


@pytest.fixture
def style(monkeypatch) -> Domain:
    """Ten pictures, of which the first four are for training a source."""
    x = torch.randint(0, 256, (10, 8, 8, 3), dtype=torch.uint8)
    rows = {"source_train": torch.arange(4), "source_test": torch.arange(8, 10)}
    rows |= {"target_train": torch.arange(4, 8), "target_test": torch.arange(8, 10)}
    digest = hashlib.sha256(x.numpy().data).hexdigest()
    made = Domain(("a", "b"), x, torch.arange(10) % 2, rows, digest)
    monkeypatch.setattr(emoji, "open_domain", lambda name, columns=(): made)
    return made


def test_a_target_is_what_no_source_trains_on_after_the_corruption(style):
    domain = emoji_c.open_domain("noto.fog5")
    assert domain.x.equal(torch.from_numpy(corrupt(style.x[4:].numpy(), "fog", 5)))
    assert domain.y.equal(style.y[4:])
    again = emoji_c.open_domain("noto.fog5")
    assert again.x.equal(domain.x)
    assert again.data_digest == domain.data_digest
    clean = emoji_c.open_domain("noto")
    assert clean.rows["target_test"].tolist() == [4, 5, 6, 7, 8, 9]
    assert clean.rows["source_test"].tolist() == [8, 9]


def test_a_stream_goes_through_corruptions(style):
    name = "emoji_c:noto-noto,noto.fog1,noto.snow5"
    task = tasks.load_task(f"{name}+stream:listed")
    assert len(task.source_train) == 4
    assert [len(part) for part in order_stream(task, 0)] == [6, 6, 6]
    seen = task.target_test.take(torch.cat(order_stream(task, 0)))
    assert seen[:6].equal(style.x[4:])
    assert seen[12:].equal(torch.from_numpy(corrupt(style.x[4:].numpy(), "snow", 5)))
    every = tasks.load_task("emoji_c:noto-noto.all5+stream")
    assert len(order_stream(every, 0)) == 15
    assert TaskName.parse(every.name).targets[9] == "noto.fog5"
    up = tasks.load_task("emoji_c:noto-noto.fog1,noto.fog2,noto.fog3+stream:gradual")
    assert len(up.target_test) == 30


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("emoji_c:noto.fog5-noto", "unknown source 'noto.fog5' in .*, known: noto, twemoji"),
        (
            "emoji_c:noto-noto.fog6",
            "unknown domain 'noto.fog6' .* known: noto, .* after all, ga",
        ),
        ("emoji_c:noto-noto.", "unknown domain 'noto.'"),
        ("emoji_c:noto-fog5", "unknown domain 'fog5'"),
        ("emoji_c:noto-noto.fog5,noto.all5", "has a domain twice"),
        ("emoji_c:noto-noto.all", "unknown domain 'noto.gaussian_noise'"),
    ],
)
def test_domains_that_are_not_there_are_told(name, said):
    with pytest.raises(ValueError, match=said):
        tasks.parse_task(name)


def test_digits_are_named_alike():
    assert digits_c.pair("mnist-mnist.fog5,synfont") == ("mnist", "mnist.fog5,synfont")
