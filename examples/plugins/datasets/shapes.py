"""Four shapes, drawn in ink and in chalk: 400 images for each domain, drawn on your machine."""

import hashlib
import random

import numpy as np
import torch
from PIL import Image, ImageDraw

from da.data.domain import PARTS, Domain

DOMAINS = ("ink", "chalk")
CORNERS = {"triangle": 3, "square": 4, "pentagon": 5, "disk": 40}


def open_domain(name: str) -> Domain:
    """Draw the images of a style, a quarter of them for each role."""
    draws = random.Random(name)
    y = torch.arange(400) % len(CORNERS)
    corners = list(CORNERS.values())
    x = np.stack([draw(name, corners[k], draws) for k in y.tolist()])
    rows = dict(zip(PARTS, torch.arange(400).split(100), strict=True))
    return Domain(tuple(CORNERS), torch.from_numpy(x), y, rows, hashlib.sha256(x).hexdigest())


def draw(style: str, corners: int, draws: random.Random) -> np.ndarray:
    """Draw a shape of 32 pixels a side: filled in ink, or as a line of chalk."""
    paper, pen = ("white", "black") if style == "ink" else ("darkgreen", "lightyellow")
    image = Image.new("RGB", (32, 32), paper)
    circle = draws.randint(12, 20), draws.randint(12, 20), draws.randint(6, 11)
    fill = pen if style == "ink" else None
    ImageDraw.Draw(image).regular_polygon(circle, corners, draws.randint(0, 90), fill, pen)
    return np.array(image)
