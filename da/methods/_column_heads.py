"""Heads of further label columns: they learn from the features that a method computes anyway."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.config.label_columns import LabelColumns
from da.data.batch import Batch, Labeled, TargetBatch
from da.methods.base import Losses, Method, Phase, Trainable
from da.models.network import build_head
from da.ops.functional import Scalar

NAME = "column_heads"
"""Attribute of a method that holds its heads of further columns."""

WEIGHTS = "task_weights"
"""Loss of the learned weights; no adaptation, so it is called as a task's."""

Seen = dict[str, Tensor]
"""Features of labeled images, by the part of the batch, `source` or `shots`, that they are of."""


class ColumnHeads(nn.Module):
    """A head for each further label column, on the features that a method aligns.

    Args:
        labels: Settings of the columns.
        classes: Number of classes of each further column.
        method: Method that the heads belong to.
    """

    def __init__(self, labels: LabelColumns, classes: Sequence[int], method: Method):
        super().__init__()
        self.labels = labels
        width = _input_width(method)
        self.each = nn.ModuleList(build_head(method.network, width, k) for k in classes)
        self.learned = labels.column_weighting == "uncertainty"
        if self.learned:
            self.log_variances = nn.Parameter(torch.zeros(1 + len(classes)))
        self.requires_grad_(not method.source_free)

    def forward(self, f: Float[Tensor, "b d"]) -> tuple[Tensor, ...]:
        """Compute the logits of all further columns."""
        return tuple(head(f) for head in self.each)

    def join(self, losses: Losses, own: Losses) -> Losses:
        """Return a method's losses with those of further columns, weighed as the settings say.

        A learned weight is exp(-s), where s is the logarithm of a column's variance, and each
        column adds s / 2 (Kendall et al. 2018, equation 10, for classification). All losses of the
        method that are called `task` or `task_...` share the weight of the class.

        Args:
            losses: Losses of the method.
            own: Cross-entropy of each further column, by its name.
        """
        weight = self.labels.column_weight
        weighed = {f"task_{name}": weight * loss for name, loss in own.items()}
        if taken := weighed.keys() & (losses.keys() | {WEIGHTS}):
            raise ValueError(f"a loss is called {min(taken)}: rename the label column")
        if not self.learned:
            return losses | weighed
        first, *others = self.log_variances.neg().exp()
        tasks = {name: first * loss for name, loss in losses.items() if _is_task(name)}
        pairs = zip(weighed.items(), others, strict=True)
        weighed = {name: share * loss for (name, loss), share in pairs}
        return losses | tasks | weighed | {WEIGHTS: self.log_variances.sum() / 2}


def _input_width(method: Method) -> int:
    """Return the width of what the method's own head takes."""
    layers = (m.in_features for m in method.head.modules() if isinstance(m, nn.Linear))
    return next(layers, method.width)


def _is_task(name: str) -> bool:
    return name.partition("_")[0] == "task"


def find_heads(method: Any) -> ColumnHeads | None:
    """Return the heads of further columns; None for a method that learns its class alone."""
    return getattr(method, NAME, None)


def add_heads(method: Method, labels: LabelColumns, classes: Sequence[int]) -> None:
    """Add a head for each further column; the method's own weights and draws stay as they are.

    Args:
        method: Method that has no such heads yet.
        labels: Settings of the columns.
        classes: Number of classes of each further column.
    """
    if labels.further:
        with torch.random.fork_rng(devices=[]):
            heads = ColumnHeads(labels, classes, method)
        method.add_module(NAME, heads.to(next(method.head.parameters()).device))


def list_phases(method: Trainable) -> Iterator[Phase]:
    """Yield the phases of a step; those with the class's cross-entropy learn further columns too.

    The heads learn from the labeled images that the method embeds in the step, by `features`,
    `embed` or `embed_source`, so nothing is computed twice.

    Raises:
        ValueError: If a method embeds no labeled images before it computes that cross-entropy.
    """
    heads = find_heads(method)
    if heads is None:
        yield from method.phases()
        return
    assert isinstance(method, Method)
    seen: Seen = {}
    for phase in method.phases():
        ours = {id(p): p for p in (*phase.updates, *heads.parameters())}
        losses = partial(_losses, method, heads, phase.losses, seen)
        yield Phase(losses, list(ours.values()))


def _losses(
    method: Method,
    heads: ColumnHeads,
    function: Callable[[Any, Scalar], Losses],
    seen: Seen,
    batch: Batch | TargetBatch,
    progress: Scalar,
) -> Losses:
    if isinstance(batch, TargetBatch):
        return function(batch, progress)
    with _watch(method, batch, seen):
        losses = function(batch, progress)
    if not any(map(_is_task, losses)):
        return losses
    if not seen:
        name = type(method).__name__
        raise ValueError(f"{name} embeds no labeled images, which further label columns need")
    found: dict[str, list[Tensor]] = {name: [] for name in heads.labels.further}
    for part, f in seen.items():
        columns = getattr(batch, part).columns
        for name, logits, y in zip(found, heads(f), columns, strict=True):
            found[name].append(method.task_loss(logits, y))
    return heads.join(losses, {name: torch.stack(some).mean() for name, some in found.items()})


@contextmanager
def _watch(method: Method, batch: Batch, seen: Seen) -> Iterator[None]:
    """Keep the features of labeled images that the method computes within the context."""
    labeled: dict[str, Labeled] = {"source": batch.source}
    if batch.shots is not None:
        labeled["shots"] = batch.shots

    def keep(x: Any, f: Any) -> None:
        if x is batch:
            seen["source"] = f[0]
        seen.update({name: f for name, part in labeled.items() if x is part.x})

    with _listen(method, keep, "features", "embed", "embed_source"):
        yield


@contextmanager
def _listen(method: Method, keep: Callable[[Any, Any], None], *names: str) -> Iterator[None]:
    """Call `keep` with argument and result of each call of some functions of a method."""

    def call(function: Callable[[Any], Any], x: Any) -> Any:
        result = function(x)
        keep(x, result)
        return result

    own = vars(method)
    before = {name: own[name] for name in names if name in own}
    own |= {name: partial(call, getattr(method, name)) for name in names}
    try:
        yield
    finally:
        for name in names:
            del own[name]
        own |= before


def predict_columns(
    method: Method, x: Shaped[Tensor, "b ..."], *, source: bool = False
) -> tuple[Float[Tensor, "b _"], ...]:
    """Compute the logits of the class and of each further column, in one pass where that is enough.

    A method that predicts by other features than it embeds, as a teacher's, has a second pass.

    Args:
        method: Method with its heads.
        x: Images of the target, or of the source.
        source: Whether they are of the source.
    """
    names = ("predict_source", "embed_source") if source else ("predict", "embed")
    predict, embed = (getattr(method, name) for name in names)
    heads = find_heads(method)
    if heads is None:
        return (predict(x),)
    seen: list[Tensor] = []
    with _listen(method, lambda given, f: seen.append(f) if given is x else None, names[1]):
        logits = predict(x)
    return logits, *heads(seen[-1] if seen else embed(x))
