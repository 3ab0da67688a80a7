"""The contract of a domain-adaptation method."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from da.data.batch import Batch
from da.data.domain import Images, LabeledImages
from da.models.network import Network
from da.models.stages import keep_held_in_eval
from da.ops.functional import Scalar, cross_entropy


class _ByName(dict[str, type["Method"]]):
    """Methods by name; ValueError, naming the known ones, for an unknown name."""

    def __missing__(self, name: str) -> type["Method"]:
        raise ValueError(f"unknown method {name!r}, known: {', '.join(self)}")


METHODS = _ByName()
"""Every method that names its paper, by the name of its file."""

Family = Literal[
    "baseline",
    "mapping",
    "discrepancy",
    "adversarial",
    "entropy",
    "norm",
    "self-training",
    "optimal transport",
    "source-free",
    "test-time",
    "combination",
    "distillation",
    "peer",
]
"""What kind of adaptation a method is."""

Losses = dict[str, Tensor]
"""Named scalars, weights already applied: their sum is minimized."""


class Phase(NamedTuple):
    """A part of a training step: what to minimize, and the parameters it may move."""

    losses: Callable[[Any, Scalar], Losses]
    """Of a batch, and how much of the training is done."""
    updates: Iterable[nn.Parameter]


@runtime_checkable
class Trainable(Protocol):
    """What the trainer asks for: a method, or several that train together."""

    def phases(self) -> Iterator[Phase]:
        """Parts of one training step, in order."""

    def after_step(self) -> None:
        """Update what no gradient moves."""


class Method(nn.Module):
    """A way to train a classifier for the target domain; owns every part that is trained.

    Written as one subclass in a file of its own, `da/methods/NAME.py`. The command line, the
    tests and the tables find it there and call it NAME.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    """Authors, year and where to find it; "baseline" where there is none."""
    family: ClassVar[Family]
    frozen_only: ClassVar[bool] = False
    """Whether the method works only on features that do not move."""
    blind: ClassVar[bool] = False
    """Whether training looks at nothing of the target, so that `da sweep` trains once for all
    targets of a source.
    """
    takes_shots: ClassVar[bool] = False
    """Whether the method learns from labeled target images, and only works with them."""
    takes_strong: ClassVar[bool] = False
    """Whether the method wants a strong view of target images, where they are pixels."""
    source_free: ClassVar[bool] = False
    """Whether the method begins with a finished run's network, `Run.init`, and sees no source."""
    taught: ClassVar[bool] = False
    """Whether it learns from a finished run's predictions: that of its setting `teacher`, or of
    `Run.init` where this is empty.
    """
    guide: Callable[[Tensor], Tensor]
    """Class logits of target images by that run, given to a method that is `taught`."""
    streams: ClassVar[bool] = False
    """Whether it learns from target test images, each once, in the order in which they come.

    It then has a buffer `online`: the logits of each, as predicted before anything was learnt of
    it; NaN where it has not come yet.
    """
    needs: ClassVar[str] = ""
    """A library that the method imports when it is built, and that is not installed with `da`."""
    batchable: ClassVar[tuple[str, ...] | None] = None
    """Settings (floats) in which runs that train together may differ; None where runs cannot."""

    @dataclass(frozen=True)
    class Hparams:
        """Settings of the method, with the paper's values as defaults."""

        owner: ClassVar[type["Method"]]

        def build(
            self, backbone: nn.Module, classes: int, network: Network | None = None
        ) -> "Method":
            """The untrained method these settings describe."""
            return self.owner(self, backbone, classes, network or Network())

    def __init_subclass__(cls) -> None:
        if "Hparams" not in vars(cls):
            names = {"__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.Hparams"}
            cls.Hparams = dataclass(frozen=True)(type("Hparams", (cls.Hparams,), names))  # type: ignore[misc]
        cls.Hparams.owner = cls
        cls.name = cls.__module__.rpartition(".")[2]
        if "paper" in vars(cls):
            if cls.name in METHODS:
                raise TypeError(f"two methods in {cls.__module__}: {METHODS[cls.name]}, {cls}")
            METHODS[cls.name] = cls

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__()
        self.hp = hp
        self.network = network
        self.classes = classes
        self.backbone = backbone
        self.neck, self.width = network.build_neck(backbone.width)  # type: ignore[arg-type]
        self.head = network.build_head(self.width, classes)

    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Look at all training images before the first step; most methods need not."""

    def prepare_target(self, target: Images) -> None:
        """In place of `prepare` where there is no source: all target images to be learnt from."""

    def map_source(self, x: Shaped[Tensor, "b ..."]) -> Shaped[Tensor, "b ..."]:
        """Source images as all that follows `prepare` sees them; most methods change nothing.

        Done once to all of them, so it must not depend on what training moves.
        """
        return x

    def map_target(self, x: Shaped[Tensor, "b ..."]) -> Shaped[Tensor, "b ..."]:
        """Target images as all that follows `prepare` sees them."""
        return x

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Losses on `batch` once `progress`, from 0 to 1, of the training is done."""
        raise NotImplementedError

    def phases(self) -> Iterator[Phase]:
        """Parts of one training step, in order. By default a single one, which moves everything."""
        yield Phase(self, self.parameters())

    def task_loss(self, logits: Float[Tensor, "n k"], y: Int[Tensor, "n"]) -> Float[Tensor, ""]:
        """Mean cross-entropy of labeled images, their labels smoothed as the network says."""
        return cross_entropy(logits, y, self.network.label_smoothing)

    def embed(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """Features of target images: the neck's output, which methods align."""
        return self.neck(self.backbone(x))

    def embed_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """Features of source images; differs only where the domains are mapped apart."""
        return self.embed(x)

    def features(self, batch: Batch) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
        """Source and target features, by one joint pass or by two, as `network.bn` says."""
        x_s, x_t = batch.source.x, batch.target.x
        if self.network.bn == "separate":
            return self.embed(x_s), self.embed(x_t)
        f_s, f_t = self.embed(torch.cat([x_s, x_t])).split([len(x_s), len(x_t)])
        return f_s, f_t

    def predict(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Class logits of target images."""
        return self.head(self.embed(x))

    def predict_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Class logits of source images."""
        return self.head(self.embed_source(x))

    def train(self, mode: bool = True) -> "Method":
        """As any module's, but that parts of the backbone that are held stay in evaluation mode."""
        super().train(mode)
        keep_held_in_eval(self)
        return self

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """In evaluation mode within it, and as before afterwards."""
        training = self.training
        self.eval()
        yield
        self.train(training)

    def after_step(self) -> None:
        """Update what no gradient moves, such as an average of weights or a memory of images.

        Nowhere else, since losses are also computed to be looked at.
        """

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take over buffers of any size: a method that was not prepared cannot know it."""
        for name, buffer in self.named_buffers(recurse=False):
            if prefix + name in state_dict:
                setattr(self, name, buffer.new_empty(state_dict[prefix + name].shape))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
