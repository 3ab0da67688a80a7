"""Number formats: half precision in training, and float32 where sums need it."""

import torch
from jaxtyping import Float
from torch import Tensor


def upcast(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Convert half precision to float32, since sums of squares overflow half precision."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
