"""The face of this package for scikit-learn: adaptation as an estimator of rows of features."""

from da.sklearn.adapter import Adapter as Adapter

__all__ = ["Adapter"]
