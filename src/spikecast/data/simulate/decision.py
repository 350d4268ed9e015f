"""Sessions with planted truth: what is in them is known, so what is found in them can be judged.

:func:`decision_task` makes a multi-area recording of a visual decision task in the layout of the
Steinmetz data, :func:`spontaneous` a two-photon-like recording in that of the Stringer data, and
:func:`poisson_noise` a recording with nothing in it.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from spikecast.core.checks import check_in_range, check_one_of
from spikecast.core.seeding import make_rng
from spikecast.data.readers import steinmetz
from spikecast.data.simulate.imaging import spontaneous
from spikecast.data.simulate.planted import Parts, Simulated, Truth, ornstein_uhlenbeck

__all__ = ["Simulated", "Truth", "decision_task", "poisson_noise", "spontaneous"]

AREAS = {"VISp": 80, "MOs": 50, "MD": 50, "CA1": 60}
CHOICE_ONSET = {"MOs": 0.12, "MD": 0.15, "VISp": 0.18, "CA1": 0.22}
DRIVES = {("VISp", "MOs"): 0.03, ("MD", "MOs"): 0.02}
STIMULUS_LATENCY = 0.05  # seconds; information about the stimulus starts here in every area
SHARED_TIME_CONSTANTS = (0.1, 0.3, 1.0)  # seconds
OWN_TIME_CONSTANTS = (0.1, 0.4)


def decision_task(
    n_trials: int = 200,
    areas: Mapping[str, int] | None = None,
    *,
    n_bins: int = 250,
    bin_size: float = 0.01,
    stim_onset: float = 0.5,
    choice_onset: Mapping[str, float] | None = None,
    drives: Mapping[tuple[str, str], float] | None = None,
    shared_gain: float = 0.7,
    own_gain: float = 0.12,
    drive_gain: float = 0.1,
    stimulus_gain: float = 0.8,
    choice_gain: float = 0.6,
    movement_gain: float = 0.3,
    drift: float = 0.1,
    evidence: float = 3.0,
    median_rate: float = 4.0,
    seed: int = 0,
) -> Simulated:
    """Simulate a two-alternative visual task with several areas recorded at once.

    A stimulus of some contrast is on the left, the right, both or neither; the animal turns a
    wheel left or right or withholds (no-go) and gets reward or noise. The log rate of a neuron is
    its baseline plus the sum of latents times loadings: latents that all areas share (fluctuations
    with three time constants), latents that an area owns and that reach the areas it drives with a
    lag, responses to either stimulus, the choice from its onset in that area on, movement, and a
    slow drift over trials of each neuron's own. Spikes are Poisson.

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
    shared_gain, own_gain, drive_gain, stimulus_gain, choice_gain, movement_gain, drift : float
        Standard deviation (for stimulus, choice and movement: size at full contrast or speed) of
        each part in log rate. 0 removes the part.
    evidence : float
        How strongly the contrast difference moves the choice; with 0 the choice is independent of
        the stimulus, so that choice information cannot come through stimulus responses.
    median_rate : float
        Median firing rate in Hz; rates are log-normal across neurons.
    seed : int

    Returns
    -------
    Simulated
        ``.recording`` (counts, with behaviour and trial table) and ``.truth``.

    Examples
    --------
    >>> simulated = decision_task(n_trials=20, areas={"VISp": 5, "MOs": 5}, seed=1)
    >>> simulated.recording.shape
    (20, 250, 10)
    >>> simulated.truth.rate.shape
    (20, 250, 10)
    """
    check_in_range("n_trials", n_trials, 1)
    check_in_range("n_bins", n_bins, 2)
    areas = dict(AREAS if areas is None else areas)
    names = list(areas)
    choice_onset = _within(areas, CHOICE_ONSET) if choice_onset is None else dict(choice_onset)
    drives = (
        {pair: lag for pair, lag in DRIVES.items() if set(pair) <= set(areas)}
        if drives is None
        else dict(drives)
    )
    for name in (*choice_onset, *(name for pair in drives for name in pair)):
        check_one_of("area", name, names)
    area = np.repeat(names, [areas[name] for name in names])
    time = (np.arange(n_bins) + 0.5) * bin_size - stim_onset

    trials = _trial_table(n_trials, evidence, choice_onset, make_rng(seed, "trials"))
    parts = Parts(area, make_rng(seed, "loadings"))
    latents = _fluctuations(
        parts,
        names,
        drives,
        n_trials,
        n_bins,
        bin_size,
        (shared_gain, own_gain, drive_gain),
        make_rng(seed, "latents"),
    )
    speed = _wheel(trials, time, make_rng(seed, "wheel"))
    for side in ("left", "right"):
        evoked = trials[f"contrast_{side}"][:, np.newaxis] * _evoked(time)
        parts.add(f"stimulus_{side}", "task", evoked, stimulus_gain, dict.fromkeys(names, 0.0))
    for name, onset in choice_onset.items():
        since = np.maximum(time - onset, 0.0)
        risen = (1 - np.exp(-since / 0.05)) * (time >= onset)
        parts.add(
            f"choice_{name}",
            "task",
            trials["response"][:, np.newaxis] * risen,
            choice_gain,
            {name: 0.0},
        )
    parts.add("movement", "task", np.abs(speed) / 40.0, movement_gain, dict.fromkeys(names, 0.0))

    n_neurons = area.size
    rng = make_rng(seed, "neurons")
    base = np.clip(median_rate * rng.lognormal(0.0, 0.9, n_neurons), 0.05, 60.0)
    walk = rng.normal(size=(n_trials, n_neurons)).cumsum(axis=0) / np.sqrt(max(n_trials, 2))
    log_rate = parts.log_rate(n_bins) + drift * (walk - walk.mean(axis=0))[:, np.newaxis]
    # shifted so that the expected rate of a neuron is its baseline
    rate = np.exp(log_rate - np.log(np.exp(log_rate).mean(axis=(0, 1))) + np.log(base * bin_size))
    counts = make_rng(seed, "spikes").poisson(rate)

    raw = {
        "spks": counts.transpose(2, 0, 1),
        "brain_area": area,
        "bin_size": bin_size,
        "stim_onset": stim_onset,
        "mouse_name": "Simulated",
        "date_exp": f"seed {seed}",
        "wheel": speed[np.newaxis].astype(np.float32),
        **_other_behavior(trials, time, speed, latents, make_rng(seed, "behavior")),
        **{key: trials[name] for key, name in steinmetz.TRIAL_KEYS.items() if name in trials},
        "reaction_time": np.stack([trials["reaction_time"], trials["reaction_direction"]], axis=1),
    }
    return Simulated(
        steinmetz.build_recording(raw, "simulated"),
        Truth(
            rate,
            *parts.tables(n_bins, time),
            pd.DataFrame(
                [(source, target, lag) for (source, target), lag in drives.items()],
                columns=["source", "target", "lag"],
            ),
            dict(choice_onset),
        ),
    )


def _fluctuations(
    parts: Parts,
    names: list[str],
    drives: Mapping[tuple[str, str], float],
    n_trials: int,
    n_bins: int,
    bin_size: float,
    gains: tuple[float, float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Add shared and owned latents; return the slowest shared one (arousal), (trial, time)."""
    shared_gain, own_gain, drive_gain = gains
    history = max([round(lag / bin_size) for lag in drives.values()], default=0)
    everywhere = dict.fromkeys(names, 0.0)
    for index, constant in enumerate(SHARED_TIME_CONSTANTS):
        values = ornstein_uhlenbeck(n_trials, n_bins + history, constant / bin_size, rng)
        gain = shared_gain / np.sqrt(len(SHARED_TIME_CONSTANTS))
        parts.add(f"shared_{index}", "shared", values, gain, everywhere)
    arousal = values[:, -n_bins:]
    for name in names:
        reach = {name: 0.0} | {to: lag for (source, to), lag in drives.items() if source == name}
        scale = np.sqrt(len(OWN_TIME_CONSTANTS))
        gain_in = {area: (own_gain if area == name else drive_gain) / scale for area in reach}
        for index, constant in enumerate(OWN_TIME_CONSTANTS):
            values = ornstein_uhlenbeck(n_trials, n_bins + history, constant / bin_size, rng)
            parts.add(f"{name}_{index}", name, values, 0.0, reach, bin_size, gain_in)
    return arousal


def _trial_table(
    n_trials: int, evidence: float, onsets: Mapping[str, float], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    levels = np.array([0.0, 0.25, 0.5, 1.0])
    left, right = rng.choice(levels, (2, n_trials), p=[0.4, 0.2, 0.2, 0.2])
    # softmax over left, no-go, right; without evidence the three are equally likely
    logits = np.stack(
        [
            evidence * (left - right),
            -evidence * (np.maximum(left, right) - 0.4),
            evidence * (right - left),
        ]
    )
    chosen = (logits + rng.gumbel(size=logits.shape)).argmax(axis=0)
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
        "reaction_direction": response,
    }


def _evoked(time: np.ndarray) -> np.ndarray:
    """Transient and sustained response to a stimulus at 0, (time,)."""
    since = np.maximum(time - STIMULUS_LATENCY, 0.0)
    return (1 - np.exp(-since / 0.02)) * (0.3 + 0.7 * np.exp(-since / 0.15))


def _wheel(trials: dict, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turning speed (trial, time): from the reaction to just after the response; left positive."""
    start, stop = trials["reaction_time"][:, np.newaxis], trials["response_time"][:, np.newaxis]
    moving = (time >= start) & (time <= stop + 0.05) & (trials["response"] != 0)[:, np.newaxis]
    speed = 40.0 * trials["response"][:, np.newaxis] * moving
    return gaussian_filter1d(speed, 1.0, axis=1) * moving + rng.normal(0, 0.5, speed.shape)


def _other_behavior(
    trials: dict, time: np.ndarray, speed: np.ndarray, arousal: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Pupil, face and licks, channels x trials x time."""
    noise = rng.normal(0, 0.1, (4, *speed.shape))
    pupil = np.stack([arousal, 0.2 * np.sign(speed), np.zeros_like(speed)]) + noise[:3]
    face = np.abs(speed) / 40.0 + 0.5 * np.maximum(arousal, 0) + noise[3]
    since = time - trials["feedback_time"][:, np.newaxis]
    rewarded = (trials["feedback"] > 0)[:, np.newaxis]
    licking = rng.random(speed.shape) < 0.15 * ((since > 0) & (since < 1.0) & rewarded)
    return {
        "pupil": pupil.astype(np.float32),
        "face": face[np.newaxis].astype(np.float32),
        "licks": licking[np.newaxis].astype(np.uint8),
    }


def _within(areas: Mapping[str, int], onsets: Mapping[str, float]) -> dict[str, float]:
    return {name: onset for name, onset in onsets.items() if name in areas}


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
        shared_gain=0,
        own_gain=0,
        drive_gain=0,
        stimulus_gain=0,
        choice_gain=0,
        movement_gain=0,
        drift=0,
        median_rate=median_rate,
        seed=seed,
    )
