"""Number formats: half precision in training, and float32 where sums need it."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Precision = Literal["fp32", "bf16"]


def upcast(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """In float32 where it comes in half precision, which sums of squares overflow."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
