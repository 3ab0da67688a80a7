"""Each sign of trouble, its cause, and the page on a run; all from records alone."""

from dataclasses import replace

import pytest

from da.results import health
from da.results.health import render_page
from da.results.records import Point, Record

CLASSES = "cat", "dog", "eel"


def evaluation(step: int, counts: tuple[int, ...] = (40, 35, 25), **more: float) -> Point:
    """An evaluation of a healthy DANN, but for what is given."""
    usual = {"discriminator_accuracy": 0.625, "discriminator_spread": 0.1, "lambda": 0.75}
    usual |= {"adaptation_gradient": 0.01, "gradient_ratio": 0.25}
    own = {"step": step, "target_accuracy": 50.0, "source_accuracy": 90.0, "entropy": -0.5}
    measured = {f"diagnosis/{name}": more.get(name, value) for name, value in usual.items()}
    predicted = {f"predicted/{name}": n for name, n in zip(CLASSES, counts, strict=True)}
    return {name: more.get(name, value) for name, value in own.items()} | measured | predicted


def record(*curve: Point, **settings: object) -> Record:
    about = {"method": "dann", "task": "zoo:a-b", "seed": 1, "hp.trade_off": 1.0}
    return Record("abc", about | settings, list(curve), 1.0)


def found(point: Point, **settings: object) -> tuple[str, str]:
    """Warning and cause where there is one of each, else two empty strings."""
    r = record(point, **settings)
    every = health.find_symptoms(r.curve, r.settings)
    assert len(every) < 2
    return (every[0].warning, every[0].cause) if every else ("", "")


def test_a_healthy_look_has_no_symptom():
    assert found(evaluation(100)) == ("", "")
    assert found(evaluation(100, (60, 20, 20), discriminator_accuracy=0.5)) == ("", "")


@pytest.mark.parametrize(
    ("changes", "settings", "cause"),
    [
        ({"lambda": 0.0}, {"hp.trade_off": 0.0}, "trade_off"),
        ({"lambda": 0.0}, {}, "lambda is 0"),
        ({}, {}, "threshold"),
    ],
)
def test_a_gradient_of_zero(changes, settings, cause):
    dead = evaluation(100, adaptation_gradient=0.0, gradient_ratio=0.0, **changes)
    warning, why = found(dead, **settings)
    assert "adaptation gradient exactly zero" in warning
    assert cause in why


def test_before_the_first_step_a_warm_up_has_no_gradient_and_no_blame():
    assert found(evaluation(1, adaptation_gradient=0.0)) == ("", "")


@pytest.mark.parametrize(
    ("ratio", "cause"), [(0.02, "0.02 times as large: raise"), (0.5, "learns faster")]
)
def test_a_discriminator_that_is_right_for_every_image(ratio, cause):
    apart = {"discriminator_accuracy": 1.0, "gradient_ratio": ratio}
    warning, why = found(evaluation(100, **apart, **{"lambda": 1.0}))
    assert warning == (
        "discriminator right for every image at full strength: features are not aligned"
    )
    assert cause in why
    assert found(evaluation(100, **apart, **{"lambda": 0.9})) == ("", "")
    assert found(evaluation(100, **apart, **{"lambda": 0.1}), **{"hp.trade_off": 0.1})[0] == warning
    assert found(evaluation(100, discriminator_accuracy=0.99, **{"lambda": 1.0})) == ("", "")


def test_a_discriminator_without_a_strength_is_blamed_once_features_adapt():
    point = evaluation(100, discriminator_accuracy=1.0)
    del point["diagnosis/lambda"]
    assert "not aligned" in found(point)[0]
    del point["diagnosis/adaptation_gradient"], point["diagnosis/gradient_ratio"]
    assert found(point) == ("", "")
    assert "cannot change" in found(point | {"diagnosis/lambda": 1.0})[1]


@pytest.mark.parametrize(("source", "cause"), [(90.0, "died"), (35.0, "shrunk to a point")])
def test_a_constant_discriminator(source, cause):
    warning, why = found(evaluation(100, discriminator_spread=0.0, source_accuracy=source))
    assert "discriminator constant" in warning
    assert cause in why


def test_a_constant_discriminator_explains_that_nothing_is_reversed():
    r = record(evaluation(100, discriminator_spread=0.0, adaptation_gradient=0.0))
    constant, zero = health.find_symptoms(r.curve, r.settings)
    assert "constant discriminator" in zero.cause
    assert "died" in constant.cause


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"source_accuracy": 40.0}, "no class of the source"),
        ({"gradient_ratio": 73.0}, "73 times as large"),
        ({"entropy": -0.01}, "nothing keeps them diverse"),
        ({}, "gap"),
    ],
)
def test_one_class_for_most(changes, cause):
    warning, why = found(evaluation(100, (5, 61, 34), **changes))
    assert warning.endswith("dog 61%")
    assert cause in why


def test_one_class_of_two_has_most_from_three_quarters_on():
    pair = {key: n for key, n in evaluation(100, (62, 38, 0)).items() if key != "predicted/eel"}
    assert found(pair) == ("", "")
    assert found(pair | {"predicted/cat": 120})[0].endswith("cat 76%")


def test_a_warning_is_new_once_and_lasting_to_the_end():
    dead = {"adaptation_gradient": 0.0}
    curve = [
        evaluation(10),
        evaluation(20, **dead),
        evaluation(30, **dead),
        evaluation(40),
        evaluation(50, **dead),
    ]
    counts = [len(health.new_warnings(curve[:n], {})) for n in range(1, 6)]
    assert counts == [0, 1, 0, 0, 0]
    assert [len(health.lasting_warnings(curve[:n], {})) for n in range(1, 6)] == [0, 1, 1, 0, 1]
    (symptom,) = health.find_symptoms(curve, {})
    assert symptom.steps == (20, 30, 50)


def test_the_page():
    zero = evaluation(200, (100, 0, 0), entropy=-0.125, adaptation_gradient=0.0, gradient_ratio=0.0)
    assert (
        render_page(record(evaluation(100), zero))
        == """\
dann zoo:a-b seed 1, abc

step  target %  source %  discriminator  lambda  gradient  ratio  entropy  largest class
 100      50.0      90.0           0.62    0.75      0.01   0.25     0.50        cat 40%
 200      50.0      90.0           0.62    0.75         0      0     0.12       cat 100%

discriminator: share of a training batch whose domain it tells, 0.5 = confused
lambda: strength of the reversed gradient
gradient: norm of the adaptation losses' gradient at the neck's output
ratio: that norm over the same of the task's loss
entropy: mean of target predictions, in nats

target predictions at step 200: cat 100; never dog, eel

warning: one class has most of the target predictions: cat 100% (1 of 2 evaluations, first at step
    200)
likely cause: the gap of the domains is still open; or the target does have so many of that class

warning: adaptation gradient exactly zero: features are learned from the task alone (1 of 2
    evaluations, first at step 200)
likely cause: the adaptation loss is a constant or cut off from the features; or its warm-up has not
    begun; or no target image passes its threshold"""
    )


def test_the_page_of_a_healthy_run():
    assert render_page(record(evaluation(100))).endswith("cat 40, dog 35, eel 25\n\nno warnings")


def test_an_evaluation_without_adaptation_is_blank_there():
    plain = {k: v for k, v in evaluation(100).items() if not k.startswith("diagnosis/")}
    head, row = render_page(record(plain)).split("\n\n")[1].splitlines()
    assert head.split() == ["step", "target", "%", "source", "%", "entropy", "largest", "class"]
    assert row.split() == ["100", "50.0", "90.0", "0.50", "cat", "40%"]
    row = render_page(record(plain, evaluation(200))).split("\n\n")[1].splitlines()[1]
    assert row.split() == ["100", "50.0", "90.0", "0.50", "cat", "40%"]


def test_a_record_that_is_older_says_so():
    old = {k: v for k, v in evaluation(100).items() if "/" not in k}
    text = render_page(record(old))
    assert text.endswith("run it anew for more.")
    assert "50.0" in text
    assert "no warnings" not in text


def test_a_page_needs_no_more_than_a_record_has():
    """The score and counts of an evaluation that a newer or older version wrote may be missing."""
    point = {"step": 1, "target_accuracy": 50.0, "predicted/cat": 9, "predicted/dog": 0}
    old = Record("abc", {"method": "dann", "task": "zoo:a-b"}, [point], 1.0)
    assert "cat 9; never dog" in health.render_page(old)
    none = replace(old, curve=[point | {"predicted/cat": 0}])
    assert "never cat, dog" in health.render_page(none)
