"""What streaming methods share whose predictions are those of an averaged teacher."""

from dataclasses import dataclass
from typing import Annotated

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.config.limits import SHARE, UNIT
from da.config.ranges import Choice, Uniform
from da.data.domain import Images
from da.methods._average import move_toward
from da.methods._streaming import Streaming
from da.methods._views import View
from da.methods.base import Method, Network
from da.models.network import copy_as_buffers


class AveragedTeacher(Streaming):
    """Base of streaming methods that learn from a teacher, the average of their weights."""

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the teacher and of the views that the student sees."""

        keep: Annotated[float, Choice(0.9, 0.99, 0.999), UNIT] = 0.999
        """Share of the teacher's weights that a step keeps."""
        feature_dropout: Annotated[float, Uniform(0.05, 0.5), SHARE] = 0.2
        """Share of features that a view of features lacks; ours. Unused for pixels."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.view = View(hp.feature_dropout)
        self.teacher = copy_as_buffers(self.student())

    def student(self) -> nn.Sequential:
        """Return the network that learns."""
        return nn.Sequential(self.backbone, self.neck, self.head)

    def train(self, mode: bool = True) -> "AveragedTeacher":
        """Set the mode of views; all layers stay in evaluation mode."""
        super().train(mode)
        self.view.train(mode)
        return self

    def prepare_target(self, target: Images) -> None:
        """Begin the teacher as the source's network."""
        self.teacher.load_state_dict(self.student().state_dict())
        super().prepare_target(target)

    def move_teacher(self) -> None:
        """Move the teacher's weights toward the student's."""
        move_toward(self.teacher, self.student(), 1 - self.hp.keep)

    def predict(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the teacher's class logits of target images."""
        return self.teacher(x)

    def predict_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the teacher's class logits of source images."""
        return self.teacher(x)
