"""Estimators: everything that predicts, each with fit, predict and (where it has latents) transform."""
