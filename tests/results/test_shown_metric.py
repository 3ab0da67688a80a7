"""Which metric tables show of which tasks."""

import pytest

from da.results.records import Record
from da.results.shown_metric import usual_metric

POINT = {"step": 1, "target_accuracy": 1.0, "metric/mean_class": 2.0, "metric/hos": 3.0}


@pytest.mark.parametrize(
    ("end", "metric"),
    [
        ("", "accuracy"),
        ("+3shot", "accuracy"),
        ("+rsut10", "mean_class"),
        ("+dirichlet0.3", "mean_class"),
        ("+open7+rsut", "hos"),
    ],
)
def test_each_setting_has_a_usual_metric(end, metric):
    records = [Record("0" * 12, {"task": f"emoji:noto-twemoji{end}"}, [POINT], 0.0)]
    assert usual_metric(records) == metric
