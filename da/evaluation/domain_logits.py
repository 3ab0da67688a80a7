"""Logits of a method's discriminator for test images."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.evaluation.diagnostics import record_outputs
from da.methods import Method
from da.methods._adversarial import Adversarial

ROWS = 1024
"""Most images of a domain that the discriminator sees at once."""


@torch.no_grad()
def domain_logits(
    method: Method,
    f_s: Float[Tensor, "n d"],
    f_t: Float[Tensor, "m d"],
    y: Int[Tensor, "n"],
    device: torch.device,
) -> dict[str, Tensor]:
    """Return the logits of coming from the source, in `source_domain` and `target_domain`.

    The result is empty for a method without a discriminator of one logit for each image.

    Args:
        method: Method that is evaluated.
        f_s: Features of source images.
        f_t: Features of target images.
        y: Classes of the source images.
        device: Device of the discriminator.
    """
    discriminator = getattr(method, "discriminator", None)
    if not isinstance(discriminator, nn.Module):
        return {}
    count = max(1, min(-(-max(len(f_s), len(f_t)) // ROWS), len(f_s), len(f_t)))
    source, target = [], []
    with method.evaluation_mode():
        for parts in zip(*(x.tensor_split(count) for x in (f_s, f_t, y)), strict=True):
            part_s, part_t, part_y = (part.to(device) for part in parts)
            found = _logits(method, discriminator, part_s, part_t, part_y)
            if found is None or len(found) != len(part_s) + len(part_t):
                return {}
            source.append(found[: len(part_s)])
            target.append(found[len(part_s) :])
    return {"source_domain": torch.cat(source), "target_domain": torch.cat(target)}


def _logits(
    method: Method, discriminator: nn.Module, f_s: Tensor, f_t: Tensor, y: Tensor
) -> Float[Tensor, "_"] | None:
    """Return logits of source, then of target images, as the method asks its discriminator."""
    first = next((x for x in discriminator.modules() if isinstance(x, nn.Linear)), None)
    if first is not None and first.in_features == f_s.shape[1]:
        return discriminator(torch.cat([f_s, f_t])).float().cpu().flatten()
    if not isinstance(method, Adversarial):
        return None
    with record_outputs(discriminator) as found:
        method.domain_losses(f_s, f_t, y, 1.0)
    return torch.cat([x.float().cpu().flatten() for x in found]) if found else None
