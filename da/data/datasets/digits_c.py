"""Digits after 15 corruptions at five severities, for streams of test images.

A task is written `digits_c:mnist-mnist.fog5,mnist.snow5`: the source is a clean style of the data
set `digits`, and targets are the test images of a style after a corruption. `mnist` as a target are
these without one, and `mnist.all5` stands for all corruptions at severity 5. Names and order of the
corruptions are published (Hendrycks & Dietterich 2019). Their parameters are our own, for images of
28 x 28 pixels: numbers do not compare with those on MNIST-C, CIFAR-10-C or ImageNet-C.

Images of a target are both for training and for tests: 10,000 of `mnist` and `mnistm`, 4,000 of
`synfont` and 570 of `optdigits`. They are made on this machine.
"""

from da.data.datasets import digits
from da.data.datasets._corrupted import open_corrupted, rows_without_source, split_corrupted
from da.data.domain import Domain

DOMAINS = "mnist", "mnistm", "optdigits", "synfont"
SYNTAX = "mnist-mnist.fog5,mnist.snow5"
CORRUPTED = True


def open_domain(name: str) -> Domain:
    """Open a style, or its test images after a corruption, which are made at the first call."""
    return open_corrupted("digits_c", name, digits.open_domain, rows_without_source)


def pair(names: str) -> tuple[str, str]:
    """Split the domains of a task's name."""
    return split_corrupted(names, DOMAINS)
