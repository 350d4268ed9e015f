"""Weights of a stack: those that explain held-out data best."""

import numpy as np
from scipy.optimize import minimize

from spikecast.models.base import MAX_LOG_RATE


def fit_stacking_weights(
    predictions: np.ndarray, y: np.ndarray, center: np.ndarray, counts: bool, pull: float
) -> np.ndarray:
    """Return weights of models, (model, target), none negative, that explain held-out data best.

    First one weight per model for all targets; then each target its own, with a quadratic penalty
    on the distance from the shared ones. `predictions` (model, trial, time, target) are natural
    parameters minus `center`, (target,) or in the shape of `y`. `pull` is the strength of the
    penalty, in spikes (continuous targets: in samples).
    """
    n_models, n_targets = len(predictions), y.shape[2]
    # (model, sample, target); the floor is for constant targets
    f = predictions.reshape(n_models, -1, n_targets).astype(float)
    truth = y.reshape(-1, n_targets).astype(float)
    spread = np.maximum(truth.var(axis=0), 1e-12)
    center = np.broadcast_to(center, y.shape).reshape(truth.shape)
    base = np.exp(center) if counts else None

    def loss(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return minus the log-likelihood, (target,), and its gradient, (model, target)."""
        combined = np.einsum("msn,mn->sn", f, weights)
        if base is not None:
            rate = base * np.exp(np.minimum(combined, MAX_LOG_RATE))
            value, slope = rate - truth * combined, rate - truth
        else:
            slope = (combined + center - truth) / spread
            value = 0.5 * slope * slope * spread
        return value.sum(axis=0), np.einsum("msn,sn->mn", f, slope)

    def shared_loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss(np.repeat(w[:, np.newaxis], n_targets, axis=1))
        return value.sum() / len(truth), gradient.sum(axis=1) / len(truth)

    start = np.full(n_models, 1 / n_models)
    common = minimize(
        shared_loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_models
    ).x

    def own_loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        weights = w.reshape(n_models, n_targets)
        away = weights - common[:, np.newaxis]
        value, gradient = loss(weights)
        total = value.sum() + 0.5 * pull * np.square(away).sum()
        return total / len(truth), (gradient + pull * away).ravel() / len(truth)

    first = np.repeat(common, n_targets)
    solution = minimize(
        own_loss, first, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(first)
    )
    return solution.x.reshape(n_models, n_targets)
