"""What an experiment costs before it is carried out."""
