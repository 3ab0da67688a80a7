"""A finished run as one network, from pixels to class logits, without any data set."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.config.choices import Fit
from da.config.task_name import TaskName
from da.data.reading import Reading
from da.data.to_square import resize_to_square
from da.data.transforms import Resize, fit_to_input
from da.evaluation.predictions import average_crops
from da.methods import Method
from da.methods._class_weights import NAME as CLASS_WEIGHTS
from da.methods._class_weights import add_weights, weigh_classes
from da.methods._column_heads import add_heads, predict_columns
from da.models import backbones, saved_weights
from da.models.backbone import Features, take_inputs
from da.models.features import scale_outputs, scale_rows
from da.models.network_info import NetworkInfo
from da.runs.inputs import iterate_inputs
from da.runs.run import Run


class TrainedModel(nn.Module):
    """The network of a finished run, for evaluation: its backbone, and its method's other layers.

    Its logits equal those of `da.evaluation.predictions` up to rounding. They are computed in
    float32, whatever precision the run had.

    Args:
        backbone: Frozen backbone that computed the run's features; None where the method has its
            own.
        method: Trained method, with its maps of features and its classifier.
        about: What the network needs to know without a data set, such as the names of classes.
    """

    def __init__(self, backbone: nn.Module | None, method: Method, about: NetworkInfo):
        super().__init__()
        self.backbone = backbone
        """Frozen backbone that computed the run's features; None where the method has its own."""
        self.method = method
        self.about = about
        self.eval().requires_grad_(False)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the logits."""
        return self.about.classes

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Names of the classes of each further label column, in the order of its logits."""
        return self.about.columns

    @property
    def rejects(self) -> bool:
        """Whether an image alone can be of no known class, as the run's task has such.

        False for a method that judges images by each other; `predict` and `unknown` do so.
        """
        return self._has_unknown and not getattr(self.method, "judges_together", False)

    @property
    def _has_unknown(self) -> bool:
        return TaskName.parse(str(self.about.settings.get("task", ""))).has_unknown

    @property
    def parts(self) -> tuple[nn.Module, ...]:
        """Backbone, neck and head, in the order in which images pass through them."""
        return self.backbone or self.method.backbone, self.method.neck, self.method.head

    @property
    def resize(self) -> Resize:
        """Size and resizing of the network's input."""
        return Resize(*self.about.resize, self.about.settings.get("test_crop", "center"))

    @property
    def stored_side(self) -> int:
        """Pixels a side to which images are resized before they become input."""
        return self.about.stored_side

    @property
    def fit(self) -> Fit:
        """How images that are no squares become squares."""
        return Reading.of(self.about.settings).fit

    def forward(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute class logits of target images: uint8 `b h w 3` of any size, or network input."""
        if _is_stored(x):
            return self.classify(resize_to_square(x, self.stored_side, self.fit))
        return self._logits(x)

    def classify(self, squares: Float[Tensor, "b h w 3"]) -> Float[Tensor, "b k"]:
        """Compute class logits of squares of the stored side, as evaluation shows them."""
        if self.resize.test_crop == "ten_crop":
            return average_crops(self._logits, squares, self.resize)
        return self._logits(fit_to_input(squares, self.resize))

    def _logits(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute class logits of network input."""
        return weigh_classes(self.method, self.method.predict(self._map(x)).float())

    def forward_columns(self, x: Shaped[Tensor, "b ..."]) -> tuple[Float[Tensor, "b _"], ...]:
        """Compute the logits of all label columns of target images, the class's first."""
        own, *further = predict_columns(self.method, self._input(x))
        first = weigh_classes(self.method, own.float())
        return (first, *(logits.float() for logits in further))

    def forward_unknown(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b"]:
        """Compute how likely target images are of no known class: rejected above 0.5."""
        return self.method.score_unknown(*self._embed(x)).float()

    def _embed(
        self, x: Shaped[Tensor, "b ..."]
    ) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b k"]]:
        """Compute what images are judged by: features and logits."""
        x = self._input(x)
        f, logits = self.method.embed(x), self.method.predict(x)
        return f.float(), weigh_classes(self.method, logits.float())

    def _input(self, x: Shaped[Tensor, "b ..."]) -> Shaped[Tensor, "b ..."]:
        """Return what the method takes: resized images, or mapped features."""
        if _is_stored(x):
            x = fit_to_input(resize_to_square(x, self.stored_side, self.fit), self.resize)
        return self._map(x)

    def _map(self, x: Shaped[Tensor, "b ..."]) -> Shaped[Tensor, "b ..."]:
        """Return what the method takes of network input: itself, or mapped features."""
        return x if self.backbone is None else self.map_features(self.backbone(x))

    def map_features(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b _"]:
        """Return what the method takes of features, as the frozen backbone gives them."""
        return self.method.map_target(self.method.backbone(scale_rows(f.float())))

    def predict(self, images: Any) -> list[str]:
        """Return the name of the likeliest class of each image, or "unknown" of rejected ones.

        Images are as you have them, of any size: a path or picture of Pillow, or many of these in a
        list, a Dataset, an array or a tensor. A network of features takes rows.

            model = da.load_model(record.id)
            print(model.predict(["photos/webcam/mug/1.jpg"]))

        Raises:
            ValueError: If they are no images that the network takes.
        """
        if not self._has_unknown:
            return [self.classes[i] for i in self.probabilities(images).argmax(1).tolist()]
        logits, scores = self._judge(images)
        pairs = zip(logits.argmax(1).tolist(), scores.tolist(), strict=True)
        return [UNKNOWN if score > 0.5 else self.classes[i] for i, score in pairs]

    def unknown(self, images: Any) -> Float[Tensor, "b"]:
        """Return how likely each image is of no known class, from 0 to 1; see `predict`."""
        return self._judge(images)[1]

    def probabilities(self, images: Any) -> Float[Tensor, "b k"]:
        """Return the probability of each class, in the order of `classes`, for each image."""
        found = self._compute(self.forward, images).softmax(1)
        if not found.isfinite().all():
            raise ValueError("the model predicts no numbers: its weights are damaged or too large")
        return found

    def predict_columns(self, images: Any) -> dict[str, list[str]]:
        """Return the likeliest class of each image for each label column; see `predict`."""
        names = [*self.about.settings.get("label_columns", ())][:1] or ["class"]
        classes = dict(zip(names, [self.classes], strict=True)) | self.columns
        found = self._compute(lambda x: torch.cat(self.forward_columns(x), 1), images)
        each = found.split([*map(len, classes.values())], 1)
        named = {
            name: [of[i] for i in logits.argmax(1).tolist()]
            for (name, of), logits in zip(classes.items(), each, strict=True)
        }
        return named | ({names[0]: self.predict(images)} if self.rejects else {})

    def features(self, images: Any) -> Float[Tensor, "b d"]:
        """Return the features of each image that the method aligned and its classifier sees."""
        return self._compute(lambda x: self.method.embed(self._input(x)).float(), images)

    def to_torch(self) -> nn.Module:
        """Return a copy as a plain module, from images to logits.

        Its images are `b 3 h w`, bytes or numbers from 0 to 1, of any size. Resizing and
        normalization are inside. It needs no settings and no data, exports by `torch.export`, and
        can train on.
        """
        return Classifier(self)

    @torch.no_grad()
    def _judge(self, images: Any) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b"]]:
        """Return the logits of images, and how likely each is of no known class."""
        both = self._compute(lambda x: torch.cat(self._embed(x), 1), images)
        if not both.isfinite().all():
            raise ValueError("the model predicts no numbers: its weights are damaged or too large")
        f, logits = both.tensor_split([-len(self.classes)], 1)
        place = next(iter(self.state_dict().values())).device
        return logits, self.method.score_unknown(f.to(place), logits.to(place)).float().cpu()

    @torch.no_grad()
    def _compute(self, function: Callable[[Tensor], Tensor], images: Any) -> Tensor:
        place = next((x.device for x in self.state_dict().values()), torch.device("cpu"))
        batches = iterate_inputs(images, self.stored_side, self.parts[0], self.fit)
        return torch.cat([function(x.to(place)).cpu() for x in batches])


UNKNOWN = "unknown"
"""What images of no known class are predicted as."""

USED = "backbone", "neck", "head", CLASS_WEIGHTS
"""Parts of a method that predict, where it does not say otherwise."""


class Classifier(nn.Module):
    """The network of a run as a plain module, from images `b 3 h w` to class logits.

    Args:
        model: Network of a finished run, which is copied without what only its training needed.
    """

    def __init__(self, model: TrainedModel):
        super().__init__()
        self.network = deepcopy(model)
        method = self.network.method
        if not any(method.overrides(part) for part in ("embed", "predict", "map_target")):
            own = [*method.named_children(), *method.named_buffers(recurse=False)]
            for name in [name for name, _ in own if name not in USED]:
                delattr(method, name)
        self.requires_grad_(True)

    def forward(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute logits of images, which are bytes or numbers from 0 to 1, or of features."""
        if x.ndim == 4:
            x = rearrange(x if x.dtype == torch.uint8 else x * 255, "b c h w -> b h w c")
            model = self.network
            return model.classify(resize_to_square(x, model.stored_side, model.fit))
        return self.network(x)


def _is_stored(x: Shaped[Tensor, "b ..."]) -> bool:
    """Return whether these are images as the user has them, and no network input."""
    return x.dtype == torch.uint8 and x.shape[-1] == 3


def load_model(run_id: str, results: str | Path = "results") -> TrainedModel:
    """Load the network of a finished run, on the CPU.

    Args:
        run_id: Id of the run.
        results: Folder of its record and weights.

    Raises:
        ValueError: Where its weights were not stored, or belong to another network.
    """
    results = Path(results)
    state, about = saved_weights.load_network_state(run_id, results)
    run = _run_of(about, run_id, results)
    backbone = backbones.build_backbone(
        run.backbone, run_id, **run.backbone_options, side=about.resize[0], results=results
    )
    take_inputs(backbone, about.stored_side)  # which is the number of features of a point
    if run.unit_features:
        scale_outputs(backbone)
    frozen = run.regime == "frozen"
    read = Features(backbone.width, state.get("backbone.columns"))  # type: ignore[arg-type]
    sources = len(TaskName.parse(run.task).sources)
    method = run.method.build(
        read if frozen else backbone, len(about.classes), run.network, sources
    )
    add_heads(method, run.labels, [*map(len, about.columns.values())])
    if run.shift.label_shift != "none":
        add_weights(method)
    saved_weights.restore_weights(method, run_id, state)
    return TrainedModel(backbone if frozen else None, method, about)


def _run_of(about: NetworkInfo, run_id: str, results: Path) -> Run:
    """Return the run that weights say they are of.

    Raises:
        ValueError: Where it is not the one of that id.
    """
    try:
        run = Run.of(about.settings)
    except Exception as error:  # settings of any type and value, from a damaged file
        raise saved_weights.wrong_weights(run_id, results, "has no settings of a run") from error
    if run.id != run_id:
        raise saved_weights.wrong_weights(run_id, results, f"is of another run, {run.id}")
    return run
