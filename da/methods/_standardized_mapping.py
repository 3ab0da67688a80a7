"""Base class of mappings that may divide features by their standard deviations."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from da.methods._mapping import Mapping
from da.ops.linalg import spread


class StandardizedMapping(Mapping):
    """Base class of mappings that may divide features by their standard deviations."""

    @dataclass(frozen=True, kw_only=True)
    class Hparams(Mapping.Hparams):
        """Settings of the classifier, and of the units of features."""

        first_defaults: ClassVar[Dictionary[str, Any]] = {
            **Mapping.Hparams.first_defaults,
            "standardize": True,
        }

        standardize: bool = False
        """Whether to divide every feature by its standard deviation.
        Otherwise features that vary more count for more, as in the papers' algorithms.
        """

    hp: Hparams

    def scale(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "d"]:
        """Return what to divide each feature by: its standard deviation, or 1."""
        return spread(f) if self.hp.standardize else torch.ones_like(f[0])
