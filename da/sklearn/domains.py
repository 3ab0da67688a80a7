"""Rows of two domains, as a user of scikit-learn or skada gives them."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Shaped

from da.system.extras import extra

with extra("sklearn", "da.sklearn"):
    from sklearn.base import BaseEstimator
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

UNKNOWN = -1
"""Label of a row whose class is not known, where it is no class of the source."""


class Rows(NamedTuple):
    """Rows of the source with their classes, and rows of the target."""

    source: Shaped[np.ndarray, "n d"]
    y: Shaped[np.ndarray, "n"]
    target: Shaped[np.ndarray, "m d"]
    domains: Int[np.ndarray, "n"] | None = None
    """Which of several sources each row is of, from 0 on; None for one source."""


def split_domains(estimator: BaseEstimator, X: Any, y: Any, Xt: Any, sample_domain: Any) -> Rows:
    """Return the rows of each domain; all are of both where no domain is given.

    Args:
        estimator: Estimator that is fitted; it gets the number and names of the features.
        X: Rows of the source, or of both domains.
        y: Class of each row. Those of target rows are not looked at.
        Xt: Rows of the target, or domains of the rows of `X`.
        sample_domain: Domain of each row of `X`: above 0 for the source, below 0 for the target.

    Raises:
        ValueError: If these do not fit together.
    """
    if Xt is not None and np.ndim(Xt) == 1:
        Xt, sample_domain = None, Xt
    if sample_domain is not None and Xt is not None:
        raise ValueError("give Xt or sample_domain, not both")
    if sample_domain is not None:
        return _split_by_domain(estimator, X, y, sample_domain)
    X, y = validate_data(estimator, X, y, ensure_min_samples=2)
    check_classification_targets(y)
    if Xt is not None:
        return Rows(X, y, validate_data(estimator, Xt, reset=False, ensure_min_samples=2))
    if UNKNOWN in (classes := {*y.tolist()}) and len(classes) > 2:
        raise ValueError("y has labels that are masked by -1: give sample_domain, or Xt")
    return Rows(X, y, X)


def _split_by_domain(estimator: BaseEstimator, X: Any, y: Any, sample_domain: Any) -> Rows:
    X = validate_data(estimator, X)
    check_consistent_length(X, y, sample_domain)
    source = are_source(sample_domain, len(X))
    for name, count in (("source", source.sum()), ("target", (~source).sum())):
        if count < 2:
            raise ValueError(f"sample_domain has {count} rows of the {name}, two are needed")
    labels = [label for label, mine in zip(np.asarray(y).tolist(), source, strict=True) if mine]
    if not all(_is_given(label) for label in labels):
        raise ValueError("y has no label for some rows of the source")
    known = column_or_1d(np.array(labels))
    check_classification_targets(known)
    names, domains = np.unique(np.asarray(sample_domain)[source], return_inverse=True)
    return Rows(X[source], known, X[~source], domains if len(names) > 1 else None)


def are_source(sample_domain: Any, count: int) -> Bool[np.ndarray, "n"]:
    """Return which of `count` rows are of the source; none where no domain is given.

    Raises:
        ValueError: If there is not one number for each row, above or below 0.
    """
    if sample_domain is None:
        return np.zeros(count, bool)
    domain = column_or_1d(sample_domain)
    if len(domain) != count or domain.dtype.kind not in "if" or not (np.abs(domain) > 0).all():
        raise ValueError(
            "sample_domain has a number for each row, above 0 for the source and below 0 for the "
            "target"
        )
    return domain > 0


def are_known(y: Any, classes: Shaped[np.ndarray, "k"]) -> Bool[np.ndarray, "n"]:
    """Return which labels are known: not NaN, not None, and not -1 where that is no class.

    Raises:
        ValueError: If none is.
    """
    masks = UNKNOWN not in classes.tolist()
    labels = column_or_1d(y).tolist()
    known = np.array([_is_given(c) and not (masks and c == UNKNOWN) for c in labels], bool)
    if not known.any():
        raise ValueError("no row has a label, so there is no score")
    return known


def _is_given(label: Any) -> bool:
    return label is not None and bool(label == label)
