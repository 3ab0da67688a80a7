"""The recipe of PADA's authors, beside numbers typed from their code."""

import pytest

from tests.runs.printed.differences import differences

CODE = {
    **{"backbone": "resnet50", "regime": "full", "side": 224, "augment": "crop_flip"},
    **{"test_crop": "ten_crop", "hold_out": False, "dropout": 0.0, "optimizer": "sgd"},
    **{"nesterov": True, "schedule": "annealing", "backbone_lr": 0.1, "neck": 256},
    **{"neck_norm": False, "neck_relu": False, "init_as": "pada", "batch": 36},
    **{"weight_decay": 0.0005, "steps": 12_004, "eval_every": 500, "anneal_gamma": 12.004},
    **{"hp.steepness": 12.004, "hp.hidden_dropout": 0.5},
}
"""0.001 and 0.0003, times 10 outside the backbone."""

TABLE = """
office31   amazon-webcam   0.01  1.0  1.0  24
office31   webcam-dslr     0.01  1.0  1.0  24
office31   dslr-amazon     0.003 1.0  1.0  24
office31   webcam-amazon   0.003 1.0  1.0  24
officehome art-clipart     0.003 0.5  0.1  24
officehome art-real        0.003 0.25 0.1  24
officehome clipart-product 0.003 0.5  0.1  24
officehome clipart-real    0.003 0.5  0.1  12
officehome product-art     0.003 0.5  0.1  24
officehome product-real    0.003 0.3  0.1  24
officehome real-art        0.003 1.0  1.0  24
officehome real-clipart    0.01  1.0  0.1  24
officehome real-product    0.01  1.0  0.1  24
"""
"""Data set, domains, lr, weight, temperature (1 / softmax_param), and times that classes weigh."""


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_every_setting_is_the_authors(line):
    data, domains, lr, weight, temperature, times = line.split()
    want = CODE | {
        **{"lr": float(lr), "hp.trade_off": float(weight)},
        **{"hp.temperature": float(temperature), "hp.refreshes": int(times)},
    }
    assert not differences("pada", "authors", f"{data}:{domains}+partial", want)
