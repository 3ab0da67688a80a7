"""Joint distribution adaptation."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import COUNT, POSITIVE
from da.config.ranges import Choice, LogUniform
from da.methods._mapping import Mapping
from da.methods.base import Method, Network
from da.ops.linalg import fix_signs, require_images, squared_distances, transfer_components
from da.system.threads import one_thread


class JDA(Mapping):
    """Project on directions of large variance in which domains and their classes share means."""

    paper = "Long et al. 2013, ICCV"
    family = "mapping"
    batchable = ("ridge",)

    @dataclass(frozen=True)
    class Hparams(Mapping.Hparams):
        """Settings of the authors' code in its linear form, with images of length 1 as there.

        Projected images are brought to one length too, as there, and the gap between the domains
        counts as often as there are classes.

        Differs from it: a class that no target image is assigned to is left out, and the classifier
        is that of all mappings. There it is the nearest neighbor (`classifier nearest`), and the
        iterations look for pseudo-labels in the same way here.
        """

        dimensions: Annotated[int, Choice(20, 30, 50, 100, 200), COUNT] = 100
        """Number of directions that are kept, k in the paper.
        100 in the authors' code, for thousands of images; 30 in its port to Python, and better
        where there are hundreds.
        """
        ridge: Annotated[float, LogUniform(0.001, 10), POSITIVE] = 0.1
        """Weight of the size of the map, lambda in the paper.
        Relative to gaps of means with Frobenius norm 1 in all, as in the authors' code.
        """
        iterations: Annotated[int, Choice(1, 5, 10, 20), COUNT] = 10
        """Most rounds in which target images are assigned the class of the nearest source image.
        1 aligns only the means of the domains.
        """

    hp: Hparams
    weights: Tensor

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("weights", torch.zeros(self.width, self.mapped_width()))

    def mapped_width(self) -> int:
        """Return the number of directions, but no more than the number of features."""
        return min(self.hp.dimensions, self.width)

    def find_by_class(
        self, f_s: Float[Tensor, "n d"], y_s: Int[Tensor, "n"], f_t: Float[Tensor, "m d"]
    ) -> None:
        """Compute directions along which features have variance 1.

        Args:
            f_s: Features of all source training images.
            y_s: Their classes.
            f_t: Features of all target training images.

        Raises:
            ValueError: There are too few images for `dimensions`.
        """
        require_images(len(f_s) + len(f_t), self.mapped_width())
        x = F.normalize(torch.cat([f_s, f_t]))
        hx = x - x.mean(0)
        with one_thread():  # hx'hx = basis r'r basis', in as few dimensions as it has
            basis, rt = torch.linalg.qr(torch.linalg.qr(hx, mode="r").R.mT)
        y_t = y_s.new_full([len(f_t)], -1)  # -1: no class yet
        for _ in range(self.hp.iterations):
            gaps = basis.mT @ hx.mT @ self._contrasts(y_s, y_t)
            w = fix_signs(
                basis @ transfer_components(rt.mT, gaps, self.mapped_width(), mu=self.hp.ridge)
            )
            self.weights = w * len(x) ** 0.5
            z_s, z_t = F.normalize(x @ self.weights).split([len(f_s), len(f_t)])
            before, y_t = y_t, y_s[squared_distances(z_t, z_s).argmin(1)]
            if y_t.equal(before):
                break

    def _contrasts(self, y_s: Int[Tensor, "n"], y_t: Int[Tensor, "m"]) -> Float[Tensor, "n+m r"]:
        """Return the weights of images in the gaps between means: E in M = E E' of the paper.

        The gap between the domains counts as much as all those of classes, as in the authors' code.
        """
        p_s, p_t = (self._groups(y) for y in (y_s, y_t))
        n, m = p_s.sum(0), p_t.sum(0)
        e = torch.cat([p_s / n.clamp_min(1), -p_t / m.clamp_min(1)]) * ((n > 0) & (m > 0))
        e[:, 0] *= (n[1:] > 0).sum().sqrt()
        return e / (e.mT @ e).norm().sqrt()

    def _groups(self, y: Int[Tensor, "b"]) -> Float[Tensor, "b r"]:
        """Return the members of each group of images: first the whole domain, then each class."""
        classes = torch.arange(self.classes, device=y.device)
        each = (y[:, None] == classes).to(self.weights)
        return torch.cat([each.new_ones(len(y), 1), each], 1)

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Project features on the directions, and scale each image to a root mean square of 1."""
        z = F.normalize(x.to(self.weights)) @ self.weights
        return F.normalize(z) * self.mapped_width() ** 0.5
