"""Classes have equal chances in a batch, by labels and by predictions."""

import pytest
import torch

from da.data import tasks
from da.data.balanced import BalancedDraws, Predicted, PseudoBalancedDraws
from da.data.draws import draw
from da.data.loaders import batches, target_batches
from tests.conftest import points


def shares(y: torch.Tensor, rows) -> torch.Tensor:
    """Frequencies of three classes in the rows of 300 steps."""
    return torch.bincount(y[torch.cat([rows(step) for step in range(300)])], minlength=3) / 9600


def test_rare_classes_are_drawn_as_often_as_others():
    y = torch.tensor([0] * 80 + [1] * 15 + [2] * 5)
    draws = BalancedDraws(y, 32, 0, 1)
    assert (shares(y, draws.rows) - 1 / 3).abs().max() < 0.02
    assert draws.rows(7).equal(BalancedDraws(y, 32, 0, 1).rows(7))
    assert not draws.rows(7).equal(BalancedDraws(y, 32, 1, 1).rows(7))


def test_a_class_without_images_has_no_share():
    y = torch.tensor([0] * 9 + [2])
    assert (shares(y, BalancedDraws(y, 32, 0, 1).rows)[[0, 2]] - 0.5).abs().max() < 0.02


def test_predictions_are_made_now_and_then_and_images_are_drawn_as_ever_before():
    y, asked = torch.tensor([0] * 90 + [1] * 10), []

    def classify() -> torch.Tensor:
        asked.append(len(seen))
        return y

    draws, seen = PseudoBalancedDraws(100, 8, 3, 1, classify, 4), []
    for step in range(10):
        seen.append(draws.rows(step))
    assert asked == [4, 8]
    assert all(seen[step].equal(draw(100, 8, step, 3, 1)) for step in range(4))
    assert y[torch.cat(seen[4:])].float().mean() > 0.3


def test_draws_go_on_by_what_was_predicted_last():
    y, predicted = torch.tensor([0] * 90 + [1] * 10), Predicted()
    usual = PseudoBalancedDraws(100, 8, 3, 1, lambda: y, 4, predicted)
    rows = [usual.rows(step) for step in range(7)]
    assert predicted.y.equal(y)
    later = PseudoBalancedDraws(100, 8, 3, 1, pytest.fail, 4, Predicted(y))
    assert all(later.rows(step).equal(rows[step]) for step in (5, 6))
    assert PseudoBalancedDraws(100, 8, 3, 1, pytest.fail, 4, Predicted(y)).rows(0).equal(rows[0])


def test_batches_of_both_domains_are_balanced():
    y = torch.tensor(([0] * 42 + [1] * 6) * 2)
    task = tasks.build_task(
        "moons:0-1", points(torch.randn(96, 2), y), points(torch.randn(96, 2), y)
    )
    balance = (lambda: y[:48], 2)
    made = batches(task, 32, 0, balance=balance)
    some = [next(made) for _ in range(40)]
    assert 0.4 < torch.cat([batch.source.y for batch in some]).float().mean() < 0.6
    assert 0.4 < y[torch.cat([batch.target.index for batch in some[2:]])].float().mean() < 0.6
    alone = target_batches(task, 32, 0, balance=balance)
    assert all(next(alone).target.index.equal(batch.target.index) for batch in some)
