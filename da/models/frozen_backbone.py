"""A backbone that no run trains, which many runs share."""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import nn

from da.config.choices import Interpolation
from da.models.backbone import fingerprint, interpolation
from da.models.text_encoder import find_text_encoder


class FrozenBackbone:
    """A backbone that no run trains, built when it is first needed.

    Its weights must not change: they are hashed once, or not at all where `digest` is given.

    Args:
        make: Function that builds the backbone.
        digest: Text that identifies the weights; empty for a hash of them.
        by_hand: Text that identifies other settings that the user chose; empty for none.
        interpolation: How images are resized for the backbone; None to ask the built network.
        name: Name of the backbone in errors.
    """

    def __init__(
        self,
        make: Callable[[], nn.Module],
        digest: str = "",
        by_hand: str = "",
        interpolation: Interpolation | None = None,
        name: str = "given",
    ):
        self.name = name
        self._make = make
        self._digest = digest
        self._by_hand = by_hand
        self._interpolation = interpolation

    @cached_property
    def network(self) -> nn.Module:
        """The built backbone; building it leaves the run's random numbers unused."""
        with torch.random.fork_rng():
            return self._make().eval().requires_grad_(False)

    @cached_property
    def digest(self) -> str:
        """Text that identifies the weights and the settings that the user chose."""
        return (self._digest or fingerprint(self.network)) + self._by_hand

    @cached_property
    def text_side(self) -> "FrozenBackbone":
        """The part of the backbone that reads texts, which may be all of it."""
        side = find_text_encoder(self.network, self.name)
        return self if side is self.network else FrozenBackbone(lambda: side, name=self.name)

    @property
    def tag(self) -> str:
        """Full name of the pretrained weights; empty where the name of the backbone says it all."""
        return "" if self._digest else getattr(self.network, "tag", "")

    @property
    def interpolation(self) -> Interpolation:
        """How images are resized to the input of the backbone."""
        return self._interpolation or interpolation(self.network)
