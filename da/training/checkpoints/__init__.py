"""Checkpoints of a run that trains, from which a killed one goes on."""
