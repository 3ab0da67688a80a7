"""A step by a hook of pytorch-adapt is the library's own step."""

import copy
import warnings

import pytest
import torch
from torch import nn

from da.methods import Network
from da.methods.pytorch_adapt import IN_TURNS, MOVED, PytorchAdapt
from da.models.backbones.mlp import MLP
from da.training.engine import train_step
from tests.contracts.test_layers import python
from tests.contracts.test_methods import moved


def sgd(*modules: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD([p for m in modules for p in m.parameters()], 0.1)


def method(hook: str, **hp) -> PytorchAdapt:
    torch.manual_seed(0)
    hparams = PytorchAdapt.Hparams(hook=hook, hidden=(16,), **hp)
    return hparams.build(MLP(5, 16), 3, Network(neck=8, dropout=0, bn="separate"))


def library_step(m: PytorchAdapt, batch) -> None:
    """As the library's README does it: networks, optimizers and images in, weights moved."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytorch_adapt import hooks
    features = nn.Sequential(m.backbone, m.neck)
    whole, kind = sgd(m), getattr(hooks, m.hp.hook)
    if m.hp.hook.removesuffix("Hook") in IN_TURNS.split():
        hook = kind(d_opts=[sgd(m.parts["D"])], g_opts=[sgd(features, m.head)])
    elif MOVED[m.hp.hook]:
        hook = kind(opts=[whole])
    else:
        hook = hooks.ClassifierHook([whole], post=[kind()])
    labels = {"src_labels": batch.source.y, "src_domain": torch.ones(8)}
    images = {"src_imgs": batch.source.x, "target_imgs": batch.target.x}
    networks = {"G": features, "C": m.head, **m.parts}
    hook({**networks, **images, **labels, "target_domain": torch.zeros(8)})


@pytest.mark.parametrize("hook", MOVED)
def test_a_step_is_the_librarys_own(hook, batch):
    ours = method(hook)
    theirs = copy.deepcopy(ours)
    train_step(ours, sgd(ours), batch, 0.5)
    library_step(theirs, batch)
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, msg=name)


@pytest.mark.parametrize("hook", MOVED)
def test_every_parameter_moves(hook, batch):
    m = method(hook)
    still = {name for name, _ in m.named_parameters()} - moved(m, batch)
    assert still <= {"neck.0.bias"}  # just before batch norm, where it cannot matter
    assert m.predict(batch.target.x).shape == (8, 3)


@pytest.mark.parametrize("hook", ["DANNHook", "GANHook", "MCCHook", "AlignerPlusCHook"])
def test_weight_of_adaptation_is_applied(hook, batch):
    once, none = (method(hook, trade_off=t)(batch, 0.5) for t in (1.0, 0.0))
    assert once["task"].equal(none["task"])
    assert all(loss != 0 for loss in once.values())
    assert all(loss == 0 for name, loss in none.items() if name != "task")


def test_unknown_hooks_are_named():
    with pytest.raises(ValueError, match=r"unknown hook 'MCDHook', known: AFNHook, .* RTNHook"):
        method("MCDHook")


@pytest.mark.slow
def test_peers_are_imported_only_when_they_are_used():
    code = "import sys, da.methods; print({'pytorch_adapt', 'skada'} & sys.modules.keys())"
    assert python(code) == "set()\n"
