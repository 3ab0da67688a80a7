"""Embeddings of texts that name classes, computed once for each text encoder."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from da.models.frozen_backbone import FrozenBackbone
from da.models.text_encoder import TextEncoder, fill_tokens
from da.system.cache import cache_home, make_once

CLASS_TEXTS = 1
"""Cache version of these embeddings; increase it when their computation changes."""


def embed_classes(
    backbone: FrozenBackbone, classes: Sequence[str], templates: Sequence[str]
) -> tuple[Float[Tensor, "k d"], float]:
    """Return an embedding of each class, and the factor of cosines that the model has learned.

    Each template gives an embedding of length 1, and their mean is that of the class (Radford et
    al. 2021, section 3.1.4).

    Args:
        backbone: Backbone whose text encoder shares a space with its images.
        classes: Names of the classes; _ is read as a space.
        templates: Sentences with {} for the name.

    Raises:
        ValueError: If the backbone has no text encoder of such a space.
    """
    encoder = backbone.text_side.network
    if not isinstance(encoder, TextEncoder) or not encoder.scale:
        raise ValueError(
            f"backbone {backbone.name} has no space of images and texts, known: "
            "open_clip:MODEL/WEIGHTS, or hf:NAME of a CLIP or SigLIP"
        )
    texts = [t.replace("{}", name.replace("_", " ")) for name in classes for t in templates]
    key = f"{CLASS_TEXTS} {backbone.text_side.digest} {texts}"
    name = hashlib.sha256(key.encode()).hexdigest()[:24]
    file = make_once(
        cache_home() / "features" / f"{name}.npy",
        lambda part: _write(part, encoder, texts),
        lambda stored: _check(stored, len(texts)),
    )
    every = F.normalize(torch.from_numpy(np.load(file)), dim=1)
    return F.normalize(every.unflatten(0, (len(classes), -1)).mean(1), dim=1), encoder.scale


@torch.inference_mode()
def _write(part: Path, encoder: TextEncoder, texts: list[str]) -> None:
    rows = fill_tokens(encoder.tokenize(texts)).split(64)
    found = torch.cat([encoder(few).float() for few in rows])
    with part.open("wb") as file:
        np.save(file, found.numpy())


def _check(file: Path, rows: int) -> None:
    if (shape := np.load(file, mmap_mode="r").shape)[0] != rows:
        raise ValueError(f"{file} has the shape {shape}, not {rows} rows")
