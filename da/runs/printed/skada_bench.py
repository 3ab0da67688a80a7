"""Recipes of SKADA-Bench, with the values that it searches: of deep and of shallow methods."""

from typing import Any

from da.runs.printed.epochs import by_task, count_batches
from da.runs.printed.recipe import Recipe, Settings

CODE: Settings = {
    "backbone": "resnet50",
    "regime": "full",
    "side": 224,
    "neck": 0,
    "dropout": 0.0,
    "bn": "separate",
    "optimizer": "sgd",
    "weight_decay": 1e-5,
    "batch": 128,
    "drop_factor": 0.2,
}
"""What all of its deep methods share."""

OFFICE31 = {"momentum": 0.2, "lr": 0.5}
OFFICEHOME = {"momentum": 0.6, "lr": 0.05}
GENTLE = {"momentum": 0.9}
POWERS = tuple(10.0**n for n in range(-5, 4))

OURS = (
    "A fifth of both domains is left for tests there, and of the source alone here. The shorter "
    "side of images is resized there."
)
ORACLE = (
    "Values are chosen by several scores, of which `supervised` uses target labels; `entropy` and "
    "`snd` are two of the others."
)


def _lengths(data: str, epochs: int, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return settings of each task: the larger domain counts, and rates drop every ten epochs."""

    def lasting(source: int, target: int) -> dict[str, int]:
        each = count_batches(max(source, target) * 4 // 5, 128, whole=True)
        return {"steps": epochs * each, "eval_every": each, "drop_every": 10 * each}

    return {task: {**settings, **length} for task, length in by_task(data, lasting).items()}


def _recipe(
    solver: str,
    settings: Settings,
    searched: dict[str, tuple[Any, ...]],
    ours: str = "",
    gentle: bool = False,
) -> Recipe:
    """Return the recipe of a deep method.

    Args:
        solver: Name of its file.
        settings: Settings of the method.
        searched: Values that the bench tries.
        ours: What differs here.
        gentle: Whether it has a tenth of the learning rate, and a momentum of 0.9.
    """
    office31, officehome = (
        {**each, **GENTLE, "lr": round(each["lr"] / 10, 6)} if gentle else each
        for each in (OFFICE31, OFFICEHOME)
    )
    return Recipe(
        f"SKADA-Bench (scikit-adaptation/skada-bench), solvers/{solver}.py, "
        "benchmark_utils/utils.py and datasets/deep_office31.py, deep_officehome.py.",
        {**CODE, **settings},
        {**_lengths("office31", 30, office31), **_lengths("officehome", 20, officehome)},
        f"{ours} {OURS}".strip(),
        ORACLE if searched else "",
        searched=searched,
    )


FEATURES = (
    "Features are those of this ResNet-50. There, they are DeCAF's in Office-31, and 100 principal "
    "components of a ResNet's in Office-Home. In Office-Home, the classifier is an SVM there, and "
    "here the method's own."
)
LOGISTIC: Settings = {"hp.classifier": "logistic", "hp.strength": 100.0}
"""A logistic regression with a C of 0.01, which the bench chose on the source."""

WIDTHS = 1, 2, 5, 10, 20, 50, 100


def _shallow(
    solver: str, settings: Settings, searched: dict[str, tuple[Any, ...]], ours: str = ""
) -> Recipe:
    """Return the recipe of a mapping of features.

    Args:
        solver: Name of its file and of its folder.
        settings: One of the values that the bench tries, by setting.
        searched: All of them.
        ours: What differs here.
    """
    return Recipe(
        f"SKADA-Bench (scikit-adaptation/skada-bench), solvers/{solver}.py, "
        f"config/solvers/{solver} and config/best_base_estimators.yml.",
        {"backbone": "resnet50", "regime": "frozen", **settings},
        {"office31": LOGISTIC, "officehome": {"hp.classifier": "logistic"}},
        f"{ours} {FEATURES}".strip(),
        ORACLE,
        searched=searched,
    )


SHALLOW: dict[str, Recipe] = {
    "subspace_alignment": _shallow(
        "subspace_alignment",
        {"hp.dimensions": 50, "hp.standardize": False},
        {"hp.dimensions": WIDTHS},
    ),
    "linear_monge": _shallow(
        "linear_ot_mapping",
        {"hp.ridge": 0.1, "hp.standardize": False},
        {"hp.ridge": (1e-8, 1e-6, 0.1, 1.0, 10.0)},
        "The bench also tries maps without a shift of the mean.",
    ),
    "sinkhorn_map": _shallow(
        "entropic_ot_mapping",
        {"hp.standardize": False, "hp.reg": 0.5, "hp.norm": "median", "hp.max_iterations": 1000},
        {"hp.reg": (0.1, 0.5, 1.0)},
        "The bench also tries cosines and the sum of absolute differences.",
    ),
    "tca": _shallow(
        "transfer_component_analysis",
        {"hp.kernel": "rbf", "hp.dimensions": 10, "hp.mu": 10.0},
        {"hp.dimensions": WIDTHS, "hp.mu": (10.0, 100.0)},
        "In Office-Home, the bench tries 5, 10 and 20 components alone.",
    ),
}

SKADA_BENCH: dict[str, Recipe] = {
    **SHALLOW,
    "source_only": _recipe("deep_no_da_source_only", {}, {}),
    "dann": _recipe(
        "deep_dann",
        {"hp.hidden_dropout": 0.5, "hp.domain_loss": "sum", "hp.steepness": 1e6},
        {"hp.trade_off": (0.001, 0.01, 0.1, 1.0)},
        "The reversed gradient does not warm up. The weight is that of the discriminator's own "
        "loss there, too.",
        gentle=True,
    ),
    "coral": _recipe("deep_coral", {}, {"hp.trade_off": POWERS}),
    "mcc": _recipe(
        "deep_mcc",
        {"hp.temperature": 1.0},
        {"hp.trade_off": (0.01, 0.1, 1.0), "hp.temperature": (1.0, 2.0, 3.0)},
    ),
    "deepjdot": _recipe(
        "deep_jdot",
        {"hp.class_trade_off": 0.001, "hp.feature_trade_off": 0.001},
        {
            "hp.class_trade_off": (1e-4, 1e-3, 1e-2),
            "hp.feature_trade_off": (1e-4, 1e-3, 1e-2),
        },
    ),
}
"""Recipes by method."""
