import numpy as np
import pytest
import torch

from da.evaluation.predictions import Predictions
from da.selection import aggregate
from da.selection.aggregate import CUTOFF, combine, compare_outputs, iwa_weights, mean_weights


def model(
    y_s: torch.Tensor, y_t: torch.Tensor, good: tuple[float, float], seed: int
) -> Predictions:
    """Outputs that are right with a chance for the source, and with another for the target."""
    g = torch.Generator().manual_seed(seed)

    def logits(y: torch.Tensor, share: float) -> torch.Tensor:
        wrong = (y + torch.randint(1, 3, y.shape, generator=g)) % 3
        said = torch.where(torch.rand(y.shape, generator=g) < share, y, wrong)
        return 2 * torch.eye(3)[said] + 0.5 * torch.randn(len(y), 3, generator=g)

    return Predictions(logits(y_s, good[0]), y_s, logits(y_t, good[1]))


Y_S, Y_T = torch.arange(300) % 3, torch.arange(240) % 3
POOL = [
    model(Y_S, Y_T, (0.9, 0.8), 0),
    model(Y_S, Y_T, (0.6, 0.5), 1),
    model(Y_S, Y_T, (0.8, 0.7), 2),
]


def test_iwa_equals_the_formula_image_by_image():
    """As the authors' code has it, in NumPy."""
    each = [(p.source_logits.softmax(1).numpy(), p.target_logits.softmax(1).numpy()) for p in POOL]
    ratio = compare_outputs(
        *(torch.stack([torch.from_numpy(pair[i]).double() for pair in each]) for i in (0, 1))
    ).numpy()
    gram, right = np.zeros((3, 3)), np.zeros(3)
    for i in range(3):
        for j in range(3):
            gram[i, j] = np.mean([a @ b for a, b in zip(each[i][1], each[j][1], strict=True)])
        right[i] = np.mean([w * f[y] for w, f, y in zip(ratio, each[i][0], Y_S, strict=True)])
    expected = np.linalg.pinv(gram, rcond=CUTOFF) @ right
    np.testing.assert_allclose(iwa_weights(POOL), expected, rtol=1e-5)


def test_iwa_gives_the_better_model_the_larger_weight(monkeypatch):
    monkeypatch.setattr(aggregate, "CUTOFF", 1e-3)
    best, worst, middle = iwa_weights(POOL).tolist()
    assert best > middle > worst


def test_both_are_better_than_a_mean_member():
    target = aggregate.stack_probabilities(POOL, "target")
    single = (target.argmax(2) == Y_T).float().mean()
    for rule in (mean_weights, iwa_weights):
        assert (combine(target, rule(POOL)).argmax(1) == Y_T).float().mean() > single + 0.05


def test_outputs_that_the_target_has_more_often_weigh_more():
    """Two kinds of images, half of the source and a fifth of the target of the first kind."""
    kinds = torch.tensor([[2.0, 0.0], [0.0, 2.0]]).softmax(1).double()
    source, target = (
        kinds[torch.arange(400) // 2 % 2],
        kinds[(torch.arange(400) // 2 % 5 > 0).long()],
    )
    found = compare_outputs(source[None], target[None])
    assert found[0].item() == pytest.approx(0.4, abs=0.05)
    assert found[2].item() == pytest.approx(1.6, abs=0.05)


def test_the_sum_is_one_probability_and_nothing_is_negative():
    p = torch.tensor([[[0.9, 0.1]], [[0.2, 0.8]]])
    torch.testing.assert_close(
        combine(p, mean_weights(POOL[:2])).exp(), torch.tensor([[0.55, 0.45]])
    )
    found = combine(p, torch.tensor([2.0, -1.0])).exp()
    assert found.sum().item() == pytest.approx(1)
    assert found.argmax() == 0
    assert found[0, 1] > 0
