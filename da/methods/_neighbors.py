"""Cosines of target images with each other, for methods that look for neighbors."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from da.methods._memory import Memory
from da.ops.precision import upcast


def compare_targets(
    f: Float[Tensor, "m d"], memory: Memory, index: Int[Tensor, "m"]
) -> tuple[Float[Tensor, "m _"], Float[Tensor, "_ d"]]:
    """Return cosines of a batch with other target images, and the unit features of these.

    They are the remembered images, then those of the batch, through which a gradient flows. The
    batch's images are left out of the memory, and an image out of its own row: -1 stands there.

    Args:
        f: Features of the batch.
        memory: Memory of all target images.
        index: Positions of the batch's images in the target.
    """
    with torch.autocast(f.device.type, enabled=False):
        unit = F.normalize(upcast(f))
        remembered = (unit @ memory.f.mT).index_fill(1, index, -1.0)
        itself = torch.eye(len(f), dtype=torch.bool, device=f.device)
        here = (unit @ unit.mT).masked_fill(itself, -1.0)
    return torch.cat([remembered, here], 1), torch.cat([memory.f, unit])
