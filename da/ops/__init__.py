"""Tensor operations that do not depend on data sets, methods or runs."""
