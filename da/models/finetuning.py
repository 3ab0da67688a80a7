"""Settings of fine-tuning: which parts of a backbone are trained, when, and how fast."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from torch import nn
from torch.optim import Optimizer

from da.config.limits import AMOUNT, WHOLE
from da.config.ranges import LogUniform
from da.config.validation import choice_errors, limit_errors, refuse
from da.models.stages import Stage, list_layers, list_stages

Schedule = Literal["constant", "cosine", "annealing"]
"""Course of the learning rate; `da.training.lr_schedule` computes it."""

Kept = Literal["last", "source_accuracy", "entropy", "infomax", "snd", "bnm"]


@dataclass(frozen=True)
class FineTuning:
    """The trained stages of the backbone, the learning rate's course, and the choice of weights.

    Raises:
        ValueError: Where settings contradict each other.
    """

    last: Annotated[int, WHOLE] = 0
    """Stages of the backbone that are trained, counted from the output; 0 for all."""
    freeze: Annotated[int, WHOLE] = 0
    """Backbone layers that stay frozen, counted from the input, ReLUs and pools too; 0 for none."""
    unfreeze_every: Annotated[int, WHOLE] = 0
    """Steps between unfreezing stages, one by one from the output; 0 for all from the start."""
    stage_lr: Annotated[float, LogUniform(0.1, 1), AMOUNT] = 1.0
    """Factor of the learning rate from a stage to the one nearer the input; 1 for equal rates."""
    decay_norms: bool = True
    """Weight decay of norms and biases too, not only of weight matrices."""
    warmup: Annotated[int, WHOLE] = 0
    """Steps in which the learning rate rises linearly to its full value; 0 for no warmup."""
    drop_every: Annotated[int, WHOLE] = 0
    """Steps between drops of the learning rate to a tenth; 0 for no drops."""
    chosen_by: Kept = "last"
    """Evaluation whose weights become the model: the last, or the best by this selector."""
    patience: Annotated[int, WHOLE] = 0
    """Evaluations without a better score until training stops; 0 for no early stop."""

    def __post_init__(self) -> None:
        held = self.last, self.freeze, self.unfreeze_every
        refuse(
            choice_errors(self)
            | limit_errors(self)
            | {
                "of last, freeze and unfreeze_every one at a time": sum(map(bool, held)) > 1,
                "patience needs a score, as chosen_by names it": (
                    self.patience != 0 and self.chosen_by == "last"
                ),
            }
        )

    @property
    def moves_stages(self) -> bool:
        """Whether the stages of the backbone are trained in different ways."""
        return bool(self.last or self.freeze or self.unfreeze_every or self.stage_lr != 1)

    def hold(self, backbone: nn.Module) -> None:
        """Freeze the parts of the backbone that are not trained at the first step.

        Raises:
            ValueError: Where the backbone has fewer stages or layers than the settings name.
        """
        if self.freeze:
            first = list(list_layers(getattr(backbone, "body", backbone)).values())
            _count("layers to freeze", self.freeze, len(first))
            Stage(first[: self.freeze]).hold()
        if self.last or self.unfreeze_every:
            every = list_stages(backbone)
            _count("stages to move", self.last, len(every))
            for stage in every[: len(every) - self.last]:
                stage.hold()

    def release(self, backbone: nn.Module, step: int, optimizer: Optimizer, lr: float) -> None:
        """Unfreeze a stage of the backbone before `step` if one is due then.

        Args:
            backbone: Backbone whose stages were frozen by `hold`.
            step: Number of the step, from 1 on.
            optimizer: Optimizer that gets the weights of the stage.
            lr: Learning rate of the last stage, next to the output.
        """
        if not self.unfreeze_every or step <= self.unfreeze_every:
            return
        depth, rest = divmod(step - 1 - self.unfreeze_every, self.unfreeze_every)
        if rest:
            return
        for stage in list_stages(backbone)[::-1][depth : depth + 1]:
            stage.release()
            for group in self._split(stage.parameters(), lr * self.stage_lr**depth):
                optimizer.add_param_group(group)

    def groups(self, method: nn.Module, lr: float, backbone_lr: float) -> list[dict[str, Any]]:
        """Return the optimizer's groups of trained parameters, those of the backbone last.

        Args:
            method: Method whose parameters are trained.
            lr: Learning rate of all parameters outside the backbone, such as neck and heads.
            backbone_lr: Learning rate of the last stage of the backbone, next to the output.
        """
        backbone: nn.Module = method.backbone  # type: ignore[assignment]
        ours = {id(p) for p in backbone.parameters()}
        found = self._split([p for p in method.parameters() if id(p) not in ours], lr)
        return found + [group for part in self._backbone(backbone, backbone_lr) for group in part]

    def _backbone(self, backbone: nn.Module, lr: float) -> Iterator[list[dict[str, Any]]]:
        if self.stage_lr == 1:
            yield self._split(list(backbone.parameters()), lr)
        else:
            for depth, stage in enumerate(reversed(list_stages(backbone))):
                yield self._split(stage.parameters(), lr * self.stage_lr**depth)

    def _split(self, parameters: list[nn.Parameter], lr: float) -> list[dict[str, Any]]:
        """Group the trained parameters: vectors apart from matrices where they do not decay."""
        moving = [p for p in parameters if p.requires_grad]
        if self.decay_norms:
            found = [{"params": moving, "lr": lr}]
        else:
            found = [
                {"params": [p for p in moving if p.ndim > 1], "lr": lr},
                {"params": [p for p in moving if p.ndim <= 1], "lr": lr, "weight_decay": 0.0},
            ]
        return [group for group in found if group["params"]]


def _count(what: str, asked: int, there: int) -> None:
    if asked > there:
        raise ValueError(f"unknown number of {what} {asked}, known: up to {there}")
