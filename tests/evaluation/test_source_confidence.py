from dataclasses import replace

import numpy as np
import torch

from da.evaluation.source_confidence import measure_confidence, summarize_confidence
from da.methods import METHODS
from da.runs.run import Run
from da.statistics.expected_accuracy import log_odds
from da.training.setup import assemble

RUN = Run(METHODS["source_only"].Hparams(), "moons:0-40", "mlp", "random", "full", steps=1)


def test_rows_are_log_odds_and_whether_predictions_are_right():
    logits = torch.randn(40, 5, generator=torch.Generator().manual_seed(0)) * 3
    y = torch.arange(40) % 5
    rows = np.array(summarize_confidence(logits, y))
    odds = log_odds([*logits.softmax(1).numpy()])
    order = odds.argsort()
    np.testing.assert_allclose(rows[:, 0], odds[order], atol=1e-4)
    np.testing.assert_array_equal(rows[:, 1], (logits.argmax(1) == y)[order.copy()])


def test_many_images_keep_their_accuracy_in_few_rows():
    logits = torch.randn(1700, 3, generator=torch.Generator().manual_seed(0))
    rows = np.array(summarize_confidence(logits, logits.argmax(1) * (torch.arange(1700) % 4 > 0)))
    right = (logits.argmax(1) == logits.argmax(1) * (torch.arange(1700) % 4 > 0)).float().mean()
    assert len(rows) == 500
    assert abs(rows[:, 1].mean() - right) < 0.005
    assert (np.diff(rows[:, 0]) >= 0).all()


def test_there_is_none_where_the_source_is_tested_on_what_it_trains_on():
    parts = assemble(RUN, "cpu")
    assert len(measure_confidence(parts.method, parts.task)) == len(parts.task.source_test)
    trained_on = replace(parts.task, source_test=parts.task.source_train)
    assert measure_confidence(parts.method, trained_on) == ()
