"""The settings of one training run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Annotated, Any, Literal

from da.config.choices import Augment, FeatureScore, Fit, MemoryFormat, Precision, Schedule
from da.config.fine_tuning import FineTuning
from da.config.label_columns import LabelColumns
from da.config.label_shift import LabelShift
from da.config.limits import AMOUNT, COUNT, PART, PIXELS, POSITIVE, SEED, SHARE, UNIT, WHOLE
from da.config.network import Network
from da.config.optimization import Optimization
from da.config.plain_values import plain_values
from da.config.ranges import LogUniform, Uniform
from da.config.registry import METHODS
from da.config.setting_names import current_names
from da.config.task_name import TaskName
from da.config.transforms import Transforms
from da.config.validation import is_beginning, refuse, shorten_names
from da.data.reading import Reading
from da.methods import settings_class
from da.methods._settings import Settings
from da.runs.own_backbones import find_module, name_backbone
from da.runs.plain_settings import flatten_settings, freeze_value, hash_settings
from da.runs.rules import RULES
from da.system.content_files import find_path, name_file

PARTS: dict[str, type] = {
    "network": Network,
    "tuning": FineTuning,
    "labels": LabelColumns,
    "shift": LabelShift,
    "optimization": Optimization,
    "transforms": Transforms,
}
"""Fields of a run that hold further settings; a record lists these next to the run's own."""


@dataclass(frozen=True)
class Run:
    """Settings that fully determine a training run.

    `da train --help` explains each, and `da train dann --help` those of the method dann.

    Raises:
        ValueError: Where a setting has an unknown value, or settings contradict each other.
    """

    method: Settings
    """Method to train with, and its settings; `da train dann --help` shows those of dann."""
    task: str
    """Domains to adapt, as BENCHMARK:SOURCE-TARGET: see `da list tasks`.
    emoji:noto-twemoji adapts from noto, with labels, to twemoji, without labels.
    emoji:noto-twemoji+3shot also gives 3 labeled target images of each class.
    emoji:noto has one domain and trains on all its labels; emoji:noto+5label on 5 of each class.
    """
    backbone: str | Any = "efficientnet_lite0"
    """Network without its classifier.
    See `da list backbones`; any name of timm or torchvision also works, and in Python a module.
    Frozen features of several are joined by +, as in resnet50+convnext_tiny.
    """
    init: str = "pretrained"
    """Weights that the backbone starts from: pretrained, random, a file, or a finished run's id.
    A file is one of torch or safetensors; the run's id depends on what it holds, not on its name.
    A run's weights must be stored, by --save-weights.
    Source-free methods take its neck and head too.
    """
    regime: Literal["frozen", "full"] = "frozen"
    """Whether the backbone trains.
    frozen: it does not; its features are computed once, and the layers on top of it train on them.
    full: it trains too, on images; `last`, `freeze` or `unfreeze_every` limit this to a part.
    """
    test: str = ""
    """Domain of labeled test images of the target, which is written as in the task.
    For example a folder, where those of the target have no labels. Empty for the target's own.
    """
    side: Annotated[int, PIXELS] = 0
    """Pixels a side of the network's input; 0 for the size of the stored images, at most 224."""
    skip_bad: bool = False
    """Whether to leave out images that cannot be decoded, in tasks of folder and imagefolder.
    Their number goes into the record. Otherwise such an image is an error.
    """
    hold_out: bool = True
    """Whether a fifth of the labeled source images of each class is held out, for validation.
    Without, all train, as in most papers, and `source_accuracy` is that of training images.
    Images that a data set sets apart for tests, as by official lists, never train.
    """
    fit: Fit = "squash"
    """How images of your own that are no squares become squares.
    squash: without keeping their proportions, as is usual for domain adaptation.
    crop: the middle square, without the rest.
    pad: the whole image between black bars.
    """
    augment: Augment = "none"
    """Random change of training images: in every step, or in regime frozen once for each view.
    none: no change.
    crop: a random part of the image, resized.
    crop_flip: crop, then mirrored or not; `default` of TLlib's `train_resizing`.
    random_crop_flip: a random square of `side` pixels, not resized, mirrored or not; `ran.crop`.
    center_crop_flip: the middle square of `side` pixels, mirrored or not; `cen.crop`.
    flip: the whole image, mirrored or not; `res.` of `train_resizing`.
    jitter: crop_flip, then a random change of colors.
    strong: crop_flip, then two random operations of RandAugment, or `strong_operations`.
    """
    views: Annotated[int, WHOLE] = 0
    """Augmented copies of each image in regime frozen, the same for all seeds; 0 for none.
    A step draws one of them or the plain image.
    """
    features: Annotated[int, WHOLE] = 0
    """Columns of the frozen features that are kept, in both domains; 0 for all."""
    features_by: FeatureScore = "mutual_information"
    """Score by which `features` keeps columns, computed on labeled source training images.
    mutual_information: how much a column says about the class.
    l1: size of the weights of a column in a linear classifier with an L1 penalty.
    """
    unit_features: bool = False
    """Whether to scale each image's features to a root mean square of 1.
    This is for regime full; regime frozen always does so.
    """
    sparsity: Annotated[float, SHARE] = 0.0
    """Share of the weights to prune, from 0 for none to below 1: the smallest of backbone and neck.
    They are 0 from the first step on. Needs a finished run as `init`.
    """
    structured: bool = False
    """Whether `sparsity` is the share of channels to remove from each layer of the backbone.
    Otherwise it is the share of single weights.
    """
    keep_hidden: bool = True
    """Whether hidden layers of a pretrained network's classifier, as VGG has, join the backbone."""
    mean: Annotated[tuple[float, ...], UNIT] = ()
    """Mean of red, green and blue (0 to 1) that is subtracted from images.
    Empty for the mean that belongs to the backbone.
    """
    std: Annotated[tuple[float, ...], POSITIVE] = ()
    """Standard deviation of red, green and blue (above 0) that images are divided by.
    Empty for the one that belongs to the backbone.
    """
    interpolation: Literal["weights", "bilinear", "bicubic"] = "weights"
    """How images are resized; `weights` for the way that the backbone was trained with."""
    crop_pct: Annotated[float, PART] = 1.0
    """Share of a test image's side that is shown, where images are stored smaller than `side`.
    1 shows the whole image. 0.875 with side 224 enlarges it to 256 pixels and shows the middle 224.
    Of images that are stored larger, the middle 7/8 of each side is shown, or more.
    """
    network: Network = field(default_factory=Network)
    """Layers on top of the backbone: neck and head."""
    tuning: FineTuning = field(default_factory=FineTuning)
    """Which parts of the backbone train, how the learning rate changes, and which model is kept."""
    labels: LabelColumns = field(default_factory=LabelColumns)
    """Columns of labels that are learned, where the data has several."""
    shift: LabelShift = field(default_factory=LabelShift)
    """What is done about classes that are more or less frequent in the target."""
    optimization: Optimization = field(default_factory=Optimization)
    """Nesterov's momentum, the learning rate's course, and parts of the network apart."""
    transforms: Transforms = field(default_factory=Transforms)
    """Details of how images are cropped and changed, in training and in tests."""
    steps: Annotated[int, COUNT] = 500
    """Training steps; a method that sees each test image once, as tent does, may end earlier."""
    batch: Annotated[int, COUNT] = 64
    """Images of each domain in a step: 64 for 64 source and 64 target images."""
    optimizer: Literal["adamw", "sgd", "adam"] = "adamw"
    """How gradients move weights: adamw, sgd with momentum, or adam as it was first published."""
    lr: Annotated[float, LogUniform(1e-4, 1e-1), AMOUNT] = 1e-3
    """Learning rate of neck, head and all else that trains, except for the backbone.
    It can change during training: see `schedule`, `warmup` and `drop_every`.
    """
    backbone_lr: Annotated[float, LogUniform(0.01, 1), AMOUNT] = 1.0
    """Learning rate of the backbone in regime full, as a multiple of `lr`."""
    momentum: Annotated[float, Uniform(0.5, 0.99), SHARE] = 0.9
    """Momentum of sgd, from 0 for none to below 1; for adamw and adam the first beta."""
    weight_decay: Annotated[float, LogUniform(1e-5, 1e-1), AMOUNT] = 1e-3
    """Weight decay: an L2 penalty with sgd and adam, decoupled from it with adamw; 0 for none."""
    schedule: Schedule = "constant"
    """Factor of the learning rate as training progresses.
    constant: always 1.
    cosine: from 1 to 0 along half a cosine.
    annealing: (1 + 10 p) ** -0.75, where p is the progress from 0 to 1 (Ganin et al. 2016).
    `anneal_gamma` stands for the 10, and `anneal_power` for the 0.75.
    """
    precision: Literal[Precision, "auto"] = "fp32"
    """Number format of the network's computations: fp32, or bf16 by autocast; weights stay fp32.
    auto: what is faster on this machine, measured once for a network and told by the record.
    """
    memory_format: Literal[MemoryFormat, "auto"] = "channels_last"
    """Order of the numbers in convolutions: it changes speed, and results only by rounding.
    channels_last: the channels of a pixel are next to each other.
    contiguous: the pixels of a channel are.
    auto: what is faster on this machine, as for `precision`.
    """
    cuda_graph: bool = False
    """Whether to record the training step once, as a CUDA graph, and replay it in every step.
    It needs a GPU and helps small networks.
    """
    deterministic: bool = False
    """Whether only operations that give the same numbers each time are used, and one CPU thread.
    Runs on frozen features on a CPU do so in any case; others become slower.
    """
    eval_every: Annotated[int, COUNT] = 100
    """Steps between evaluations; the last step is always evaluated."""
    seed: Annotated[int, SEED] = 0
    """Seed of the run's random choices, such as new weights and the order of images; 0 or more."""

    def __post_init__(self) -> None:
        self._make_plain()
        for errors in RULES:
            refuse(errors(self))

    def _make_plain(self) -> None:
        """Make all values plain, so that runs of equal settings have one id and equal records."""
        kinds: dict[str, Any] = {"method": Settings, **PARTS}
        for name, kind in kinds.items():
            part = getattr(self, name)
            if not isinstance(part, kind):
                example = "da.methods.DANN()" if name == "method" else f"da.{kind.__name__}()"
                raise ValueError(f"wrong settings: {name} is such as {example}, not {part!r}")
            if plain := plain_values(part):
                object.__setattr__(self, name, replace(part, **plain))
        if not isinstance(self.backbone, str):
            object.__setattr__(self, "backbone", name_backbone(self.backbone, self.side))
        for name, value in plain_values(self).items():
            object.__setattr__(self, name, value)
        if not is_beginning(self.init) and (path := find_path(self.init)):
            object.__setattr__(self, "init", name_file(path))

    def __getstate__(self) -> dict[str, Any]:
        """Take a backbone of the user's along to another process."""
        own = find_module(self.backbone)
        return vars(self) | ({"own": own} if own else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        if own := state.pop("own", None):
            name_backbone(own, state["side"], state["backbone"])
        vars(self).update(state)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Run":
        """Build the run that has these settings, as `settings()` returns and a record stores them.

        A record of an earlier version lacks settings, which have their first defaults.

        Raises:
            ValueError: For an unknown method or setting.
        """
        settings = current_names(settings)
        name = settings["method"]
        if name not in METHODS:
            raise ValueError(f"unknown method {name!r}, known: {shorten_names(METHODS)}")
        given = {k: freeze_value(v) for k, v in settings.items() if k != "method"}
        hp = {k.removeprefix("hp."): v for k, v in given.items() if k[:3] == "hp."}
        rest = {k: v for k, v in given.items() if k[:3] != "hp."}
        parts = {
            name: {f.name: rest.pop(f.name) for f in fields(part) if f.name in rest}
            for name, part in PARTS.items()
        }
        try:
            made = {name: part(**parts[name]) for name, part in PARTS.items()}
            kind = settings_class(name)
            return cls(kind(**{**kind.first_defaults, **hp}), **made, **rest)
        except TypeError as error:
            raise ValueError(f"cannot understand the settings of a run: {error}") from error

    def settings(self) -> dict[str, Any]:
        """Return every setting as plain data that JSON can store."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in PARTS}
        parts = [getattr(self, name) for name in PARTS]
        return flatten_settings(own | {"method": self.method.owner.name}, self.method, parts)

    @property
    def reading(self) -> Reading:
        """How the images of the task are read."""
        return Reading(self.side, self.skip_bad, self.fit, self.labels.label_columns, self.hold_out)

    @property
    def backbone_options(self) -> dict[str, Any]:
        """Options of the backbone other than its name and its weights."""
        texts = TaskName.parse(self.task).holds_texts
        return {"hidden": self.keep_hidden, "mean": self.mean, "std": self.std, "texts": texts}

    @property
    def teacher(self) -> str:
        """Id of the finished run whose predictions the method learns from; "" for no such run."""
        method = self.method.owner
        begun = "" if method.source_free else self.init
        return getattr(self.method, "teacher", "") or begun if method.taught else ""

    @property
    def title(self) -> str:
        """Method, task and seed, which tell runs apart in most experiments."""
        return f"{self.method.owner.name} {self.task} seed {self.seed}"

    @cached_property
    def id(self) -> str:
        """Hash of the settings, by their first names, that differ from their first defaults."""
        kinds = self.__class__, self.method.__class__, tuple(PARTS.values())
        return hash_settings(self.settings(), *kinds)
