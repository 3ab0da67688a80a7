import pytest
from torch import nn

from da.config.fine_tuning import FineTuning
from da.training.early_stopping import BestWeights


def test_a_score_that_a_run_does_not_have_is_named():
    best = BestWeights(FineTuning(chosen_by="ensv"))
    point = {"step": 1, "target_accuracy": 5.0, "few_shot": 5.0, "infomax": 0.5, "loss/task": 1.0}
    with pytest.raises(ValueError, match=r"this run have no ensv, known: last, infomax$"):
        best.update(point, nn.Linear(1, 1))


def test_an_evaluation_whose_score_is_not_finite_is_not_the_best():
    best = BestWeights(FineTuning(chosen_by="dev", patience=1))
    best.update({"step": 1, "dev": -2.0}, nn.Linear(1, 1))
    best.update({"step": 2}, nn.Linear(1, 1))
    assert best.score == -2
    assert best.is_over()
