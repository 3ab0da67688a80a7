"""Mappings of the library skada, as methods to compare with."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import WHOLE
from da.methods._mapping import Mapping
from da.methods.base import Network
from da.ops.linalg import require_two
from da.system.extras import extra

MAPPINGS = "CORAL ClassRegularizerOTMapping EntropicOTMapping LinearOTMapping MMDLSConSMapping"
MAPPINGS += " MultiLinearMongeAlignment OTMapping"
PROJECTIONS = "SubspaceAlignment TransferComponentAnalysis TransferJointMatching"
PROJECTIONS += " TransferSubspaceLearning"
SOURCE, TARGET, UNKNOWN = 1, -2, -1
"""Marks of skada for the two domains, and for unknown classes."""


class Skada(Mapping):
    """Map features by an adapter of the library skada 0.6.0, and standardize before and after.

    Raises ValueError where skada is not installed, and for adapters that are unknown, or that weigh
    or label images instead of mapping them.
    """

    paper = "Lalou et al. 2024, arXiv:2407.11676"
    family = "peer"
    needs = "skada"
    batchable: ClassVar[tuple[str, ...] | None] = None

    @dataclass(frozen=True)
    class Hparams(Mapping.Hparams):
        """Settings of the adapter; all others are as in the library.

        The gamma of `MMDLSConSMapping` is 1.
        """

        adapter: str = "CORAL"
        """Name of the adapter in `skada`, without the ending `Adapter`."""
        components: Annotated[int, WHOLE] = 0
        """Width of the subspace, for adapters that project; 0 for the width of the features."""

    hp: Hparams
    f_s: Tensor
    y_s: Tensor
    f_t: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        known = (PROJECTIONS if hp.components else f"{MAPPINGS} {PROJECTIONS}").split()
        if hp.adapter not in known:
            these = "adapter with components" if hp.components else "adapter"
            raise ValueError(f"unknown {these} {hp.adapter!r}, known: {', '.join(known)}")
        with extra("peers", "the method skada"):
            import skada
            from sklearn.preprocessing import StandardScaler
        super().__init__(hp, backbone, classes, network)
        settings: dict[str, float] = {"n_components": hp.components} if hp.components else {}
        settings |= {"gamma": 1.0} if hp.adapter == "MMDLSConSMapping" else {}
        adapter = getattr(skada, f"{hp.adapter}Adapter")(**settings)
        self.pipeline = skada.make_da_pipeline(StandardScaler(), adapter, StandardScaler())
        self.register_buffer("f_s", torch.zeros(0, self.width))
        self.register_buffer("y_s", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("f_t", torch.zeros(0, self.width))
        self.fitted_on = self.f_s

    def mapped_width(self) -> int:
        """Return the width of mapped features."""
        return self.hp.components or self.width

    def find_by_class(
        self, f_s: Float[Tensor, "n d"], y_s: Int[Tensor, "n"], f_t: Float[Tensor, "m d"]
    ) -> None:
        """Store what the adapter is fitted on; a loaded method fits its adapter again.

        Args:
            f_s: Features of all source training images.
            y_s: Their classes.
            f_t: Features of all target training images.

        Raises:
            ValueError: A domain has one image alone.
        """
        require_two("skada", min(len(f_s), len(f_t)))
        self.f_s, self.y_s, self.f_t = f_s, y_s, f_t

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map source features as the library does."""
        return self._map(x, SOURCE)

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Map target features as the library does."""
        return self._map(x, TARGET)

    def _map(self, x: Float[Tensor, "b d"], domain: int) -> Float[Tensor, "b e"]:
        if self.fitted_on is not self.f_s:  # the buffers were set or loaded since the last fit
            self._fit()
        f, domains = x.double().cpu().numpy(), np.full(len(x), domain)
        mapped = self.pipeline.transform(f, sample_domain=domains, allow_source=True)
        if not np.isfinite(mapped).all():
            few = min(len(self.f_s), len(self.f_t))
            raise ValueError(f"{self.hp.adapter} of skada needs more than {few} images of a domain")
        return torch.as_tensor(mapped).to(self.f_s)

    @torch.enable_grad()  # some adapters descend a gradient
    def _fit(self) -> None:
        x, m = torch.cat([self.f_s, self.f_t]).double().cpu().numpy(), len(self.f_t)
        y = np.append(self.y_s.cpu().numpy(), np.full(m, UNKNOWN))
        domains = np.repeat([SOURCE, TARGET], [len(self.f_s), m])
        with np.errstate(all="ignore"):  # `_map` looks at what comes out
            self.pipeline.fit(x, y, sample_domain=domains)
        self.fitted_on = self.f_s
