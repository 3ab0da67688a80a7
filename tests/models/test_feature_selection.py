"""Which columns of frozen features are chosen, from what, and that a run is whole with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from da.data import domain, tasks
from da.data.domain import Domain, LabeledImages
from da.data.reading import Reading
from da.methods import METHODS, Network
from da.models import feature_selection, saved_weights
from da.models.backbone import Features
from da.models.feature_selection import (
    column_scores,
    l1,
    l1_classifier,
    mutual_information,
    select_columns,
)
from da.runs.run import Run
from da.system.cache import cache_home
from da.system.checksums import sums_file
from da.training.multi_run import sharing_key, train_together
from da.training.setup import assemble
from da.training.train import train
from tests.conftest import normal

RULES = pytest.mark.parametrize("rule", ["mutual_information", "l1"])
TOLD = [3, 11, 17]
"""Columns of the toy problem that tell its classes, one each."""


def toy(images: int = 120) -> tuple[torch.Tensor, torch.Tensor]:
    y = torch.arange(images) % 3
    x = normal(images, 20, dtype=torch.float32)
    x[:, TOLD] += 3 * F.one_hot(y)
    return x, y


def labeled(x: torch.Tensor, y: torch.Tensor) -> LabeledImages:
    return LabeledImages(x, torch.arange(len(x)), y)


@RULES
def test_columns_that_tell_the_classes_are_found(rule):
    assert select_columns(labeled(*toy()), 3, rule).tolist() == TOLD


@RULES
def test_labels_matter(rule):
    x, y = toy()
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))]
    assert select_columns(labeled(x, shuffled), 3, rule).tolist() != TOLD


@RULES
def test_more_columns_hold_the_fewer(rule):
    each = [set(select_columns(labeled(*toy()), count, rule).tolist()) for count in (3, 9, 20)]
    assert each[0] < each[1] < each[2] == set(range(20))


@RULES
def test_only_the_given_rows_and_the_plain_view_count(rule):
    x, y = toy()
    few = torch.arange(0, 120, 2)
    views = torch.stack([x, x.roll(1, 1)], 1)
    views[1::2] = 99
    changed = y.clone()
    changed[1::2] = 0
    want = select_columns(LabeledImages(x, few, y), 3, rule)
    assert select_columns(LabeledImages(views, few, changed), 3, rule).equal(want)


@RULES
def test_units_of_a_column_do_not_matter(rule):
    x, y = toy()
    scale = torch.logspace(-3, 3, 20)
    assert select_columns(labeled(7 + scale * x, y), 3, rule).tolist() == TOLD


def test_a_column_that_never_changes_has_no_weight():
    x, y = toy()
    x[:, 0] = 5
    assert l1(x, y).argmin() == 0
    assert l1(x, y)[0] == -1


def test_scores_are_computed_once_for_the_same_features_and_labels(monkeypatch):
    x, y = toy()
    select_columns(labeled(x, y), 3, "l1")
    monkeypatch.setattr(feature_selection, "column_scores", lambda *_: 1 / 0)
    select_columns(labeled(x.clone(), y.clone()), 4, "l1")
    for other in (labeled(x + 1, y), labeled(x, 2 - y), labeled(x[:99], y[:99])):
        with pytest.raises(ZeroDivisionError):
            select_columns(other, 3, "l1")
    with pytest.raises(ZeroDivisionError):
        select_columns(labeled(x, y), 3, "mutual_information")


@pytest.mark.parametrize("damage", [lambda x: x[:3], lambda x: x.astype(str)])
def test_damaged_scores_are_computed_again(damage):
    few = labeled(*toy())
    chosen = select_columns(few, 3, "l1")
    (file,) = (cache_home() / "columns").glob("*.npy")
    for earlier in (False, True):
        np.save(file, damage(np.load(file)))
        if earlier:
            sums_file(file).unlink()
        assert select_columns(few, 3, "l1").equal(chosen)


@RULES
def test_scores_neither_take_nor_move_random_numbers(rule):
    x, y = toy()
    x = x.relu()  # ties, which the estimate of mutual information breaks by noise
    torch.manual_seed(0)
    first, after = column_scores(x, y, rule), torch.rand(1)
    assert column_scores(x, y, rule).equal(first)
    torch.manual_seed(0)
    assert torch.rand(1).equal(after)


def test_more_columns_than_there_are():
    with pytest.raises(ValueError, match=r"^features 21 of 20, known: 0 for all, 1 to 20$"):
        select_columns(labeled(*toy()), 21, "l1")


def test_mutual_information_needs_two_images_of_a_class():
    x, y = toy(3)
    with pytest.raises(ValueError, match=r"two labeled images of a class, known: l1$"):
        mutual_information(x, y)
    assert l1(x, y).isfinite().all()


def test_weights_equal_those_of_scikit_learn():
    x, y = toy(60)
    penalty = 0.02
    targets = F.one_hot(y).double()
    w, b = l1_classifier(x.double(), targets, penalty, tolerance=1e-7)
    reference = LogisticRegression(
        l1_ratio=1, solver="saga", C=1 / (len(x) * penalty), tol=1e-8, max_iter=20_000
    )
    reference.fit(x.double().numpy(), y.numpy())
    np.testing.assert_allclose(w.numpy(), reference.coef_.T, atol=1e-5)
    assert 0 < (w == 0).sum() < w.numel()
    shift = b.numpy() - reference.intercept_  # the same for all classes changes nothing
    np.testing.assert_allclose(shift, shift[0], atol=1e-5)


def test_a_column_without_a_weight_scores_by_how_near_it_is_to_one():
    x, y = toy()
    score = l1(x, y)
    assert (score[TOLD] > 0).all()
    assert ((score > -1) & (score < 0.01)).sum() == 17
    assert len(score.unique()) == 20


def test_of_all_features_those_columns_and_of_those_columns_all():
    kept = torch.tensor([1, 4])
    backbone, f = Features(5, kept), normal(2, 3, 5)
    assert backbone.width == 2
    assert backbone(f).equal(f[..., kept])
    assert backbone(backbone(f)).equal(f[..., kept])
    assert Features(5)(f) is f
    assert list(Features(5).state_dict()) == []


FULL = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    steps=4,
    batch=16,
    eval_every=2,
)
PLAIN = replace(FULL, regime="frozen", init=FULL.id, network=Network(neck=8))
CHOSEN = replace(PLAIN, features=9, features_by="l1")


@pytest.fixture
def begun() -> None:
    """The weights that frozen runs begin with."""
    train(FULL, device="cpu", save_weights=True, quiet=True)


def begun_with(run: Run) -> list[int]:
    return assemble(run, "cpu").method.backbone.columns.tolist()


@pytest.mark.usefixtures("begun")
def test_only_source_training_images_are_looked_at(monkeypatch):
    usual, opened = begun_with(CHOSEN), tasks.open_domains
    assert len(usual) == 9

    def changed(name: str, read: Reading) -> tuple[Domain, Domain]:
        source, target = opened(name, read)
        x, y, rows = source.x.clone(), source.y.clone(), source.rows["source_test"]
        x[rows], y[rows] = -x[rows].flip(0), 1 - y[rows]
        source = replace(source, x=x, y=y, digest="source")
        x, y = -target.x.flip(0), target.y.flip(0)
        return source, replace(target, x=x, y=y, digest="target")

    monkeypatch.setattr(tasks, "open_domains", changed)
    assert begun_with(CHOSEN) == usual


@pytest.mark.usefixtures("begun")
def test_labels_that_a_task_has_not_are_not_looked_at(monkeypatch):
    few = replace(CHOSEN, task="moons:40+5label")
    usual, opened = begun_with(few), tasks.open_domains
    shown = tasks.load_task(few.task).source_train.rows

    def changed(name: str, read: Reading) -> tuple[Domain, Domain]:
        """All images that have no label in the task are others."""
        both, _ = opened(name, read)
        rest = torch.ones(len(both.x), dtype=torch.bool)
        rest[shown] = False
        x = torch.where(rest.view(-1, *[1] * (both.x.ndim - 1)), -both.x, both.x)
        both = replace(both, x=x, digest="changed")
        return both, both

    monkeypatch.setattr(tasks, "open_domains", changed)
    assert begun_with(few) == usual


@pytest.mark.usefixtures("begun")
def test_the_choice_is_that_of_the_source_and_the_rule_not_of_the_seed():
    usual = begun_with(CHOSEN)
    assert begun_with(replace(CHOSEN, seed=1)) == usual
    assert begun_with(replace(CHOSEN, task="moons:40-0")) != usual
    assert begun_with(replace(CHOSEN, features_by="mutual_information")) != usual


@pytest.mark.usefixtures("begun")
def test_both_domains_show_the_chosen_columns():
    every = assemble(PLAIN, "cpu").task
    few, kept = assemble(CHOSEN, "cpu").task, begun_with(CHOSEN)
    for part in domain.PARTS:
        assert getattr(few, part).x.equal(getattr(every, part).x[:, kept])


@pytest.mark.usefixtures("begun")
def test_a_run_on_all_columns_is_the_run_without_a_choice():
    every = train(replace(CHOSEN, features=64), device="cpu", quiet=True)
    assert every.curve == train(PLAIN, device="cpu", quiet=True).curve


@pytest.mark.usefixtures("begun")
def test_what_is_kept_predicts_from_all_features():
    train(CHOSEN, device="cpu", save_weights=True, quiet=True)
    kept = saved_weights.load_network_state(CHOSEN.id)[0]
    state = {name: w for name, w in kept.items() if isinstance(w, torch.Tensor)}
    blank = Features(64, torch.zeros(9, dtype=torch.int64))
    method = CHOSEN.method.build(blank, 2, CHOSEN.network).eval()
    method.load_state_dict(state)
    assert method.backbone.columns.tolist() == begun_with(CHOSEN)
    f = normal(5, 64, dtype=torch.float32)
    assert method.predict(f).equal(method.predict(f[:, method.backbone.columns]))


@pytest.mark.usefixtures("begun")
def test_a_run_may_begin_with_one_that_chose():
    train(CHOSEN, device="cpu", save_weights=True, quiet=True)
    assert saved_weights.weights_origin(CHOSEN.id) == FULL.id
    assert begun_with(replace(CHOSEN, init=CHOSEN.id)) == begun_with(CHOSEN)
    assert assemble(replace(PLAIN, init=CHOSEN.id), "cpu").method.backbone.columns is None


@pytest.mark.usefixtures("begun")
def test_a_source_free_run_keeps_the_columns_that_it_begins_with():
    train(CHOSEN, device="cpu", save_weights=True, quiet=True)
    free = replace(PLAIN, method=METHODS["shot"].Hparams(), init=CHOSEN.id)
    assert begun_with(free) == begun_with(CHOSEN)
    with pytest.raises(ValueError, match="shot keeps the features of the run that it begins with"):
        replace(free, features=9)


@pytest.mark.usefixtures("begun")
def test_runs_on_as_many_columns_train_together():
    dann = METHODS["dann"].Hparams(hidden=(8,))
    some = replace(CHOSEN, method=dann, optimizer="sgd", lr=0.05)
    runs = [some, replace(some, task="moons:20-40", seed=1)]
    assert sharing_key(runs[0]) == sharing_key(runs[1]) != sharing_key(replace(some, features=8))
    together = dict(train_together(runs, device="cpu"))
    for run in runs:
        alone = train(run, device="cpu", quiet=True)
        for p, q in zip(together[run].curve, alone.curve, strict=True):
            assert p == pytest.approx(q, rel=1e-5, abs=1e-5)
