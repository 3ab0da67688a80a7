"""Phases equal separate optimizers; two processes equal one; what is not finite stops a run."""

from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn

from conftest import build
from da.backbones import MLP
from da.batch import Batch, Labeled, Unlabeled
from da.methods import Method, Network, Phase
from da.methods.dann import DANN
from da.methods.source_only import SourceOnly
from da.trainer import SCHEDULES, DivergedError, fit, train_step


class Alternating(Method):
    """Heads and backbone in turns, as in adversarial methods without a reversed gradient."""

    def phases(self) -> Iterator[Phase]:
        yield Phase(self.forward, self.parameters())
        yield Phase(self.spread, self.head.parameters())
        yield Phase(self.shrink, self.backbone.parameters())

    def forward(self, batch, progress):
        return {"task": F.cross_entropy(self.predict(batch.source.x), batch.source.y)}

    def spread(self, batch, progress):
        return {"spread": -self.predict(batch.target.x).softmax(1).std()}

    def shrink(self, batch, progress):
        return {"shrink": self.predict(batch.target.x).softmax(1).std()}


def alternating() -> Method:
    torch.manual_seed(0)
    return Alternating.Hparams().build(MLP(5, 16), 3, Network(neck=0, dropout=0))


def sgd(parameters) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, 0.05, momentum=0.9, weight_decay=5e-4)


def test_phases_equal_two_optimizers(batch):
    ours, ref = alternating(), alternating()
    optimizer = sgd(ours.parameters())
    backbone, head = sgd(ref.backbone.parameters()), sgd(ref.head.parameters())
    for _ in range(3):
        train_step(ours, optimizer, batch, 0.0)
        turns = (ref.forward, (backbone, head)), (ref.spread, (head,)), (ref.shrink, (backbone,))
        for losses, moving in turns:
            ref.zero_grad()
            sum(losses(batch, 0.0).values()).backward()
            for one in moving:
                one.step()
    for p, q in zip(ours.parameters(), ref.parameters(), strict=True):
        torch.testing.assert_close(p, q)


def dann() -> Method:
    torch.manual_seed(0)
    return DANN.Hparams(hidden=(8,)).build(MLP(5, 16), 3, Network(neck=0, dropout=0))


def half(batch: Batch, rank: int) -> Batch:
    s = slice(4 * rank, 4 * rank + 4)
    return Batch(
        Labeled(batch.source.x[s], batch.source.y[s]),
        Unlabeled(batch.target.x[s], batch.target.index[s]),
    )


def worker(rank, batch, folder):
    store = f"file://{folder}/rendezvous"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    m = dann()
    for _ in range(2):
        train_step(m, torch.optim.SGD(m.parameters(), 0.1), half(batch, rank), 0.5)
    if rank == 0:
        torch.save(m.state_dict(), f"{folder}/dann.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_one(batch, tmp_path):
    mp.start_processes(worker, (batch, str(tmp_path)), nprocs=2, start_method="fork")
    m = dann()
    for _ in range(2):
        train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.5)
    for name, weight in torch.load(tmp_path / "dann.pt").items():
        torch.testing.assert_close(m.state_dict()[name], weight)


def test_a_loss_that_is_not_finite_is_named_with_its_step(batch):
    class Diverging(SourceOnly):
        def forward(self, batch, progress):
            bad = 1 / (self.head[0].bias.sum() * 0 + (progress < 0.45))
            return super().forward(batch, progress) | {"bad": bad}

    torch.manual_seed(0)
    m = Diverging.Hparams().build(MLP(5, 16), 3, Network(neck=0, dropout=0))
    optimizer = torch.optim.SGD(m.parameters(), 0.0)
    with pytest.raises(DivergedError, match="loss 'bad' is not finite at step 6"):
        list(fit(m, [batch] * 10, optimizer, 10, every=4))


def test_looks_come_every_so_often_and_last(batch):
    m = build(SourceOnly)
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    assert [step for step, _ in fit(m, [batch] * 10, optimizer, 10, every=4)] == [4, 8, 10]


def test_schedules_start_at_one_and_never_rise():
    for factor in SCHEDULES.values():
        values = [factor(i / 10) for i in range(11)]
        assert values[0] == 1
        assert values == sorted(values, reverse=True)


def test_annealing_is_the_papers():
    assert SCHEDULES["annealing"](1.0) == pytest.approx(11**-0.75)


def test_schedule_scales_every_groups_own_rate(batch):
    m = build(SourceOnly)
    groups = [{"params": m.head.parameters()}, {"params": m.backbone.parameters(), "lr": 0.01}]
    optimizer = torch.optim.SGD(groups, 0.1)
    list(fit(m, [batch] * 4, optimizer, 4, every=4, schedule="cosine"))
    factor = SCHEDULES["cosine"](0.75)
    rates = [group["lr"] for group in optimizer.param_groups]
    assert rates == pytest.approx([0.1 * factor, 0.01 * factor])


def test_a_step_does_not_wait_for_the_device(batch, monkeypatch):
    m = build(DANN, hidden=(8,))
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    train_step(m, optimizer, batch, 0.5)

    def waits(*_):
        raise AssertionError("a step asks the device for a number")

    for name in ("item", "cpu", "tolist", "__bool__", "__float__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, waits)
    losses = train_step(m, optimizer, batch, 0.5)
    monkeypatch.undo()
    assert isinstance(losses["task"], torch.Tensor)
    assert isinstance(m, nn.Module)
