"""Use of trained models: export, compression, measurement of cost, and prediction."""
