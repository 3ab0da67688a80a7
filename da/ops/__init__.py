"""Tensor operations that know no images, methods or runs."""
