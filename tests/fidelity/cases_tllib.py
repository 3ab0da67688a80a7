"""Which scripts of Transfer-Learning-Library are recorded, and by which arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fidelity.inputs import CLASSES, Step

PLAIN = (("backbone", "bottleneck", "head"),)
ADVERSARIAL = (("backbone", "bottleneck", "head", "discriminator"),)


@dataclass(frozen=True)
class Case:
    """A run of a script."""

    script: str
    """Name of the script, without `.py`."""
    roles: tuple[tuple[str, ...], ...] = PLAIN
    """Name of each group of each optimizer."""
    arguments: tuple[str, ...] = ()
    """Arguments of this case alone; all others have the script's defaults."""
    pretrained: str = ""
    """Module with the network of a script that begins with pretrained weights."""
    views: Callable[[Step], Any] = lambda step: step.x_t
    """What the script reads of the target."""
    target_images: int = 1
    """Target images for each source image."""
    folder: str = "image_classification"
    """Folder of the script."""
    classes: int = CLASSES
    """Number of classes, of which one may be unknown."""


CASES = {
    "source_only": Case("erm"),
    "dann": Case("dann", ADVERSARIAL),
    "cdan": Case("cdan", ADVERSARIAL),
    "cdan_entropy": Case("cdan", ADVERSARIAL, ("--entropy",)),
    "cdan_randomized": Case("cdan", ADVERSARIAL, ("--randomized", "--randomized-dim", "24")),
    "mcc": Case("mcc"),
    "mdd": Case("mdd", (("backbone", "bottleneck", "head", "rival"),)),
    "mcd": Case("mcd", (("backbone",), ("head", "rival"))),
    "mcd_office31": Case("mcd", (("backbone",), ("head", "rival")), ("--trade-off", "10")),
    "afn": Case("afn", arguments=("--dropout-p", "0")),
    "afn_entropy": Case("afn", arguments=("--dropout-p", "0", "--trade-off-entropy", "0.1")),
    "bsp": Case("bsp", ADVERSARIAL, pretrained="tllib.alignment.bsp"),
    "dan": Case("dan"),
    "dan_all_pairs": Case("dan", arguments=("--non-linear",)),
    "jan": Case("jan"),
    "jan_linear": Case("jan", arguments=("--linear",)),
    "jan_adversarial": Case(
        "jan",
        (("backbone", "bottleneck", "head", "theta_features", "theta_predictions"),),
        ("--adversarial",),
    ),
    "adda": Case(
        "adda", (("backbone", "bottleneck", "discriminator"),), pretrained="tllib.alignment.adda"
    ),
    "fixmatch": Case(
        "fixmatch",
        arguments=("--threshold", "0.4", "-ub", "48"),
        views=lambda step: (step.x_t, step.strong),
        target_images=3,
    ),
    "mean_teacher": Case(
        "self_ensemble",
        arguments=("--threshold", "0.4"),
        pretrained="tllib.self_training.self_ensemble",
        views=lambda step: (step.strong, step.x_t),
    ),
    "pada": Case(
        "pada",
        ADVERSARIAL,
        ("--class-weight-update-steps", "10"),
        folder="partial_domain_adaptation",
    ),
    "osbp": Case("osbp", folder="openset_domain_adaptation", classes=CLASSES + 1),
}
"""Cases by the name of their file. A threshold is low where an untrained network is not surer."""
