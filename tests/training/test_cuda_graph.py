"""A step as a CUDA graph is the same step; what needs no GPU for that is tested on a CPU."""

import contextlib
import copy
from dataclasses import replace

import pytest
import torch
from torch.optim import SGD, AdamW

import da.training.cuda_graph
from da.data.batch import Batch, Labeled, Unlabeled
from da.methods import METHODS, Method, Network
from da.models.backbones import lenet
from da.runs.run import Run
from da.training.cuda_graph import Captured, fill_batch, make_capturable, restore_after
from da.training.engine import train_step
from da.training.setup import assemble
from da.training.train import fit
from da.training.vmap import Group, stack_batches
from tests.conftest import build

STEPS = 10
NAMES = "source_only", "dann", "coral", "mcc"
each_name = pytest.mark.parametrize("name", NAMES)
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
CPU = torch.device("cpu")


def sgd(module, **settings):
    return SGD(module.parameters(), 0.01, momentum=0.9, weight_decay=1e-3, **settings)


def adamw(module, **settings):
    return AdamW(module.parameters(), 0.01, **settings)


each_optimizer = pytest.mark.parametrize("optimizer", [sgd, adamw])


def network(name: str, seed: int = 0) -> Method:
    """LeNet with dropout and batch norm, in the layout that vmap can have too."""
    torch.manual_seed(seed)
    narrow = {"hidden": (16,)} if name == "dann" else {}
    backbone = lenet.build()
    backbone.layout = torch.contiguous_format
    return METHODS[name].Hparams(**narrow).build(backbone, 3, Network(neck=8, dropout=0.3))


def images(seed: int, size: int = 4) -> Batch:
    g = torch.Generator().manual_seed(seed)
    x_s, x_t = torch.rand(2, size, 3, 28, 28, generator=g)
    y = torch.arange(size) % 3
    return Batch(Labeled(x_s, y), Unlabeled(x_t, y))


def features(seed: int = 0) -> Batch:
    x_s, x_t = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(seed))
    y = torch.arange(6) % 3
    return Batch(Labeled(x_s, y), Unlabeled(x_t, y), Labeled(x_t + 1, y))


def moved(batch: Batch, device: str) -> Batch:
    source, target = batch.source, batch.target
    return Batch(
        Labeled(source.x.to(device), source.y.to(device)),
        Unlabeled(target.x.to(device), target.index.to(device)),
    )


def few_steps(method, optimizer, count: int = 2):
    return [train_step(method, optimizer, images(i), i / STEPS) for i in range(count)]


@each_name
@each_optimizer
def test_steps_taken_on_trial_leave_no_trace(name, optimizer):
    method = network(name)
    twin = copy.deepcopy(method)
    ours, theirs = optimizer(method, fused=True), optimizer(twin, fused=True)
    torch.manual_seed(1)
    expected = few_steps(twin, theirs)
    torch.manual_seed(1)
    with restore_after(method, ours, [torch.default_generator]):
        few_steps(method, ours, 3)
    assert few_steps(method, ours) == expected
    for weight, same in zip(method.state_dict().values(), twin.state_dict().values(), strict=True):
        assert weight.equal(same)


@each_optimizer
def test_what_the_optimizer_had_is_put_back_after_an_error_too(optimizer):
    method = network("mcc")
    ours = optimizer(method, fused=True)
    few_steps(method, ours)
    before = copy.deepcopy(ours.state_dict()["state"])
    with contextlib.suppress(ZeroDivisionError), restore_after(method, ours, []):
        few_steps(method, ours)
        raise ZeroDivisionError
    torch.testing.assert_close(ours.state_dict()["state"], before, rtol=0, atol=0)


@each_optimizer
def test_learning_rates_as_tensors_move_weights_alike(optimizer):
    method = network("dann")
    twin = copy.deepcopy(method)
    ours, theirs = optimizer(method, fused=True), optimizer(twin, fused=True)
    make_capturable(ours, CPU)
    for rate in (0.1, 0.01):
        ours.param_groups[0]["lr"].fill_(rate)
        theirs.param_groups[0]["lr"] = rate
        for module, mover in ((method, ours), (twin, theirs)):
            torch.manual_seed(1)
            few_steps(module, mover)
    torch.testing.assert_close(method.state_dict(), twin.state_dict(), rtol=1e-5, atol=1e-6)


def test_each_group_of_parameters_keeps_its_rate():
    method = network("mcc")
    groups = [{"params": method.head.parameters()}, {"params": method.neck.parameters(), "lr": 0.5}]
    ours = SGD(groups, 0.25, fused=True)
    make_capturable(ours, CPU)
    assert [group["lr"].item() for group in ours.param_groups] == [0.25, 0.5]


@pytest.mark.parametrize("optimizer", [sgd, adamw])
def test_an_optimizer_that_is_not_fused_is_refused(optimizer):
    with pytest.raises(ValueError, match="only with fused=True"):
        make_capturable(optimizer(network("mcc")), CPU)


def test_a_batch_is_filled_with_another():
    batch, new = images(0), images(1)
    places = [batch.source.x.data_ptr(), batch.target.x.data_ptr()]
    fill_batch(batch, new)
    assert batch.source.x.equal(new.source.x)
    assert batch.target.x.equal(new.target.x)
    assert places == [batch.source.x.data_ptr(), batch.target.x.data_ptr()]
    fill_batch(shots := features(0), features(1))
    assert shots.shots.x.equal(features(1).shots.x)


def test_a_batch_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(4, 3, 28, 28\).*not.*\(1, 3, 28, 28\)"):
        fill_batch(images(0), images(1, size=1))  # which copy_ would spread over all


def test_there_is_no_cuda_graph_on_a_cpu():
    method = network("mcc")
    with pytest.raises(ValueError, match="needs a GPU, not cpu"):
        Captured(method, sgd(method, fused=True), images(0))


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"fine_tune"}))
def test_progress_may_be_a_tensor(name):
    losses = []
    for progress in (0.3, torch.tensor(0.3)):
        method = build(METHODS[name])
        optimizer = sgd(method)
        train_step(method, optimizer, features(), progress)
        losses.append(train_step(method, optimizer, features(1), progress))
    torch.testing.assert_close(*losses)


class Rerun:
    """Stands for a graph on a CPU: a replay calls the step and leaves the losses in their place."""

    def __init__(self, take, losses):
        self.take, self.losses = take, losses

    def replay(self):
        for place, loss in zip(self.losses.values(), self.take().values(), strict=True):
            place.copy_(loss)


@pytest.fixture
def without_gpu(monkeypatch):
    def record(take, kept, device, generators):
        with kept:
            losses = take()
        return Rerun(take, losses), losses

    monkeypatch.setattr(da.training.cuda_graph, "record_graph", record)


def equal_steps(name: str, size: int, device: str = "cpu", tolerance: float = 2e-5) -> None:
    """Ten captured steps, of one method or a group, with rates and progress that change."""
    methods = [network(name, seed).to(device) for seed in range(size)]
    runs = []
    for captured in (False, True):
        own = copy.deepcopy(methods)
        generators = [torch.Generator(device).manual_seed(i) for i in range(size)]
        whole = Group(own, generators) if size > 1 else own[0]
        optimizer = sgd(whole.together if size > 1 else whole, fused=True)
        batches = [stack_batches([images(10 * i + j) for j in range(size)]) for i in range(STEPS)]
        batches = batches if size > 1 else [images(i) for i in range(STEPS)]
        batches = [moved(batch, device) for batch in batches]
        torch.manual_seed(5)
        step = Captured(whole, optimizer, batches[3]) if captured else None
        losses = []
        for i, batch in enumerate(batches):
            rate = 0.01 / (1 + i)
            if step:
                optimizer.param_groups[0]["lr"].fill_(rate)
                losses.append(step(batch, i / STEPS))
            else:
                optimizer.param_groups[0]["lr"] = rate
                losses.append(train_step(whole, optimizer, batch, i / STEPS))
        runs.append((losses, [method.state_dict() for method in own]))
    torch.testing.assert_close(*runs, rtol=tolerance, atol=tolerance)


@each_name
def test_ten_steps_are_those_of_the_trainer(name, without_gpu):
    equal_steps(name, 1)


def test_ten_steps_of_a_group_are_those_of_the_trainer(without_gpu):
    equal_steps("dann", 2)


RUN = Run(METHODS["dann"].Hparams(hidden=(8,)), "moons:0-40", "mlp", "random", "full", steps=6)
RUN = replace(RUN, eval_every=3, batch=8, schedule="cosine")
GRAPH = replace(RUN, cuda_graph=True)


def test_a_run_takes_its_steps_as_one_graph_where_its_setting_says_so(without_gpu, monkeypatch):
    replays, usual = [], Rerun.replay
    monkeypatch.setattr(Rerun, "replay", lambda graph: replays.append(graph) or usual(graph))
    parts = assemble(RUN, "cpu")
    curves = [fit(RUN, parts, quiet=True)[0], fit(GRAPH, assemble(RUN, "cpu"), quiet=True)[0]]
    assert len(replays) == 6
    assert len(set(replays)) == 1
    for eager, captured in zip(*curves, strict=True):
        for name in ("loss/task", "loss/domain"):
            assert captured[name] == pytest.approx(eager[name], rel=1e-3)
        # Steps round in another way, so that an image between two classes may be of either.
        one_image = 101 / len(parts.task.target_test)
        assert captured["target_accuracy"] == pytest.approx(eager["target_accuracy"], abs=one_image)


def test_a_run_with_a_graph_needs_a_gpu():
    with pytest.raises(ValueError, match="cuda_graph needs a GPU, and this run is on cpu"):
        assemble(GRAPH, "cpu")


def test_losses_given_earlier_stay_what_they_were(without_gpu):
    method = network("dann")
    step = Captured(method, sgd(method, fused=True), images(0))
    first = step(images(0), 0.0)
    kept = {name: loss.clone() for name, loss in first.items()}
    step(images(1), 0.5)
    assert first == kept


def test_the_error_names_the_method(monkeypatch):
    def refuse(*_):
        raise RuntimeError("called a synchronizing CUDA operation\nand more")

    monkeypatch.setattr(da.training.cuda_graph, "record_graph", refuse)
    method = network("mcc")
    with pytest.raises(ValueError, match=r"^mcc cannot be a CUDA graph: called a synchronizing"):
        Captured(method, sgd(method, fused=True), images(0))


@on_gpu
@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 3])
@each_name
def test_ten_captured_steps_equal_ten_eager_ones(name, size):
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        equal_steps(name, size, "cuda", 1e-3)


@on_gpu
@pytest.mark.slow
def test_a_replay_does_not_wait_for_the_gpu():
    method = network("dann").to("cuda")
    batch = moved(images(0), "cuda")
    step = Captured(method, sgd(method, fused=True), batch)
    step(batch, 0.1)
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(batch, 0.2)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@on_gpu
@pytest.mark.slow
def test_a_method_that_asks_the_gpu_is_named_and_trains_on_without_a_graph():
    method = network("mcc").to("cuda")
    calm = type(method).forward
    batch = moved(images(0), "cuda")
    optimizer = sgd(method, fused=True)
    before = copy.deepcopy(method.state_dict())

    def asks(batch, progress):
        losses = calm(method, batch, progress)
        return losses if losses["task"].item() > -1 else {}

    method.forward = asks
    with pytest.raises(ValueError, match="mcc cannot be a CUDA graph"):
        Captured(method, optimizer, batch)
    torch.testing.assert_close(method.state_dict(), before, rtol=0, atol=0)
    train_step(method, optimizer, batch, 0.0)
    torch.rand(1, device="cuda")
