"""Agreement of predicted classes over two changed views of target images, in percent."""

from da.evaluation.predictions import Predictions

AXIS = "consistency, %"
RANGE = 0, 100
NEEDS = ("views",)


def score(p: Predictions) -> float:
    """Return the percentage of target images whose two views get one class; higher is better.

    It is high where predictions withstand what views change. A model that predicts a single class
    has 100, so combine it with a score of diversity.
    """
    assert p.target_views is not None
    first, second = p.target_views.argmax(2)
    return 100 * (first == second).float().mean().item()
