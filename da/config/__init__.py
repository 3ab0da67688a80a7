"""Checks of settings, ranges in which they are searched, and the names of tasks."""
