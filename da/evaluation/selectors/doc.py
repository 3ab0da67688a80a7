"""Target accuracy, in percent, by the difference of confidences (Guillory et al. 2021)."""

from da.evaluation.predictions import Predictions, accuracy

AXIS = "estimated accuracy (DoC), %"
RANGE = None, None
NEEDS = "logits", "source"


def score(p: Predictions) -> float:
    """Return source accuracy minus what the mean confidence falls from source to target.

    Confidence is the largest probability; higher is better. A model that is surer of the target
    than of the source may have more than 100 %.
    """
    source, target = (
        z.softmax(1).amax(1).mean().item() for z in (p.source_logits, p.target_logits)
    )
    return accuracy(p.source_logits, p.source_y) - 100 * (source - target)
