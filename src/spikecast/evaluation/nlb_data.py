"""What the Neural Latents Benchmark gives a model and scores it on; a recording split like it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikecast.core.checks import check_in_range, check_kind, check_one_of, suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.binning import LONGEST
from spikecast.data.nlb_files import (
    INPUT,
    NAMES,
    REQUIRED_INPUT,
    REQUIRED_TARGET,
    TARGET,
    Arrays,
    Value,
    check_arrays,
)
from spikecast.data.recording import Recording
from spikecast.scoring.metrics import smooth_in_time
from spikecast.tasks.neuron_groups import check_two_neurons, drop_coincident_sources
from spikecast.tasks.trial_facts import label_conditions

HELD_OUT_COLUMN, SPLIT_COLUMN = "heldout", "split"
"""Columns of units and of trials that state the split in the benchmark's NWB files."""
TRAIN_TRIALS, EVAL_TRIALS = "train", "val"
FEWEST_TRIALS = 8

SPLIT_DRAWN = NoticeKind(
    "split_drawn",
    "minor",
    "{what} were drawn at random (a share of {fraction:g}, seed {seed}): the recording has no "
    "column '{column}'",
)


@dataclass(frozen=True, eq=False, repr=False)
class NLBData:
    """Arrays of one data set of the Neural Latents Benchmark, by the names that it gives them.

    Attributes
    ----------
    dataset : str
        For example ``"mc_maze_small_20"``; "" where it has no name.
    inputs : mapping of name -> array
        ``train_spikes_heldin``, ``train_spikes_heldout``, ``eval_spikes_heldin`` and perhaps
        ``train_spikes_heldin_forward``, ``train_spikes_heldout_forward``; (trial, time, neuron).
    target : mapping of name -> array, optional
        ``eval_spikes_heldout`` and what else there is to score: forward bins, ``psth`` with the
        trials of each condition, behaviour.
    notices : tuple of Notice
    axes : dict of str to int
        The length of each axis by name: ``train`` and ``eval`` trials, ``bin``, ``forward bin``,
        ``held-in`` and ``held-out`` neurons, ...

    Raises
    ------
    FormatError
        When an array is missing, unknown, or of another shape than the others say.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.lorenz(40, 12, n_conditions=4, n_bins=30).recording
    >>> sc.benchmarks.split_nlb(recording, forward=0.05)
    <NLBData: 30 + 10 trials x 25 + 5 bins x 9 + 3 neurons>
    """

    dataset: str
    inputs: Arrays
    target: Arrays | None = None
    notices: tuple[Notice, ...] = ()

    def __post_init__(self) -> None:
        _ = self.axes  # arrays that do not fit are refused at once

    @cached_property
    def axes(self) -> dict[str, int]:
        """The length of each axis by name."""
        sizes: dict[str, int] = {}
        check_arrays(self.inputs, INPUT, REQUIRED_INPUT, sizes)
        if self.target is not None:
            check_arrays(self.target, TARGET, REQUIRED_TARGET, sizes)
        return sizes

    def __repr__(self) -> str:
        name = f" {self.dataset}" if self.dataset else ""
        forward = f" + {self.axes['forward bin']}" if "forward bin" in self.axes else ""
        return (
            f"<NLBData{name}: {self.axes['train']} + {self.axes['eval']} trials x "
            f"{self.axes['bin']}{forward} bins x {self.axes['held-in']} + {self.axes['held-out']} "
            "neurons>"
        )


def split_nlb(
    recording: Recording,
    *,
    forward: float = 0.0,
    behavior: str | None = None,
    lag: float = 0.0,
    decoders: str | None = None,
    conditions: Sequence[str] | None = None,
    width: float = 0.05,
    fraction: float = 0.25,
    dataset: str = "",
    seed: int = 0,
) -> NLBData:
    """Split a recording as the Neural Latents Benchmark splits its data sets.

    A quarter of the neurons is held out, and a quarter of the trials is scored. The neuron column
    ``heldout`` and the trial column ``split`` (``train``, ``val``; other trials are left out) of
    the benchmark's NWB files are followed where the recording has them; otherwise both are drawn at
    random, and held-in neurons that look like a held-out neuron recorded twice are left out.

    Parameters
    ----------
    recording : Recording
        Spike counts, cut into trials.
    forward : float
        Seconds at the end of each trial that are to be predicted from the bins before (the
        benchmark has 0.2).
    behavior : str, optional
        The behaviour that is read out of the rates, for example ``"hand_vel"``.
    lag : float
        Seconds by which behaviour follows activity (the benchmark has 0.1 to 0.14 for movement,
        -0.02 for touch); bins whose behaviour lies outside the recording are not scored.
    decoders : str, optional
        A trial column: behaviour is read out by a regression for each of its values.
    conditions : sequence of str, optional
        Trial columns that name the condition, for the averages; by default the contrasts.
    width : float
        Standard deviation, in seconds, of the Gaussian that recorded counts are smoothed with
        before they are averaged (the benchmark has 0.04 to 0.07). It ends at the trial's ends.
    fraction : float
        Of neurons, and of trials, where they are drawn.
    dataset : str
        The name in a submission.
    seed : int
        Of the draws.

    Returns
    -------
    NLBData

    Raises
    ------
    InputError
        When the recording is continuous, or the forward part is longer than what is before it.
    NotEnoughDataError
        When there are fewer than 8 trials, or 2 neurons on either side.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.lorenz(40, 12, n_conditions=4, n_bins=30).recording
    >>> data = split_nlb(recording, forward=0.05, conditions=["condition"])
    >>> data.inputs["train_spikes_heldin"].shape, data.target["psth"].shape
    ((30, 25, 9), (4, 25, 12))
    """
    check_kind(recording, Recording)
    if recording.kind != "counts":
        raise InputError("the benchmark scores spike counts; this recording is continuous")
    check_in_range("width (s)", width, 0, LONGEST)
    n_forward = round(check_in_range("forward (s)", forward, 0, LONGEST) / recording.bin_size)
    n_bins = recording.n_bins - n_forward
    if n_forward > n_bins:
        raise InputError(
            f"forward is {forward:g} s of trials of {recording.n_bins * recording.bin_size:g} s; "
            "it may be half of them at most"
        )
    held_in, held_out, about_neurons = _split_neurons(recording, fraction, seed)
    train, scored, about_trials = _split_trials(recording, fraction, seed)
    parts = {"train": train, "eval": scored}
    counts = {
        f"{part}_spikes_{side}{after}": recording.activity[trials][:, bins][..., neurons]
        for part, trials in parts.items()
        for side, neurons in (("heldin", held_in), ("heldout", held_out))
        for after, bins in (("", slice(n_bins)), ("_forward", slice(n_bins, None)))
        if n_forward or not after
    }
    target: dict[str, Value] = {name: one for name, one in counts.items() if name in TARGET}
    target |= _average_conditions(
        recording, n_bins, np.r_[held_in, held_out], train, scored, conditions, width
    )
    if behavior is not None:
        moved = _shift_behavior(recording, behavior, n_bins, round(lag / recording.bin_size))
        target |= {f"{part}_behavior": moved[trials] for part, trials in parts.items()}
    if decoders is not None:
        check_one_of("trial column", decoders, list(recording.trials))
        values = recording.trials[decoders].to_numpy()
        kinds = np.unique(values[np.r_[train, scored]])
        masks = np.stack([values == kind for kind in kinds], axis=1)
        target |= {f"{part}_decode_mask": masks[trials] for part, trials in parts.items()}
    inputs = {name: one for name, one in counts.items() if name in INPUT}
    return NLBData(check_name(dataset), inputs, target, (*about_neurons, *about_trials))


def _split_neurons(
    recording: Recording, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray, tuple[Notice, ...]]:
    """Return numbers of held-in and of held-out neurons, and notices."""
    table = recording.neurons
    notices: tuple[Notice, ...] = ()
    if HELD_OUT_COLUMN in table:
        is_out = table[HELD_OUT_COLUMN].astype(str).str.lower().isin(["true", "1"]).to_numpy()
        is_in = ~is_out
    else:
        n_out = round(check_in_range("fraction", fraction, 0.01, 0.99) * len(table))
        rng = make_rng(seed, "nlb", "neurons")
        is_out = np.isin(np.arange(len(table)), rng.permutation(len(table))[:n_out])
        is_in, copies = drop_coincident_sources(recording, ~is_out, is_out)
        drawn = SPLIT_DRAWN(
            what="held-out neurons", fraction=fraction, seed=seed, column=HELD_OUT_COLUMN
        )
        notices = (drawn, *copies)
    check_two_neurons("held-in part", is_in)
    check_two_neurons("held-out part", is_out)
    return np.flatnonzero(is_in), np.flatnonzero(is_out), notices


def _split_trials(
    recording: Recording, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray, tuple[Notice, ...]]:
    """Return numbers of training and of scored trials, and notices."""
    table, n_trials = recording.trials, recording.n_trials
    if SPLIT_COLUMN in table:
        split = table[SPLIT_COLUMN].astype(str).to_numpy()
        train, scored = (np.flatnonzero(split == name) for name in (TRAIN_TRIALS, EVAL_TRIALS))
        if not train.size or not scored.size:
            raise InputError(
                f"the trial column '{SPLIT_COLUMN}' names {train.size} trials '{TRAIN_TRIALS}' and "
                f"{scored.size} '{EVAL_TRIALS}'; both are needed"
            )
        return train, scored, ()
    if n_trials < FEWEST_TRIALS:
        raise NotEnoughDataError(
            f"{n_trials} trials are too few to learn from some and score the others; at least "
            f"{FEWEST_TRIALS} are needed. Cut a continuous recording into trials first"
        )
    n_scored = max(2, round(fraction * n_trials))
    order = make_rng(seed, "nlb", "trials").permutation(n_trials)
    notice = SPLIT_DRAWN(what="scored trials", fraction=fraction, seed=seed, column=SPLIT_COLUMN)
    return np.sort(order[n_scored:]), np.sort(order[:n_scored]), (notice,)


def _average_conditions(
    recording: Recording,
    n_bins: int,
    neurons: np.ndarray,
    train: np.ndarray,
    scored: np.ndarray,
    conditions: Sequence[str] | None,
    width: float,
) -> dict[str, Value]:
    """Return the average of each condition over all trials, and its trials; {} for one condition.

    As in the benchmark, the averages hold the scored trials, too.
    """
    label = label_conditions(recording.trials, conditions)
    both = np.r_[train, scored]
    kinds = np.unique(label[both])
    if len(kinds) < 2:
        return {}
    counts = recording.activity[:, :n_bins][..., neurons].astype(np.float32)
    smooth = smooth_in_time(counts, width / recording.bin_size)
    averages = [smooth[both[label[both] == kind]].mean(axis=0) for kind in kinds]
    return {
        "psth": np.stack(averages),
        "train_cond_idx": [np.flatnonzero(label[train] == kind) for kind in kinds],
        "eval_cond_idx": [np.flatnonzero(label[scored] == kind) for kind in kinds],
    }


def _shift_behavior(recording: Recording, name: str, n_bins: int, lag: int) -> np.ndarray:
    """Return behaviour `lag` bins after each observed bin, (trial, time, channel), else NaN."""
    if name not in recording.behavior:
        raise UnknownNameError(
            f"unknown behaviour '{name}'."
            + (suggest_name(name, recording.behavior) or " The recording has none.")
        )
    values = recording.dataset[name].values
    values = values.reshape(*values.shape[:2], -1).astype(float)
    bins = np.arange(n_bins) + lag
    known = (bins >= 0) & (bins < recording.n_bins)
    moved = np.full((len(values), n_bins, values.shape[2]), np.nan)
    moved[:, known] = values[:, bins[known]]
    return moved


def check_name(name: str) -> str:
    """Return the name of a data set, or raise where the benchmark has none of it."""
    return check_one_of("data set of the benchmark", name, NAMES) if name else name
