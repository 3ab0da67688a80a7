import torch
import torch.nn.functional as F

from da.methods.ovanet import OVANet, binary_entropy, one_vs_all_loss
from tests.conftest import build


def both(m: OVANet, f: torch.Tensor) -> torch.Tensor:
    """Probabilities of yes and no, b 2 k, of heads whose weights have length 1."""
    weight = m.one_vs_all.weight / m.one_vs_all.weight.norm(dim=1, keepdim=True)
    return (f @ weight.mT).view(len(f), 2, -1).softmax(1)


def test_losses_are_those_of_two_way_heads(batch):
    m = build(OVANet)
    f_s, f_t = m.features(batch)
    p_s, p_t, y = both(m, f_s), both(m, f_t), batch.source.y
    right = -p_s[range(8), 0, y].log().mean()
    wrong = -p_s[:, 1].log()
    wrong[range(8), y] = 0
    found = m(batch, 0.5)
    expected = (right + wrong.max(1).values.mean()) / 2
    torch.testing.assert_close(found["task_one_vs_all"], expected)
    torch.testing.assert_close(found["entropy"], -0.1 * (p_t * p_t.log()).sum(1).mean())
    torch.testing.assert_close(found["task"], F.cross_entropy(m.head(f_s), y))


def test_a_sure_and_wrong_head_has_finite_gradients():
    margins = torch.tensor([[-300.0, 300.0, 0.0]], requires_grad=True)
    (one_vs_all_loss(margins, torch.tensor([0])) + binary_entropy(margins).sum()).backward()
    torch.testing.assert_close(margins.grad, torch.tensor([[-0.5, 0.5, 0.0]]))


def test_only_the_hardest_wrong_class_learns():
    margins = torch.tensor([[1.0, 0.2, 0.4]], requires_grad=True)
    one_vs_all_loss(margins, torch.tensor([0])).backward()
    assert (margins.grad != 0).tolist() == [[True, False, True]]


def test_an_image_is_unknown_where_its_likeliest_class_says_no(batch):
    m = build(OVANet).eval()
    f = m.embed(torch.randn(50, 5))
    z = m.head(f)
    no = both(m, f)[range(50), 1, z.argmax(1)]
    torch.testing.assert_close(m.score_unknown(f, z), no)
