"""Weights of a stack: those that explain held-out data best."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from spikecast.models.rate_ceiling import MAX_LOG_RATE

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Weights, (model,) -> minus the log-likelihood of a target per sample, and its gradient."""


def fit_stacking_weights(
    predictions: np.ndarray,
    y: np.ndarray,
    center: np.ndarray,
    counts: bool,
    pull: float,
    expected: tuple[float, float] | None = None,
) -> np.ndarray:
    """Return weights of models, (model, target), none negative, that explain held-out data best.

    First one weight per model for all targets; then each target its own, with a quadratic penalty
    on the distance from the shared ones. `predictions` (model, trial, time, target) are natural
    parameters minus `center`, (target,) or in the shape of `y`. `pull` is the strength of the
    penalty, in spikes (continuous targets: in samples). `expected` is a value of all weights, and
    the strength of the penalty on the distance of the shared ones from it; by default there is
    none.
    """
    n_models, n_targets = len(predictions), y.shape[2]
    n_samples = y.shape[0] * y.shape[1]
    center = np.broadcast_to(center, y.shape).reshape(n_samples, n_targets)
    # (target, model, sample), (target, sample): one target at a time stays in the caches
    f = predictions.reshape(n_models, n_samples, n_targets).transpose(2, 0, 1)
    f, truth, center = (
        np.ascontiguousarray(array, dtype=np.float32)
        for array in (f, y.reshape(n_samples, n_targets).T, center.T)
    )
    make_loss = _make_poisson_loss if counts else _make_squared_loss
    losses = [make_loss(f[n], truth[n], center[n]) for n in range(n_targets)]

    def shared_loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        values, gradients = zip(*(loss(weights) for loss in losses), strict=True)
        return sum(values), np.sum(gradients, axis=0)

    value, strength = (1 / n_models, 0.0) if expected is None else expected
    start = np.full(n_models, value)
    shared = _minimize(_pull_to(start, strength / n_samples, shared_loss), start)

    def fit_own(n: int) -> np.ndarray:
        loss = make_loss(f[n].astype(float), truth[n].astype(float), center[n].astype(float))
        return _minimize(_pull_to(shared, pull / n_samples, loss), shared)

    return np.stack([fit_own(n) for n in range(n_targets)], axis=1)


def _pull_to(aim: np.ndarray, strength: float, loss: Loss) -> Loss:
    """Return a loss with a quadratic penalty on the distance of the weights from `aim`."""

    def pulled(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss(weights)
        away = weights - aim
        return value + 0.5 * strength * float(away @ away), gradient + strength * away

    return pulled


def _minimize(loss: Loss, start: np.ndarray) -> np.ndarray:
    bounds = [(0, None)] * len(start)
    weights: np.ndarray = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return weights


def _make_poisson_loss(f: np.ndarray, counts: np.ndarray, center: np.ndarray) -> Loss:
    """`f` (model, sample) are log rates above `center`, (sample,); all have its precision."""
    base = np.exp(center)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        combined = weights.astype(f.dtype) @ f  # (sample,)
        rate = base * np.exp(np.minimum(combined, MAX_LOG_RATE))
        value = rate.sum(dtype=float) - float(counts @ combined)
        return value / len(rate), (f @ (rate - counts)).astype(float) / len(rate)

    return loss


def _make_squared_loss(f: np.ndarray, values: np.ndarray, center: np.ndarray) -> Loss:
    """`f` (model, sample) are values above `center`, (sample,); all have its precision."""
    aim = values - center
    # the floor is for constant targets
    scale = max(float(values.var(dtype=float)), 1e-12) * len(values)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        away = weights.astype(f.dtype) @ f - aim  # (sample,)
        return 0.5 * float(away @ away) / scale, (f @ away).astype(float) / scale

    return loss
