import torch
import torch.nn.functional as F

from da.data.batch import Labeled
from da.methods._several_sources import each_cross_entropy, source_weights, task_weights

X = torch.arange(6.0)
BATCH = Labeled(X, torch.zeros(6, dtype=torch.long), None, torch.tensor([0, 0, 1, 0, 2, 2]))


def test_each_source_has_the_mean_of_its_own_images():
    assert (source_weights(BATCH, 3) @ X).allclose(torch.tensor([4 / 3, 2.0, 4.5]))


def test_labeled_target_images_are_a_part_of_every_source_alone():
    """As number 2 they are no source: two of six images."""
    assert (source_weights(BATCH, 2) @ X).allclose(torch.tensor([4 / 3, 2.0]))
    both = torch.tensor([4 / 3, 2.0]) * 2 / 3 + 4.5 / 3
    assert (task_weights(BATCH, 2) @ X).allclose(both)
    assert task_weights(BATCH, 3).equal(source_weights(BATCH, 3))


def test_cross_entropy_of_each_image_is_that_of_torch():
    logits, y = torch.randn(6, 3), torch.arange(6) % 3
    for smoothing in (0.0, 0.1):
        expected = F.cross_entropy(logits, y, reduction="none", label_smoothing=smoothing)
        torch.testing.assert_close(each_cross_entropy(logits, y, smoothing), expected)
