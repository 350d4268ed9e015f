"""Areas that share nothing but what is planted: sessions on which a claim has to stay silent.

Each area drifts slowly over the session and fluctuates within trials, both on its own. A stimulus,
a movement, or a true coupling come in only where they are asked for. The size of everything is its
worth in bits per spike: how much better the true rate is than the rate without that part.
"""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.ndimage import gaussian_filter1d
from scipy.stats import truncnorm

from spikecast.core.checks import check_in_range, check_one_of, to_numeric
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording
from spikecast.data.simulate.limits import check_counts, check_range, complete_areas
from spikecast.data.simulate.planted import (
    Simulated,
    Truth,
    draw_ornstein_uhlenbeck,
    label_latents,
    scale_rates,
)

COUPLED = "B"  # the area that the others drive
LAG = 0.02  # seconds from a source to the coupled area
ONSET = 0.2  # of the stimulus, as a part of the trial
RATES = (1.0, 20.0)  # Hz; log-normal between
N_DRIFTS = 3  # slow factors of an area
DRIFT_WORTH = (0.03, 0.15)  # bits per spike, as measured in real areas
FAST_WORTH = 0.15  # bits per spike
FAST_SD = 0.03  # seconds; smoothness of the fast factor
RUNNING_SD = 5.0  # trials; smoothness of an animal's mean speed
RUNNING_TIME_CONSTANT = 0.3  # seconds; within trials
RUNNING_LAGS = (-0.05, 0.0, 0.05, 0.1)  # seconds from the movement to its effect
CONTRASTS = (0.0, 0.25, 0.5, 1.0)
LATENCIES = (0.08, 0.16, 0.32)  # seconds; the bumps that responses to the stimulus are made of


class Part(NamedTuple):
    """One part of the log rates: latents (trial, time, latent), loadings (latent, neuron)."""

    name: str
    owner: str
    latents: np.ndarray
    loadings: np.ndarray
    worth: Mapping[str, float]  # bits per spike in each area that it reaches


def unrelated_areas(
    n_trials: int = 200,
    n_neurons: Sequence[int] = (60, 60),
    *,
    n_bins: int = 100,
    bin_size: float = 0.01,
    drift_sd: float | tuple[float, float] = (3.0, 60.0),
    stimulus: float = 0.0,
    movement: float = 0.0,
    label_sd: float | tuple[float, float] | None = None,
    coupling: float | Mapping[str, float] = 0.0,
    seed: int | tuple[int, int] = 0,
) -> Simulated:
    """Simulate areas "A", "B", ... that share nothing but what is asked for.

    The log rate of a neuron is its baseline plus latents times random loadings: three slow factors
    of its area (Gaussian over trials, worth .03 to .15 bits/spike, as in real areas), a fast factor
    of its area (Gaussian over time within a trial, new in every trial), and what is asked for
    below. Mean rates are log-normal from 1 to 20 Hz; spikes are Poisson.

    Parameters
    ----------
    n_trials : int
    n_neurons : sequence of int
        The size of each area; areas are called "A", "B", "C", ... in this order.
    n_bins, bin_size
        The time axis: bins, and seconds per bin. Time 0 is at a fifth of the trial.
    drift_sd : float or (float, float)
        Smoothness of the slow factors, in trials; of a range each factor's is drawn (evenly in its
        logarithm).
    stimulus : float
        Bits per spike that all areas owe to a stimulus: contrasts on the left and the right
        (trial columns ``contrast_left``, ``contrast_right``), drawn anew for every trial. Each
        neuron responds with its own time course.
    movement : float
        Bits per spike that all areas owe to the behaviour ``running`` (cm/s), which changes within
        a trial and slowly over trials. Each neuron has its own weights at four lags. What is
        recorded is all there is: before the first bin, the animal runs as in the first bin.
    label_sd : float or (float, float), optional
        Smoothness, in trials, of the trial column ``label``: a random sequence, cut at its median,
        so that it comes in runs and nothing in the recording knows it.
    coupling : float, or mapping source area -> float
        Bits per spike that the fast factor of "A" (of each source named) adds to "B", 20 ms later,
        beyond everything else.
    seed : int or (int, int)
        A second number says which session of these neurons: fast factors and spikes are drawn anew,
        all else is the same.

    Returns
    -------
    Simulated
        ``.truth.worth`` has what each part is worth in each area, of the rates as they are: the
        gain in bits per spike of the true rate over the rate without that part.

    Raises
    ------
    UnknownNameError
        For a source of the coupling that is no other area than "B".
    InputError
        For fewer than two areas, or a size out of its range.

    References
    ----------
    Harris 2021, Nonsense correlations in neuroscience.

    Examples
    --------
    >>> simulated = unrelated_areas(40, (8, 8), coupling=0.02, seed=1)
    >>> simulated.recording.shape
    (40, 100, 16)
    >>> worth = simulated.truth.worth.set_index(["area", "part"])["bits_per_spike"]
    >>> float(worth["B", "coupling A"].round(3))
    0.02
    """
    seed, repeat = seed if isinstance(seed, tuple) and len(seed) == 2 else (seed, 0)
    check_counts(0, repeat=repeat)
    check_counts(2, n_trials=n_trials, n_bins=n_bins)
    check_in_range("bin_size", bin_size, 1e-6, 60.0)
    areas = _name_areas(n_neurons)
    coupling = _read_coupling(coupling, areas)
    for what, size in {"stimulus": stimulus, "movement": movement, **coupling}.items():
        check_in_range(what, size, 0.0, 1.0)

    area = np.repeat(list(areas), list(areas.values()))
    time = (np.arange(n_bins) - round(ONSET * n_bins) + 0.5) * bin_size
    shape = (n_trials, n_bins)
    trials, behavior, parts = pd.DataFrame(index=range(n_trials)), {}, []
    if stimulus:
        trials = _draw_contrasts(n_trials, make_rng(seed, "contrasts"))
        worth = dict.fromkeys(areas, stimulus)
        parts.append(_draw_stimulus(trials, time, area.size, worth, make_rng(seed, "stimulus")))
    if movement:
        running = _draw_running(shape, bin_size, make_rng(seed, "running"))
        behavior["running"] = running
        worth = dict.fromkeys(areas, movement)
        parts.append(_draw_movement(running, bin_size, area.size, worth, make_rng(seed, "weights")))
    if label_sd is not None:
        trials["label"] = _draw_label(n_trials, label_sd, make_rng(seed, "label"))
    parts += _draw_own_parts(area, shape, bin_size, drift_sd, coupling, repeat, seed)
    mean_count = _draw_rates(area.size, make_rng(seed, "rates")) * bin_size
    parts, log_rate = _scale_parts(parts, area, mean_count)
    rate = scale_rates(log_rate, mean_count)
    recording = Recording.from_arrays(
        make_rng(seed, "spikes", *([repeat] if repeat else [])).poisson(rate),
        time,
        area,
        trials=trials,
        behavior=behavior,
        session=f"unrelated areas, seed {seed}",
        subject="simulated",
    )
    latents, loadings = _label_parts(parts, time, area)
    truth = Truth(
        rate,
        latents,
        loadings,
        drives=pd.DataFrame(
            [(source, COUPLED, LAG) for source in coupling], columns=["source", "target", "lag"]
        ),
        worth=_measure_parts(parts, log_rate, area, mean_count),
    )
    return Simulated(recording, truth)


# ---------------------------------------------------------------- what is planted


def _name_areas(n_neurons: Sequence[int]) -> dict[str, int]:
    sizes = to_numeric("n_neurons", n_neurons)
    check_in_range("the number of areas", sizes.size, 2, len(ascii_uppercase))
    return complete_areas(dict(zip(ascii_uppercase, sizes.tolist(), strict=False)), {})


def _read_coupling(
    coupling: float | Mapping[str, float], areas: Mapping[str, int]
) -> Mapping[str, float]:
    """Return the size of each coupling by its source, or raise for a name that is no source."""
    if not isinstance(coupling, Mapping):
        return {"A": coupling} if check_in_range("coupling", coupling, 0.0, 1.0) else {}
    for name in coupling:
        check_one_of("source", name, [name for name in areas if name != COUPLED])
    return coupling


def _draw_own_parts(
    area: np.ndarray,
    shape: tuple[int, int],
    bin_size: float,
    drift_sd: float | tuple[float, float],
    coupling: Mapping[str, float],
    repeat: int,
    seed: int,
) -> list[Part]:
    """Return each area's drift and fast factor, then the fast factors that reach another area."""
    n_trials, n_bins = shape
    lag = max(1, round(LAG / bin_size))
    own, coupled = [], []
    for name in np.unique(area):
        rng = make_rng(seed, "drift", name)
        worth = {name: rng.uniform(*DRIFT_WORTH)}
        factors = [_draw_smooth(n_trials, _draw_one(drift_sd, rng), rng) for _ in range(N_DRIFTS)]
        latents = np.repeat(np.stack(factors, axis=-1)[:, np.newaxis], n_bins, axis=1)
        own.append(Part("drift", name, latents, rng.normal(size=(N_DRIFTS, area.size)), worth))
        rng = make_rng(seed, "fast", name)
        # begins before the first bin, for what reaches another area later
        noise = rng.normal(size=(n_trials, n_bins + lag))
        if repeat:
            noise = make_rng(seed, "fast", name, repeat).normal(size=noise.shape)
        fast = gaussian_filter1d(noise, FAST_SD / bin_size, axis=1)[..., np.newaxis]
        fast /= fast.std()
        loadings = rng.normal(size=(2, 1, area.size))
        own.append(Part("fast", name, fast[:, lag:], loadings[0], {name: FAST_WORTH}))
        if coupling.get(name):
            worth = {COUPLED: coupling[name]}
            coupled.append(Part(f"coupling {name}", COUPLED, fast[:, :-lag], loadings[1], worth))
    return own + coupled


def _draw_contrasts(n_trials: int, rng: np.random.Generator) -> pd.DataFrame:
    left, right = rng.choice(CONTRASTS, (2, n_trials))
    return pd.DataFrame({"contrast_left": left, "contrast_right": right})


def _draw_stimulus(
    trials: pd.DataFrame,
    time: np.ndarray,
    n_neurons: int,
    worth: Mapping[str, float],
    rng: np.random.Generator,
) -> Part:
    """Return responses to either side, each a mixture of bumps after the onset."""
    latency = np.asarray(LATENCIES)
    bumps = np.exp(-0.5 * ((time[:, np.newaxis] - latency) / (0.4 * latency)) ** 2)
    sides = trials[["contrast_left", "contrast_right"]].to_numpy()
    latents = np.concatenate([side[:, np.newaxis, np.newaxis] * bumps for side in sides.T], axis=2)
    return Part("stimulus", "task", latents, rng.normal(size=(latents.shape[2], n_neurons)), worth)


def _draw_running(shape: tuple[int, int], bin_size: float, rng: np.random.Generator) -> np.ndarray:
    """Return running speed in cm/s (trial, time): half of its variance is between trials."""
    slow = _draw_smooth(shape[0], RUNNING_SD, rng)[:, np.newaxis]
    fast = draw_ornstein_uhlenbeck(*shape, RUNNING_TIME_CONSTANT / bin_size, rng)
    return np.maximum(10.0 + 5.0 * (slow + fast), 0.0)


def _draw_movement(
    running: np.ndarray,
    bin_size: float,
    n_neurons: int,
    worth: Mapping[str, float],
    rng: np.random.Generator,
) -> Part:
    """Return the effect of running on each neuron, with weights at several lags."""
    speed = (running - running.mean()) / running.std()
    bins = np.arange(running.shape[1])
    lagged = [speed[:, np.clip(bins - round(lag / bin_size), 0, bins[-1])] for lag in RUNNING_LAGS]
    loadings = rng.normal(size=(len(RUNNING_LAGS), n_neurons))
    return Part("movement", "task", np.stack(lagged, axis=-1), loadings, worth)


def _draw_label(
    n_trials: int, sd: float | tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return a label of two classes of equal size that comes in runs, (trial,)."""
    smooth = _draw_smooth(n_trials, _draw_one(sd, rng), rng)
    return (smooth > np.median(smooth)).astype(int)


def _draw_rates(n_neurons: int, rng: np.random.Generator) -> np.ndarray:
    """Return the mean rate of each neuron in Hz: log-normal, cut at two deviations."""
    low, high = np.log(RATES)
    z = truncnorm.rvs(-2, 2, size=n_neurons, random_state=rng)
    return np.exp((low + high) / 2 + (high - low) / 4 * z)


def _draw_smooth(n: int, sd: float, rng: np.random.Generator) -> np.ndarray:
    """Return a stationary smooth random sequence, with mean 0 and variance 1 over its length."""
    margin = int(np.ceil(4 * sd))
    values = gaussian_filter1d(rng.normal(size=n + 2 * margin), sd)[margin : margin + n]
    return (values - values.mean()) / values.std()


def _draw_one(given: float | tuple[float, float], rng: np.random.Generator) -> float:
    """Return the number given, or one drawn from the range given, evenly in its logarithm."""
    pair = given if isinstance(given, Sequence) else (given, given)
    low, high = check_range("smoothness", pair, 1e-3)
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


# ---------------------------------------------------------------- what it is worth


def _scale_parts(
    parts: list[Part], area: np.ndarray, mean_count: np.ndarray
) -> tuple[list[Part], np.ndarray]:
    """Scale each part to its worth, on top of those before it; return also the log rates."""
    log_rate = np.zeros((*parts[0].latents.shape[:2], area.size))
    scaled = []
    for part in parts:
        scale = np.zeros(area.size)
        for name, worth in part.worth.items():
            here = area == name
            added = part.latents @ part.loadings[:, here]
            factor = 0.1
            for _ in range(5):  # worth grows nearly with the square of the size
                gain = _measure_bits(log_rate[..., here], factor * added, mean_count[here])
                factor *= np.sqrt(worth / gain)
            log_rate[..., here] += factor * added
            scale[here] = factor
        scaled.append(part._replace(loadings=part.loadings * scale))
    return scaled, log_rate


def _measure_bits(log_rate: np.ndarray, added: np.ndarray, mean_count: np.ndarray) -> float:
    """Return the expected bits per spike by which a rate with a part is above that without it.

    Both have the same mean over trials and bins for each neuron.
    """
    without, full = scale_rates(log_rate, mean_count), scale_rates(log_rate + added, mean_count)
    return float((full * np.log(full / without)).sum() / (np.log(2) * full.sum()))


def _measure_parts(
    parts: list[Part], log_rate: np.ndarray, area: np.ndarray, mean_count: np.ndarray
) -> pd.DataFrame:
    """Return what each part is worth in each area, beyond all others."""
    rows = []
    for part in parts:
        for name in part.worth:
            here = area == name
            added = part.latents @ part.loadings[:, here]
            bits = _measure_bits(log_rate[..., here] - added, added, mean_count[here])
            rows.append((name, part.name, bits))
    return pd.DataFrame(rows, columns=["area", "part", "bits_per_spike"])


def _label_parts(
    parts: list[Part], time: np.ndarray, area: np.ndarray
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the latents and loadings of all parts as labelled arrays."""
    places = [(part, index) for part in parts for index in range(len(part.loadings))]
    names = [f"{part.owner} {part.name} {index}" for part, index in places]
    return label_latents(
        np.concatenate([part.latents for part in parts], axis=2),
        np.concatenate([part.loadings for part in parts]),
        {"latent": names, "owner": ("latent", [part.owner for part, _ in places])},
        {"time": time},
        {"area": ("neuron", area)},
    )
