"""Metrics, scores as ratios of sums over trials with their intervals, nulls."""
