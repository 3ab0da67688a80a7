"""The first losses of every method, so that a refactor shows that it changes nothing.

After a change that is meant to change them: `python -m tests.contracts.test_golden` writes
golden.json anew, but for methods whose library is not installed.
"""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from da.data import tasks
from da.data.batch import Batch, Labeled, Unlabeled
from da.methods import METHODS
from da.system.cache import write_whole
from da.training.engine import train_step
from da.training.setup import prepare_task
from tests.conftest import build, points, skip_without

ROUNDING = {"rel": 1e-4, "abs": 2e-6}
"""What another processor may change: a discrepancy is a difference of kernels that add up to 5, of
which float32 has steps of 5e-7.
"""

SETTINGS = {
    "fixmatch": {"threshold": 0.35},  # untrained networks are not surer
    "mean_teacher": {"threshold": 0.35},
    "eata": {"trade_off": 1e5},  # its weights hardly move here
    "gfk": {"dimensions": 2},  # with all five the kernel is the identity
}
"""Of methods that do nothing with their defaults here."""

FILE = Path(__file__).with_name("golden.json")
COMMAND = "python -m tests.contracts.test_golden"


def first_losses(name: str, **hp) -> list[dict[str, float]]:
    """Of three steps on other images each, from the same weights on every machine."""
    g = torch.Generator().manual_seed(0)
    x_s, x_t = (2 * torch.randn(24, 5, generator=g) + m for m in (0, 1))
    y = torch.arange(24) % 3
    m = build(METHODS[name], **SETTINGS.get(name, {}), **hp)
    task = prepare_task(m, tasks.build_task("moons:0-1", points(x_s, y, 3), points(x_t, y, 3)))
    source, target = task.source_train.x, task.target_train.x
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    losses = []
    for step, i in enumerate(torch.arange(24).split(8)):
        shots = Labeled(target[i], y[i]) if m.takes_shots else None
        batch = Batch(Labeled(source[i], y[i]), Unlabeled(target[i], i % 12), shots)
        found = train_step(m, optimizer, batch, progress=step / 3)
        losses.append({loss: float(f"{value.item():.7g}") for loss, value in found.items()})
    return losses


@pytest.mark.parametrize("name", METHODS)
def test_first_losses_are_what_they_were(name):
    skip_without(METHODS[name].needs)
    golden = json.loads(FILE.read_text())
    assert name in golden, f"{name} has no golden losses yet: check it, then run {COMMAND}"
    for now, then in zip(first_losses(name), golden[name], strict=True):
        assert now == pytest.approx(then, **ROUNDING), f"if this is meant, run {COMMAND}"


@pytest.mark.parametrize("name", METHODS)
def test_a_term_that_is_gone_would_be_missed(name):
    golden = json.loads(FILE.read_text())[name]
    for term in golden[0]:
        assert max(abs(losses[term]) for losses in golden) > 20 * ROUNDING["abs"], term


def test_no_golden_losses_of_methods_that_are_gone():
    assert json.loads(FILE.read_text()).keys() <= METHODS.keys(), f"run {COMMAND}"


if __name__ == "__main__":
    losses = json.loads(FILE.read_text())
    for name, kind in METHODS.items():
        if not kind.needs or find_spec(kind.needs):
            losses[name] = first_losses(name)
    lines = [f'"{name}": {json.dumps(losses[name])}' for name in sorted(losses) if name in METHODS]
    with write_whole(FILE) as part:
        part.write_text("{\n" + ",\n".join(lines) + "\n}\n")
