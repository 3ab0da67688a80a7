"""Recipes of authors' own code for methods with two heads, norms or kernels."""

from da.runs.printed.authors import CDAN_CODE
from da.runs.printed.recipe import BEST_ON_TARGET, Recipe, Settings, train
from da.runs.printed.tllib import BASE, EXACT, VISDA
from da.runs.printed.tllib_alignment import AFN, MCD, MDD

XLEARN: Settings = {
    **BASE,
    **train(20_000, gamma=3e-4, every=500),
    "freeze": 126,
    "neck": 256,
    "neck_norm": False,
    "dropout": 0.5,
    "init_as": "mdd",
    "test_crop": "ten_crop",
    "batch": 36,
    "lr": 0.003,
    "weight_decay": 5e-4,
}
"""Its backbone stays as it is, all 126 layers of it."""
XLEARN_SOURCE = "DAN's and JAN's authors (thuml/Xlearn), pytorch/src/train.py"
XLEARN_OURS = "Ten crops have a mean of probabilities here, and a sum of logits there."
NO_CHOICE = "The source prints the target accuracy at each evaluation, and chooses none."

BSP_CODE: Settings = {
    **CDAN_CODE,
    **train(50_002, gamma=1e-3, every=500, warm=1e-3),
    "neck_relu": True,
    "dropout": 0.5,
    "bn": "joint",
    "anneal_first": 1,
    "lr": 0.003,
    "hp.entropy": True,
    "hp.exact_up_to": EXACT,
    "hp.penalty": 1e-4,
}
BSP_SLOW = train(50_002, gamma=1e-4, every=500, warm=1e-3)

AFN_STEPS = {
    "amazon-webcam": 24,
    "dslr-webcam": 23,
    "webcam-dslr": 15,
    "amazon-dslr": 15,
    "dslr-amazon": 83,
    "webcam-amazon": 85,
}
"""Steps of an epoch: batches of the target that are full, as are those of the source beside."""


def _hundred_epochs(each: int) -> Settings:
    return {"steps": 100 * each, "eval_every": 10 * each}


MCC_CODE: Settings = {
    **BASE,
    **train(50_004, gamma=1e-3, every=500),
    "neck": 256,
    "neck_relu": False,
    "bn": "separate",
    "init_as": "cdan",
    "batch": 28,
    "lr": 0.01,
    "weight_decay": 1e-3,
    "hp.temperature": 2.5,
}
"""Rates are ten times those that it prints, which are the backbone's."""

AUTHORS_ALIGNMENT: dict[str, Recipe] = {
    "mdd": Recipe(
        "MDD's authors (thuml/MDD), trainer/train.py, model/MDD.py and config/dann.yml.",
        {**BASE, **MDD, **train(100_000, gamma=2e-4, every=1000, warm=1e-3)},
        {
            "office31": {"neck": 1024, "head": (1024,)},
            "officehome": {"neck": 2048, "head": (2048,), "hp.gamma": 2.0},
        },
        "The reversed gradient is that of one step earlier.",
        NO_CHOICE,
    ),
    "mcd": Recipe(
        "MCD's authors (mil-tokyo/MCD_DA), visda_classification/res_train_main.py and basenet.py.",
        {**BASE, **MCD, **VISDA, "head": (1000, 1000), "init_as": "safn"},
        {"visda2017": {"steps": 51 * 938, "eval_every": 938}},
        "There, images are cropped to squares, heads have a thirteenth class that no image is of, "
        "and the better head's accuracy is printed.",
        BEST_ON_TARGET,
    ),
    "afn": Recipe(
        "SAFN's authors (jihanyang/AFN), vanilla/Office31/SAFN/code/main.sh, train.py and net.py.",
        {**BASE, **AFN},
        {
            "office31": _hundred_epochs(AFN_STEPS["amazon-webcam"]),
            **{f"office31:{task}": _hundred_epochs(each) for task, each in AFN_STEPS.items()},
        },
        "SAFN without the entropy of train_ent.py, whose weight is 0.1.",
        "The source prints the target accuracy of every tenth epoch from 50 on, and chooses none.",
    ),
    "dan": Recipe(f"{XLEARN_SOURCE}, loss DAN.", XLEARN, {"office31": {}}, XLEARN_OURS, NO_CHOICE),
    "jan": Recipe(
        f"{XLEARN_SOURCE} and run.sh, loss JAN_Linear.",
        {**XLEARN, "hp.linear": True},
        {"office31": {}},
        XLEARN_OURS,
        NO_CHOICE,
    ),
    "mcc": Recipe(
        "MCC's authors (thuml/Versatile-Domain-Adaptation), pytorch/train_image_office.py, "
        "train_image_visda.py and network.py.",
        MCC_CODE,
        {
            "office31": {"lr": 0.003},
            "officehome": {},
            "visda2017": {
                **{**VISDA, **train(10_004, gamma=1e-3, every=500)},
                **{"batch": 36, "lr": 0.003, "hp.temperature": 3.0},
            },
            "imageclef_da": {},
        },
        "The scale of the neck's norm begins near 1, and near 0 there.",
        BEST_ON_TARGET,
    ),
    "cdan_bsp": Recipe(
        "BSP's authors (thuml/Batch-Spectral-Penalization), train.py: BSP+CDAN.",
        BSP_CODE,
        {
            "office31": {},
            "office31:dslr-amazon": {
                **{"hp.entropy": False, "nesterov": False, "init_as": "mdd"},
            },
            "officehome": BSP_SLOW,
            "visda2017": {**BSP_SLOW, **VISDA, "test_crop": "center"},
        },
        f"{XLEARN_OURS} The discriminator's last layer begins as the others do.",
        NO_CHOICE,
    ),
}
"""Recipes by method."""
