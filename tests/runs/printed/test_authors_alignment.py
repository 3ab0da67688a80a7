"""Settings of authors' recipes of methods that TLlib has too, beside numbers typed from their code.

A rate or a decay of the code is times its factor for all but the backbone.
"""

from typing import Any

import pytest

from da.methods import METHODS
from da.runs.plain_settings import default_settings
from da.runs.printed.authors_alignment import AUTHORS_ALIGNMENT
from da.runs.recipes import run
from da.runs.run import PARTS, Run
from tests.runs.printed.test_authors import TRAINED

SLOW = {"backbone_lr": 1.0, "schedule": "constant", "nesterov": False, "backbone_momentum": 0.0}
RESNET = TRAINED | {"backbone": "resnet50", "augment": "crop_flip", "weight_decay": 0.0005}
XLEARN = RESNET | {
    **{"freeze": 126, "neck": 256, "neck_norm": False, "dropout": 0.5, "init_as": "mdd"},
    **{"test_crop": "ten_crop", "batch": 36, "lr": 0.003, "steps": 20_000},
    **{"anneal_gamma": 6.0, "eval_every": 500},
}
MDD = RESNET | {
    **{"neck": 1024, "head": [1024], "dropout": 0.5, "head_dropout": 0.5, "init_as": "mdd"},
    **{"lr": 0.004, "batch": 32, "steps": 100_000, "eval_every": 1000, "hp.steepness": 100.0},
    **{"anneal_gamma": 0.001 / 5 * 100_000, "hp.gamma": 4.0, "hp.trade_off": 0.1},
}
AFN = RESNET | {
    **SLOW,
    **{"augment": "random_crop_flip", "neck": 1000, "dropout": 0.5, "bn": "separate"},
    **{"init_as": "safn", "lr": 0.001, "batch": 32, "hp.trade_off": 0.05, "hp.step": 1.0},
}
MCD = RESNET | {
    **SLOW,
    **{"backbone": "resnet101", "augment": "center_crop_flip", "neck": 0, "head": [1000, 1000]},
    **{"head_norm": True, "head_dropout": 0.5, "head_dropout_at": "inputs", "init_as": "safn"},
    **{"lr": 0.001, "batch": 32, "hp.evenness": 0.01, "hp.backbone_steps": 4},
}
BSP = RESNET | {
    **{"neck": 256, "neck_norm": False, "dropout": 0.5, "init_as": "cdan", "batch": 36},
    **{"test_crop": "ten_crop", "lr": 0.003, "weight_decay": 0.0005 * 2, "steps": 50_002},
    **{"eval_every": 500, "anneal_gamma": 50.002, "anneal_first": 1, "hp.steepness": 50.002},
    **{"hp.hidden_dropout": 0.5, "hp.exact_up_to": 2**20, "hp.penalty": 0.0001},
}
BSP_SLOW = BSP | {"anneal_gamma": 5.0002}
MCC = RESNET | {
    **{"neck": 256, "neck_relu": False, "bn": "separate", "init_as": "cdan", "batch": 28},
    **{"lr": 0.003, "weight_decay": 0.0005 * 2, "steps": 50_004, "eval_every": 500},
    **{"anneal_gamma": 50.004, "hp.temperature": 2.5},
}
VISDA = {"backbone": "resnet101", "augment": "center_crop_flip"}

TABLE: dict[tuple[str, str], dict[str, Any]] = {
    ("mdd", "office31:amazon-webcam"): MDD,
    ("mdd", "officehome:art-real"): MDD | {"neck": 2048, "head": [2048], "hp.gamma": 2.0},
    ("mcd", "visda2017:synthetic-real"): MCD | {"steps": 47_838, "eval_every": 938},
    ("afn", "office31:amazon-webcam"): AFN | {"steps": 2400, "eval_every": 240},
    ("afn", "office31:dslr-amazon"): AFN | {"steps": 8300, "eval_every": 830},
    ("afn", "office31:webcam-amazon"): AFN | {"steps": 8500, "eval_every": 850},
    ("afn", "office31:dslr-webcam"): AFN | {"steps": 2300, "eval_every": 230},
    ("afn", "office31:amazon-dslr"): AFN | {"steps": 1500, "eval_every": 150},
    ("dan", "office31:amazon-webcam"): XLEARN,
    ("jan", "office31:amazon-webcam"): XLEARN | {"hp.linear": True},
    ("mcc", "office31:amazon-webcam"): MCC,
    ("mcc", "officehome:art-real"): MCC | {"lr": 0.01},
    ("mcc", "visda2017:synthetic-real"): MCC
    | VISDA
    | {"batch": 36, "steps": 10_004, "anneal_gamma": 10.004, "hp.temperature": 3.0},
    ("cdan_bsp", "office31:amazon-webcam"): BSP,
    ("cdan_bsp", "office31:dslr-amazon"): BSP
    | {"hp.entropy": False, "nesterov": False, "init_as": "mdd"},
    ("cdan_bsp", "officehome:art-real"): BSP_SLOW,
    ("cdan_bsp", "visda2017:synthetic-real"): BSP_SLOW | VISDA | {"test_crop": "center"},
}
"""Settings that differ from a run's defaults, by method and task."""


@pytest.mark.parametrize("key", TABLE)
def test_every_setting_is_the_authors(key):
    method, task = key
    made = run(method, "authors", task)
    usual = default_settings(Run, METHODS[method].Hparams, tuple(PARTS.values()))
    differs = {k: v for k, v in made.settings().items() if v != (usual | TABLE[key]).get(k)}
    assert differs == {"method": method, "task": task}


def test_every_method_is_typed():
    assert {method for method, _ in TABLE} == AUTHORS_ALIGNMENT.keys()


def test_an_epoch_of_safn_leaves_out_batches_that_are_not_full():
    """Every batch of the target is paired with the next of the source, which begins again."""
    images = {"amazon": 2817, "dslr": 498, "webcam": 795}
    for task in AUTHORS_ALIGNMENT["afn"].data:
        if ":" not in task:
            continue
        source, target = task.partition(":")[2].split("-")
        batches = -(-images[source] // 32)
        full = sum((i + 1) % batches != 0 for i in range(images[target] // 32))
        assert AUTHORS_ALIGNMENT["afn"].data[task]["steps"] == 100 * full
