"""Intervals and tests: what a difference between rows may claim. Does not import torch."""
