"""A page on an experiment that stands alone. Does not import torch."""
