"""Two interleaved moons: points in the plane in place of images, for tests and toy experiments.

A domain is a rotation in degrees, and has 900 random points, half of them in each of two classes,
`upper` and `lower`. They are drawn on this machine. A task is written `moons:0-40`, from one
rotation to another, `moons:0,20-40` from several, or `moons:0`.
"""

import hashlib
import math

import torch

from da.data.domain import Domain

SYNTAX = "0-40"
DOMAINS = ()
SEVERAL = True


def pair(names: str) -> tuple[str, str]:
    """Split the rotations in a task's name into source and target, or into one and ''.

    Raises:
        ValueError: If a rotation is not a whole number of degrees.
    """
    if names.isdigit():
        return names, ""
    source, _, target = names.partition("-")
    for name in (*source.split(","), *target.split(",")):
        if not name.isdigit():
            raise ValueError(
                f"unknown rotation {name!r} in {names!r}, known: degrees as in {SYNTAX}"
            )
    return source, target


def open_domain(name: str) -> Domain:
    """Draw 900 noisy points, half of each class, rotated about the origin by `name` degrees."""
    g = torch.Generator().manual_seed(int(name))
    y = torch.arange(900) % 2
    t = math.pi * torch.rand(900, generator=g)
    up = torch.stack([t.cos() - 0.5, t.sin() - 0.25], 1)
    x = torch.where(y[:, None] == 0, up, -up) + 0.1 * torch.randn(900, 2, generator=g)
    a = math.radians(float(name))
    x = x @ torch.tensor([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    train, test = torch.arange(300), torch.arange(600, 900)
    rows = {
        "source_train": train,
        "source_test": test,
        "target_train": train + 300,
        "target_test": test,
    }
    digest = hashlib.sha256(x.numpy().tobytes()).hexdigest()
    return Domain(("upper", "lower"), x, y, rows, digest)
