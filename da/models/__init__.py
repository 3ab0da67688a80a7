"""Backbones, necks and heads, and the weights that they start and end with."""
