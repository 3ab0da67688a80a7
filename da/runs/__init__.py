"""What to run: settings, experiments, recipes, and finished runs as models."""
