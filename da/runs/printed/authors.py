"""Recipes of authors' own code for methods that train on both domains."""

from da.runs.printed.recipe import BEST_ON_TARGET, Recipe, Settings, train
from da.runs.printed.tllib import BASE, EXACT, VIT, WARM

CDAN_CODE: Settings = {
    **BASE,
    **train(100_004, gamma=1e-3, every=500, warm=1e-3),
    "neck": 256,
    "neck_norm": False,
    "neck_relu": False,
    "bn": "separate",
    "init_as": "cdan",
    "test_crop": "ten_crop",
    "hp.hidden_dropout": 0.5,
    "batch": 36,
    "lr": 0.01,
    "weight_decay": 1e-3,
}
"""What CDAN's authors run, with factors of parts in place: 0.001 is 0.01 outside the backbone."""

CDAN_DATA: dict[str, Settings] = {
    "office31": {},
    "office31:amazon-dslr": {"lr": 0.003},
    "office31:dslr-webcam": {"lr": 0.003},
    "officehome": {"eval_every": 2000},
    "visda2017": {"eval_every": 5000},
    "imageclef_da": {},
}
CDAN_SOURCE = "CDAN's authors (thuml/CDAN), pytorch/train_image.py, network.py and README.md"


def code_of_cdan(method: str, settings: Settings) -> Recipe:
    """Return the recipe of a method that CDAN's authors run.

    Args:
        method: Its name in their code.
        settings: Settings of the method alone.
    """
    source = f"{CDAN_SOURCE}, method {method}."
    return Recipe(source, {**CDAN_CODE, **settings}, CDAN_DATA, "", BEST_ON_TARGET)


MME_CODE: Settings = {
    **BASE,
    **train(50_000, gamma=1e-4, every=500),
    "backbone": "resnet34",
    "augment": "random_crop_flip",
    "neck": 512,
    "neck_norm": False,
    "neck_relu": False,
    "init_as": "cdan",
    "batch": 48,
    "lr": 0.01,
    "weight_decay": 5e-4,
}

UNIVERSAL_CODE: Settings = {
    **BASE,
    **train(10_000, gamma=1e-3, every=500),
    "augment": "random_crop_flip",
    "neck": 0,
    "bn": "separate",
    "batch": 36,
    "lr": 0.01,
    "weight_decay": 5e-4,
}
"""What DANCE's and OVANet's code share."""


def _for_ends(*ends: str) -> dict[str, Settings]:
    """Return the data sets of DANCE and OVANet, with ends of tasks."""
    return {f"{name}{end}": {} for name in ("office31", "officehome", "visda2017") for end in ends}


UNEVEN = "Source images are not drawn evenly by class, and numbers are of 32 bits, not 16."

SDAT_OWN: Settings = {
    "hp.hidden_norm": True,
    "hp.entropy": False,
    "hp.exact_up_to": EXACT,
    "neck": 256,
    "weight_decay": 1e-3,
}
SDAT_CODE: Settings = {**BASE, **SDAT_OWN, **VIT}
SDAT_HOME = train(30_000, gamma=1e-3, every=1000, warm=WARM)
SDAT_VISDA = train(15_000, gamma=1e-3, every=1000, warm=WARM) | {
    "batch": 32,
    "augment": "center_crop_flip",
}


def _code_of_sdat(script: str, settings: Settings, visda: Settings | None = None) -> Recipe:
    """Return the recipe of a script of SDAT's authors, for ViT-B/16.

    Args:
        script: Name of the file.
        settings: Settings of the method.
        visda: Those that are others for VisDA.
    """
    files = f"examples/{script}.py, run_office_home.sh and run_visda.sh"
    source = f"SDAT's authors (val-iisc/SDAT), {files}, ViT-B/16."
    data = {"officehome": SDAT_HOME, "visda2017": {**SDAT_VISDA, **(visda or {})}}
    return Recipe(source, {**SDAT_CODE, **settings}, data, "", BEST_ON_TARGET)


CDAN_MCC = {"lr": 0.002, "hp.confusion_trade_off": 1.0, "hp.temperature": 2.0}

AUTHORS: dict[str, Recipe] = {
    "cdan": code_of_cdan("CDAN+E", {"hp.entropy": True, "hp.exact_up_to": EXACT}),
    "mme": Recipe(
        "MME's authors (VisionLearningGroup/SSDA_MME), main.py, model/basenet.py and "
        "utils/return_dataset.py, ResNet-34.",
        {**MME_CODE, "hp.trade_off": 0.1, "hp.temperature": 0.05},
        {"domainnet126": {}, "office31": {}, "officehome": {}},
        "Half of the 48 labeled images are of the target, as 24 and 24 there.",
        "The source keeps the best by labeled target images of its own and stops early by them; "
        "here all steps are taken.",
    ),
    "dance": Recipe(
        "DANCE's authors (VisionLearningGroup/DANCE), train_dance.py and configs, ResNet-50.",
        {**UNIVERSAL_CODE, "hp.trade_off": 0.05, "hp.temperature": 0.05, "hp.margin": 0.5},
        _for_ends("", "+open", "+universal", "+partial"),
        f"{UNEVEN} The memory holds features of the network in evaluation mode.",
    ),
    "ovanet": Recipe(
        "OVANet's authors (VisionLearningGroup/OVANet), train.py and configs, ResNet-50.",
        {**UNIVERSAL_CODE, "hp.trade_off": 0.1},
        _for_ends("+open", "+universal"),
        f"{UNEVEN} The classifier has a bias.",
    ),
    "sdat": _code_of_sdat(
        "cdan_mcc_sdat",
        {**CDAN_MCC, "hp.rho": 0.02, "hp.climb": "all"},
    ),
}
"""Recipes by method."""

SDAT: dict[str, Recipe] = {
    "cdan": _code_of_sdat("cdan", {"lr": 0.01}),
    "cdan_mcc": _code_of_sdat("cdan_mcc", CDAN_MCC),
    "sdat": _code_of_sdat(
        "cdan_sdat",
        {"lr": 0.01, "hp.confusion_trade_off": 0.0, "hp.rho": 0.02, "hp.climb": "all"},
        {"hp.rho": 0.005},
    ),
}
"""What SDAT's authors compare it with, by method; `sdat` is then CDAN alone, made smooth."""

SDAT_RESNET: dict[str, Recipe] = {
    "sdat": Recipe(
        "SDAT's authors (val-iisc/SDAT), examples/cdan_mcc_sdat.py with -a resnet50.",
        {
            **{**BASE, **SDAT_OWN},
            **train(20_000, gamma=1e-3, every=1000, warm=WARM),
            **{**CDAN_MCC, "lr": 0.01, "hp.rho": 0.05, "hp.climb": "all"},
        },
        ours="The repository runs ViT-B/16 alone, and these are the other defaults of its file: "
        "those of the paper's ResNet-50 are not in it.",
        oracle=BEST_ON_TARGET,
    )
}
"""SDAT on a ResNet-50."""
