import math
from functools import partial

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.func import vmap

from da.ops.functional import (
    class_confusion,
    coral,
    cross_entropy,
    entropy,
    grl_warmup,
    reverse_gradient,
)
from da.ops.linalg import covariance, matrix_power
from tests.conftest import normal

few = settings(deadline=None, max_examples=15, database=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def gradient(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(y, x)[0]


def positive_definite(d: int, seed: int = 0) -> torch.Tensor:
    f = normal(3 * d, d, seed=seed)
    return f.mT @ f / len(f)


def rotation(d: int, seed: int) -> torch.Tensor:
    return torch.linalg.qr(normal(d, d, seed=seed)).Q


def test_reverse_gradient_keeps_values_and_turns_the_gradient_round():
    x = normal(4, 3).requires_grad_()
    y = reverse_gradient(x, 0.5)
    assert y.equal(x)
    torch.testing.assert_close(gradient((y**3).sum(), x), -0.5 * 3 * x**2)


def test_reverse_gradient_is_minus_one_by_default():
    x = normal(4, 3).requires_grad_()
    assert gradient(reverse_gradient(x).sum(), x).equal(-torch.ones_like(x))


@pytest.mark.slow
def test_reverse_gradient_under_vmap():
    def reversed_square(row):
        return reverse_gradient(row, 2.0).square().sum()

    x = normal(4, 3)
    grad, value = torch.func.vmap(torch.func.grad_and_value(reversed_square))(x)
    torch.testing.assert_close(value, x.square().sum(1))
    torch.testing.assert_close(grad, -4 * x)


def test_reverse_gradient_twice_is_no_reversal():
    x = normal(4, 3).requires_grad_()
    assert gradcheck(lambda x: reverse_gradient(reverse_gradient(x)).sin(), x)


def test_grl_warmup_runs_from_0_to_1():
    assert grl_warmup(0) == 0
    assert grl_warmup(1) == pytest.approx(1, abs=1e-4)
    # 2 / (1 + e^-5) - 1, with e^-5 = 0.0067379
    assert grl_warmup(0.5) == pytest.approx(0.9866143, abs=1e-7)


def test_covariance_equals_numpy_and_torch():
    f = normal(20, 5) + 3
    torch.testing.assert_close(covariance(f), torch.from_numpy(np.cov(f.numpy(), rowvar=False)))
    torch.testing.assert_close(covariance(f), torch.cov(f.mT))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_second_moments_of_half_precision_are_taken_in_float32(dtype):
    f_s, f_t = normal(64, 8).to(dtype), normal(64, 8, seed=1).to(dtype)
    gap = coral(f_s.float(), f_t.float())
    assert covariance(f_s).equal(covariance(f_s.float()))
    with torch.autocast("cpu", torch.bfloat16):
        assert coral(f_s, f_t).equal(gap)
        assert coral(f_s.float(), f_t.float()).equal(gap)


def test_class_confusion_of_half_precision_is_taken_in_float32():
    logits = normal(64, 8, dtype=torch.bfloat16)
    confusion = class_confusion(logits.float(), 2.5)
    with torch.autocast("cpu", torch.bfloat16):
        assert class_confusion(logits, 2.5).equal(confusion)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_many_runs_is_that_of_each(smoothing):
    logits, y = normal(3, 8, 5), torch.arange(24).reshape(3, 8) % 5
    together = vmap(partial(cross_entropy, smoothing=smoothing))(logits, y)
    each = [F.cross_entropy(*run, label_smoothing=smoothing) for run in zip(logits, y, strict=True)]
    torch.testing.assert_close(together, torch.stack(each))


def test_coral_by_hand():
    f_s = torch.tensor([[0.0, 0.0], [2.0, 0.0]])  # variance 2 along the first axis
    f_t = torch.tensor([[1.0, 1.0], [2.0, 3.0]])  # covariance [[0.5, 1], [1, 2]]
    expected = (1.5**2 + 2 * 1**2 + 2**2) / (4 * 2**2)
    assert coral(f_s, f_t).item() == pytest.approx(expected)


@few
@given(seeds)
def test_coral_ignores_shifts_order_and_a_common_rotation(seed):
    f_s, f_t = normal(12, 4, seed=seed), 2 * normal(9, 4, seed=seed + 1)
    gap, turn = coral(f_s, f_t), rotation(4, seed)
    torch.testing.assert_close(coral(f_s + 3, f_t - 5), gap)
    torch.testing.assert_close(coral(f_t, f_s), gap)
    torch.testing.assert_close(coral(f_s.flip(0), f_t), gap)
    torch.testing.assert_close(coral(f_s @ turn, f_t @ turn), gap)


@few
@given(seeds, st.floats(0.1, 4))
def test_coral_sees_a_scale(seed, scale):
    f = normal(12, 4, seed=seed)
    expected = (scale**2 - 1) ** 2 * covariance(f).square().sum() / (4 * 4**2)
    torch.testing.assert_close(coral(f, scale * f), expected)


@pytest.mark.parametrize("features", [3, 20])
def test_coral_gradients(features):
    f_s, f_t = normal(6, features).requires_grad_(), normal(5, features, seed=1).requires_grad_()
    assert gradcheck(coral, (f_s, f_t))


def test_coral_of_fewer_images_than_features():
    f_s, f_t = normal(6, 20), 2 * normal(5, 20, seed=1)
    expected = (covariance(f_s) - covariance(f_t)).square().sum() / (4 * 20**2)
    torch.testing.assert_close(coral(f_s, f_t), expected)


@pytest.mark.slow
def test_coral_equals_pytorch_adapt(peer):
    f_s, f_t = normal(16, 5).requires_grad_(), 2 * normal(12, 5, seed=1) + 1
    ours, theirs = coral(f_s, f_t), peer.CORALLoss()(f_s, f_t)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradient(ours, f_s), gradient(theirs, f_s))


def test_entropy_is_in_nats():
    p = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    torch.testing.assert_close(entropy(p), torch.tensor([math.log(2), 0.0, math.log(3)]))


@few
@given(seeds)
def test_entropy_equals_scipy(seed):
    p = (3 * normal(7, 5, seed=seed)).softmax(1)
    torch.testing.assert_close(entropy(p), torch.from_numpy(scipy.stats.entropy(p, axis=1)))


def test_entropy_gradients():
    assert gradcheck(lambda z: entropy(z.softmax(1)), normal(4, 3).requires_grad_())


def test_class_confusion_by_hand():
    """Two images, two classes: equally certain, so that both weigh 1."""
    p = torch.tensor([[0.8, 0.2], [0.4, 0.6]])
    certain = [1 + math.exp(-h) for h in entropy(p).tolist()]
    w = [2 * c / sum(certain) for c in certain]
    both = sum(a * b * c for a, b, c in zip(w, (0.8, 0.4), (0.2, 0.6), strict=True))
    first = sum(a * b**2 for a, b in zip(w, (0.8, 0.4), strict=True))
    second = sum(a * b**2 for a, b in zip(w, (0.2, 0.6), strict=True))
    expected = (both / (first + both) + both / (second + both)) / 2
    assert class_confusion(2.5 * p.log(), 2.5).item() == pytest.approx(expected)


def test_class_confusion_is_0_when_certain_and_largest_when_even():
    certain = 100 * torch.eye(3)[torch.arange(9) % 3]
    assert class_confusion(certain, 1.0).item() == pytest.approx(0, abs=1e-6)
    assert class_confusion(torch.zeros(9, 3), 1.0).item() == pytest.approx(2 / 3)


@few
@given(seeds)
def test_class_confusion_ignores_the_order_of_images_and_classes(seed):
    logits = 2 * normal(9, 4, seed=seed, dtype=torch.float32)
    confusion = class_confusion(logits, 2.5)
    g = torch.Generator().manual_seed(seed)
    for same in (logits[torch.randperm(9, generator=g)], logits[:, torch.randperm(4, generator=g)]):
        torch.testing.assert_close(class_confusion(same, 2.5), confusion)
    torch.testing.assert_close(class_confusion(logits + 3, 2.5), confusion)
    torch.testing.assert_close(class_confusion(2 * logits, 5.0), confusion)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_class_confusion_equals_pytorch_adapt(peer, temperature):
    logits = 2 * normal(16, 5, dtype=torch.float32)
    ours, theirs = class_confusion(logits, temperature), peer.MCCLoss(T=temperature)(logits)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_class_confusion_holds_weights_of_images_constant(peer, temperature):
    """No gradient through them, as in the authors' code and in pytorch-adapt."""
    logits = (2 * normal(16, 5, dtype=torch.float32)).requires_grad_()
    ours, theirs = class_confusion(logits, temperature), peer.MCCLoss(T=temperature)(logits)
    a, b = gradient(ours, logits), gradient(theirs, logits)
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


@few
@given(seeds, st.sampled_from([-1.0, -0.5, 0.5, 1.0, 2.0]))
def test_matrix_power_equals_scipy(seed, exponent):
    a = positive_definite(4, seed)
    expected = scipy.linalg.fractional_matrix_power(a.numpy(), exponent)
    torch.testing.assert_close(matrix_power(a, exponent), torch.from_numpy(expected))


def test_matrix_powers_add_up():
    a = positive_definite(5)
    root = matrix_power(a, 0.5)
    torch.testing.assert_close(root @ root, a)
    torch.testing.assert_close(matrix_power(a, -0.5) @ root, torch.eye(5, dtype=a.dtype))


def test_matrix_power_of_a_singular_matrix_is_finite():
    flat = torch.diag(torch.tensor([4.0, 0.0]))
    assert matrix_power(flat, -0.5).isfinite().all()
    torch.testing.assert_close(matrix_power(flat, 0.5), torch.diag(torch.tensor([2.0, 1e-6])))


def test_matrix_power_gradients():
    a = positive_definite(3).requires_grad_()
    assert gradcheck(lambda a: matrix_power((a + a.mT) / 2, -0.5), a)
