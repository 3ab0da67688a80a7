import pytest
import torch
from torch import nn
from torch.func import vmap

from da.ops.random import Dropout, use_generators


def test_draws_what_pytorchs_draws():
    x = torch.randn(20, 30)
    found = []
    for layer in (Dropout(0.3), nn.Dropout(0.3)):
        torch.manual_seed(0)
        found.append(layer(x))
    assert found[0].equal(found[1])


def test_draws_the_same_on_every_processor(monkeypatch):
    """`bernoulli_` is free to draw in the processor's own way, as it did on Intel's."""
    monkeypatch.setattr(torch.Tensor, "bernoulli_", None)
    torch.manual_seed(0)
    kept = torch.rand(60, dtype=torch.float64).lt(0.7).float()
    torch.manual_seed(0)
    assert Dropout(0.3)(torch.ones(60)).equal(kept / 0.7)


def test_gradient_passes_where_the_value_did():
    x = torch.randn(50, requires_grad=True)
    out = Dropout(0.5)(x)
    out.sum().backward()
    torch.testing.assert_close(x.grad, 2 * (out != 0).float())


def test_does_nothing_in_evaluation():
    x = torch.randn(5, 5)
    assert Dropout(0.9).eval()(x).equal(x)


def test_runs_together_draw_what_each_draws_alone():
    x = torch.randn(3, 20, 30)
    generators = [torch.Generator().manual_seed(seed) for seed in (5, 6, 7)]
    with use_generators(generators):
        together = [vmap(Dropout(0.5))(x) for _ in range(2)]
    for i, seed in enumerate((5, 6, 7)):
        torch.manual_seed(seed)
        for step in together:
            assert Dropout(0.5)(x[i]).equal(step[i])


def test_there_is_a_stream_for_each_run():
    x = torch.randn(3, 20)
    with use_generators([torch.Generator()]), pytest.raises(ValueError, match="shorter"):
        vmap(Dropout(0.5))(x)
    with pytest.raises(LookupError):
        vmap(Dropout(0.5))(x)
