"""Where time goes: parts that are counted add up, and are put down to what spends it."""

import json
import os

import pytest
import torch

from da.methods import Network
from da.methods.dann import DANN
from da.methods.source_only import SourceOnly
from da.runs.run import Run
from da.system.hardware import Ceilings
from da.training import evaluate, profiler, setup
from da.training.optimizers import AdamW


@pytest.fixture(autouse=True)
def _known_ceilings(monkeypatch):
    monkeypatch.setattr(profiler, "measure_ceilings", lambda device: Ceilings(1e9, 4e9, 1e9))


def run(method=DANN, **settings) -> Run:
    usual = {"backbone": "mlp", "init": "random", "regime": "full", "steps": 10, "eval_every": 4}
    network = Network(neck=0, dropout=0)
    return Run(method.Hparams(), "moons:0-20", network=network, **(usual | settings))


class Watch:
    """A clock that stands still but for what is slow."""

    now = 1.0

    def perf_counter(self) -> float:
        return self.now

    def slow(self, function):
        def wrapped(*args, **kwargs):
            self.now += 1
            return function(*args, **kwargs)

        return wrapped


@pytest.fixture
def watch(monkeypatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(profiler, "time", watch)
    return watch


@pytest.mark.parametrize("where", profiler.STEP)
def test_time_is_put_down_to_the_part_that_spends_it(monkeypatch, tmp_path, watch, where):
    class Slow(SourceOnly):
        def forward(self, batch, progress):
            losses = super().forward(batch, progress)
            losses["task"].register_hook(backward)
            return losses

    backward = watch.slow(lambda grad: grad) if where == "backward" else lambda grad: grad
    if where == "data":
        real = setup.run_batches
        monkeypatch.setattr(setup, "run_batches", lambda *a: map(watch.slow(lambda b: b), real(*a)))
    if where == "forward":
        monkeypatch.setattr(Slow, "forward", watch.slow(Slow.forward))
    if where == "optimizer":
        monkeypatch.setattr(AdamW, "step", watch.slow(AdamW.step))
    if where == "trainer":
        monkeypatch.setattr(Slow, "after_step", watch.slow(Slow.after_step))
    found = profiler.profile_run(run(Slow), tmp_path / "trace.json", steps=3)
    assert found.parts == dict.fromkeys(profiler.STEP, 0) | {where: 1}
    assert found.step == 1
    assert found.start_up == profiler.WARM_UP


def test_a_look_and_the_start_are_timed_apart(monkeypatch, tmp_path, watch):
    monkeypatch.setattr(evaluate, "evaluate", watch.slow(evaluate.evaluate))
    monkeypatch.setattr(profiler, "assemble", watch.slow(profiler.assemble))
    found = profiler.profile_run(run(), tmp_path / "trace.json", steps=3)
    assert (found.start_up, found.evaluation, found.step) == (1, 1, 0)


def test_a_trace_shows_every_part(tmp_path):
    profiler.profile_run(run(), tmp_path / "new" / "trace.json", steps=2)
    events = json.loads((tmp_path / "new" / "trace.json").read_text())["traceEvents"]
    assert {event["name"] for event in events} >= set(profiler.STEP)


def test_a_whole_run_is_its_start_its_steps_and_its_evaluations():
    parts = dict.fromkeys(profiler.STEP, 2.0)
    found = profiler.Profile(
        run(), 7.0, parts, step=5.0, evaluation=3.0, flops=10**9, peak=4e8, threads=1
    )
    assert found.seconds_by_part() == {"start-up": 7} | dict.fromkeys(profiler.STEP, 10) | {
        "evaluations": 9
    }
    assert found.images == 2 * 64 / 5
    assert found.share_of_peak == 0.5


@pytest.mark.parametrize(("precision", "peak"), [("fp32", 1e9), ("bf16", 4e9)])
def test_the_ceiling_is_that_of_the_precision(tmp_path, precision, peak):
    found = profiler.profile_run(run(precision=precision), tmp_path / "trace.json", steps=1)
    assert found.peak == peak
    assert f", {precision}, peak" in " ".join(profiler.render_profiles([found]).split())


def test_the_table_has_a_line_a_method(tmp_path):
    found = [
        profiler.Profile(run(m), 1, dict.fromkeys(profiler.STEP, 1e-3), 5e-3, 1, 1, 1, 1)
        for m in (SourceOnly, DANN)
    ]
    lines = profiler.render_profiles(found).splitlines()
    assert [line.split()[0] for line in lines if line][1:3] == ["source_only", "dann"]
    assert lines[1].split()[1:7] == [*["1.00"] * 5, "5.00"]
    assert "source_only, dann: moons:0-20" in profiler.render_profiles(found)


def test_first_run_of_each_method_in_their_order():
    runs = [run(m, seed=seed) for seed in (3, 0) for m in (DANN, SourceOnly)]
    assert profiler.first_run_per_method(runs) == runs[:2]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU's profiler may log")
def test_the_profiler_logs_nothing_unless_asked_to(monkeypatch, tmp_path, capfd):
    monkeypatch.delenv("KINETO_LOG_LEVEL", raising=False)
    profiler.profile_run(run(), tmp_path / "trace.json", steps=1)
    assert not capfd.readouterr().err
    monkeypatch.setenv("KINETO_LOG_LEVEL", "3")
    profiler.profile_run(run(), tmp_path / "trace.json", steps=1)
    assert os.environ["KINETO_LOG_LEVEL"] == "3"
