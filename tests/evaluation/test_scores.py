"""Which selectors score which predictions."""

from dataclasses import replace

import pytest
import torch

from da.config.plug_in_errors import PlugInError
from da.evaluation.predictions import Predictions
from da.evaluation.scores import can_score, needs_runs, score_all, score_pool

SEEN = Predictions(torch.eye(3), torch.arange(3), 5 * torch.eye(3))
POOLED = """\
NEEDS = ("logits", "runs")


def score_pool(pool):
    return [{}for p in pool]
"""


def add(plugins, name, text):
    (plugins / "selectors" / f"{name}.py").write_text(text)


def test_a_selector_scores_what_it_needs(plugins):
    text = 'NEEDS = ("features",)\n\n\ndef score(p):\n    return p.target_features.mean().item()\n'
    add(plugins, "middle", text)
    assert not can_score("middle", SEEN)
    assert "middle" not in score_all(SEEN)
    seen = replace(SEEN, source_features=torch.ones(3, 2), target_features=torch.ones(3, 2))
    assert score_all(seen)["middle"] == 1


def test_a_score_that_is_not_finite_is_left_out(plugins):
    add(plugins, "wild", "def score(p):\n    return float('nan')\n")
    assert "wild" not in score_all(SEEN)


def test_one_of_several_runs_scores_a_pool(plugins):
    add(plugins, "mine", POOLED.format("p.target_logits.sum().item() "))
    assert needs_runs("mine")
    assert "mine" not in score_all(SEEN)
    assert score_pool("mine", [SEEN, SEEN]) == [15, 15]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POOLED.format("'high' "), r"mine\.py: score_pool\(pool\) has to give a float, not str"),
        (POOLED.format("1.0 ").replace("in pool", "in pool[:1]"), "gives 1 scores for 2"),
        (POOLED.replace("runs", "luck"), "NEEDS has 'luck', known: logits, source, "),
    ],
)
def test_mistakes_of_a_selector_are_named(plugins, text, said):
    add(plugins, "mine", text)
    with pytest.raises((PlugInError, ValueError), match=said):
        needs_runs("mine") and score_pool("mine", [SEEN, SEEN])
