"""Trained models elsewhere: exported, compressed, timed, and used to predict."""
