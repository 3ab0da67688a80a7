import pytest
import torch

from da.config.fine_tuning import FineTuning
from da.config.optimization import Optimization
from da.methods import METHODS
from da.runs.run import Run
from da.training.lr_schedule import SCHEDULES, lr_factor

RUN = Run(METHODS["source_only"].Hparams(), "moons:0-40", "mlp", "random", "full")


def test_schedules_start_at_one_and_never_rise():
    for factor in SCHEDULES.values():
        values = [factor(i / 10, Optimization()) for i in range(11)]
        assert values[0] == 1
        assert values == sorted(values, reverse=True)


def test_annealing_is_the_papers():
    assert SCHEDULES["annealing"](1.0, Optimization()) == pytest.approx(11**-0.75)


@pytest.mark.parametrize(
    ("gamma", "power", "first"), [(1e-3, 0.75, 0), (2e-4, 0.5, 0), (1e-3, 1, 1)]
)
def test_annealing_by_gamma_per_step_is_that_of_torch(gamma, power, first):
    """Their code counts steps from 0; SHOT's counts them from 1."""
    steps = 20
    own = Optimization(anneal_gamma=gamma * steps, anneal_power=power, anneal_first=first)
    run = Run(RUN.method, RUN.task, schedule="annealing", lr=0.01, optimization=own)
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.01)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        theirs, lambda i: (1.0 + gamma * float(i + first)) ** -power
    )
    for step in range(1, steps + 1):
        rate = run.lr * lr_factor(run, steps)(step)
        assert rate == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-14)
        theirs.step()
        scheduler.step()


def test_the_rate_rises_and_drops():
    run = Run(RUN.method, RUN.task, tuning=FineTuning(warmup=2, drop_every=4))
    rates = [lr_factor(run, 9)(step) for step in range(1, 10)]
    assert rates == pytest.approx([1 / 3, 2 / 3, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01])


def test_drops_may_be_less_than_to_a_tenth():
    tuning, own = FineTuning(drop_every=2), Optimization(drop_factor=0.2)
    rate = lr_factor(Run(RUN.method, RUN.task, tuning=tuning, optimization=own), 5)
    assert [rate(step) for step in (2, 3, 5)] == pytest.approx([1, 0.2, 0.04])


def test_the_schedule_is_that_of_the_run():
    run = Run(RUN.method, RUN.task, schedule="cosine")
    assert [lr_factor(run, 4)(step) for step in (1, 4)] == [
        1,
        SCHEDULES["cosine"](0.75, run.optimization),
    ]
