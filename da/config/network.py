"""Settings of the layers on top of a backbone; `da.models.network` builds them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from da.config.limits import COUNT, FEW, SHARE, WHOLE
from da.config.ranges import Choice, Uniform
from da.config.validation import choice_errors, limit_errors, refuse

InitAs = Literal["default", "cdan", "mdd", "safn", "shot", "pada"]
"""Whose code says how weights begin, which `da.models.initialization` draws."""


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
    init_as: InitAs = "default"
    """Initial weights of neck, classifiers and discriminators.
    default: PyTorch's, and `head_init`.
    cdan: Xavier normal, biases 0, scales of norms N(1, 0.02), as CDAN's authors.
    mdd: neck N(0, 0.005) with biases 0.1, all others N(0, 0.01) with biases 0, as MDD's authors.
    safn: weights and biases N(0, 0.01), scales of norms N(1, 0.01), as SAFN's authors.
    shot: neck Xavier normal, all others PyTorch's, biases 0, as the authors of SHOT, NRC and AaD.
    pada: neck N(0, 0.005), all others N(0, 0.01), biases 0, as PADA's authors.
    """
    head_norm: bool = False
    """Batch norm in the classifier's hidden layers, before the ReLU."""
    head_dropout_at: Literal["outputs", "inputs"] = "outputs"
    """Side of hidden layers that `head_dropout` drops; TLlib's MCD drops inputs."""
    head_weight_norm: bool = False
    """Whether the classifier's last layer learns directions and lengths of weights, as SHOT's."""
    label_smoothing: Annotated[float, Uniform(0, 0.3), SHARE] = 0.0
    """Share of each label that is spread evenly over all classes; 0 for no smoothing."""
    neck_layers: Annotated[int, FEW] = 1
    """Times that the neck has its layers, dropout too; 2 in OSBP's authors' code and in TLlib's."""

    def __post_init__(self) -> None:
        refuse(
            choice_errors(self)
            | limit_errors(self)
            | {
                "head_dropout goes with hidden layers, for example head 512": (
                    self.head_dropout != 0 and not self.head
                ),
                "head_norm goes with hidden layers, for example head 512": (
                    self.head_norm and not self.head
                ),
                "head_dropout_at inputs goes with head_dropout": (
                    self.head_dropout_at == "inputs" and not self.head_dropout
                ),
                "neck_layers goes with a neck, for example neck 256": (
                    self.neck_layers != 1 and not self.neck
                ),
                f"init_as {self.init_as} draws the classifier too: leave head_init default": (
                    self.init_as != "default" and self.head_init != "default"
                ),
            }
        )
