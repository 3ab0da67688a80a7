"""Test images arrive in the order that the task names."""

from dataclasses import replace

import pytest
import torch

from da.config.task_name import TaskName
from da.data import loaders, tasks
from da.data.domain import LabeledImages, Task
from da.data.draws import STREAM, shuffle
from da.data.streams import arrange_visits, correlate, order_stream
from da.evaluation.online import measure_online
from da.evaluation.predictions import Predictions
from da.methods.source_only import SourceOnly
from da.methods.tent import Tent
from tests.conftest import build, points

NAMES = "noto,twemoji,fluent"


def stream_task(options: str, several: bool = True, images: int = 60) -> Task:
    """Of three classes, and three domains that come one image after the other."""
    y = torch.arange(images) // 3 % 3
    test = LabeledImages(
        torch.randn(images, 5),
        torch.arange(images),
        y,
        domains=torch.arange(images) % 3 if several else None,
    )
    few = points(torch.randn(8, 5), torch.arange(8) % 3, 3)
    task = tasks.build_task("moons:0-40", few, few)
    targets = NAMES if several else "noto"
    name = TaskName.parse(f"emoji:openmoji-{targets}+stream{options and ':'}{options}")
    return replace(task, name=str(name), target_test=arrange_visits(name, test))


@pytest.mark.parametrize("options", ["", "listed", "sorted", "dirichlet0.1"])
@pytest.mark.parametrize("shifts", ["continual", "reset", "mixed"])
def test_every_image_comes_once_and_domains_follow_each_other(options, shifts):
    task = stream_task(",".join(filter(None, [options, shifts])))
    parts = order_stream(task, seed=1)
    assert torch.cat(parts).sort().values.equal(torch.arange(60))
    assert len(parts) == (1 if shifts == "mixed" else 3)
    if shifts != "mixed":
        assert [part.remainder(3).unique().tolist() for part in parts] == [[0], [1], [2]]
    y = task.target_test.y
    for part in parts:
        changes = int((y[part].diff() != 0).sum())
        if options == "listed":
            assert part.equal(part.sort().values)
        elif options == "sorted":
            assert changes == 2
        elif options == "":
            assert changes > 5
    other = torch.cat(order_stream(task, seed=2))
    assert other.equal(torch.cat(parts)) == (options == "listed")


def test_without_options_it_is_the_stream_that_there_is_without_its_end():
    task = stream_task("", several=False)
    (part,) = order_stream(task, 3)
    assert part.equal(shuffle(60, 3, STREAM, 0))
    (plain,) = order_stream(replace(task, name="emoji:openmoji-noto"), 3)
    assert plain.equal(part)


def test_a_gradual_stream_visits_severities_up_and_down():
    images = LabeledImages(
        torch.randn(12, 5), torch.arange(12), torch.arange(12) % 2, domains=torch.arange(12) // 4
    )
    name = TaskName.parse("digits:mnist-fog2,fog3,fog1+stream:gradual")
    name = replace(name, target="fog2,fog3,fog1")
    test = arrange_visits(name, images)
    task = replace(stream_task(""), name=str(name), target_test=test)
    visits = [test.domains[test.rows[part]].unique().tolist() for part in order_stream(task, 0)]
    assert visits == [[2], [0], [1], [0], [2]]
    assert torch.cat(order_stream(task, 0)).sort().values.equal(torch.arange(20))
    rows = [sorted(test.rows[part].tolist()) for part in order_stream(task, 0)]
    assert rows[0] == rows[4] == [8, 9, 10, 11]


def test_a_smaller_parameter_gives_longer_runs_of_a_class():
    y = torch.arange(3000) % 10
    g = torch.Generator().manual_seed(0)
    changes = [int((y[correlate(y, d, g)].diff() != 0).sum()) for d in (0.01, 0.1, 1.0)]
    assert 9 <= changes[0] < changes[1] < changes[2] < 100
    order = correlate(y, 0.1, g)
    assert order.sort().values.equal(torch.arange(3000))


def test_no_batch_has_images_of_two_domains():
    task = stream_task("")
    order = order_stream(task, 0)
    seen = [batch.target for batch in loaders.stream(task.target_test, 8, 0, order=order)]
    assert [len(target.x) for target in seen] == [8, 8, 4] * 3
    assert all(len((target.index % 3).unique()) == 1 for target in seen)
    assert all(target.x.equal(task.target_test.take(target.index)) for target in seen)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("emoji:noto-twemoji+stream:sort", "unknown option 'sort' of .stream, known: listed"),
        ("emoji:noto-twemoji+stream:reset", "reset in .* known: of several targets"),
        ("emoji:noto+stream", ".stream in .* known: of two domains"),
        ("emoji:noto-twemoji+unlabelled+stream:sorted", "sorted orders images by their labels"),
        ("emoji:noto-twemoji,fluent+stream:gradual", "gradual in .stream, known: .* 'twemoji'"),
    ],
)
def test_streams_that_say_nothing_are_told(name, said):
    with pytest.raises(ValueError, match=said):
        tasks.parse_task(name)


def test_an_order_by_classes_needs_labels():
    images = LabeledImages(torch.randn(4, 2), torch.arange(4), -torch.ones(4, dtype=torch.long))
    with pytest.raises(ValueError, match="the images of the target have no labels"):
        arrange_visits(TaskName.parse("emoji:noto-twemoji+stream:sorted"), images)


def test_errors_online_are_those_of_each_domain_that_was_seen():
    task = stream_task("", images=12)
    m, y = build(Tent), task.target_test.y
    logits = torch.nn.functional.one_hot(y, 3).float()
    logits[0] = logits[0].roll(1)  # of the first domain, which has four images
    m.online = logits.clone()
    m.online[2::3] = torch.nan
    seen = Predictions(logits, y, logits)
    assert measure_online(m, seen, task) == pytest.approx(
        {
            "target_accuracy/online": 87.5,
            "metric/online_error": 12.5,
            "domain/noto/online_error": 25.0,
            "domain/twemoji/online_error": 0.0,
            "metric/mean_online_error": 12.5,
        }
    )
    still = measure_online(build(SourceOnly), seen, task)
    assert still["metric/online_error"] == pytest.approx(100 / 12)
    assert still["domain/fluent/online_error"] == 0
    assert "target_accuracy/online" not in still
    assert measure_online(build(SourceOnly), seen, replace(task, name="moons:0-40")) == {}
