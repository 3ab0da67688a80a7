"""CORAL as a closed-form mapping."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from da.functional import covariance, matrix_power
from da.methods.mapping import Mapping


class CORALMap(Mapping):
    """Whiten source features, then give them the target's covariance."""

    paper = "Sun et al. 2016, arXiv:1511.05547"

    @dataclass(frozen=True)
    class Hparams(Mapping.Hparams):
        """Algorithm 1."""

        ridge: float = 1.0
        """What is added to the diagonal of both covariances, 1 in algorithm 1."""

    hp: Hparams

    def maps(
        self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d e"], Float[Tensor, "d e"]]:
        """Whitening times re-colouring for the source, nothing for the target."""
        identity = torch.eye(f_s.shape[1], device=f_s.device)
        whiten = matrix_power(covariance(f_s) + self.hp.ridge * identity, -0.5)
        return whiten @ matrix_power(covariance(f_t) + self.hp.ridge * identity, 0.5), identity
