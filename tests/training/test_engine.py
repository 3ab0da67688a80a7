"""Phases equal separate optimizers; two processes equal one; what is not finite stops a run."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F

from da.config.optimization import Optimization
from da.data.batch import Batch, Labeled, Unlabeled
from da.methods import Method, Network, Phase
from da.methods.dann import DANN
from da.methods.source_only import SourceOnly
from da.models.backbones.mlp import MLP
from da.training import engine
from da.training.engine import DivergedError, Log, fit, train_step
from da.training.lr_schedule import SCHEDULES
from tests.conftest import build


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
    torch.set_num_threads(1)  # a forked process has none of its parent's threads, and would wait
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


def steep(z: torch.Tensor) -> torch.Tensor:
    """0, with a gradient that is not a number."""
    return (z * 0).square().sqrt()


AFTER_1 = "likely a gradient of step 1, or a weight after it, was not"


def test_a_gradient_that_is_not_finite_is_not_blamed_on_the_losses_after_it(batch):
    class Steep(SourceOnly):
        def forward(self, batch, progress):
            losses = super().forward(batch, progress)
            return losses | {"steep": steep(self.head[0].bias.sum())}

    torch.manual_seed(0)
    m = Steep.Hparams().build(MLP(5, 16), 3, Network(neck=0, dropout=0))
    told = rf"^no loss is finite at step 2 \('task', 'steep'\): {AFTER_1}$"
    with pytest.raises(DivergedError, match=told):
        list(fit(m, [batch] * 6, sgd(m.parameters()), 6, every=3))


def test_of_several_losses_those_that_are_not_finite_are_named(batch):
    class Two(SourceOnly):
        def forward(self, batch, progress):
            bad = 1 / (self.head[0].bias.sum() * 0)
            return {"a": bad, **super().forward(batch, progress), "b": bad}

    m = Two.Hparams().build(MLP(5, 16), 3, Network(neck=0, dropout=0))
    with pytest.raises(DivergedError, match=r"^losses 'a', 'b' are not finite at step 1$"):
        list(fit(m, [batch] * 4, sgd(m.parameters()), 4, every=4))


def test_looks_come_every_so_often_and_last(batch):
    m = build(SourceOnly)
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    assert [step for step, _ in fit(m, [batch] * 10, optimizer, 10, every=4)] == [4, 8, 10]


def test_a_training_goes_on_after_the_steps_that_were_done(batch):
    m, log, seen = build(SourceOnly), Log(), []
    log.add(2, {"task": torch.tensor(torch.nan)})
    again = Log()
    again.unpack(log.pack())
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    steps = fit(m, [batch] * 9, optimizer, 9, every=4, done=2, log=again, after=seen.append)
    with pytest.raises(DivergedError, match="no loss is finite at step 2"):
        next(steps)
    assert seen == [3]
    steps = fit(m, [batch] * 9, optimizer, 9, every=4, done=7, after=seen.append)
    assert [step for step, _ in steps] == [8, 9]
    assert seen == [3, 8, 9]
    assert list(fit(m, [batch] * 9, optimizer, 9, every=4, done=9)) == []


def test_a_log_without_losses_comes_back():
    log = Log()
    log.unpack(log.pack())
    assert log.seen == []


def cosine(step: int) -> float:
    return SCHEDULES["cosine"]((step - 1) / 4, Optimization())


def test_schedule_scales_every_groups_own_rate(batch):
    m = build(SourceOnly)
    groups = [{"params": m.head.parameters()}, {"params": m.backbone.parameters(), "lr": 0.01}]
    optimizer = torch.optim.SGD(groups, 0.1)
    list(
        fit(
            m,
            [batch] * 4,
            optimizer,
            4,
            every=4,
            rate=cosine,
        )
    )
    factor = SCHEDULES["cosine"](0.75, Optimization())
    rates = [group["lr"] for group in optimizer.param_groups]
    assert rates == pytest.approx([0.1 * factor, 0.01 * factor])


class Several(SourceOnly):
    """Two runs in one: the second diverges at step 6 and comes back at step 7."""

    def forward(self, batch, progress):
        task = super().forward(batch, progress)["task"]
        bad = 1 / torch.tensor([1.0, float(not 0.45 < progress < 0.55)])
        return {"task": task * torch.ones(2), "bad": bad + 0 * task}


def several() -> Method:
    return Several.Hparams().build(MLP(5, 16), 3, Network(neck=0, dropout=0))


def test_a_run_of_several_that_diverges_is_told_and_the_others_go_on(batch):
    m, failed = several(), {}
    optimizer = torch.optim.SGD(m.parameters(), 0.0)
    found = dict(fit(m, [batch] * 10, optimizer, 10, every=2, failed=failed))
    assert failed == {1: "loss 'bad' is not finite at step 6"}
    assert found[4]["bad"].tolist() == [1, 1]
    assert found[10]["task"].shape == (2,)


def test_each_run_of_several_is_told_of_its_own_gradient(batch):
    class Each(SourceOnly):
        """Two runs, each with a bias of its own; that of the second has no finite gradient."""

        def forward(self, batch, progress):
            apart = 1 * self.head[0].bias
            late = 1 / torch.tensor(float(progress < 0.3))
            return {"own": apart, "other": torch.stack([apart[0], steep(apart[1]), late])}

    m, failed = Each.Hparams().build(MLP(5, 16), 3, Network(neck=0, dropout=0)), {}
    list(fit(m, [batch] * 6, sgd(m.head.parameters()), 6, every=3, failed=failed))
    assert failed == {
        1: f"no loss is finite at step 2 ('own', 'other'): {AFTER_1}",
        2: "loss 'other' is not finite at step 3",
    }


def test_without_a_place_for_it_a_diverged_run_of_several_stops_all(batch):
    m = several()
    optimizer = torch.optim.SGD(m.parameters(), 0.0)
    with pytest.raises(DivergedError, match="loss 'bad' is not finite at step 6"):
        list(fit(m, [batch] * 10, optimizer, 10, every=2))


def test_a_look_gives_the_losses_of_its_own_step(batch):
    ours, ref = build(DANN, hidden=(8,)), build(DANN, hidden=(8,))
    found = dict(fit(ours, [batch] * 4, sgd(ours.parameters()), 4, every=2))
    optimizer = sgd(ref.parameters())
    for step in range(4):
        losses = train_step(ref, optimizer, batch, step / 4)
        if step % 2:
            assert found[step + 1] == losses


def test_a_rate_that_is_a_tensor_is_filled_and_scales_the_same(batch):
    ours, ref = build(DANN, hidden=(8,)), build(DANN, hidden=(8,))
    rate = torch.tensor(0.1)
    for m, lr in ((ours, rate), (ref, 0.1)):
        optimizer = torch.optim.SGD(m.parameters(), lr, momentum=0.9, fused=True)
        list(
            fit(
                m,
                [batch] * 4,
                optimizer,
                4,
                every=4,
                rate=cosine,
            )
        )
        assert optimizer.param_groups[0]["lr"] is rate or m is ref
    assert rate.item() == pytest.approx(0.1 * SCHEDULES["cosine"](0.75, Optimization()))
    for p, q in zip(ours.parameters(), ref.parameters(), strict=True):
        torch.testing.assert_close(p, q)


WAITS = "item", "cpu", "tolist", "numpy", "nonzero", "__bool__", "__float__", "__int__", "__index__"
"""What makes a program wait until the device has come to a number."""


def watched(batch: Batch, steps: int, waits: Callable[[bool], object]) -> Iterator[Batch]:
    """The same batch again and again; `waits` hears when no wait is allowed, and when it is."""
    waits(False)
    for _ in range(steps - 1):
        yield batch
    waits(True)
    yield batch


WAITING = {
    "deepjdot": "exact transport is solved on the CPU, by POT",
    "uniot": "transport is balanced until its numbers are no longer too large",
    "cowa_jmds": "a new labeling asks whether a covariance is singular",
    "cotta": "it asks whether the source's network is sure of a batch",
    "eata": "it asks which images are certain",
    "sar": "it asks which images are certain",
    "roid": "it asks which images are certain",
    "rotta": "its memory takes images one after the other",
    "lame": "it asks whether predictions still change",
}
"""Method to why its steps cannot but wait."""


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_between_looks_nothing_waits_for_the_device(method, batch, monkeypatch, precision):
    if method.name in WAITING:
        pytest.skip(WAITING[method.name])

    def refuse(*_, **__):
        raise AssertionError("a step asks the device for a number")

    def waits(allowed):
        if allowed:
            monkeypatch.undo()
        else:
            for name in WAITS:
                monkeypatch.setattr(torch.Tensor, name, refuse)

    optimizer = torch.optim.SGD(method.parameters(), 0.1, momentum=0.9, fused=True)
    train_step(method, optimizer, batch, 0.5, precision)
    [(step, losses)] = fit(
        method, watched(batch, 4, waits), optimizer, 4, every=4, precision=precision
    )
    assert step == 4
    assert all(loss.isfinite() for loss in losses.values())


SINGULAR = "its solver asks whether singular values converged"
WAITING_ON_GPU = WAITING | {
    "bnm": SINGULAR,
    "bsp": SINGULAR,
    "cdan_bnm": SINGULAR,
    "cdan_bsp": SINGULAR,
    "atdoc": "an image's similarity to itself is set by index",
    "cdan_atdoc": "an image's similarity to itself is set by index",
    "t3a": "it asks how many images a class keeps",
    "pytorch_adapt": "the hooks of pytorch-adapt wait",
}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_between_looks_a_gpu_is_not_waited_for(method, batch, precision):
    if method.name in WAITING_ON_GPU:
        pytest.skip(WAITING_ON_GPU[method.name])

    def waits(allowed):
        torch.cuda.set_sync_debug_mode("default" if allowed else "error")

    method = build(type(method), "cuda")
    there = Batch(
        Labeled(batch.source.x.cuda(), batch.source.y.cuda()),
        Unlabeled(batch.target.x.cuda(), batch.target.index.cuda()),
        Labeled(batch.shots.x.cuda(), batch.shots.y.cuda()),
    )
    optimizer = torch.optim.SGD(method.parameters(), 0.1, momentum=0.9, fused=True)
    train_step(method, optimizer, there, 0.5, precision)
    try:
        list(fit(method, watched(there, 4, waits), optimizer, 4, every=4, precision=precision))
    finally:
        waits(True)


@pytest.mark.parametrize(("wrong", "kind"), [(3, "int"), ({"task": 0.5}, "float"), (None, "NoneT")])
def test_losses_that_are_no_tensors_are_named(wrong, kind):
    with pytest.raises(ValueError, match=f"SimpleNamespace returns {kind}.*, known: losses"):
        engine._checked(SimpleNamespace(), wrong)
