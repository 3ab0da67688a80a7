import torch
import torch.nn.functional as F

from da.methods.osbp import OSBP, unknown_loss
from tests.conftest import build


def test_losses_are_those_of_a_head_with_one_more_class(batch):
    m = build(OSBP, chance=0.3)
    f_s, f_t = m.features(batch)
    head = torch.nn.Linear(m.width, 4)
    with torch.no_grad():
        head.weight.copy_(torch.cat([m.head[0].weight, m.unknown[0].weight]))
        head.bias.copy_(torch.cat([m.head[0].bias, m.unknown[0].bias]))
    p = head(f_t).softmax(1)[:, 3]
    found = m(batch, 0.5)
    torch.testing.assert_close(found["task"], F.cross_entropy(head(f_s), batch.source.y))
    bce = F.binary_cross_entropy(p, torch.full_like(p, 0.3))
    torch.testing.assert_close(found["unknown"], bce)


def test_certain_predictions_have_finite_gradients():
    z = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    unknown_loss(z, 0.5).backward()
    torch.testing.assert_close(z.grad.abs(), torch.full((2, 2), 0.25))


def test_head_nears_the_chance_and_features_leave_it(batch):
    m = build(OSBP)
    for part, sign in ((m.unknown, -1), (m.backbone, 1)):
        loss, params = m(batch, 0.5)["unknown"], list(part.parameters())
        for p, grad in zip(params, torch.autograd.grad(loss, params), strict=True):
            p.data -= 0.01 * grad
        assert sign * (m(batch, 0.5)["unknown"] - loss) > 1e-5


def test_unknown_is_the_class_with_the_largest_probability(batch):
    m = build(OSBP).eval()
    with torch.no_grad():
        f = 5 * m.embed(torch.randn(200, 5))
        m.unknown[0].bias += m.head(f).amax(1).median() - m.unknown(f).median()
        found = m.score_unknown(f, m.head(f))
        expected = m.extend(f).argmax(1) == 3
    assert 0 < expected.sum() < 200
    assert (found > 0.5).equal(expected)
