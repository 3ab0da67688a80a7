"""Features of both domains, of at most so many images each, for scores that compare images."""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.evaluation.predictions import Predictions

MOST = 2000
"""Images of a domain that count in most of these scores."""


@lru_cache(maxsize=16)
def draw_rows(n: int, most: int = MOST) -> Int[Tensor, "_"]:
    """Draw at most `most` of `n` rows, always the same ones in the same random order."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(0))[:most]


def draw_features(
    p: Predictions, most: int = MOST
) -> tuple[Float[Tensor, "a d"], Float[Tensor, "b d"]]:
    """Return features of the rows that `draw_rows` gives of each domain, in float32."""
    assert p.source_features is not None
    assert p.target_features is not None
    source, target = p.source_features, p.target_features
    return source[draw_rows(len(source), most)].float(), target[
        draw_rows(len(target), most)
    ].float()
