"""What a model predicts, scores that choose a model, and diagnostics of training."""
