import pytest
import torch
from torch import nn
from torch.autograd import grad
from torch.func import functional_call, stack_module_state, vmap

from da.ops import linear, matmul
from da.ops.linear import Linear

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="no oneDNN")


@pytest.fixture(autouse=True)
def _on_any_processor(monkeypatch):
    monkeypatch.setattr(matmul, "mkl_is_slow", lambda: True)
    monkeypatch.setattr(matmul, "SMALL", 0)


def pair() -> tuple[Linear, nn.Linear]:
    torch.manual_seed(0)
    ours, theirs = Linear(40, 24), nn.Linear(40, 24)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def test_equals_pytorchs_with_all_gradients():
    x = torch.randn(16, 40, requires_grad=True)
    found = []
    for layer in pair():
        out = layer(x)
        found.append([out, *grad(out.square().sum(), [x, layer.weight, layer.bias])])
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)
    assert "_Affine" in str(pair()[0](x).grad_fn)


def test_gradients_have_gradients():
    x = torch.randn(16, 40, requires_grad=True)
    found = []
    for layer in pair():
        (first,) = grad(layer(x).tanh().sum(), x, create_graph=True)
        found.append(grad(first.square().sum(), [x, layer.weight]))
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)


def test_many_under_vmap_equal_each_alone():
    layers = [pair()[0], Linear(40, 24)]
    weights, _ = stack_module_state(layers)
    x = torch.randn(2, 16, 40)
    together = vmap(lambda w, x: functional_call(layers[0], w, x))(weights, x)
    together.square().sum().backward()
    for i, layer in enumerate(layers):
        alone = layer(x[i])
        alone.square().sum().backward()
        assert alone.equal(together[i])
        assert layer.weight.grad.equal(weights["weight"].grad[i])
        torch.testing.assert_close(layer.bias.grad, weights["bias"].grad[i])


def test_small_products_and_other_precisions_are_pytorchs(monkeypatch):
    def must_not(*_):
        raise AssertionError("oneDNN was called")

    monkeypatch.setattr(linear, "onednn_affine", must_not)
    layer, _ = pair()
    with pytest.raises(AssertionError):
        layer(torch.randn(16, 40))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(16, 40)).dtype == torch.bfloat16
    layer.double()(torch.randn(16, 40, dtype=torch.float64))
    monkeypatch.setattr(matmul, "SMALL", 16 * 40 * 24 + 1)
    pair()[0](torch.randn(16, 40))
