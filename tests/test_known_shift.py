"""Each adaptation term is alive: on a shift that it is made for, training fails without it.

All tasks are of points with two classes, 200 to train and 200 to test with; 50 % is chance.
"""

from itertools import cycle, islice

import pytest
import torch
from torch import Tensor, nn

from conftest import points
from da import evaluate, loaders, train
from da.backbones import Features
from da.domains import Domain
from da.methods import METHODS, Network
from da.trainer import fit

Y = torch.arange(400) % 2
SIGN = 2.0 * Y - 1


Shift = tuple[str, Domain, Domain]
"""Name, source and target of a task."""


class Linear(nn.Linear):
    """The smallest backbone that can choose what to look at."""

    width = 8

    def __init__(self, inputs: int):
        super().__init__(inputs, self.width)


def noise(seed: int, width: int = 2) -> Tensor:
    return torch.randn(400, width, generator=torch.Generator().manual_seed(seed))


def toy(x_s: Tensor, x_t: Tensor, y_s: Tensor = Y, y_t: Tensor = Y, shots: str = "") -> Shift:
    return f"moons:0-1{shots}", points(x_s, y_s), points(x_t, y_t)


def shortcut() -> Shift:
    """One feature tells the class in both domains, a clearer one in the source only."""
    x_s, x_t = (torch.stack([SIGN, SIGN], 1) + noise(i) * torch.tensor([0.4, 0.1]) for i in (0, 1))
    x_t[:, 1] = 5 * noise(2)[:, 1]
    return toy(x_s, x_t)


def clusters(turn: int = 1, shift: float = 0.0, shots: str = "") -> Shift:
    """Classes far apart; in the target they are moved, or have changed places."""
    center = torch.stack([2 * SIGN, 0 * SIGN], 1)
    move = torch.tensor([shift, 0.0])
    return toy(center + 0.4 * noise(0), turn * center + move + 0.4 * noise(1), shots=shots)


def crossed() -> Shift:
    """The same points, stretched along one diagonal in the source and the other in the target."""
    diagonals = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / 2**0.5
    z_s, z_t, stretch = noise(0), noise(1), torch.tensor([1.5, 0.25])
    y_s, y_t = ((z @ stretch > 0).long() for z in (z_s, z_t))
    return toy(z_s * stretch @ diagonals, z_t * stretch.flip(0) @ diagonals, y_s, y_t)


def aslant() -> Shift:
    """Classes far apart along one axis; the target is moved along the diagonal."""
    x_s, x_t = (torch.stack([2 * SIGN, 0 * SIGN], 1) + 0.4 * noise(i) for i in (0, 1))
    return toy(x_s, x_t + 3)


def subspaces() -> Shift:
    """Four features tell the class, six are of no use, and two tell the class most clearly but
    have another sign in the target. Noise makes the first four the principal direction of the
    source, the next six that of the target.
    """

    def domain(seed: int, useful: float, useless: float, sign: int) -> Tensor:
        common = noise(seed)
        signal = SIGN[:, None] + 0.6 * common[:, :1] + useful * noise(seed + 10, 4)
        other = common[:, 1:] + useless * noise(seed + 20, 6)
        return torch.cat([signal, other, sign * SIGN[:, None] + 0.1 * noise(seed + 30)], 1)

    return toy(domain(0, 0.1, 0.8, 1), domain(1, 0.8, 0.1, -1))


def spread() -> Shift:
    """One feature tells the class; eight hardly vary in the source and widely in the target."""

    def domain(seed: int, width: float) -> Tensor:
        return torch.cat([SIGN[:, None] + 0.4 * noise(seed, 1), width * noise(seed + 2, 8)], 1)

    return toy(domain(0, 0.1), domain(1, 1.5))


def target_accuracy(name: str, shift: Shift, seed: int, *, frozen: bool, **hp) -> float:
    torch.manual_seed(seed)
    kind, inputs = METHODS[name], shift[1].x.shape[1]
    backbone = Features(inputs) if frozen else Linear(inputs)
    m = kind.Hparams(**hp).build(backbone, 2, Network(neck=0, dropout=0))
    task = train.prepare(m, *shift)
    # With more momentum, features and discriminator chase one another in circles.
    optimizer = torch.optim.AdamW(m.parameters(), 0.1 if frozen else 0.01, (0.5, 0.999))
    batches = cycle(islice(loaders.batches(task, 64, seed), 16))
    list(fit(m, batches, optimizer, 400, 400))
    return evaluate.accuracy(evaluate.predict(m, task).target_logits, task.target_test.y)


SHIFTS = {
    "dann": (shortcut(), {"hidden": (32,)}, ("dann", {"hidden": (32,), "trade_off": 0.0})),
    "cdan": (shortcut(), {"hidden": (32,)}, ("cdan", {"hidden": (32,), "trade_off": 0.0})),
    "mcd": (spread(), {"backbone_steps": 8}, ("mcd", {"backbone_steps": 0})),
    "coral": (shortcut(), {}, ("coral", {"trade_off": 0.0})),
    "mcc": (clusters(shift=2.4), {}, ("mcc", {"trade_off": 0.0})),
    "fine_tune": (clusters(-1, shots="+10shot"), {}, ("fine_tune", {"source_share": 1.0})),
    "coral_map": (crossed(), {"ridge": 1e-3}, ("source_only", {})),
    "subspace_alignment": (subspaces(), {"dimensions": 2}, ("source_only", {})),
    "tca": (aslant(), {"dimensions": 1, "kernel": "linear"}, ("source_only", {})),
    "sinkhorn_map": (clusters(shift=2.4), {}, ("source_only", {})),
}
"""Method to a task, settings that succeed there, and what fails there."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", SHIFTS)
def test_adaptation_overcomes_what_fails_without_it(name, seed):
    shift, hp, (other, without) = SHIFTS[name]
    frozen = METHODS[name].frozen_only
    assert target_accuracy(other, shift, seed, frozen=frozen, **without) < 70
    assert target_accuracy(name, shift, seed, frozen=frozen, **hp) > 80


@pytest.mark.parametrize("name", METHODS)
def test_every_method_that_adapts_has_a_shift(name):
    assert name in SHIFTS or name == "source_only", f"add a shift that {name} overcomes"
