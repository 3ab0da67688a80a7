"""`da.sklearn.Adapter`: the methods as an estimator."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import da
from da.methods import METHODS
from da.models.features import scale_rows
from da.sklearn import Adapter
from da.training.rows import NEEDS
from da.training.setup import assemble
from tests.conftest import skip_without

CLASSES = np.array(["ant", "bee", "cat"])
NUMBER = np.arange(60) % 3
QUICK = {"steps": 4, "batch": 16, "network": da.Network(neck=8), "device": "cpu"}


def rows(stretch: float = 1.0, seed: int = 0) -> np.ndarray:
    """Three clouds of points, moved and stretched."""
    noise = np.random.default_rng(seed).normal(size=(60, 5))
    return (noise + 4 * np.eye(5)[NUMBER]) * [1, stretch, 1, 1 / stretch, 1] + (stretch - 1)


SOURCE, TARGET = rows(), rows(3.0, 1)[:51]
BOTH = np.vstack([SOURCE, TARGET])
DOMAIN = np.r_[np.ones(60), np.full(51, -2)]
SOURCES = 1 + np.arange(111) % 2
Y = CLASSES[NUMBER]
NUMBERS = np.r_[NUMBER, np.full(51, -1)]


def closed(**given) -> Adapter:
    return Adapter(head=LogisticRegression(), device="cpu", **given)


@pytest.mark.parametrize("method", [da.methods.CORALMap(ridge=0.3), da.methods.DANN(hidden=(8,))])
def test_it_is_as_good_as_a_run_on_the_same_features(method):
    x, x_t = (scale_rows(torch.tensor(some).float()) for some in (SOURCE, TARGET))
    task = da.Task(source=(x, NUMBER), target=(x_t, NUMBER[:51]), name="rows")
    settings = {"steps": 30, "batch": 16, "lr": 0.01, "network": da.Network(neck=8), "seed": 2}
    run = da.Run(method, task, "identity", **settings)
    reached = da.train(run, quiet=True, device="cpu").curve[-1]["target_accuracy"]
    parts = assemble(da.Run(da.methods.SourceOnly(), task, "identity"), "cpu").task
    ours, theirs, tests = (
        part.x[part.rows].numpy()
        for part in (parts.source_train, parts.target_train, parts.target_test)
    )
    adapter = Adapter(method, **settings, device="cpu").fit(ours, parts.source_train.y, theirs)
    assert 100 * adapter.score(tests, parts.target_test.y.numpy()) == pytest.approx(reached)
    assert 40 < reached < 100


@pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
def test_each_method_fits_or_says_what_it_needs(kind):
    skip_without(kind.needs)
    adapter = Adapter(kind.name, **QUICK)
    if any(getattr(kind, attribute) for attribute in NEEDS):
        with pytest.raises(ValueError, match=f"{kind.name} needs .*: train it by da.train on a da"):
            adapter.fit(SOURCE, Y, TARGET)
    else:
        rows = {"X": BOTH, "y": NUMBERS, "sample_domain": np.where(DOMAIN > 0, SOURCES, -2)}
        found = pickle.loads(pickle.dumps(adapter.fit(**rows))).predict_proba(TARGET)
        assert found.shape == (51, 3)
        assert found.sum(1) == pytest.approx(1)


@pytest.mark.parametrize("hidden", [-1, np.nan, "truth", None])
def test_labels_of_the_target_are_not_looked_at(hidden):
    expected = closed().fit(SOURCE, NUMBER, TARGET).predict_proba(TARGET)
    given = NUMBER[:51] if hidden == "truth" else [hidden] * 51
    y = np.array([*NUMBER.tolist(), *given], object if hidden is None else None)
    for found in (
        closed().fit(BOTH, y, sample_domain=DOMAIN),
        closed().fit(BOTH, y, DOMAIN),
    ):
        assert np.array_equal(found.predict_proba(TARGET), expected)
        assert found.classes_.tolist() == [0, 1, 2]


def test_each_domain_has_its_own_map():
    adapter = closed(method=da.methods.CORALMap(ridge=0.01))
    mapped = adapter.fit_transform(BOTH, [*Y, *[""] * 51], sample_domain=DOMAIN)
    assert np.array_equal(mapped[60:], adapter.transform(TARGET))
    assert np.array_equal(mapped[:60], adapter.transform(SOURCE, np.ones(60)))
    same = closed(method=da.methods.CORALMap(ridge=0.01)).fit_transform(SOURCE, Y, TARGET)
    assert np.array_equal(mapped[:60], same)
    assert not np.allclose(mapped[:60], adapter.transform(SOURCE))
    assert adapter.score(SOURCE, Y, np.ones(60)) > adapter.score(SOURCE, Y)
    gap = np.cov(mapped[:60].T, bias=True) - np.cov(mapped[60:].T, bias=True)
    assert np.abs(gap).max() < 0.5


def test_adaptation_helps_a_classifier_as_much_as_by_skada():
    skada = pytest.importorskip("skada", exc_type=ImportError)
    truth = Y[:51]
    pipeline = skada.make_da_pipeline(StandardScaler(), skada.CORALAdapter(), LogisticRegression())
    pipeline.fit(BOTH, NUMBERS, sample_domain=DOMAIN.astype(int))
    theirs = (CLASSES[pipeline.predict(TARGET)] == truth).mean()
    ours = closed().fit(SOURCE, Y, TARGET).score(TARGET, truth)
    plain = LogisticRegression().fit(SOURCE, Y).score(TARGET, truth)
    assert plain < 0.9 < ours
    assert ours > theirs - 0.05


@pytest.fixture
def _no_routing():
    """As scikit-learn is before skada is imported."""
    with sklearn.config_context(enable_metadata_routing=False):
        yield


@pytest.mark.usefixtures("_no_routing")
def test_a_search_varies_settings_of_the_method_the_network_and_the_head():
    grid = {"method__ridge": [0.1, 10], "head__C": [0.1, 1]}
    search = GridSearchCV(closed(), grid, cv=3, error_score="raise")
    search.fit(BOTH, NUMBERS, sample_domain=DOMAIN)
    assert search.best_estimator_.score(TARGET, NUMBER[:51]) > 0.9
    steps = make_pipeline(StandardScaler(), Adapter("dann", **QUICK))
    grid = {"adapter__method__trade_off": [0.1, 1.0], "adapter__network__neck": [4]}
    search = GridSearchCV(steps, grid, cv=2, error_score="raise")
    search.fit(BOTH, NUMBERS, adapter__sample_domain=DOMAIN)
    assert search.best_estimator_[-1].network == da.Network(neck=4)
    assert search.best_estimator_[-1].method.trade_off in (0.1, 1.0)


def test_domains_are_routed_where_scikit_learn_routes():
    seen = []

    class Spy(Adapter):
        def score(self, X, y, sample_domain=None, sample_weight=None):
            seen.append(sample_domain)
            return super().score(X, y, sample_domain)

    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(Spy(head=LogisticRegression()), {"seed": [0]}, cv=2)
        search.fit(BOTH, NUMBERS, sample_domain=DOMAIN)
    assert [domain is not None for domain in seen] == [True, True]


def test_parameters_are_cloned_with_all_settings():
    adapter = Adapter("dann", steps=7).set_params(method__trade_off=0.5, network__neck=3, lr=0.1)
    assert adapter.method == da.methods.DANN(trade_off=0.5)
    assert clone(adapter).get_params()["method__trade_off"] == 0.5
    assert clone(adapter).get_params(deep=False) == adapter.get_params(deep=False)
    changed = adapter.set_params(method="coral", method__trade_off=2.0)
    assert changed.method == da.methods.CORAL(trade_off=2.0)
    assert Adapter(3).get_params()["method"] == 3


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"method": "dan2"}, "unknown method 'dan2', known: "),
        ({"method": 3}, r"method is such as a name, or da.methods.DANN\(\), not 3"),
        ({"network": 8}, r"network is such as da.Network\(\), not 8"),
        ({"steps": 0}, "steps is 1 or more, not 0"),
        ({"device": "tpu9"}, "no device 'tpu9'"),
    ],
)
def test_a_wrong_parameter_is_one_line_when_it_is_fitted(given, line):
    with pytest.raises(ValueError, match=line) as error:
        Adapter(**given).fit(SOURCE, Y, TARGET)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ((BOTH, NUMBERS), "masked by -1: give sample_domain, or Xt"),
        ((BOTH, NUMBERS, DOMAIN * 0), "above 0 for the source and below 0 for the target"),
        ((BOTH, NUMBERS, np.where(DOMAIN > 0, 1, np.nan)), "above 0 for the source"),
        ((BOTH, NUMBERS, [*"abc"] * 37), "above 0 for the source and below 0 for the target"),
        ((BOTH, NUMBERS, DOMAIN[:9]), "inconsistent numbers of samples"),
        ((BOTH, NUMBERS, np.ones(111)), "has 0 rows of the target, two are needed"),
        ((BOTH, [None] * 111, DOMAIN), "no label for some rows of the source"),
        ((SOURCE, Y, TARGET[:, :3]), "X has 3 features, but Adapter is expecting 5"),
        ((SOURCE, Y, TARGET[:1]), "1 sample"),
    ],
)
def test_wrong_rows_are_one_line(given, line):
    with pytest.raises(ValueError, match=line):
        closed().fit(*given)


def test_domains_are_given_in_one_way():
    with pytest.raises(ValueError, match="give Xt or sample_domain, not both"):
        closed().fit(SOURCE, Y, TARGET, sample_domain=np.ones(60))


def test_rows_without_labels_do_not_count_in_the_score():
    adapter = closed().fit(SOURCE, NUMBER, TARGET)
    right = adapter.predict(TARGET)
    assert adapter.score(TARGET, [*right[:9], *[-1] * 42]) == 1
    assert adapter.score(TARGET, [*right[:9], *[None] * 42]) == 1
    with pytest.raises(ValueError, match="no row has a label"):
        adapter.score(TARGET, np.full(51, np.nan))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        adapter.score(TARGET, right[:9])


def test_an_unknown_setting_is_told():
    with pytest.raises(ValueError, match="no setting 'foo', known: classifier, ridge"):
        closed().set_params(method__foo=1)


def test_probabilities_are_those_of_the_head():
    assert not hasattr(Adapter(head=sklearn.linear_model.RidgeClassifier()), "predict_proba")
    assert hasattr(Adapter(), "predict_proba")


def test_random_numbers_of_the_user_stay_as_they_are():
    before = torch.get_rng_state()
    Adapter("dann", **QUICK).fit(SOURCE, Y, TARGET)
    assert torch.get_rng_state().equal(before)


@pytest.mark.slow
def test_import_da_loads_no_scikit_learn_and_a_missing_one_is_one_line():
    code = (
        "import sys, da; print('sklearn' in sys.modules); sys.modules['sklearn.base'] = None\n"
        "try:\n    da.sklearn\nexcept ValueError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    needs = 'da.sklearn needs scikit-learn: pip install "da-lab[sklearn]"'
    assert done.stdout.splitlines() == ["False", needs]
