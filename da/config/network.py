"""Settings of the layers on top of a backbone; `da.models.network` builds them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from da.config.limits import COUNT, SHARE, WHOLE
from da.config.ranges import Choice, Uniform
from da.config.validation import choice_errors, limit_errors, refuse


@dataclass(frozen=True)
class Network:
    """The layers on top of the backbone: `backbone -> neck -> head`.

    Raises:
        ValueError: Where settings contradict each other.
    """

    neck: Annotated[int, Choice(0, 128, 256, 512, 1024), WHOLE] = 256
    """Width of the neck (linear, batch norm, ReLU), whose output is aligned; 0 for no neck."""
    dropout: Annotated[float, Uniform(0, 0.8), SHARE] = 0.5
    """Share of the neck's output (features, if no neck) dropped in training; 0 for no dropout."""
    head: Annotated[tuple[int, ...], COUNT] = ()
    """Widths of the classifier's hidden layers; empty for a linear classifier."""
    bn: Literal["joint", "separate"] = "joint"
    """Batch norm of source and target: joint, in one batch, or separate, in two batches."""
    neck_norm: bool = True
    """Batch norm after the linear layer of the neck."""
    neck_relu: bool = True
    """ReLU at the end of the neck."""

    head_dropout: Annotated[float, Uniform(0, 0.8), SHARE] = 0.0
    """Share of each hidden layer of the classifier dropped in training; 0 for no dropout."""
    head_init: Literal["default", "xavier"] = "default"
    """Initial weights of the classifier: PyTorch's default, or Xavier uniform."""
    label_smoothing: Annotated[float, Uniform(0, 0.3), SHARE] = 0.0
    """Share of each label that is spread evenly over all classes; 0 for no smoothing."""

    def __post_init__(self) -> None:
        refuse(
            choice_errors(self)
            | limit_errors(self)
            | {
                "head_dropout goes with hidden layers, for example head 512": (
                    self.head_dropout != 0 and not self.head
                ),
            }
        )
