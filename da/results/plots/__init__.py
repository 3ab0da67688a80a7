"""Plots of records and features."""
