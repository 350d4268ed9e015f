"""Poisson regressions of all targets at once, for a falling sequence of penalties."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.optimize import minimize

from spikecast.models.rate_ceiling import find_max_log_rate


def fit_poisson_path(
    z: np.ndarray,
    y: np.ndarray,
    penalties: Sequence[float],
    tolerance: float = 1e-6,
    offset: np.ndarray | None = None,
    guess: tuple[np.ndarray, np.ndarray] | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (feature, target) weights and (target,) intercepts for a falling sequence of penalties.

    L-BFGS in the eigenbasis of the features' covariance, each coordinate scaled by the curvature
    that the target's mean rate gives it: there the problem is nearly round and takes ten
    iterations, not hundreds. Each penalty starts from where the solutions before it lead.
    `tolerance` is the relative change of the loss at which to stop. `offset`, in the shape of `y`,
    is a log rate to which features and intercept add. The first penalty starts from `guess`,
    weights and intercepts of similar data.
    """
    flat = z.reshape(-1, z.shape[2]).astype(np.float32)
    counts = y.reshape(-1, y.shape[2]).astype(np.float32)
    n_samples, n_targets = counts.shape
    highest = find_max_log_rate(counts)
    center = flat.mean(axis=0)
    flat = flat - center
    variance, basis = np.linalg.eigh(flat.T @ flat / n_samples)
    variance = np.maximum(variance, 0)
    rotated = flat @ basis  # (sample, feature); an L2 penalty does not see the rotation
    # a silent target would have log rate minus infinity: half a spike in all the samples
    mean = np.maximum(counts.mean(axis=0), 0.5 / n_samples)
    base = np.log(mean) if offset is None else offset.reshape(counts.shape).astype(np.float32)
    added = base if offset is None else 0.0  # to the intercepts that are returned
    response = np.vstack([counts.sum(axis=0), rotated.T @ counts]) / n_samples

    weights = np.zeros((1 + rotated.shape[1], n_targets), dtype=np.float32)  # intercept first
    if guess is not None:
        weights[1:] = basis.T @ guess[0]
        weights[0] = guess[1] - added + center @ guess[0]
    change = np.zeros_like(weights)  # of the solution from the last penalty but one to the last
    for index, penalty in enumerate(penalties):
        scale = np.vstack(
            [1 / np.sqrt(mean), 1 / np.sqrt(mean * variance[:, np.newaxis] + 2 * penalty)]
        ).astype(np.float32)

        def loss_and_gradient(
            flat_parameters: np.ndarray, scale: np.ndarray = scale, penalty: float = penalty
        ) -> tuple[float, np.ndarray]:
            w = flat_parameters.reshape(scale.shape).astype(np.float32) * scale
            rate = rotated @ w[1:]
            rate += w[0] + base
            np.exp(np.minimum(rate, highest, out=rate), out=rate)
            loss = (
                rate.sum(dtype=np.float64) / n_samples
                - np.sum(w * response, dtype=np.float64)
                + penalty * np.sum(np.square(w[1:]), dtype=np.float64)
            )
            gradient = np.vstack([rate.mean(axis=0), rotated.T @ rate / n_samples]) - response
            gradient[1:] += 2 * penalty * w[1:]
            return loss, (gradient * scale).ravel().astype(np.float64)

        before = weights
        start = ((weights + change / 2) / scale).ravel().astype(np.float64)
        solution = _minimize_round(loss_and_gradient, start, tolerance)
        weights = solution.reshape(scale.shape).astype(np.float32) * scale
        if index > 0:
            change = weights - before
        unrotated = basis @ weights[1:]
        yield unrotated, weights[0] + added - center @ unrotated


def _minimize_round(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray, tolerance: float
) -> np.ndarray:
    """Return where a nearly round function is least, by L-BFGS.

    The first step of L-BFGS has length 1, whatever the gradient. In units of the gradient's length
    at the start, that is the step which solves a round problem at once.
    """
    loss, gradient = function(start)
    unit = float(np.linalg.norm(gradient))
    if unit < 1e-7:
        return start
    known = [(loss, gradient * unit)]  # L-BFGS evaluates the start first

    def in_units(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        if known:
            return known.pop()
        loss, gradient = function(parameters * unit)
        return loss, gradient * unit

    options = {"maxiter": 200, "ftol": tolerance, "gtol": 1e-7 * unit}
    return minimize(in_units, start / unit, jac=True, method="L-BFGS-B", options=options).x * unit
