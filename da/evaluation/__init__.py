"""Predictions of a model, scores that choose a model, and diagnostics of training."""
