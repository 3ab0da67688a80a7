"""Collects what selection sees at each evaluation of a run, rounded as files of outputs hold it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from da.config.choices import Augment
from da.data.domain import Task
from da.evaluation import changed_inputs
from da.evaluation.diagnostics import preserve_random_state
from da.evaluation.domain_logits import domain_logits
from da.evaluation.kept_outputs import Stored, pack, unpack
from da.evaluation.predictions import Predictions, outputs, predict_columns
from da.methods import Method
from da.methods._class_weights import weigh_classes

Keep = Literal["all", "last", "none"]
"""Evaluations whose outputs are kept."""

WIDTH = 256
"""Most features of an image; more are projected."""

ROWS = 2048
"""Most images by which the projection is chosen."""


@dataclass
class Collector:
    """Outputs of a run, of which each evaluation adds its own."""

    keep: Keep = "none"
    augment: Augment = "none"
    """How training images are changed; see `changed_inputs.logits`."""
    kept: dict[int, Stored] = field(default_factory=dict)
    """Packed outputs of the evaluations that are kept, by step."""
    basis: Float[Tensor, "d 256"] | None = None
    """Projection of features, chosen at the first evaluation if they are more than `WIDTH`."""

    def collect(
        self, method: Method, task: Task, device: torch.device, step: int
    ) -> dict[str, Predictions]:
        """Return the outputs of the class, under the name "", and of each further label column.

        Those of the class have all that the method and its data have, rounded as they are kept.
        Nothing that training sees changes, random numbers included.

        Args:
            method: Method that is evaluated.
            task: Task with its test images.
            device: Device of the computation.
            step: Step after which the method is evaluated.
        """
        with _watch(method) as found:
            every = predict_columns(method, task, device=device)
        seen = every[""]
        if not (seen.source_logits.isfinite().all() and seen.target_logits.isfinite().all()):
            return every  # numbers that nothing can be made of
        with preserve_random_state(device):
            f_s, f_t = _features(method, task, device, found)
            whole = replace(
                seen,
                **domain_logits(method, f_s, f_t, seen.source_y, device),
                **changed_inputs.logits(method, task, seen.target_logits, self.augment, device),
                head_weight=_linear_weight(method, seen, f_s, f_t, device),
                source_features=f_s,
                target_features=f_t,
            )
        stored = pack(self._reduce(whole))
        if self.keep != "none":
            self.kept = {**(self.kept if self.keep == "all" else {}), step: stored}
        return every | {"": unpack(stored, seen.source_y)}

    def _reduce(self, seen: Predictions) -> Predictions:
        """Return outputs with at most `WIDTH` features, whose inner products stay about the same.

        The basis has the top right singular vectors of the features of both domains, which are not
        centered.
        """
        f_s, f_t, weight = seen.source_features, seen.target_features, seen.head_weight
        assert f_s is not None
        assert f_t is not None
        if f_s.shape[1] <= WIDTH:
            return seen
        if self.basis is None:
            self.basis = top_directions(torch.cat([_spread(f_s), _spread(f_t)]), WIDTH)
        return replace(
            seen,
            source_features=f_s @ self.basis,
            target_features=f_t @ self.basis,
            head_weight=None if weight is None else weight @ self.basis,
        )


def _spread(x: Float[Tensor, "b d"]) -> Float[Tensor, "_ d"]:
    """Return at most half of `ROWS` rows, evenly spaced."""
    return x[:: -(-2 * len(x) // ROWS)]


def top_directions(x: Float[Tensor, "b d"], count: int) -> Float[Tensor, "d c"]:
    """Return the right singular vectors of the largest singular values of a matrix.

    There are fewer than `count` where the matrix has fewer rows, or a lower rank than rows.
    """
    exact = x.double()
    if len(x) >= x.shape[1]:
        return torch.linalg.eigh(exact.mT @ exact).eigenvectors[:, -count:].flip(1).to(x.dtype)
    squares, left = torch.linalg.eigh(exact @ exact.mT)
    squares, left = squares[-count:].flip(0), left[:, -count:].flip(1)
    real = squares > 1e-10 * squares[0]
    return (exact.mT @ left[:, real] / squares[real].sqrt()).to(x.dtype)


@contextmanager
def _watch(method: Method) -> Iterator[list[Tensor]]:
    """Collect the features that a method computes within the context, on the CPU in float32."""
    found: list[Tensor] = []
    inside: list[str] = []

    def call(function: Any, x: Tensor) -> Tensor:
        inside.append("")
        try:
            f = function(x)
        finally:
            inside.pop()
        if not inside:
            found.append(f.float().cpu())
        return f

    names, own = ("embed", "embed_source"), vars(method)
    before = {name: own[name] for name in names if name in own}
    own |= {name: partial(call, getattr(method, name)) for name in names}
    try:
        yield found
    finally:
        for name in names:
            del own[name]
        own |= before


def _features(
    method: Method, task: Task, device: torch.device, found: list[Tensor]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
    """Return the features of source and target test images.

    Args:
        method: Method that embeds images.
        task: Task with its test images.
        device: Device of the computation.
        found: What the method embedded for its predictions, which is used if it is all of them.
    """
    n, m = len(task.source_test), len(task.target_test)
    if sum(map(len, found)) == n + m:
        f_s, f_t = torch.cat(found).split([n, m])
        return f_s, f_t
    return (
        outputs(method, method.embed_source, task.source_test, device=device),
        outputs(method, method.embed, task.target_test, device=device),
    )


@torch.no_grad()
def _linear_weight(
    method: Method,
    seen: Predictions,
    f_s: Float[Tensor, "n d"],
    f_t: Float[Tensor, "m d"],
    device: torch.device,
) -> Float[Tensor, "k d"] | None:
    """Return the weights of the classifier, if it is linear in the features; None if not.

    Args:
        method: Method with its classifier.
        seen: Logits of the method.
        f_s: Features of source images.
        f_t: Features of target images.
        device: Device of the classifier.
    """
    d = f_s.shape[1]
    with method.evaluation_mode():
        rows = method.head(torch.cat([torch.zeros(1, d), torch.eye(d)]).to(device))
    if rows.ndim != 2 or rows.shape[1] != seen.source_logits.shape[1]:
        return None
    bias, weight = rows.float().cpu()[0], (rows[1:] - rows[0]).float().cpu().mT
    target = weigh_classes(method, (f_t @ weight.mT + bias).to(device)).cpu()
    for linear, logits in (
        (f_s @ weight.mT + bias, seen.source_logits),
        (target, seen.target_logits),
    ):
        if (linear - logits).abs().max() > 1e-3 * logits.abs().max().clamp_min(1):
            return None
    return weight
