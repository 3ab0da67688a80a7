import pytest

from da.config.fine_tuning import FineTuning
from da.methods import METHODS
from da.runs.run import Run
from da.training.lr_schedule import SCHEDULES, lr_factor

RUN = Run(METHODS["source_only"].Hparams(), "moons:0-40", "mlp", "random", "full")


def test_schedules_start_at_one_and_never_rise():
    for factor in SCHEDULES.values():
        values = [factor(i / 10) for i in range(11)]
        assert values[0] == 1
        assert values == sorted(values, reverse=True)


def test_annealing_is_the_papers():
    assert SCHEDULES["annealing"](1.0) == pytest.approx(11**-0.75)


def test_the_rate_rises_and_drops():
    run = Run(RUN.method, RUN.task, tuning=FineTuning(warmup=2, drop_every=4))
    rates = [lr_factor(run, 9)(step) for step in range(1, 10)]
    assert rates == pytest.approx([1 / 3, 2 / 3, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01])


def test_the_schedule_is_that_of_the_run():
    run = Run(RUN.method, RUN.task, schedule="cosine")
    assert [lr_factor(run, 4)(step) for step in (1, 4)] == [1, SCHEDULES["cosine"](0.75)]
