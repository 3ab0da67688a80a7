"""Long tails and drawn frequencies, against published totals, hand-made counts and NumPy."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from da.config.task_name import TaskName
from da.data.class_lists import published_counts
from da.data.domain import Domain
from da.data.frequencies import change_frequencies, draw_marginal, fit_marginal, long_tail
from tests.conftest import points

PLAIN = SimpleNamespace()
TASK = "toy:a-b"


def domain(*counts: int) -> Domain:
    """As many training images of each class, and as many test images, in a mixed order."""
    y = torch.cat([torch.full((n,), c) for c, n in enumerate(counts)])
    y = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))].repeat(2)
    return points(torch.randn(len(y), 2), y, len(counts))


def numbers(one: Domain, part: str) -> list[int]:
    return one.y[one.rows[part]].bincount(minlength=len(one.classes)).tolist()


def changed(end: str, *each: Domain, dataset=PLAIN) -> tuple[Domain, Domain]:
    return change_frequencies(TaskName.parse(f"{TASK}{end}"), dataset, *each)


@pytest.mark.parametrize(
    ("factor", "synthetic", "real"), [(100, 36875, 13400), (50, 41834, 15201), (10, None, 22450)]
)
def test_totals_are_those_of_the_published_lists(factor, synthetic, real):
    counts = dict(enumerate(published_counts("visda2017", "real").values()))
    found = long_tail(counts, range(12), factor)
    assert sum(found.values()) == real
    if factor == 100:
        assert (found[0], found[11]) == (4615, 46)
    if synthetic:  # which follows from the number of all images alone
        even = dict.fromkeys(range(12), 12700) | {0: 152397 - 11 * 12700}
        assert sum(long_tail(even, range(12), factor).values()) == synthetic


def test_classes_rise_in_the_source_and_fall_in_the_target():
    source, target = changed("+rsut4", domain(40, 40, 40), domain(32, 48, 40))
    for part in ("source_train", "source_test", "target_train", "target_test"):
        assert numbers(source, part) == [10, 20, 40]
        assert numbers(target, part) == [40, 20, 10]
    fell = changed("+rsut4", *[domain(40, 40, 40)] * 2, dataset=SimpleNamespace(RSUT_FALLS=True))
    assert [numbers(one, "target_train") for one in fell] == [[40, 20, 10], [10, 20, 40]]


def test_images_of_a_class_that_is_too_small_come_again():
    _, target = changed("+rsut4", domain(40, 40, 40), domain(32, 48, 40))
    rows = target.rows["target_train"]
    of_first = rows[target.y[rows] == 0]
    assert (len(of_first), len(of_first.unique())) == (40, 32)
    assert len({*rows[target.y[rows] == 1].tolist()}) == 20
    assert rows.equal(rows.sort().values)


def test_classes_without_images_have_no_place_in_the_tail():
    assert long_tail({0: 50, 2: 50}, [2, 1, 0], 10) == {2: 50, 0: 5}
    assert long_tail({0: 3, 1: 3}, [0, 1], 100) == {0: 3, 1: 1}
    assert long_tail({1: 7}, [0, 1], 100) == {1: 7}


def test_the_same_name_gives_the_same_images():
    """These rows were written down once: another machine must choose them too."""
    pair = domain(40, 40, 40), domain(40, 40, 40)
    _, first = changed("+rsut16", *pair)
    _, again = changed("+rsut16", *pair)
    other = change_frequencies(TaskName.parse("toy:c-b+rsut16"), PLAIN, *pair)[1]
    rows, third = first.rows["target_train"], (first.y == 2).nonzero().flatten().tolist()
    chosen = [third.index(row) for row in rows[first.y[rows] == 2].tolist()]
    assert first.rows["target_train"].equal(again.rows["target_train"])
    assert not first.rows["target_train"].equal(other.rows["target_train"])
    assert first.data_digest != other.data_digest
    assert chosen == [2, 35]


def test_roles_with_the_same_images_stay_the_same():
    plain = domain(40, 40, 40)
    every = torch.arange(120)
    shown = replace(plain, rows=plain.rows | {"target_train": every, "target_test": every})
    for end in ("+rsut", "+dirichlet1"):
        _, target = changed(end, domain(40, 40, 40), shown)
        assert target.rows["target_train"].equal(target.rows["target_test"])


def test_a_marginal_is_fitted_without_repeating_an_image():
    assert fit_marginal({0: 30, 1: 60, 2: 10}, {0: 0.5, 1: 0.25, 2: 0.25}) == {0: 20, 1: 10, 2: 10}
    assert fit_marginal({0: 30, 1: 60}, {0: 1.0, 1: 0.0}) == {0: 30, 1: 0}


def test_the_target_alone_has_the_drawn_marginal():
    pair = domain(40, 40, 40), domain(60, 30, 30)
    source, target = changed("+dirichlet0.5", *pair)
    assert source is pair[0]
    share = draw_marginal("toy:a-b+dirichlet0.5", {0: 60, 1: 30, 2: 30}, 0.5)
    for part in ("target_train", "target_test"):
        found = numbers(target, part)
        assert found == [*fit_marginal({0: 60, 1: 30, 2: 30}, share).values()]
        assert (np.array(found) / sum(found)).tolist() == pytest.approx([*share.values()], abs=0.05)
        assert len(target.rows[part].unique()) == len(target.rows[part])


def test_parameters_are_those_of_rlsbench():
    """On the average the present shares; the smaller alpha, the further from them."""
    counts = {0: 60, 2: 30, 3: 30}
    spread = {}
    for alpha in (0.5, 50.0):
        drawn = np.array([[*draw_marginal(f"{i}", counts, alpha).values()] for i in range(400)])
        assert drawn.mean(0).tolist() == pytest.approx([0.5, 0.25, 0.25], abs=0.05)
        spread[alpha] = drawn.var(0)[0]
    for alpha, found in spread.items():  # variance p (1 - p) / (1 + sum of the parameters)
        assert found == pytest.approx(0.25 / (1 + 3 * alpha), rel=0.25)


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(ValueError, match="labels to choose them by"):
        changed("+rsut", domain(9, 9), domain(9, 9).without_labels())
    with pytest.raises(ValueError, match="1e-300 is too small"):
        draw_marginal("key", {0: 3, 1: 4}, 1e-300)
