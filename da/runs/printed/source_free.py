"""Recipes of authors' own code for source-free methods, and of the source models before them."""

from typing import Any

from da.runs.printed.epochs import Lasting, by_task, count_batches
from da.runs.printed.recipe import Recipe, Settings
from da.runs.printed.tllib import BASE

SIZE = 64

CODE: Settings = {
    **BASE,
    "augment": "random_crop_flip",
    "neck": 256,
    "neck_relu": False,
    "head_weight_norm": True,
    "batch": SIZE,
}
"""What the code of SHOT, NRC and AaD shares."""

ANNEALED: Settings = {"anneal_first": 1, "weight_decay": 1e-3, "init_as": "shot"}
"""Rates of SHOT's code, and of NRC's and AaD's for VisDA, which begin as its networks do."""
CONSTANT: Settings = {"schedule": "constant", "weight_decay": 5e-4}
"""Rates of NRC's and AaD's code for Office-Home and Office-31."""
SMOOTHED: Settings = {"label_smoothing": 0.1}
VISDA: Settings = {"backbone": "resnet101", "lr": 0.001}


def of_source(epochs: int, share: float = 1, evaluations: int = 0) -> Lasting:
    """Return the length of a source model's training.

    Args:
        epochs: Epochs of the source's images.
        share: Share of them that trains.
        evaluations: Number of evaluations; 0 for one an epoch.
    """

    def lasting(source: int, target: int) -> dict[str, int]:
        each = count_batches(int(share * source), SIZE)
        return _last(epochs, each, evaluations)

    return lasting


def of_target(epochs: int, evaluations: int = 0) -> Lasting:
    """Return the length of an adaptation, in epochs of the target's images."""

    def lasting(source: int, target: int) -> dict[str, int]:
        return _last(epochs, count_batches(target, SIZE), evaluations)

    return lasting


def _last(epochs: int, each: int, evaluations: int) -> dict[str, int]:
    steps = epochs * each
    return {"steps": steps, "eval_every": steps // (evaluations or epochs)}


def _with(data: str, lasting: Lasting, settings: Settings) -> dict[str, dict[str, Any]]:
    return {task: {**settings, **each} for task, each in by_task(data, lasting).items()}


PARTIAL = "An epoch's last batch is smaller there, and full here."
AFTER = (
    "Features and predictions are remembered after a step, in evaluation mode, and before it there."
)

SHOT_SOURCE = Recipe(
    "SHOT's authors (tim-learn/SHOT), object/image_source.py, network.py and run.sh.",
    {**CODE, **ANNEALED, **SMOOTHED, "hold_out": True, "chosen_by": "source_accuracy"},
    {
        **_with("office31", of_source(100, 0.9, 10), {"lr": 0.01}),
        **_with("officehome", of_source(50, 0.9, 10), {"lr": 0.01}),
        **_with("visda2017", of_source(10, 0.9, 10), VISDA),
    },
    "A fifth of the source is held out, for the choice of the evaluation that is kept, where the "
    f"code holds out a tenth. {PARTIAL}",
)

SHOT = Recipe(
    "SHOT's authors (tim-learn/SHOT), object/image_target.py, network.py and run.sh.",
    {**CODE, **ANNEALED, "hp.trade_off": 0.3, "hp.refreshes": 15},
    {
        **_with("office31", of_target(15), {"lr": 0.01}),
        **_with("officehome", of_target(15), {"lr": 0.01}),
        **_with("visda2017", of_target(15), VISDA),
    },
    "For VisDA, the code leaves out pseudo-labels in the first epoch. Its settings for partial and "
    f"open targets are other ones, which are not here. {PARTIAL}",
    begins=("source_only", "shot"),
)

NRC_CODE = "NRC's authors (Albert0147/NRC_SFDA)"
AAD_CODE = "AaD's authors (Albert0147/AaD_SFDA)"
PLAIN = "For Office, the classifier's biases begin at 0 there."

NRC_SOURCE = Recipe(
    f"{NRC_CODE}, train_src.py and office-home/train_src.py, and {AAD_CODE}, src_pretrain.py, "
    "office-home/train_src.py and office31_src.py.",
    {**CODE, **SMOOTHED, "lr": 0.01},
    {
        **_with("officehome", of_source(20), CONSTANT),
        **_with("office31", of_source(20), CONSTANT),
        **_with("visda2017", of_source(10), {**ANNEALED, **VISDA}),
    },
    "The code means to keep its best evaluation, but keeps the last: what it stores are the "
    f"weights that go on training. {PLAIN} {PARTIAL}",
)

STORES = "The code prints all evaluations, and stores the one with the best target accuracy: "
COMPARE = "compare `oracle`, which uses target labels, and read `last` as yours."
BEGINS = "source_only", "nrc"

NRC_OFFICE31 = _with(
    "office31",
    of_target(50, 15),
    {**ANNEALED, "init_as": "default", "hp.neighbors": 2, "hp.expanded": 3},
)
NRC_WEBCAM = {"hp.neighbors": 3, "hp.expanded": 2}

NRC = Recipe(
    f"{NRC_CODE}, office-home/train_tar.py, train_tar_oh.sh and train_tar.py; the settings of "
    "Office-31 are comments of the first.",
    {**CODE, "lr": 0.001, "hp.affinity": 0.1},
    {
        **_with(
            "officehome",
            of_target(40, 15),
            {**CONSTANT, "hp.neighbors": 3, "hp.expanded": 2},
        ),
        **NRC_OFFICE31,
        "office31:amazon-webcam": NRC_OFFICE31["office31:amazon-webcam"] | NRC_WEBCAM,
        **_with(
            "visda2017",
            of_target(15),
            {**ANNEALED, **VISDA, "hp.neighbors": 5, "hp.expanded": 5},
        ),
    },
    "For Office-Home, the code goes on with 5 neighbors and 4 of each in the second half of the "
    f"steps. For VisDA, its reciprocal neighbors weigh 0.1, too. {AFTER} {PARTIAL}",
    STORES + COMPARE,
    begins=BEGINS,
)

AAD = Recipe(
    f"{AAD_CODE}, office-home/train_tar.py and train_tar_oh.sh, office31_tar.py and "
    "office31_tar.sh, and tar_adaptation.py.",
    {**CODE, "lr": 0.001, "hp.trade_off": 1.0},
    {
        **_with("officehome", of_target(40, 15), {**CONSTANT, "hp.neighbors": 3, "hp.decay": 0.0}),
        **_with("office31", of_target(50, 15), {**CONSTANT, "hp.neighbors": 3, "hp.decay": 1.0}),
        **_with(
            "visda2017",
            of_target(15, 150),
            {**ANNEALED, **VISDA, "hp.neighbors": 5, "hp.decay": 5.0},
        ),
    },
    "For Office-Home, the code goes on with 2 neighbors in the second half of the steps. "
    f"{AFTER} {PARTIAL}",
    f"For Office-Home alone: {STORES[0].lower()}{STORES[1:]}{COMPARE}",
    begins=BEGINS,
)

SOURCE_FREE: dict[str, Recipe] = {"shot": SHOT, "nrc": NRC, "aad": AAD}
"""Recipes by method."""
