"""Backbones, necks and heads, and the weights that they begin and end with."""
