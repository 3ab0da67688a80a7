"""Features of whole domains by a frozen backbone: computed once for the same pixels and weights."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.backbones import fingerprint
from da.domains import Domain
from da.home import home, once
from da.vision import unaugmented


def extract(domain: Domain, backbone: nn.Module, side: int, device: torch.device) -> Domain:
    """`domain` with features in place of pixels, each scaled to a root mean square of 1.

    They are kept under the hash of all that determines them.
    """
    key = f"{domain.digest} {fingerprint(backbone)} {side}"
    name = hashlib.sha256(key.encode()).hexdigest()[:24]
    file = once(
        home() / "features" / f"{name}.npy",
        lambda part: _write(part, _compute(domain, backbone, side, device)),
    )
    f = torch.from_numpy(np.load(file))
    return replace(domain, x=f * (f.shape[1] ** 0.5 / f.norm(dim=1, keepdim=True).clamp_min(1e-6)))


def _write(part: Path, features: Float[Tensor, "b d"]) -> None:
    with part.open("wb") as file:
        np.save(file, features.numpy())


@torch.no_grad()
def _compute(
    domain: Domain, backbone: nn.Module, side: int, device: torch.device
) -> Float[Tensor, "b d"]:
    print(f"features of {len(domain.x)} images, once for all runs", file=sys.stderr)
    backbone = backbone.eval().to(device).to(memory_format=torch.channels_last)
    return torch.cat([backbone(unaugmented(x.to(device), side)).cpu() for x in domain.x.split(64)])
