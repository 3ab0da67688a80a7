"""Weights that are taken out stay out; channels that are taken out leave a smaller network."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from da.methods import METHODS, Network
from da.methods.source_only import SourceOnly
from da.models import backbones, pruning, saved_weights
from da.runs.run import Run
from da.training import optimizers, setup, train
from da.training.engine import train_step
from da.training.setup import assemble

PARENT = Run(
    SourceOnly.Hparams(), "moons:0-40", backbone="mlp", init="random", regime="full",
    network=Network(neck=8), steps=4, batch=16, eval_every=4,
)  # fmt: skip


@pytest.fixture
def parent() -> Run:
    train.train(PARENT, device="cpu", save_weights=True, quiet=True)
    return PARENT


def pruned(parent: Run, sparsity: float = 0.6, **more) -> Run:
    return replace(parent, init=parent.id, sparsity=sparsity, **more)


def prunable(method) -> list[nn.Parameter]:
    return pruning.prunable_weights(method.backbone, method.neck)


def zeros(some: list[nn.Parameter]) -> int:
    return sum(int((weight == 0).sum()) for weight in some)


def test_matrices_and_kernels_are_prunable_once_and_nothing_else():
    conv, linear = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)
    network = nn.Sequential(conv, nn.BatchNorm2d(4), nn.LayerNorm(4), linear, linear)
    found = pruning.prunable_weights(network, linear)
    assert [id(p) for p in found] == [id(conv.weight), id(linear.weight)]


def test_the_smallest_of_all_layers_together_become_zero():
    a, b = nn.Linear(2, 2), nn.Linear(2, 1)
    a.weight.data = torch.tensor([[0.1, -3.0], [2.0, -0.2]])
    b.weight.data = torch.tensor([[-0.3, 0.15]])
    pruning.zero_smallest([a.weight, b.weight], 0.5)
    assert a.weight.equal(torch.tensor([[0.0, -3.0], [2.0, 0.0]]))
    assert b.weight.equal(torch.tensor([[-0.3, 0.0]]))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9])
def test_exactly_the_share_is_taken_out_where_many_are_equal(share):
    layer = nn.Linear(20, 10)
    nn.init.ones_(layer.weight)
    pruning.zero_smallest([layer.weight], share)
    assert zeros([layer.weight]) == 200 * share


def test_the_head_is_spared(parent):
    head = assemble(pruned(parent, 0.99), "cpu").method.head
    assert zeros(list(head.parameters())) == 0


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_was_taken_out_stays_exactly_zero(parent, optimizer, precision):
    run = pruned(parent, optimizer=optimizer, precision=precision, weight_decay=0.1, lr=0.01)
    parts = assemble(run, "cpu")
    weak, adam = prunable(parts.method), optimizers.build_optimizer(run, parts.method)
    masks, before = [w == 0 for w in weak], [w.clone() for w in weak]
    batches = setup.run_batches(run, parts)
    for _ in range(5):
        train_step(parts.method, adam, next(batches), 0.5, precision)
    assert zeros(weak) == round(0.6 * sum(w.numel() for w in weak))
    assert all((w[mask] == 0).all() for w, mask in zip(weak, masks, strict=True))
    assert all((w != old)[~mask].any() for w, old, mask in zip(weak, before, masks, strict=True))


def test_a_pruned_run_begins_with_the_largest_weights_of_its_parent(parent):
    kept = saved_weights.load_network_state(parent.id)[0]
    begun = assemble(pruned(parent), "cpu").method
    for name, weight in begun.named_parameters():
        assert (weight == kept[name])[weight != 0].all()
        assert weight.any()


def test_zeros_are_kept_with_the_weights_and_taken_over(parent):
    child = pruned(parent)
    train.train(child, device="cpu", save_weights=True, quiet=True)
    grandchild = assemble(pruned(child), "cpu").method
    state = saved_weights.load_network_state(child.id)[0]
    for name, weight in grandchild.named_parameters():
        assert weight.equal(state[name])


class Toy(nn.Sequential):
    """Two convolutions, whose channels are chosen by hand below."""

    width = 2

    def __init__(self):
        conv = nn.Conv2d(1, 4, 1)
        super().__init__(conv, nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.Flatten())


@pytest.mark.slow
def test_narrowing_equals_taking_channels_out_by_hand():
    torch.manual_seed(0)
    network, x = Toy(), torch.rand(3, 1, 1, 1)
    for i, size in enumerate([3.0, 0.1, 2.0, 0.2]):
        network[0].weight.data[i] = size
        network[3].weight.data[:, i] = size
    by_hand, state = Toy(), network.state_dict()
    by_hand[0], by_hand[1], by_hand[3] = nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1)
    kept = {name: tensor[[0, 2]] for name, tensor in state.items() if name[0] < "3" and tensor.ndim}
    by_hand.load_state_dict(state | kept | {"3.weight": state["3.weight"][:, [0, 2]]})
    pruning.narrow(network, 0.5, x)
    assert network.training
    assert network.eval()(x).equal(by_hand.eval()(x))
    shapes = [[p.shape for p in some.parameters()] for some in (network, by_hand)]
    assert shapes[0] == shapes[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet", "mobilenetv3_small_050"])
def test_a_narrowed_backbone_takes_its_shapes_from_its_weights(name):
    side = 28 if name == "lenet" else 32
    x = torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)
    network = backbones.build_backbone(name, "random")
    size = sum(p.numel() for p in network.parameters())
    pruning.narrow(network, 0.5, x)
    state = {f"backbone.{name}": tensor for name, tensor in network.state_dict().items()}
    saved_weights.save_weights("0" * 12, state, saved_weights.NetworkInfo("random"))
    again = backbones.build_backbone(name, "0" * 12)
    assert sum(p.numel() for p in again.parameters()) < 0.7 * size
    assert again.eval()(x).equal(network.eval()(x))


@pytest.mark.slow
def test_a_backbone_without_channels_to_take_out_is_refused():
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    network.width = 3
    with pytest.raises(ValueError, match="cannot take channels out of this backbone"):
        pruning.narrow(network, 0.5, torch.rand(2, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sparsity": 1.0}, "at least 0 and below 1, not 1.0"),
        ({"sparsity": -0.1}, "not -0.1"),
        ({"init": "random"}, "regime full and a run's id as init"),
        ({"regime": "frozen"}, "regime full and a run's id as init"),
        ({"sparsity": 0.0, "structured": True}, "structured needs a sparsity"),
        ({"method": METHODS["mcd"].Hparams()}, "mcd predicts with more"),
        ({"regime": "frozen", "sparsity": 0.0, "unit_features": True}, "unit_features needs"),
    ],
)
def test_contradictory_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(pruned(PARENT), **changes)


def test_weights_of_another_network_are_refused(parent):
    with pytest.raises(ValueError, match="has another neck"):
        assemble(pruned(parent, network=Network(neck=4)), "cpu")
