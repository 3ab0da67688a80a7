"""What a run begins with of a finished run: its backbone, or its network."""

from dataclasses import replace

import pytest
import torch

from da.config.fine_tuning import FineTuning
from da.methods import METHODS, Network
from da.models.saved_weights import load_weights
from da.runs.run import Run
from da.training.setup import assemble
from da.training.train import train

FIRST = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    network=Network(neck=6),
    steps=2,
    eval_every=2,
)
WHOLE = replace(FIRST, init=FIRST.id, tuning=FineTuning(begins_with="network"))


def parts(run: Run) -> dict[str, torch.Tensor]:
    """Of its method before training, and of the run that it begins with."""
    return assemble(run, "cpu").method.state_dict()


def test_a_run_begins_with_backbone_neck_and_head_of_another_and_copies_follow():
    train(FIRST, device="cpu", save_weights=True, quiet=True)
    adda = METHODS["adda"].Hparams(source_share=0.0)
    for name, hp in {"mean_teacher": None, "adda": adda, "dann": None}.items():
        run = replace(WHOLE, method=hp or METHODS[name].Hparams())
        found = parts(run)
        for part in ("backbone", "neck", "head"):
            for key, value in load_weights(FIRST.id, part).items():
                torch.testing.assert_close(found[f"{part}.{key}"], value)
        copied = {
            "mean_teacher": ("teacher.1.0", "neck.0"),
            "adda": ("source_encoder.1.0", "neck.0"),
        }
        if name in copied:
            copy, original = copied[name]
            assert found[f"{copy}.weight"].equal(found[f"{original}.weight"])
    other = parts(replace(WHOLE, tuning=FineTuning()))
    assert not other["head.0.weight"].equal(found["head.0.weight"])


def test_it_needs_a_run_and_says_so():
    assert replace(FIRST, tuning=FineTuning()).id == FIRST.id
    with pytest.raises(ValueError, match="begins_with network needs a finished run's id as init"):
        replace(FIRST, tuning=WHOLE.tuning)
