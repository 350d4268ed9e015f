"""Estimators: everything that predicts, with fit, predict and (where it has latents) transform."""
