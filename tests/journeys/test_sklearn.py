"""The checks that scikit-learn has for every estimator."""

import pytest
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

import da

SMALL = {"network": da.Network(neck=16), "steps": 60, "lr": 0.01, "device": "cpu"}
ADAPTERS = [
    da.sklearn.Adapter(head=LogisticRegression(), device="cpu"),
    da.sklearn.Adapter("coral_map", **SMALL),
    da.sklearn.Adapter(da.methods.DANN(hidden=(16,)), **SMALL),
]


@pytest.mark.filterwarnings("default")
@parametrize_with_checks(ADAPTERS)
def test_checks_of_scikit_learn(estimator, check):
    with config_context(enable_metadata_routing=False):  # as before skada is imported
        check(estimator)
