"""A visual decision task recorded in several areas, with planted truth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from spikecast.core.checks import check_in_range, check_kind, check_one_of, quote
from spikecast.core.errors import InputError
from spikecast.core.seeding import make_rng
from spikecast.data.readers import steinmetz
from spikecast.data.simulate.choices import choose_in_turn, find_biases
from spikecast.data.simulate.effects import Effects, complete_effects
from spikecast.data.simulate.limits import LARGEST, check_counts, check_sizes, complete_areas
from spikecast.data.simulate.planted import (
    PlantedLatents,
    Simulated,
    Truth,
    draw_ornstein_uhlenbeck,
    scale_rates,
)

AREAS = {"VISp": 80, "MOs": 50, "MD": 50, "CA1": 60}
CHOICE_ONSET = {"MOs": 0.12, "MD": 0.15, "VISp": 0.18, "CA1": 0.22}
DRIVES = {("VISp", "MOs"): 0.03, ("MD", "MOs"): 0.02}
STIMULUS_LATENCY = 0.05  # seconds; information about the stimulus starts here in every area
SHARED_TIME_CONSTANTS = (0.1, 0.3, 1.0)  # seconds
OWN_TIME_CONSTANTS = (0.1, 0.4)
N_STATES, STATE_TIME_CONSTANT = 6, 15.0  # trials
FULL_SPEED = 40.0  # of the wheel
LONGEST = 60.0  # seconds of a lag, or to the onset of choice


def decision_task(
    n_trials: int = 200,
    areas: Mapping[str, int] | None = None,
    *,
    n_bins: int = 250,
    bin_size: float = 0.01,
    stim_onset: float = 0.5,
    choice_onset: Mapping[str, float] | None = None,
    drives: Mapping[tuple[str, str], float] | None = None,
    effects: Effects | Mapping[str, float] | None = None,
    median_rate: float = 4.0,
    seed: int = 0,
) -> Simulated:
    """Simulate a two-alternative visual task with several areas recorded at once.

    A stimulus of some contrast is on the left, the right, both or neither; the animal turns a
    wheel left or right or withholds (no-go) and gets reward or noise. The log rate of a neuron is
    its baseline plus the sum of latents times loadings: latents that all areas share (fluctuations
    with three time constants), latents that an area owns and that reach the areas it drives with a
    lag, responses to either stimulus, the choice from its onset in that area on, movement, and a
    slow drift over trials of each neuron's own. Spikes are Poisson. The layout is that of the
    Steinmetz recordings.

    Parameters
    ----------
    n_trials : int
    areas : mapping str -> int, optional
        Neurons per area; the default has VISp, MOs, MD and CA1.
    n_bins, bin_size, stim_onset
        The time axis: bins, seconds per bin, seconds from its start to the stimulus.
    choice_onset : mapping area -> float, optional
        Seconds after the stimulus at which choice information starts; an area that is left out
        gets none. By default 0.12 (MOs), 0.15 (MD), 0.18 (VISp) and 0.22 (CA1).
    drives : mapping (source, target) -> float, optional
        Lag in seconds with which the source area's own latents reach the target area.
    effects : Effects, or mapping of those of its fields that differ from the default, optional
        How large each part is.
    median_rate : float
        Median firing rate in Hz; rates are log-normal across neurons.
    seed : int

    Returns
    -------
    Simulated
        ``.recording`` (counts, with behaviour and trial table) and ``.truth``.

    Raises
    ------
    UnknownNameError
        For an area or an effect that there is not.
    InputError
        For a number that is none, or out of range.

    Examples
    --------
    >>> simulated = decision_task(20, {"VISp": 5, "MOs": 5}, effects={"choice": 1.0}, seed=1)
    >>> simulated.recording.shape
    (20, 250, 10)
    >>> simulated.truth.rate.shape
    (20, 250, 10)
    """
    check_counts(1, n_trials=n_trials)
    check_counts(2, n_bins=n_bins)
    check_in_range("bin_size", bin_size, 1e-6, LONGEST)
    check_sizes(-LARGEST, stim_onset=stim_onset)
    check_sizes(0, median_rate=median_rate)
    areas = complete_areas(areas, AREAS)
    choice_onset = _complete_times("choice_onset", choice_onset, CHOICE_ONSET, areas)
    drives = _complete_times("drives", drives, DRIVES, areas)
    effects = complete_effects(effects)
    time = (np.arange(n_bins) + 0.5) * bin_size - stim_onset

    trials = _draw_trials(n_trials, effects, choice_onset, make_rng(seed, "trials"))
    planted = PlantedLatents(areas, make_rng(seed, "loadings"))
    # latents begin before the first bin: with a lag, earlier values reach the first bins
    history = max([round(lag / bin_size) for lag in drives.values()], default=0)
    shape = (n_trials, n_bins + history)
    arousal = _add_fluctuations(
        planted, drives, effects, shape, bin_size, make_rng(seed, "latents")
    )
    speed = _draw_wheel(trials, time, make_rng(seed, "wheel"))
    _add_task_latents(planted, trials, time, speed, choice_onset, effects)
    _add_states(planted, effects.state, shape, make_rng(seed, "states"))
    _add_outcome(planted, effects.outcome, trials, time)
    log_rate = planted.sum_log_rates(n_bins)
    rate = _draw_rates(log_rate, effects, median_rate, bin_size, make_rng(seed, "neurons"))
    counts = make_rng(seed, "spikes").poisson(rate)

    raw = {
        "spks": counts.transpose(2, 0, 1),
        "brain_area": planted.area,
        "bin_size": bin_size,
        "stim_onset": stim_onset,
        "mouse_name": "Simulated",
        "date_exp": f"seed {seed}",
        "wheel": speed[np.newaxis].astype(np.float32),
        **_draw_behavior(trials, time, speed, arousal[:, -n_bins:], make_rng(seed, "behavior")),
        **{key: trials[name] for key, name in steinmetz.TRIAL_KEYS.items() if name in trials},
        "reaction_time": np.stack([trials["reaction_time"], trials["response"]], axis=1),
    }
    connections = [(source, target, lag) for (source, target), lag in drives.items()]
    truth = Truth(
        rate,
        *planted.to_arrays(time),
        pd.DataFrame(connections, columns=["source", "target", "lag"]),
        dict(choice_onset),
    )
    return Simulated(steinmetz.build_recording(raw, "simulated"), truth)


def _complete_times(what: str, times: Mapping | None, usual: Mapping, areas: Mapping) -> dict:
    """Return seconds by area, or by pair of areas; by default the usual ones of these areas."""
    if times is None:
        return {key: time for key, time in usual.items() if set(_split(key)) <= set(areas)}
    check_kind(times, Mapping)
    n_named = len(_split(next(iter(usual))))
    for key, time in times.items():
        check_kind(key, str if n_named == 1 else tuple)
        if len(_split(key)) != n_named:
            raise InputError(f"{what} names {quote(key)}; it must name {n_named} area(s)")
        for name in _split(key):
            check_one_of("area", name, list(areas))
        check_in_range(f"{what} of {quote(key)}", time, -LONGEST if n_named == 1 else 0, LONGEST)
    return dict(times)


def _split(key: str | tuple) -> tuple:
    return (key,) if isinstance(key, str) else key


def _add_fluctuations(
    planted: PlantedLatents,
    drives: Mapping[tuple[str, str], float],
    effects: Effects,
    shape: tuple[int, int],
    bin_size: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Add shared and own latents of areas; return the slowest shared one, which is arousal."""
    gain = effects.shared / np.sqrt(len(SHARED_TIME_CONSTANTS))
    for index, constant in enumerate(SHARED_TIME_CONSTANTS):
        values = draw_ornstein_uhlenbeck(*shape, constant / bin_size, rng)
        planted.add(f"shared_{index}", "shared", values, dict.fromkeys(planted.areas, gain))
    arousal = values
    scale = np.sqrt(len(OWN_TIME_CONSTANTS))
    for name in planted.areas:
        lags = {to: round(lag / bin_size) for (source, to), lag in drives.items() if source == name}
        gains = dict.fromkeys(lags, effects.drive / scale) | {name: effects.own / scale}
        for index, constant in enumerate(OWN_TIME_CONSTANTS):
            values = draw_ornstein_uhlenbeck(*shape, constant / bin_size, rng)
            planted.add(f"{name}_{index}", name, values, gains, lags)
    return arousal


def _add_task_latents(
    planted: PlantedLatents,
    trials: Mapping[str, np.ndarray],
    time: np.ndarray,
    speed: np.ndarray,
    choice_onset: Mapping[str, float],
    effects: Effects,
) -> None:
    """Add the responses to the stimuli, the choice in each area, and movement."""
    everywhere = dict.fromkeys(planted.areas, effects.stimulus)
    for side in ("left", "right"):
        response = trials[f"contrast_{side}"][:, np.newaxis] * _compute_evoked_response(time)
        planted.add(f"stimulus_{side}", "task", response, everywhere)
    for name, onset in choice_onset.items():
        since = np.maximum(time - onset, 0.0)
        course = (1 - np.exp(-since / 0.05)) * (time >= onset)
        choice = trials["response"][:, np.newaxis] * course
        planted.add(f"choice_{name}", "task", choice, {name: effects.choice})
    everywhere = dict.fromkeys(planted.areas, effects.movement)
    planted.add("movement", "task", np.abs(speed) / FULL_SPEED, everywhere)


def _add_states(
    planted: PlantedLatents, size: float, shape: tuple[int, int], rng: np.random.Generator
) -> None:
    """Add latents that are constant within trials, and slow over them; none of size 0."""
    if not size:
        return
    gains = dict.fromkeys(planted.areas, size / np.sqrt(N_STATES))
    for index, course in enumerate(
        draw_ornstein_uhlenbeck(N_STATES, shape[0], STATE_TIME_CONSTANT, rng)
    ):
        values = np.repeat(course[:, np.newaxis], shape[1], axis=1)
        planted.add(f"state_{index}", "shared", values, gains)


def _add_outcome(
    planted: PlantedLatents, size: float, trials: Mapping[str, np.ndarray], time: np.ndarray
) -> None:
    """Add the response to the outcome, from the time of the feedback on; none of size 0."""
    if not size:
        return
    since = np.maximum(time - trials["feedback_time"][:, np.newaxis], 0.0)
    response = trials["feedback"][:, np.newaxis] * (1 - np.exp(-since / 0.05))
    planted.add("outcome", "task", response, dict.fromkeys(planted.areas, size))


def _draw_rates(
    log_rate: np.ndarray,
    effects: Effects,
    median_rate: float,
    bin_size: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return expected counts (trial, time, neuron), with random baselines and drift."""
    n_trials, _, n_neurons = log_rate.shape
    base = np.clip(median_rate * rng.lognormal(0.0, 0.9, n_neurons), 0.05, 60.0)
    walk = rng.normal(size=(n_trials, n_neurons)).cumsum(axis=0) / np.sqrt(max(n_trials, 2))
    log_rate = log_rate + effects.drift * (walk - walk.mean(axis=0))[:, np.newaxis]
    return np.minimum(scale_rates(log_rate, base * bin_size), effects.max_rate * bin_size)


def _draw_trials(
    n_trials: int, effects: Effects, onsets: Mapping[str, float], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    levels = np.array([0.0, 0.25, 0.5, 1.0])
    left, right = rng.choice(levels, (2, n_trials), p=[0.4, 0.2, 0.2, 0.2])
    evidence = effects.evidence
    # softmax over left, no-go, right; without evidence the three are equally likely
    logits = np.stack(
        [
            evidence * (left - right),
            -evidence * (np.maximum(left, right) - 0.4),
            evidence * (right - left),
        ]
    )
    utility = logits + rng.gumbel(size=logits.shape)
    if effects.even:
        utility += effects.even * find_biases(utility, effects.history)[:, np.newaxis]
    chosen = choose_in_turn(utility, effects.history)
    response = 1.0 - chosen  # +1 left, 0 no-go, -1 right
    correct = np.sign(left - right)
    tied = (left == right) & (left > 0)
    correct[tied] = rng.choice([-1.0, 1.0], tied.sum())
    went = response != 0
    # movement starts after the last area has the choice, so that it cannot carry it earlier
    latest = max(onsets.values(), default=0.1)
    moves_at = latest + 0.05 + rng.gamma(2.0, 0.05, n_trials)
    go_cue = rng.uniform(0.5, 1.0, n_trials)
    responds_at = np.where(went, np.maximum(moves_at + 0.15, go_cue + 0.05), go_cue + 1.5)
    return {
        "contrast_left": left,
        "contrast_right": right,
        "response": response,
        "feedback": np.where(response == correct, 1.0, -1.0),
        "gocue_time": np.round(go_cue, 4),
        "response_time": np.round(responds_at, 4),
        "feedback_time": np.round(responds_at + 0.03, 4),
        "reaction_time": np.round(np.where(went, moves_at, 0.0), 4),
    }


def _compute_evoked_response(time: np.ndarray) -> np.ndarray:
    """Return the transient and sustained response to a stimulus at 0, (time,)."""
    since = np.maximum(time - STIMULUS_LATENCY, 0.0)
    return (1 - np.exp(-since / 0.02)) * (0.3 + 0.7 * np.exp(-since / 0.15))


def _draw_wheel(trials: dict, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return turning speed (trial, time): from reaction to just after response; left positive."""
    start, stop = trials["reaction_time"][:, np.newaxis], trials["response_time"][:, np.newaxis]
    moving = (time >= start) & (time <= stop + 0.05) & (trials["response"] != 0)[:, np.newaxis]
    speed = FULL_SPEED * trials["response"][:, np.newaxis] * moving
    return gaussian_filter1d(speed, 1.0, axis=1) * moving + rng.normal(0, 0.5, speed.shape)


def _draw_behavior(
    trials: dict, time: np.ndarray, speed: np.ndarray, arousal: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return pupil, face and licks, channels x trials x time."""
    noise = rng.normal(0, 0.1, (4, *speed.shape))
    pupil = np.stack([arousal, 0.2 * np.sign(speed), np.zeros_like(speed)]) + noise[:3]
    face = np.abs(speed) / FULL_SPEED + 0.5 * np.maximum(arousal, 0) + noise[3]
    since = time - trials["feedback_time"][:, np.newaxis]
    rewarded = (trials["feedback"] > 0)[:, np.newaxis]
    licking = rng.random(speed.shape) < 0.15 * ((since > 0) & (since < 1.0) & rewarded)
    return {
        "pupil": pupil.astype(np.float32),
        "face": face[np.newaxis].astype(np.float32),
        "licks": licking[np.newaxis].astype(np.uint8),
    }


def poisson_noise(
    n_trials: int = 100,
    areas: Mapping[str, int] | None = None,
    *,
    n_bins: int = 40,
    bin_size: float = 0.01,
    median_rate: float = 5.0,
    seed: int = 0,
) -> Simulated:
    """Simulate independent homogeneous Poisson neurons: nothing predicts anything.

    Parameters
    ----------
    n_trials, areas, n_bins, bin_size, median_rate, seed
        As in :func:`decision_task`.

    Returns
    -------
    Simulated

    Examples
    --------
    >>> poisson_noise(n_trials=10).recording.shape
    (10, 40, 240)
    """
    return decision_task(
        n_trials,
        areas,
        n_bins=n_bins,
        bin_size=bin_size,
        stim_onset=0.0,
        choice_onset={},
        drives={},
        effects=dict.fromkeys(("shared", "own", "drive", "stimulus", "movement", "drift"), 0.0),
        median_rate=median_rate,
        seed=seed,
    )
