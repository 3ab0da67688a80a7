"""Silhouette of clusters of target features around predicted classes (Musgrave et al. 2022)."""

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import class_clusters, sample_rows, target_features
from da.ops.cluster_scores import silhouette

AXIS = "class silhouette"
RANGE = -1, 1
NEEDS = ("logits", "features")


def score(p: Predictions) -> float:
    """Return the mean silhouette of clusters around the predicted classes; higher is better.

    The clusters of target features are those of k-means, which starts at the means of the predicted
    classes (Musgrave et al. 2022, ClassSS). It is high where clusters are dense and far apart. With
    less than two of them, or of predicted classes, it is -1, the worst. Of more than 2,000 images,
    an even sample is measured.
    """
    clusters = class_clusters(p)
    rows = sample_rows(len(clusters))
    clusters, f = clusters[rows], target_features(p)[rows]
    if min(len(y.unique()) for y in (clusters, p.target_logits.argmax(1))) < 2:
        return -1.0
    return silhouette(f, clusters)
