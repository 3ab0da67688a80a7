"""Choosing without target labels: studies of selectors, estimates, averages of models."""
