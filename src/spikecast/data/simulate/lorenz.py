"""A population driven by a chaotic attractor: latent dynamics whose truth is known to the bin.

The test of LFADS (Pandarinath et al. 2018, synthetic Lorenz data): trials of a condition start from
the same state, so what differs between them is spiking noise or, optionally, a pulse.
"""

import numpy as np
import pandas as pd

from spikecast.core.checks import check_in_range
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording
from spikecast.data.simulate.limits import LARGEST, check_counts, check_sizes
from spikecast.data.simulate.planted import Simulated, Truth, label_latents, scale_rates

SIGMA, RHO, BETA = 10.0, 28.0, 8.0 / 3.0
STEP = 0.001  # of the integration, in the system's own unit of time
BURN_IN = 10.0  # until a random state is on the attractor
PULSE_WINDOW = (0.3, 0.7)  # part of the trial in which pulses come


def lorenz(
    n_trials: int = 1000,
    n_neurons: int = 60,
    *,
    n_conditions: int = 50,
    n_bins: int = 100,
    bin_size: float = 0.01,
    speed: float = 1.0,
    gain: float = 1.0,
    mean_rate: float = 10.0,
    pulse: float = 0.0,
    seed: int = 0,
) -> Simulated:
    """Simulate neurons whose log rates are mixtures of the three variables of a Lorenz system.

    ``x' = 10 (y - x), y' = x (28 - z) - y, z' = x y - 8/3 z``; a neuron's log rate is its baseline
    plus a random direction in the standardised (x, y, z). Spikes are Poisson.

    Parameters
    ----------
    n_trials, n_neurons : int
    n_conditions : int
        Initial states on the attractor; trials go through them in turn.
    n_bins, bin_size
        The time axis; `bin_size` in seconds.
    speed : float
        Units of the system's time per second; a turn around a wing takes about 0.75.
    gain : float
        Standard deviation of a neuron's log rate, on average over neurons.
    mean_rate : float
        Hz, averaged over bins, trials and neurons; neurons differ log-normally.
    pulse : float
        Size of a kick to the state, in standard deviations of the latents, in a direction that is
        the same in every trial, at a time drawn for every trial from its middle (0.3 to 0.7 of
        it); 0 gives none.
    seed : int

    Returns
    -------
    Simulated
        ``.recording`` with the trial column ``condition``; ``.truth.latents`` are standardised and
        have, with a pulse, the trial coordinate ``pulse_bin``: the first bin after the kick.

    Examples
    --------
    >>> simulated = lorenz(n_trials=6, n_neurons=5, n_conditions=3, n_bins=20)
    >>> simulated.truth.latents.shape
    (6, 20, 3)
    >>> bool((simulated.truth.rate[0] == simulated.truth.rate[3]).all())  # the same condition
    True
    """
    check_counts(1, n_trials=n_trials, n_neurons=n_neurons, n_conditions=n_conditions)
    check_counts(2, n_bins=n_bins)
    check_in_range("bin_size", bin_size, 1e-6, 60.0)
    check_sizes(0, speed=speed, gain=gain)
    check_sizes(1e-6, mean_rate=mean_rate)
    check_sizes(-LARGEST, pulse=pulse)
    rng = make_rng(seed, "lorenz", "states")
    starts = _integrate_steps(rng.normal(0, 10, (n_conditions, 3)), round(BURN_IN / STEP))[:, -1]
    # the scale of the attractor, from the conditions' own long runs
    long_run = _integrate_steps(starts, round(BURN_IN / STEP)).reshape(-1, 3)
    center, scale = long_run.mean(axis=0), long_run.std(axis=0)
    condition = np.arange(n_trials) % n_conditions
    pulse_bin = np.full(n_trials, n_bins)
    kick = np.zeros(3)
    if pulse:
        rng = make_rng(seed, "lorenz", "pulse")
        low, high = (int(part * n_bins) for part in PULSE_WINDOW)
        pulse_bin = rng.integers(low, high, n_trials)
        direction = rng.normal(size=3)
        kick = pulse * direction / np.linalg.norm(direction) * scale
    steps = max(1, round(speed * bin_size / STEP))
    latents = (_trace_states(starts[condition], n_bins, steps, pulse_bin, kick) - center) / scale

    rng = make_rng(seed, "lorenz", "neurons")
    loadings = rng.normal(size=(3, n_neurons))
    loadings *= gain / np.linalg.norm(loadings, axis=0)
    base = mean_rate * bin_size * rng.lognormal(-0.125, 0.5, n_neurons)
    rate = scale_rates(latents @ loadings, base)
    counts = make_rng(seed, "lorenz", "spikes").poisson(rate)

    time = (np.arange(n_bins) + 0.5) * bin_size
    recording = Recording.from_arrays(
        counts,
        time,
        "lorenz",
        trials=pd.DataFrame({"condition": condition}),
        align_to="start of the trial",
        session=f"lorenz seed {seed}",
        subject="simulated",
    )
    names = {"latent": ["x", "y", "z"], "owner": ("latent", ["shared"] * 3)}
    when = {"time": time} | ({"pulse_bin": ("trial", pulse_bin)} if pulse else {})
    return Simulated(recording, Truth(rate, *label_latents(latents, loadings, names, when)))


def _trace_states(
    state: np.ndarray, n_bins: int, steps: int, pulse_bin: np.ndarray, kick: np.ndarray
) -> np.ndarray:
    """Return the states of runs that are kicked in one bin, (run, bin, 3)."""
    states = np.empty((len(state), n_bins, 3))
    for t in range(n_bins):
        state = state + (pulse_bin == t)[:, np.newaxis] * kick
        states[:, t] = state
        state = _integrate_steps(state, steps)[:, -1]
    return states


def _integrate_steps(state: np.ndarray, n_steps: int) -> np.ndarray:
    """Return the path of each run by Euler steps: (run, 3) -> (run, step, 3)."""
    path = np.empty((len(state), n_steps, 3))
    x, y, z = state.T
    for step in range(n_steps):
        x, y, z = (
            x + STEP * SIGMA * (y - x),
            y + STEP * (x * (RHO - z) - y),
            z + STEP * (x * y - BETA * z),
        )
        path[:, step] = np.stack([x, y, z], axis=1)
    return path
