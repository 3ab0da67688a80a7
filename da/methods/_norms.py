"""Norms of a network that adapt at test time: which they are, and their statistics."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from da.data.domain import Images
from da.methods._streaming import Streaming
from da.methods.base import Method, Network

NORMS = _BatchNorm, nn.LayerNorm, nn.GroupNorm
"""Classes of norms, whose subclasses count too."""


def list_batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """List all batch norms of a network."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


def use_batch_statistics(network: nn.Module, mode: bool) -> None:
    """Let all batch norms use the statistics of each batch, or those that they hold."""
    for norm in list_batch_norms(network):
        norm.training = mode


def forget_statistics(network: nn.Module) -> None:
    """Forget what batch norms hold: the next batch counts alone. See `count_batch`."""
    for norm in list_batch_norms(network):
        norm.reset_running_stats()
        norm.momentum = 1.0


def count_batch(network: nn.Module) -> None:
    """Count a batch after `forget_statistics`: batch norms hold the mean over all of them.

    The same as a momentum of None, for which torch waits for the device.
    """
    for norm in list_batch_norms(network):
        assert norm.momentum is not None
        norm.momentum /= 1 + norm.momentum


@contextmanager
def without_tracking(network: nn.Module) -> Iterator[None]:
    """Let batch norms use batches without taking their statistics into those that they hold."""
    norms = [norm for norm in list_batch_norms(network) if norm.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    yield
    for norm in norms:
        norm.track_running_stats = True


def list_norms(network: nn.Module) -> list[nn.Module]:
    """List the batch, layer and group norms of a network that have a scale of their own."""
    norms = [module for module in network.modules() if isinstance(module, NORMS)]
    return [norm for norm in norms if norm.weight is not None]


def release_norms(name: str, norms: list[nn.Module]) -> list[nn.Module]:
    """Let norms of a network move, and return them.

    Args:
        name: Name of the method, for messages.
        norms: The norms.

    Raises:
        ValueError: There are none.
    """
    if not norms:
        raise ValueError(f"{name} moves norms, and this network has none, known: neck 256")
    for norm in norms:
        norm.requires_grad_(True)
    return norms


class MovesNorms(Streaming):
    """Base of methods that move scale and shift of norms while test images stream by.

    Batch norms use the statistics of each batch, and after the stream the mean of these. Layer
    norms and group norms have none.
    """

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.norms = release_norms(self.name, self.choose_norms())

    def choose_norms(self) -> list[nn.Module]:
        """Return the norms that move. By default, all."""
        return list_norms(self)

    def moving(self) -> list[nn.Parameter]:
        """Return the weights that move.

        Raises:
            ValueError: Where the settings of fine-tuning freeze all of them.
        """
        every = [p for norm in self.norms for p in norm.parameters(recurse=False)]
        if not (found := [p for p in every if p.requires_grad]):
            raise ValueError(
                f"{self.name} moves norms, and all of them are frozen, known: freeze 0"
            )
        return found

    def train(self, mode: bool = True) -> "MovesNorms":
        """Set the mode of batch norms; all other layers stay in evaluation mode."""
        super().train(mode)
        use_batch_statistics(self, mode)
        return self

    def prepare_target(self, target: Images) -> None:
        """Forget the source's statistics, and begin a stream of which no image has been seen."""
        forget_statistics(self)
        super().prepare_target(target)

    def after_step(self) -> None:
        """Store the predictions, and count the batch."""
        super().after_step()
        count_batch(self)

    def reset(self) -> None:
        """Forget the statistics of the batches so far."""
        forget_statistics(self)


class Mixture:
    """A hook that gives a batch norm in evaluation mode a mixture of statistics.

    The norm sees images that are moved and scaled so that its own statistics, which stay as they
    are meanwhile, give what the mixture would.
    """

    share: float | None = None
    """Share of the batch in the mixture. None while the norm does as it is used to."""
    source: tuple[Tensor, Tensor] | None = None
    """Mean and variance of the rest of the mixture; None for those that the norm holds."""
    mixed: tuple[Tensor, Tensor] | None = None
    """Mean and variance of the last mixture."""

    def __call__(self, norm: _BatchNorm, given: tuple[Tensor]) -> Tensor | None:
        """Return what the norm sees in place of `given`."""
        if self.share is None:
            return None
        (x,) = given
        own = held_statistics(norm)
        pairs = zip(self.source or own, batch_statistics(x), strict=True)
        mean, var = (torch.lerp(rest, batch, self.share) for rest, batch in pairs)
        self.mixed = mean.detach(), var.detach()
        scale = ((own[1] + norm.eps) / (var + norm.eps)).sqrt()
        mean, scale, center = (v.view(-1, *[1] * (x.ndim - 2)) for v in (mean, scale, own[0]))
        return ((x.float() - mean) * scale + center).to(x)


def mix_statistics(network: nn.Module) -> list[tuple[_BatchNorm, Mixture]]:
    """Give each batch norm of a network that holds statistics a mixture, and list both."""
    norms = [norm for norm in list_batch_norms(network) if norm.running_mean is not None]
    found = [(norm, Mixture()) for norm in norms]
    for norm, mixture in found:
        norm.register_forward_pre_hook(mixture)
    return found


@contextmanager
def mixing(found: list[tuple[_BatchNorm, Mixture]], share: float | None) -> Iterator[None]:
    """Use mixtures with this share of the batch within the context; None for no mixtures."""
    for _, mixture in found:
        mixture.share = share
    yield
    for _, mixture in found:
        mixture.share = None


def held_statistics(norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance that a batch norm holds."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var


def batch_statistics(x: Float[Tensor, "b c *_"]) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel of a batch, in float32 and without a correction."""
    var, mean = torch.var_mean(x.float(), [0, *range(2, x.ndim)], correction=0)
    return mean, var
