"""Batch spectral penalization (Chen et al. 2019), beside an adversarial loss."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from da.methods.base import Batch, Losses, Scalar
from da.ops.linalg import zero_non_finite
from da.ops.precision import upcast
from da.system.threads import one_thread


def penalized_losses(method: Any, batch: Batch, progress: Scalar) -> Losses:
    """Return the adversarial losses of a method, and the spectral penalty of its features.

    Args:
        method: Method with `domain_losses`, and the settings `penalty` and `directions`.
        batch: Images of both domains.
        progress: Share of the training that is over.
    """
    f_s, f_t = method.features(batch)
    spectrum = spectral_penalty(f_s, method.hp.directions)
    spectrum = spectrum + spectral_penalty(f_t, method.hp.directions)
    losses = method.domain_losses(f_s, f_t, batch.source.y, progress)
    return {**losses, "spectrum": method.hp.penalty * spectrum}


def spectral_penalty(f: Float[Tensor, "b d"], count: int) -> Float[Tensor, ""]:
    """Add up the `count` largest squared singular values of features (Chen et al. 2019).

    They are computed as eigenvalues of the matrix of inner products, which is faster.
    """
    f = upcast(f)
    with torch.autocast(f.device.type, enabled=False), one_thread():
        products = f @ f.mT if len(f) < f.shape[1] else f.mT @ f
        products, zero = zero_non_finite(products)
        return torch.linalg.eigvalsh(products)[-count:].sum() + zero
