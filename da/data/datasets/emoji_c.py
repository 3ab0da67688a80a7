"""Emoji after 15 corruptions at five severities, for streams of test images.

A task is written `emoji_c:noto-noto.fog5,noto.snow5`: the source is a clean style of the data set
`emoji`, and targets are its other emoji, which no source trains on, after a corruption. `noto` as a
target are these without one, and `noto.all5` stands for all corruptions at severity 5. Names and
order of the corruptions are published (Hendrycks & Dietterich 2019). Their parameters are our own,
for pictures of 96 x 96 pixels: numbers do not compare with those on CIFAR-10-C or ImageNet-C.

A target has about 470 images in 11 classes, which are both for training and for tests. They are
made on this machine of the pictures of `emoji`, whose licenses hold.
"""

from da.data.datasets import emoji
from da.data.datasets._corrupted import open_corrupted, rows_without_source, split_corrupted
from da.data.domain import Domain

DOMAINS = "noto", "twemoji", "fluent", "contrast", "openmoji"
SYNTAX = "noto-noto.fog5,noto.snow5"
CORRUPTED = True


def open_domain(name: str) -> Domain:
    """Open a style, or its held-out emoji after a corruption, which are made at the first call."""
    return open_corrupted("emoji_c", name, emoji.open_domain, rows_without_source)


def pair(names: str) -> tuple[str, str]:
    """Split the domains of a task's name."""
    return split_corrupted(names, DOMAINS)
