"""How near a half the accuracy of the method's own discriminator is."""

from da.evaluation.predictions import Predictions

AXIS = "confusion of the discriminator"
RANGE = 0, 1
NEEDS = ("discriminator",)


def score(p: Predictions) -> float:
    """Return 1 - 2|a - 1/2| for the discriminator's accuracy a on test images; higher is better.

    It is 1 where the discriminator cannot tell the domains, and 0 where it is always right, or
    always wrong. The accuracy is the mean over both domains.
    """
    assert p.source_domain is not None
    assert p.target_domain is not None
    right = (p.source_domain > 0).float().mean() + (p.target_domain <= 0).float().mean()
    return 1 - abs(right.item() - 1)
