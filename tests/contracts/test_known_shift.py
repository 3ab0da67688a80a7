"""Each adaptation term is alive: on a shift that it is made for, training fails without it.

All tasks are of points with two classes, 200 to train and 200 to test with; 50 % is chance.
"""

from itertools import cycle, islice

import pytest
import torch
from torch import Tensor, nn

from da.config.task_name import TaskName
from da.data import loaders, tasks
from da.data.domain import Domain, Task
from da.data.joined import join_domains
from da.evaluation import predictions
from da.evaluation.measured import measure
from da.methods import METHODS, Method, Network
from da.methods._shots import mixes_shots
from da.models.backbone import Features
from da.training.engine import fit
from da.training.setup import prepare_task
from tests.conftest import points, skip_without

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


def lacking() -> Shift:
    """As `shortcut`, but one image in 25 of the target is of the second class."""
    y_t = (torch.arange(400) % 25 == 0).long()
    signs = SIGN, 2.0 * y_t - 1
    x_s, x_t = (
        torch.stack([sign, sign], 1) + noise(i) * torch.tensor([0.4, 0.1])
        for i, sign in enumerate(signs)
    )
    x_t[:, 1] = 5 * noise(2)[:, 1]
    return toy(x_s, x_t, y_t=y_t)


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


def subspaces(traitors: int = 2) -> Shift:
    """Four features tell the class, six are of no use, and `traitors` tell the class most clearly
    but have another sign in the target. Noise makes the first four the principal direction of the
    source, the next six that of the target.
    """

    def domain(seed: int, useful: float, useless: float, sign: int) -> Tensor:
        common = noise(seed)
        signal = SIGN[:, None] + 0.6 * common[:, :1] + useful * noise(seed + 10, 4)
        other = common[:, 1:] + useless * noise(seed + 20, 6)
        clear = sign * SIGN[:, None] + 0.1 * noise(seed + 30, traitors)
        return torch.cat([signal, other, clear], 1)

    return toy(domain(0, 0.1, 0.8, 1), domain(1, 0.8, 0.1, -1))


def traitor() -> Shift:
    """Six features tell the class; one does so most clearly, but has another sign in the target.

    So the means of the domains are the same and those of their classes are not.
    """

    def domain(seed: int, sign: int) -> Tensor:
        clear = sign * SIGN[:, None] + 0.1 * noise(seed + 2, 1)
        return torch.cat([SIGN[:, None] + 0.9 * noise(seed, 6), clear], 1)

    return toy(domain(0, 1), domain(1, -1))


def strangers(*places: tuple[float, ...], shift: tuple[float, ...]) -> Shift:
    """Classes far apart, the last of them in the target alone, which is moved by `shift`."""
    center, known = torch.tensor(places).float(), len(places) - 1
    x_s, x_t = (0.4 * noise(i, len(shift)) for i in (0, 1))
    y_s, y_t = torch.arange(400) % known, torch.arange(400) % len(places)
    source = points(center[y_s] + x_s, y_s, known)
    target = points(center[y_t] + x_t + torch.tensor(shift), y_t, known)
    return f"moons:0-1+open{known}", source, target


def spread() -> Shift:
    """One feature tells the class; eight hardly vary in the source and widely in the target."""

    def domain(seed: int, width: float) -> Tensor:
        return torch.cat([SIGN[:, None] + 0.4 * noise(seed, 1), width * noise(seed + 2, 8)], 1)

    return toy(domain(0, 0.1), domain(1, 1.5))


def beside(
    clear: tuple[float, float] = (0.03, 0.17),
    hint: tuple[float, float] = (0.7, 0.4),
    shots: str = "",
) -> Shift:
    """What tells the class in the source is weak in the target; six features, of which the source
    has no more than a hint, form a cluster of each class there.
    """

    def domain(seed: int, clear: tuple[float, float], hint: tuple[float, float]) -> Tensor:
        first = clear[0] * SIGN[:, None] + clear[1] * noise(seed, 1)
        return torch.cat([first, hint[0] * SIGN[:, None] + hint[1] * noise(seed + 2, 6)], 1)

    return toy(domain(0, (1.0, 0.4), (0.2, 1.0)), domain(1, clear, hint), shots=shots)


def two_sources() -> Shift:
    """As `shortcut`, but the source is two domains, of which the second is moved a little."""
    name, first, target = shortcut()
    second = points(first.x.flip(0) + torch.tensor([0.0, 0.3]), first.y.flip(0))
    name = name.replace("0", "0,9")
    return name, join_domains(name, ("0", "9"), [first, second]), target


CROSS = (-2, 0), (2, 0), (0, -2), (0, 2)
"""Places of four classes."""

SMALLEST = Network(neck=0, dropout=0)
NORMED = "adabn", "shot", "tent", "bn_adapt", "eata", "sar", "cotta", "rotta", "roid"
NETWORKS = dict.fromkeys(NORMED, Network(neck=8, dropout=0))
"""Method to the network that it needs; others have the smallest."""


LONG = "mme", "cdan", "cdan_mcc", "jan", "entropy_min", "pseudo_label", "mean_teacher"
CORRECTED = ("lame",)
"""Methods whose network stays: what counts is what they predict while images stream by."""


STEPS = dict.fromkeys(LONG, 400)
STEPS |= dict.fromkeys(("sdat", "wdgrl", "dan", "dsan", "deepjdot"), 150)
"""Method to the steps that it needs, where these are not 250."""


def hinted() -> Shift:
    """The feature that tells the class in the source is noise in the target; another, of which the
    source has no more than a hint, tells it there.
    """
    x_s = torch.stack([SIGN, 0.1 * SIGN], 1) + noise(0) * torch.tensor([0.4, 0.1])
    x_t = torch.stack([0 * SIGN, 0.4 * SIGN], 1) + noise(1) * torch.tensor([0.45, 0.08])
    return toy(x_s, x_t)


def trained(
    name: str, shift: Shift, seed: int, *, frozen: bool, network: Network, **hp
) -> tuple[Method, Task]:
    torch.manual_seed(seed)
    kind, inputs = METHODS[name], shift[1].x.shape[1]
    backbone = Features(inputs) if frozen else Linear(inputs)
    sources = len(TaskName.parse(shift[0]).sources)
    m = kind.Hparams(**hp).build(backbone, len(shift[1].classes), network, sources)
    if kind.source_free:
        source, _ = trained("source_only", shift, seed, frozen=frozen, network=network)
        for part in ("backbone", "neck", "head"):
            m.get_submodule(part).load_state_dict(source.get_submodule(part).state_dict())
    if kind.taught:
        teacher, _ = trained("mcc", shift, seed, frozen=frozen, network=network)
        m.guide = teacher.eval().requires_grad_(False).predict
    task = prepare_task(m, tasks.build_task(*shift))
    # With more momentum, features and discriminator chase one another in circles.
    optimizer = torch.optim.AdamW(m.parameters(), 0.1 if frozen else 0.01, (0.5, 0.999))
    batches = cycle(islice(loaders.batches(task, 64, seed, mix_shots=mixes_shots(kind)), 16))
    steps = STEPS.get(name, 250)
    list(fit(m, batches, optimizer, steps, steps))
    return m, task


def target_accuracy(name: str, shift: Shift, seed: int, **settings) -> float:
    """In percent; the HOS where the target has unknown images."""
    m, task = trained(name, shift, seed, **settings)
    if name in CORRECTED:
        return predictions.online_accuracy(m.online, shift[2].y[task.target_train.rows])
    found = measure(m, predictions.predict(m, task), task, torch.device("cpu"))
    return found["metric/hos" if "+open" in task.name else "target_accuracy"]


SHIFTS = {
    "dann": (shortcut(), {"hidden": (32,)}, ("dann", {"hidden": (32,), "trade_off": 0.0})),
    "pada": (lacking(), {"hidden": (32,)}, ("pada", {"hidden": (32,), "trade_off": 0.0})),
    "ba3us": (
        lacking(),
        {"hidden": (32,), "entropy_trade_off": 0.0},
        ("ba3us", {"hidden": (32,), "entropy_trade_off": 0.0, "trade_off": 0.0}),
    ),
    "osbp": (
        strangers((-2, 0, 0), (2, 0, 0), (0, 0, 4), shift=(0, 2.5, 0)),
        {"trade_off": 0.5},
        ("osbp", {"trade_off": 0.0}),
    ),
    "ovanet": (
        strangers(*CROSS, (0, 0), shift=(0.84, 0.84)),
        {"trade_off": 1.0},
        ("ovanet", {"trade_off": 0.0}),
    ),
    "dance": (
        strangers(*((*place, 0) for place in CROSS), (0, 0, 2), shift=(0.7, 0.7, 0)),
        {"temperature": 0.2, "trade_off": 0.3},
        ("dance", {"temperature": 0.2, "trade_off": 0.0}),
    ),
    "uniot": (
        strangers(*((*place, 0) for place in CROSS), (0, 0, 2), shift=(0.9, 0.9, 0)),
        {"closeness": 0.5, "inertia": 1.0, "trade_off": 1.0},
        ("source_only", {}),
    ),
    "mdan": (
        two_sources(),
        {"hidden": (32,), "trade_off": 1.0},
        ("mdan", {"hidden": (32,), "trade_off": 0.0}),
    ),
    "m3sda": (
        two_sources(),
        {"trade_off": 1.0, "backbone_steps": 0},
        ("m3sda", {"trade_off": 0.0, "backbone_steps": 0}),
    ),
    "mme": (
        beside((0.0, 0.5), (0.4, 0.35), "+1shot"),
        {"trade_off": 3.0, "temperature": 0.1},
        ("mme", {"trade_off": 0.0, "temperature": 0.1}),
    ),
    "adamatch": (
        clusters(shift=2.4),
        {"keep": 0.9, "feature_dropout": 0.0},
        ("adamatch", {"keep": 0.9, "feature_dropout": 0.0, "trade_off": 0.0}),
    ),
    "cdan": (shortcut(), {"hidden": (32,)}, ("cdan", {"hidden": (32,), "trade_off": 0.0})),
    "mcd": (spread(), {"backbone_steps": 8}, ("mcd", {"backbone_steps": 0})),
    "adda": (
        aslant(),
        {"hidden": (32,), "source_share": 0.1},
        ("adda", {"hidden": (32,), "source_share": 1.0}),
    ),
    "mdd": (spread(), {"trade_off": 6.0, "gamma": 1.0}, ("mdd", {"trade_off": 0.0, "gamma": 1.0})),
    "wdgrl": (
        shortcut(),
        {"hidden": (32,), "critic_steps": 2},
        ("wdgrl", {"hidden": (32,), "critic_steps": 2, "trade_off": 0.0}),
    ),
    "coral": (shortcut(), {}, ("coral", {"trade_off": 0.0})),
    "dan": (shortcut(), {}, ("dan", {"trade_off": 0.0})),
    "jan": (clusters(shift=2.4), {}, ("jan", {"trade_off": 0.0})),
    "dsan": (shortcut(), {}, ("dsan", {"trade_off": 0.0})),
    "bsp": (
        spread(),
        {"hidden": (32,), "trade_off": 0.0},
        ("bsp", {"hidden": (32,), "trade_off": 0.0, "penalty": 0.0}),
    ),
    "adabn": (clusters(shift=2.4), {}, ("source_only", {})),
    "mcc": (clusters(shift=2.4), {}, ("mcc", {"trade_off": 0.0})),
    "entropy_min": (hinted(), {"trade_off": 0.3}, ("entropy_min", {"trade_off": 0.0})),
    "infomax": (clusters(shift=2.4), {}, ("infomax", {"trade_off": 0.0})),
    "bnm": (clusters(shift=2.4), {}, ("bnm", {"trade_off": 0.0})),
    "atdoc": (clusters(shift=2.4), {}, ("atdoc", {"trade_off": 0.0})),
    "pseudo_label": (hinted(), {"threshold": 0.9}, ("pseudo_label", {"trade_off": 0.0})),
    "mean_teacher": (
        spread(),
        {"trade_off": 10.0, "threshold": 0.5},
        ("mean_teacher", {"trade_off": 0.0}),
    ),
    "fixmatch": (spread(), {}, ("fixmatch", {"trade_off": 0.0})),
    "deepjdot": (
        clusters(shift=2.4),
        {"feature_trade_off": 1.0, "class_trade_off": 1.0},
        ("deepjdot", {"feature_trade_off": 0.0, "class_trade_off": 0.0}),
    ),
    "shot": (clusters(shift=2.4), {}, ("source_only", {})),
    "aad": (aslant(), {}, ("aad", {"trade_off": 0.0})),
    "nrc": (clusters(shift=2.4), {}, ("source_only", {})),
    "cowa_jmds": (clusters(shift=2.4), {"mixup": 2.0}, ("source_only", {})),
    "dine": (clusters(shift=2.4), {}, ("source_only", {})),
    "tent": (clusters(shift=2.4), {}, ("source_only", {})),
    "bn_adapt": (clusters(shift=2.4), {}, ("source_only", {})),
    "t3a": (beside(), {"supports": 0}, ("source_only", {})),
    "lame": (beside(), {"affinity": "rbf"}, ("source_only", {})),
    "eata": (clusters(shift=2.4), {}, ("source_only", {})),
    "sar": (clusters(shift=2.4), {}, ("source_only", {})),
    "cotta": (clusters(shift=2.4), {}, ("source_only", {})),
    "rotta": (clusters(shift=2.4), {}, ("source_only", {})),
    "roid": (clusters(shift=2.4), {}, ("source_only", {})),
    "distill": (clusters(shift=2.4), {}, ("source_only", {})),
    "fine_tune": (clusters(-1, shots="+10shot"), {}, ("fine_tune", {"source_share": 1.0})),
    "coral_map": (crossed(), {"ridge": 1e-3}, ("source_only", {})),
    "subspace_alignment": (subspaces(), {"dimensions": 2}, ("source_only", {})),
    "tca": (aslant(), {"dimensions": 1, "kernel": "linear"}, ("source_only", {})),
    "sinkhorn_map": (clusters(shift=2.4), {}, ("source_only", {})),
    "ot_map": (clusters(shift=2.4), {}, ("source_only", {})),
    "mean_map": (clusters(shift=2.4), {}, ("source_only", {})),
    "linear_monge": (crossed(), {"ridge": 1e-3}, ("mean_map", {})),
    "gfk": (subspaces(traitors=1), {"dimensions": 1}, ("mean_map", {})),
    "jda": (traitor(), {"dimensions": 4}, ("jda", {"dimensions": 4, "iterations": 1})),
    "cdan_mcc": (
        shortcut(),
        {"hidden": (32,), "confusion_trade_off": 0.1},
        ("cdan_mcc", {"hidden": (32,), "confusion_trade_off": 0.1, "trade_off": 0.0}),
    ),
    "cdan_atdoc": (
        clusters(shift=2.4),
        {"hidden": (32,), "trade_off": 0.1},
        ("cdan_atdoc", {"hidden": (32,), "trade_off": 0.1, "neighbor_trade_off": 0.0}),
    ),
    "cdan_bsp": (
        spread(),
        {"hidden": (32,), "trade_off": 0.0},
        ("cdan_bsp", {"hidden": (32,), "trade_off": 0.0, "penalty": 0.0}),
    ),
    "cdan_bnm": (
        clusters(shift=2.4),
        {"hidden": (32,), "trade_off": 0.1},
        ("cdan_bnm", {"hidden": (32,), "trade_off": 0.1, "nuclear_trade_off": 0.0}),
    ),
    "sdat": (
        clusters(shift=2.4),
        {"hidden": (32,), "trade_off": 0.1},
        ("sdat", {"hidden": (32,), "trade_off": 0.1, "confusion_trade_off": 0.0}),
    ),
    "pytorch_adapt": (
        shortcut(),
        {"hidden": (32,)},
        ("pytorch_adapt", {"hidden": (32,), "trade_off": 0.0}),
    ),
    "skada": (crossed(), {}, ("source_only", {})),
}
"""Method to a task, settings that succeed there, and what fails there."""

EXCUSED = {
    "source_only": "it does not adapt",
    "zero_shot": "it learns nothing",
    "afn": "its loss brings no domain nearer, and a linear classifier does not see norms grow",
}
"""Method to why no shift can be found for it."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", SHIFTS)
def test_adaptation_overcomes_what_fails_without_it(name, seed):
    skip_without(METHODS[name].needs)
    shift, hp, (other, without) = SHIFTS[name]
    same = {"frozen": METHODS[name].frozen_only, "network": NETWORKS.get(name, SMALLEST)}
    assert target_accuracy(other, shift, seed, **same, **without) < 70
    assert target_accuracy(name, shift, seed, **same, **hp) > 80


@pytest.mark.parametrize("name", METHODS)
def test_every_method_that_adapts_has_a_shift(name):
    assert (name in SHIFTS) != (name in EXCUSED), f"add a shift that {name} overcomes"
