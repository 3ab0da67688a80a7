import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.func import vmap

from da.ops import matmul as matrix_products
from da.ops.matmul import matmul, onednn_product

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="no oneDNN")


@pytest.fixture(autouse=True)
def _on_any_processor(monkeypatch):
    monkeypatch.setattr(matrix_products, "mkl_is_slow", lambda: True)
    monkeypatch.setattr(matrix_products, "SMALL", 0)
    monkeypatch.setattr(matrix_products, "LARGE", 0)


def factors(n: int, k: int, m: int, *, turned: bool = False) -> list[Tensor]:
    torch.manual_seed(0)
    shapes = [(k, n), (m, k)] if turned else [(n, k), (k, m)]
    made = [torch.randn(shape) for shape in shapes]
    return [(x.mT if turned else x).requires_grad_() for x in made]


@pytest.mark.parametrize("shape", [(16, 40, 24), (40, 16, 3), (3, 40, 16), (7, 7, 7), (1, 5, 1)])
@pytest.mark.parametrize("turned", [False, True])
def test_equals_pytorchs_with_all_gradients(shape, turned):
    a, b = factors(*shape, turned=turned)
    found = []
    for out in (matmul(a, b), a @ b):
        found.append([out, *grad(out.tanh().sum(), [a, b])])
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(16, 40, 24), (24, 40, 3)])
def test_is_by_onednn_where_that_pays(shape, monkeypatch):
    calls = []
    usual = matrix_products.onednn_affine
    monkeypatch.setattr(matrix_products, "onednn_affine", lambda *a: calls.append(a) or usual(*a))
    a, b = (x.detach() for x in factors(*shape))
    matmul(a, b)
    assert len(calls) == 1
    monkeypatch.setattr(matrix_products, "LARGE", a.numel() * b.shape[1] + 1)
    matmul(a, b)
    monkeypatch.setattr(matrix_products, "LARGE", 0)
    matmul(a.double(), b.double())
    matmul(a.expand(2, *a.shape), b.expand(2, *b.shape))
    with torch.autocast("cpu", torch.bfloat16):
        matmul(a, b)
    assert len(calls) == 1


def test_gradients_have_gradients():
    a, b = factors(16, 40, 24)
    found = []
    for multiply in (matmul, torch.matmul):
        (first,) = grad(multiply(a, b).tanh().sum(), a, create_graph=True)
        found.append(grad(first.square().sum(), [a, b]))
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)


def test_under_vmap_each_is_what_it_is_alone():
    a, b = torch.randn(3, 5, 40), torch.randn(3, 40, 4)
    assert vmap(matmul)(a, b).equal(torch.stack([matmul(x, y) for x, y in zip(a, b, strict=True)]))


def test_one_of_two_may_be_shared_by_all():
    a, b = torch.randn(3, 5, 40), torch.randn(24, 40)
    found = vmap(onednn_product, (0, None))(a, b)
    torch.testing.assert_close(found, a @ b.T)


def test_an_exported_product_takes_any_number_of_rows(monkeypatch):
    class Product(torch.nn.Module):
        def forward(self, a: Tensor) -> Tensor:
            return matmul(a, torch.ones(4, 3))

    monkeypatch.setattr(matrix_products, "LARGE", 100)
    rows = {0: torch.export.Dim.DYNAMIC}
    program = torch.export.export(Product(), (torch.ones(2, 4),), dynamic_shapes=(rows,))
    assert program.module()(torch.ones(50, 4)).shape == (50, 3)
