"""Fixed points and decay constants of a tanh RNN, with and without input."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import root

from spikecast.core.seeding import make_rng
from spikecast.runs.studies.study import Measure

N_STARTS = 60
SETTLED = 1e-8  # squared length of a step from which on a state counts as fixed
APART = 1e-3  # distance of two fixed points


@dataclass(frozen=True)
class Dynamics:
    """What the states of a network do when they are left to themselves."""

    points: np.ndarray  # (point, latent), where states stay
    stable: np.ndarray  # (point,), whether small deviations die out
    decay: (
        float  # seconds in which the slowest deviation from a stable point falls to 1/e; NaN: none
    )
    rotation: float  # Hz of the slowest rotating deviation; 0 where none rotates


def find_dynamics(
    recurrent: np.ndarray, drive: np.ndarray, bin_size: float, seed: int = 0
) -> Dynamics:
    """Find the fixed points of ``h <- tanh(recurrent h + drive)`` and what happens near them.

    Parameters
    ----------
    recurrent : array, (latent, latent)
    drive : array, (latent,)
        What is added at every bin.
    bin_size : float
        Seconds of a step.
    seed : int
        Of the states from which points are looked for.

    Examples
    --------
    >>> found = find_dynamics(0.9 * np.eye(2), np.zeros(2), 0.01)
    >>> len(found.points), round(found.decay, 3)
    (1, 0.095)
    """
    starts = make_rng(seed, "fixed points").uniform(-1, 1, (N_STARTS, drive.size))
    points: list[np.ndarray] = []
    for start in starts:
        found = root(lambda state: np.tanh(recurrent @ state + drive) - state, start)
        known = any(np.linalg.norm(found.x - point) < APART for point in points)
        if not known and np.sum(found.fun**2) < SETTLED:
            points.append(found.x)
    values = [np.linalg.eigvals((1 - point**2)[:, np.newaxis] * recurrent) for point in points]
    stable = np.array([np.abs(own).max() < 1 for own in values], dtype=bool)
    decay, rotation = np.nan, 0.0
    settling = [own for own, holds in zip(values, stable, strict=True) if holds]
    if settling:
        slowest = max(settling, key=lambda own: np.abs(own).max())
        decay = -bin_size / np.log(max(np.abs(slowest).max(), 1e-12))
        turning = slowest[np.abs(slowest.imag) > 1e-6]
        if turning.size:
            leading = turning[np.abs(turning).argmax()]
            rotation = abs(np.angle(leading)) / (2 * np.pi * bin_size)
    shape = (len(points), drive.size)
    return Dynamics(np.reshape(points, shape), stable, float(decay), float(rotation))


def measure_dynamics(
    weights: list[dict[str, np.ndarray]], bin_size: float, seed: int
) -> Iterator[Measure]:
    """Yield decay constants, rotations and numbers of fixed points of one or several networks.

    `weights` is what :func:`spikecast.runs.studies.livewired_network.read_weights` gives of each;
    of several networks the median is told, with the smallest and largest value as its limits.
    """
    for words, share in (("without input", 0.0), ("with the mean input", 1.0)):
        found = [
            find_dynamics(own["recurrent"], own["offset"] + share * own["input"], bin_size, seed)
            for own in weights
        ]
        yield _summarize(f"{words}, slowest decay", [one.decay for one in found], "duration")
        yield _summarize(f"{words}, leading rotation", [one.rotation for one in found], "frequency")
        n_points = [float(len(one.points)) for one in found]
        yield _summarize(f"{words}, fixed points", n_points, "count")
        n_stable = [float(one.stable.sum()) for one in found]
        yield _summarize(f"{words}, stable ones of them", n_stable, "count")


def measure_untrained(n_latents: int, bin_size: float, seed: int) -> Measure:
    """Return the decay constant of networks that were never fitted, as the deck's RNN begins."""
    limit = n_latents**-0.5
    rng = make_rng(seed, "untrained")
    decays = [
        find_dynamics(rng.uniform(-limit, limit, (n_latents, n_latents)), np.zeros(n_latents),
                      bin_size, seed).decay
        for _ in range(10)
    ]  # fmt: skip
    return _summarize("never fitted, slowest decay", decays, "duration")


def _summarize(name: str, values: list[float], unit: str) -> Measure:
    """Return the median with its range; None where a network has no such value."""
    if np.isnan(values).any():
        return Measure(name, None, unit)
    if min(values) == max(values):
        return Measure(name, float(values[0]), unit)
    return Measure(name, float(np.median(values)), unit, min(values), max(values))
