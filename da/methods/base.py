"""The contract that every domain-adaptation method keeps."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from da.config.network import Network
from da.data.batch import Batch
from da.data.domain import Images, LabeledImages
from da.methods._phases import Losses as Losses
from da.methods._phases import Phase as Phase
from da.methods._phases import Trainable as Trainable
from da.methods._preparation import require_preparation
from da.methods._settings import Settings
from da.models.network import build_head, build_neck
from da.models.stages import keep_held_in_eval
from da.ops.functional import Scalar, cross_entropy, prediction_entropy

LOADED = time.time()
"""Time at which this process began to read the code of methods, in seconds."""


class Method(nn.Module):
    '''Base class of all methods: the network that is trained, and the losses that train it.

    To add a method, write one subclass in a file of its own: `methods/NAME.py` in a folder that the
    environment variable `DA_PLUGINS` names. The command line, the tests and the tables find it
    there and call it NAME. The subclass needs a docstring, `paper`, `family` and
    `forward`; `Hparams` holds its settings. This is a complete file:

        from dataclasses import dataclass

        from da.methods import Batch, Losses, Method, Scalar


        class MeanGap(Method):
            """Move the mean features of source and target toward each other."""

            paper = "baseline"
            family = "discrepancy"

            @dataclass(frozen=True)
            class Hparams(Method.Hparams):
                """The default is ours."""

                trade_off: float = 1.0
                """Weight of the squared distance of the means; 0 for no adaptation."""

            hp: Hparams

            def forward(self, batch: Batch, progress: Scalar) -> Losses:
                """Return the source cross-entropy and the distance of the means."""
                f_s, f_t = self.features(batch)
                task = self.task_loss(self.head(f_s), batch.source.y)
                gap = (f_s.mean(0) - f_t.mean(0)).square().sum()
                return {"task": task, "gap": self.hp.trade_off * gap}

    A method owns every part that is trained. The base class builds `backbone`, `neck` and `head`,
    which follow each other. "Features" are the output of the neck: `width` numbers for each image.
    A subclass that needs more overrides more:

    - `__init__` adds parts, such as a discriminator, and buffers.
    - `prepare` looks at all images before the first step; training without it is refused.
    - `phases` splits a step into parts that move different parameters.
    - `after_step` updates what no gradient moves.
    - `embed`, `embed_source`, `predict` and `predict_source` change what evaluation sees.
    - `map_source` and `map_target` map features once, before training (`frozen_only`).

    The class attributes below tell the trainer what the method needs. In annotated shapes, n are
    source images, m target images, b images of any domain, d features and k classes.
    '''

    name: ClassVar[str]
    """Name of the method: the name of its file. Set automatically."""
    paper: ClassVar[str]
    """Authors, year and where to find the paper; "baseline" for a method without one.
    A class that sets it is the method of its file; a base class of several methods does not.
    """
    family: ClassVar[str]
    """Kind of adaptation in a word or two, by which `da list methods` sorts methods."""
    frozen_only: ClassVar[bool] = False
    """True for a method that works only on features that do not move (regime frozen)."""
    blind: ClassVar[bool] = False
    """True if training uses nothing of the target: one then serves all targets of a source."""
    takes_shots: ClassVar[bool] = False
    """True for a method that needs labeled target images, in tasks that end in `+Kshot`.
    They are in `batch.shots`; other methods get them among the images of `batch.source`.
    """
    takes_strong: ClassVar[bool] = False
    """True for a method that uses a strongly augmented view of target images.
    It is in `batch.target.strong`, which is None where images are features instead of pixels.
    """
    takes_domains: ClassVar[bool] = False
    """True for a method of several sources, whose `take_domains(count)` adds the parts of each."""
    takes_names: ClassVar[bool] = False
    """True for a method that reads the names of classes, and overrides `take_names`.
    The backbone needs a text encoder that shares a space with its images.
    """
    source_free: ClassVar[bool] = False
    """True for a method that never sees the source and starts from a finished run, `Run.init`.
    Its batches are `TargetBatch`, and `prepare_target` is called in place of `prepare`.
    """
    taught: ClassVar[bool] = False
    """True for a method that learns from the predictions of a finished run, by calling `guide`.
    That run is the method's setting `teacher`, or `Run.init` where `teacher` is empty. To a method
    that is `source_free` too it is a black box: it has its logits `predictions: "m k"` alone.
    """
    guide: Callable[[Tensor], Tensor]
    """Function from target images to that run's class logits. Set for a method that is `taught`."""
    streams: ClassVar[bool] = False
    """True for a method that learns from target test images, each once, in the order they arrive.
    It needs a buffer `online`: the logits of each test image, predicted before the method learned
    from that image; NaN for images that have not arrived yet.
    """
    prepared: bool
    """Whether the method has seen its images, or has loaded weights of one that has."""
    needs: ClassVar[str] = ""
    """Library that the method imports and that only an extra installs; empty for none."""
    resumable: ClassVar[bool] = True
    """False for a method that holds state which is in none of its attributes, as in a closure.
    A training of it that was interrupted begins again, in place of going on.
    """
    batchable: ClassVar[tuple[str, ...] | None] = None
    """Names of the settings (floats) in which runs that share their steps may differ.
    None where they cannot: `after_step` is overridden, or code looks at the value of a tensor.
    """

    @dataclass(frozen=True)
    class Hparams(Settings):
        """Settings of the method, with the paper's values as defaults.

        The docstring of a subclass says where other defaults come from. The docstring below a field
        is its help in `da train NAME --help`. `da tune` searches fields annotated with a range. A
        field can have a limit of `da.config.limits` in its annotation; floats must be finite.

        Raises:
            ValueError: Where a value is outside its limit, or settings contradict each other.
        """

        owner: ClassVar[type["Method"]]
        """Class of the method that these settings are for. Set automatically."""

    def __init_subclass__(cls) -> None:
        if "Hparams" not in vars(cls):
            names = {"__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.Hparams"}
            cls.Hparams = dataclass(frozen=True)(type("Hparams", (cls.Hparams,), names))  # type: ignore[misc]
        cls.Hparams.owner = cls
        require_preparation(cls, Method)
        cls.name = cls.__module__.rpartition(".")[2]

    @classmethod
    def overrides(cls, function: str) -> bool:
        """Return whether the class defines a function in its own way."""
        return getattr(cls, function) is not getattr(Method, function)

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__()
        self.prepared = False
        self.hp = hp
        self.network = network
        self.classes = classes
        self.backbone = backbone
        self.neck, self.width = build_neck(network, backbone.width)  # type: ignore[arg-type]
        self.head = build_head(network, self.width, classes)

    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Look at all training images before the first step. By default, do nothing."""

    def prepare_target(self, target: Images) -> None:
        """Do what `prepare` does, from target images alone, in a method that is `source_free`."""

    def prepare_source(self, source: Images) -> None:
        """Look at source images without labels, before `prepare_target`. By default, do nothing."""

    def take_names(self, texts: Float[Tensor, "k d"], scale: float) -> None:
        """Take an embedding of each class's name, and the factor of cosines with these.

        Called before `prepare`, if `takes_names`.
        """

    def map_source(self, x: Shaped[Tensor, "b ..."]) -> Shaped[Tensor, "b ..."]:
        """Map source features to what training and evaluation see. By default, change nothing.

        Called after `prepare`, if `frozen_only`. The map must not depend on what training moves.
        """
        return x

    def map_target(self, x: Shaped[Tensor, "b ..."]) -> Shaped[Tensor, "b ..."]:
        """Map target features to what training and evaluation see, as `map_source` does."""
        return x

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Compute the losses of a batch once `progress`, from 0 to 1, of the training is done."""
        raise NotImplementedError

    def phases(self) -> Iterator[Phase]:
        """Return the parts of one training step, in order. By default, one part moves all."""
        yield Phase(self, self.parameters())

    def task_loss(self, logits: Float[Tensor, "n k"], y: Int[Tensor, "n"]) -> Float[Tensor, ""]:
        """Compute the mean cross-entropy of labeled images, with `network.label_smoothing`."""
        return cross_entropy(logits, y, self.network.label_smoothing)

    def embed(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """Compute the features of target images: the output of the neck, which methods align."""
        return self.neck(self.backbone(x))

    def embed_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """Compute the features of source images. By default, the same as `embed`."""
        return self.embed(x)

    def features(self, batch: Batch) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
        """Compute source and target features, in one pass or in two, as `network.bn` says."""
        x_s, x_t = batch.source.x, batch.target.x
        if self.network.bn == "separate":
            return self.embed(x_s), self.embed(x_t)
        f_s, f_t = self.embed(torch.cat([x_s, x_t])).split([len(x_s), len(x_t)])
        return f_s, f_t

    def predict(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the class logits of target images."""
        return self.head(self.embed(x))

    def predict_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the class logits of source images."""
        return self.head(self.embed_source(x))

    def score_unknown(
        self, f: Float[Tensor, "b d"], logits: Float[Tensor, "b k"]
    ) -> Float[Tensor, "b"]:
        """Compute how likely images with features `f` are of no known class: rejected above 0.5.

        By default, the entropy of the predictions, divided by its largest value, as DANCE does
        (Saito et al. 2020, arXiv:2002.07953).
        """
        return prediction_entropy(logits) / math.log(max(2, logits.shape[-1]))

    def train(self, mode: bool = True) -> "Method":
        """Set training mode, except for held (frozen) layers, which stay in evaluation mode."""
        super().train(mode)
        keep_held_in_eval(self)
        return self

    @contextmanager
    def evaluation_mode(self) -> Iterator[None]:
        """Switch to evaluation mode for the length of a `with` block."""
        training = self.training
        self.eval()
        yield
        self.train(training)

    def after_step(self) -> None:
        """Update what no gradient moves, such as an average of weights or a memory of images.

        Update it only here: losses are also computed for diagnostics, which must change nothing.
        """

    def reset(self) -> None:
        """Forget what is no parameter or buffer, where a stream resets. By default, do nothing."""

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Accept buffers of any size: a method that was not prepared cannot know the size."""
        self.prepared = True
        for name, buffer in self.named_buffers(recurse=False):
            if prefix + name in state_dict:
                setattr(self, name, buffer.new_empty(state_dict[prefix + name].shape))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
