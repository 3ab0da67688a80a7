"""The settings of one training run."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Annotated, Any, Literal

from da.config.ranges import LogUniform, Uniform
from da.config.task_name import TaskName
from da.config.validation import amount_errors, choice_errors, refuse, share_errors
from da.data.transforms import Augment
from da.methods import METHODS, Method, Network
from da.models.checkpoints import BEGINNINGS
from da.models.feature_selection import Rule
from da.models.finetuning import Schedule, Tuning
from da.ops.precision import Precision

PARTS: dict[str, type] = {"network": Network, "tuning": Tuning}
"""Fields of a run that are settings themselves; their names stand among its own in records."""


@dataclass(frozen=True)
class Run:
    """Settings that fully determine a training run.

    Raises ValueError for settings that contradict each other.
    """

    method: Method.Hparams
    task: str
    """BENCHMARK:SOURCE-TARGET[+Kshot], for example emoji:noto-twemoji; or one domain with labels,
    BENCHMARK:DOMAIN[+Klabel], for example emoji:noto+5label."""
    backbone: str = "efficientnet_lite0"
    """One of `da list backbones`, or any name of timm or torchvision."""
    init: str = "pretrained"
    """Where the backbone's weights begin: pretrained, random, or the id of a finished run."""
    regime: Literal["frozen", "full"] = "frozen"
    """Train on features that are computed once, or move the whole backbone."""
    side: int = 0
    """Pixels of the network's input; 0 for those of the benchmark's images (224 for folders)."""
    augment: Augment = "none"
    """Of every training image: random resized crop, mirroring, color jitter, or RandAugment."""
    views: int = 0
    """Augmented views of each image in regime frozen, the same for all seeds."""
    features: int = 0
    """Columns of the frozen features that are kept, of both domains; 0 for all."""
    features_by: Rule = "mutual_information"
    """What they are chosen by, on labeled source training images: what each says of the class, or
    the weights of a classifier with an L1 penalty.
    """
    unit_features: bool = False
    """Scale each image's features to a root mean square of 1, as regime frozen always does."""
    sparsity: float = 0.0
    """Share of the weights of run `init`, all but its head's, that are 0 from the first step on."""
    structured: bool = False
    """Take that share of channels out of every layer of the backbone, not single weights."""
    keep_hidden: bool = True
    """Whether hidden layers of the backbone's own classifier, such as VGG's, belong to it."""
    mean: tuple[float, ...] = ()
    """Of the three colors, from 0 to 1, in place of what the weights were trained with."""
    std: tuple[float, ...] = ()
    """Deviation of the three colors, likewise."""
    interpolation: Literal["weights", "bilinear", "bicubic"] = "weights"
    """How images are brought to the size of the input: as the weights were trained, or by hand."""
    crop_pct: float = 1.0
    """Share of a test image's sides that is shown where it has to be enlarged: 0.875 is "resize
    256, crop 224". Of images that are stored larger, the middle `side` pixels are shown.
    """
    network: Network = field(default_factory=Network)
    tuning: Tuning = field(default_factory=Tuning)
    steps: int = 500
    batch: int = 64
    """Images of each domain in a step."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: Annotated[float, LogUniform(1e-4, 1e-1)] = 1e-3
    backbone_lr: Annotated[float, LogUniform(0.01, 1)] = 1.0
    """Learning rate of the backbone, as a factor of `lr`."""
    momentum: Annotated[float, Uniform(0.5, 0.99)] = 0.9
    """Of SGD, or the first beta of AdamW."""
    weight_decay: Annotated[float, LogUniform(1e-5, 1e-1)] = 1e-3
    schedule: Schedule = "constant"
    """Course of the learning rate."""
    precision: Precision = "fp32"
    channels_last: bool = True
    """Memory layout of images in convolutions; changes speed, and results by rounding."""
    cuda_graph: bool = False
    """Record the training step once and replay it as a whole: for small networks on a GPU."""
    look_every: int = 100
    """Steps between evaluations."""
    seed: int = 0

    def __post_init__(self) -> None:
        for contradictions in (
            choice_errors,
            _of_regime,
            _of_features,
            _of_method,
            _of_pruning,
            _of_images,
            _of_optimizer,
        ):
            refuse(contradictions(self))

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Run":
        """The run whose `settings()` these are, as its record holds them.

        Raises ValueError for a method or a setting that is not known here.
        """
        kind = METHODS[settings["method"]]
        hp = {k.removeprefix("hp."): _frozen(v) for k, v in settings.items() if k[:3] == "hp."}
        rest = {k: _frozen(v) for k, v in settings.items() if k[:3] != "hp." and k != "method"}
        parts = {
            name: {f.name: rest.pop(f.name) for f in fields(part) if f.name in rest}
            for name, part in PARTS.items()
        }
        try:
            made = {name: part(**parts[name]) for name, part in PARTS.items()}
            return cls(kind.Hparams(**hp), **made, **rest)
        except TypeError as error:
            raise ValueError(f"cannot understand the settings of a run: {error}") from error

    def settings(self) -> dict[str, Any]:
        """Every setting as plain data, to be stored."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in PARTS}
        parts = [getattr(self, name) for name in PARTS]
        return _plain(own | {"method": self.method.owner.name}, self.method, *parts)

    @property
    def backbone_options(self) -> dict[str, Any]:
        """Of the backbone, beside its name and its weights."""
        return {"hidden": self.keep_hidden, "mean": self.mean, "std": self.std}

    @property
    def teacher(self) -> str:
        """Id of the finished run that a method which is taught learns from; "" for others."""
        return getattr(self.method, "teacher", "") or self.init if self.method.owner.taught else ""

    @property
    def title(self) -> str:
        """Its method, task and seed, which tell it apart in most experiments."""
        return f"{self.method.owner.name} {self.task} seed {self.seed}"

    @property
    def id(self) -> str:
        """Same settings, same id, on any machine; a new field at its default changes no id."""
        defaults = {f.name: f.default for f in fields(self) if f.default is not MISSING}
        usual = _plain(defaults, type(self.method)(), *(kind() for kind in PARTS.values()))
        own = {k: v for k, v in self.settings().items() if k == "method" or v != usual.get(k)}
        own = {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in own.items()}
        return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:12]


def _of_regime(run: Run) -> dict[str, bool]:
    """What a run must keep to, and whether it does not; likewise the five below."""
    frozen, augments = run.regime == "frozen", run.augment != "none"
    return {
        "regime frozen goes with init pretrained or a run's id": frozen and run.init == "random",
        f"augment {run.augment} in regime frozen needs views of 1 or more": (
            frozen and augments and run.views < 1
        ),
        "views goes with regime frozen and an augment": (
            run.views != 0 and not (frozen and augments)
        ),
        "backbone_lr goes with regime full": frozen and run.backbone_lr != 1,
        "last, freeze, unfreeze_every and stage_lr go with regime full": (
            frozen and run.tuning.moves_stages
        ),
        "unit_features goes with regime full; features of regime frozen are always so": (
            frozen and run.unit_features
        ),
        "steps, batch and look_every are 1 or more": min(run.steps, run.batch, run.look_every) < 1,
    }


def _of_features(run: Run) -> dict[str, bool]:
    method = run.method.owner
    return {
        "features goes with regime frozen, and is 1 or more, or 0 for all": (
            run.features < 0 or (run.features != 0 and run.regime != "frozen")
        ),
        f"features_by {run.features_by} needs features of 1 or more": (
            run.features == 0 and run.features_by != "mutual_information"
        ),
        f"{method.name} keeps the features of the run that it begins with: features is 0": (
            method.source_free and run.features != 0
        ),
    }


def _of_method(run: Run) -> dict[str, bool]:
    method, shots = run.method.owner, TaskName.parse(run.task).kind == "shot"
    frozen = run.regime == "frozen"
    return {
        f"{method.name} goes with regime frozen": method.frozen_only and not frozen,
        f"{method.name} needs labeled target images, for example {run.task}+3shot": (
            method.takes_shots and not shots
        ),
        f"{method.name} takes no labeled target images, as in {run.task}": (
            shots and not method.takes_shots
        ),
        f"{method.name} begins with a finished run's network: init is that run's id": (
            method.source_free and run.init in BEGINNINGS
        ),
        f"{method.name} learns from a finished run: teacher, or init, is that run's id": (
            run.teacher in BEGINNINGS
        ),
        f"{method.name} shows images to a finished run: regime full": method.taught and frozen,
    }


def _of_pruning(run: Run) -> dict[str, bool]:
    method = run.method.owner
    return share_errors(sparsity=run.sparsity) | {
        "sparsity goes with regime full and a run's id as init": (
            run.sparsity != 0 and (run.regime == "frozen" or run.init in BEGINNINGS)
        ),
        f"sparsity prunes backbone and neck, and {method.name} predicts with more": (
            run.sparsity != 0 and method.predict is not Method.predict
        ),
        "structured goes with a sparsity": run.structured and not run.sparsity,
    }


def _of_images(run: Run) -> dict[str, bool]:
    three = {len(run.mean), len(run.std)} <= {0, 3}
    return {
        f"side is 1 or more, or 0 for that of the images, not {run.side}": run.side < 0,
        f"crop_pct is above 0 and at most 1, not {run.crop_pct}": not 0 < run.crop_pct <= 1,
        f"mean and std are three numbers each, not {run.mean} and {run.std}": not three,
        f"mean is from 0 to 1, not {run.mean}": not all(0 <= value <= 1 for value in run.mean),
        f"std is above 0, not {run.std}": not all(0 < value < math.inf for value in run.std),
    }


def _of_optimizer(run: Run) -> dict[str, bool]:
    rates = "lr", "backbone_lr", "weight_decay"
    neck_norm, warmup = run.network.neck and run.network.neck_norm, run.tuning.warmup
    return amount_errors(**{name: getattr(run, name) for name in rates}) | {
        **share_errors(momentum=run.momentum),
        "batch is 2 or more where the neck has batch norm; 1 goes with neck 0 or no neck_norm": (
            run.batch == 1 and bool(neck_norm)
        ),
        "cuda_graph goes with unfreeze_every 0, as the parameters that move stay the same": (
            run.cuda_graph and bool(run.tuning.unfreeze_every)
        ),
        f"cuda_graph needs batches of one size, and the last one of {run.method.owner.name} may be "
        "smaller": run.cuda_graph and run.method.owner.streams,
        f"warmup is at most steps, {run.steps}, not {warmup}": warmup > run.steps,
        f"seed is at least 0 and below 2**64, not {run.seed}": not 0 <= run.seed < 2**64,
    }


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(own: dict[str, Any], method: Method.Hparams, *parts: Any) -> dict[str, Any]:
    """As JSON would give it back: lists for tuples."""
    plain = own | {f"hp.{name}": value for name, value in asdict(method).items()}
    for part in parts:
        plain |= asdict(part)
    return json.loads(json.dumps(plain))
