"""Agreement of predicted classes with clusters of target features (Musgrave et al. 2022)."""

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import class_clusters
from da.ops.cluster_scores import adjusted_mutual_information

AXIS = "class AMI"
RANGE = None, 1
NEEDS = ("logits", "features")


def score(p: Predictions) -> float:
    """Return the mutual information of predicted class and cluster beyond chance; higher is better.

    The clusters of target features are those of k-means, which starts at the means of the predicted
    classes (Musgrave et al. 2022, ClassAMI). It is high where features form clusters and the
    classifier respects them; 1 at most, and 0 where a single class is predicted.
    """
    y = p.target_logits.argmax(1)
    if len(y.unique()) < 2:
        return 0.0
    return adjusted_mutual_information(y, class_clusters(p))
