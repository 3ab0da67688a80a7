"""Settings of fine-tuning: which parts of a backbone are trained, when, and how fast."""

from dataclasses import dataclass
from typing import Annotated, Literal

from da.config.limits import AMOUNT, COUNT, WHOLE
from da.config.ranges import LogUniform
from da.config.registry import SELECTORS
from da.config.validation import choice_errors, limit_errors, refuse


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
    """Steps between drops of the learning rate, to `drop_factor` of it; 0 for no drops."""
    chosen_by: str = "last"
    """Evaluation whose weights become the model: `last`, or the best by this selector.
    See `da list selectors`; `oracle` cannot choose here.
    """
    patience: Annotated[int, WHOLE] = 0
    """Evaluations without a better score until training stops; 0 for no early stop."""

    moves: Literal["all", "norm", "lora"] = "all"
    """Weights of the backbone that train in regime full, with any method.
    all: those of its trained stages, see `last`, `freeze` and `unfreeze_every`.
    norm: scale and shift of its norms.
    lora: matrices of low rank that are added to its linear layers, and to the weights in the end.
    """
    lora_rank: Annotated[int, COUNT] = 8
    """Rank of the matrices that `moves` lora adds."""
    begins_with: Literal["backbone", "network"] = "backbone"
    """Part of the finished run in `init` that the run begins with.
    network: neck and head too, as methods that never see the source do in any case.
    """

    def __post_init__(self) -> None:
        held = self.last, self.freeze, self.unfreeze_every
        known, joined = ("last", *SELECTORS), "+" in self.chosen_by
        refuse(
            choice_errors(self)
            | limit_errors(self)
            | {
                f"chosen_by is one of {', '.join(known)}, not {self.chosen_by!r}": (
                    self.chosen_by.partition("/")[0] not in known and not joined
                ),
                f"chosen_by of a run is one score, not {self.chosen_by!r}, which compares all "
                "evaluations: da table can choose by it": joined,
                "of last, freeze and unfreeze_every one at a time": sum(map(bool, held)) > 1,
                f"moves {self.moves} needs last, freeze and unfreeze_every 0": (
                    self.moves != "all" and any(held)
                ),
                "lora_rank needs moves lora": self.moves != "lora" and self.lora_rank != 8,
                "patience needs a score, as chosen_by names it": (
                    self.patience != 0 and self.chosen_by == "last"
                ),
            }
        )

    @property
    def moves_stages(self) -> bool:
        """Whether the stages of the backbone are trained in different ways."""
        return bool(self.last or self.freeze or self.unfreeze_every or self.stage_lr != 1)
