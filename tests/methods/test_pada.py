import pytest
import torch
import torch.nn.functional as F

from da.data.domain import Images, LabeledImages
from da.methods.dann import DANN
from da.methods.pada import PADA, class_weights
from da.training.engine import train_step
from tests.conftest import build
from tests.contracts.test_known_shift import SMALLEST, lacking, target_accuracy


def prepared(batch, **hp) -> PADA:
    m = build(PADA, hidden=(8,), **hp)
    rows = torch.arange(len(batch.target.x))
    source = LabeledImages(batch.source.x, rows, batch.source.y)
    m.prepare(source, Images(batch.target.x, rows))
    return m


def test_until_the_first_refresh_it_is_dann(batch):
    dann = build(DANN, hidden=(8,))
    found, expected = prepared(batch)(batch, 0.3), dann(batch, 0.3)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name])


def test_losses_are_those_of_the_formula(batch):
    m = prepared(batch)
    m.weights = torch.tensor([1.0, 0.25, 0.0])
    f_s, f_t = m.features(batch)
    each = m.weights[batch.source.y]
    task = F.cross_entropy(m.head(f_s), batch.source.y, m.weights)
    logits = m.discriminator(torch.cat([f_s, f_t])).squeeze(1)
    source = F.binary_cross_entropy_with_logits(logits[: len(f_s)], torch.ones(len(f_s)), each)
    target = F.binary_cross_entropy_with_logits(logits[len(f_s) :], torch.zeros(len(f_t)))
    found = m(batch, 0.3)
    torch.testing.assert_close(found["task"], task)
    torch.testing.assert_close(found["domain"], (source + each.mean() * target) / 2)


def test_weights_are_means_of_sharpened_predictions():
    logits = torch.tensor([[2.0, 0.0, -9.0], [0.0, 0.1, -9.0]])
    mean = torch.tensor([[1.0, 0.0, 0.0], [0.26894, 0.73106, 0.0]]).mean(0)
    torch.testing.assert_close(class_weights(logits, 0.1), mean / mean.max(), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("refreshes", "seen"), [(1, 0), (2, 1), (4, 3)])
def test_classes_are_weighed_at_evenly_spaced_steps(batch, refreshes, seen):
    m = prepared(batch, refreshes=refreshes)
    calls = []
    m.weigh = lambda: calls.append(m.progress)
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    for step in range(8):
        train_step(m, optimizer, batch, progress=step / 8)
    assert len(calls) == seen
    assert calls == [i / refreshes for i in range(1, seen + 1)]


def test_a_class_that_the_target_lacks_counts_less(batch):
    m = prepared(batch)
    with torch.no_grad():
        m.head[-1].weight.zero_()
        m.head[-1].bias.copy_(torch.tensor([1.0, 1.0, -1.0]))
    m.weigh()
    assert m.weights[:2].tolist() == [1.0, 1.0]
    assert m.weights[2] < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_target_that_nearly_lacks_a_class_misleads_dann_alone(seed):
    same = {"frozen": False, "network": SMALLEST, "hidden": (32,)}
    dann, pada = (target_accuracy(name, lacking(), seed, **same) for name in ("dann", "pada"))
    assert pada > dann + 10
