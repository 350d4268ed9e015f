"""Condition averages and single-trial paths through latent space, as tables for figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.analysis.conditions import find_missing, hide_missing
from spikecast.analysis.geometry.activity import read_latents, read_time
from spikecast.analysis.results import Result
from spikecast.core.checks import (
    check_count,
    check_kind,
    check_labels,
    check_one_of,
    check_same_length,
)
from spikecast.core.errors import InputError
from spikecast.data.columns import name_value
from spikecast.data.dataset import check_in_order
from spikecast.models.preprocess import find_principal_axes


@dataclass(frozen=True, repr=False)
class Trajectories(Result):
    """Paths through a few dimensions, by condition and by trial.

    Attributes
    ----------
    table : DataFrame
        One row per condition and bin: ``condition, n_trials, time``, then the mean of each
        dimension (``x, y, z``) and its standard error (``x_sem``, ...).
    trials : DataFrame
        One row per shown trial and bin: ``trial, condition, time, x, y, z``.
    axes : array, (dimension, latent)
        What the dimensions are made of.
    explained : array, (dimension,)
        Share of the variance of the latents, over all trials and bins.
    n_left_out : int
        Trials without a condition (NaN).
    """

    figure = "trajectories"

    table: pd.DataFrame
    trials: pd.DataFrame
    axes: np.ndarray
    explained: np.ndarray
    n_left_out: int

    def __str__(self) -> str:
        sizes = self.table.groupby("condition")["n_trials"].first()
        listed = ", ".join(f"{name} ({size} trials)" for name, size in sizes.items())
        return (
            f"{len(self.axes)} dimensions with {100 * self.explained.sum():.0f} % of the variance; "
            f"conditions: {listed}; {self.n_left_out} trials left out"
        )


def trajectories(
    latents: np.ndarray,
    time: np.ndarray,
    condition: Sequence[object] | np.ndarray,
    *,
    n_dims: int = 3,
    n_shown: int = 20,
) -> Trajectories:
    """Average latents by condition and project them, with single trials, on a few dimensions.

    The dimensions are the principal axes of the condition averages, so that what differs between
    conditions or over the trial is seen. They are chosen to look apart: how far apart conditions
    are is for held-out decoding to say.

    Parameters
    ----------
    latents : array, (trial, time, latent)
    time : array, (time,)
        Seconds.
    condition : sequence, (trial,)
        A label per trial; NaN or None leaves the trial out.
    n_dims : int
        1 to 3.
    n_shown : int
        Single trials kept per condition, evenly spread over the session.

    Returns
    -------
    Trajectories

    Examples
    --------
    >>> latents = np.random.default_rng(0).normal(size=(6, 5, 4))
    >>> paths = trajectories(latents, np.arange(5) / 10, ["a", "b"] * 3, n_dims=2)
    >>> paths.table.shape, paths.trials.shape
    ((10, 7), (30, 5))
    """
    latents = read_latents(latents)
    n_trials, n_bins, n_latents = latents.shape
    time = read_time(time, n_bins)
    check_kind(condition, Sequence, np.ndarray, pd.Series, pd.Index)
    check_labels("condition", condition)
    check_in_order("condition", condition)
    check_same_length("condition", len(condition), "the trial axis of latents", n_trials)
    n_dims = check_count("n_dims", n_dims, 1, min(3, n_latents))
    n_shown = check_count("n_shown", n_shown, 0)
    labels = hide_missing(condition)
    names = sorted(labels.dropna().unique(), key=lambda name: (str(type(name)), name))
    if not names:
        raise InputError("every trial's condition is missing; nothing is left to average")
    groups = [np.flatnonzero((labels == name).to_numpy()) for name in names]
    means = np.stack([latents[group].mean(axis=0) for group in groups])
    center, axes, _ = find_principal_axes(means.reshape(-1, n_latents).astype(np.float32), n_dims)
    projected = (latents - center) @ axes.T  # (trial, time, dimension)

    letters = list("xyz"[: len(axes)])
    averages, singles = [], [pd.DataFrame(columns=["trial", "condition", "time", *letters])]
    for name, group in zip(names, groups, strict=True):
        values = projected[group]
        error = values.std(axis=0) / np.sqrt(max(len(group) - 1, 1))
        frame = {"condition": name, "n_trials": len(group), "time": time}
        frame |= {letter: values.mean(axis=0)[:, i] for i, letter in enumerate(letters)}
        frame |= {f"{letter}_sem": error[:, i] for i, letter in enumerate(letters)}
        averages.append(pd.DataFrame(frame))
        for trial in _pick_evenly(group, n_shown):
            frame = {"trial": trial, "condition": name, "time": time}
            frame |= {letter: projected[trial, :, i] for i, letter in enumerate(letters)}
            singles.append(pd.DataFrame(frame))
    total = latents.reshape(-1, n_latents).var(axis=0).sum()
    explained = projected.reshape(-1, len(axes)).var(axis=0) / max(total, 1e-12)
    return Trajectories(
        pd.concat(averages, ignore_index=True),
        pd.concat(singles[1:] or singles, ignore_index=True),
        axes,
        explained,
        int(labels.isna().sum()),
    )


def _pick_evenly(trials: np.ndarray, n: int) -> np.ndarray:
    """Return up to `n` of the trials, evenly spread over the session."""
    places = np.linspace(0, len(trials) - 1, min(n, len(trials))).round()
    return trials[np.unique(places).astype(int)]


def name_conditions(trials: pd.DataFrame, columns: str | Sequence[str]) -> np.ndarray:
    """Name each trial's condition by its values in some trial columns, (trial,) of str or None.

    Examples
    --------
    >>> name_conditions(pd.DataFrame({"response": [1.0, float("nan")]}), "response").tolist()
    ['response 1', None]
    """
    columns = [columns] if isinstance(columns, str) else list(columns)
    for name in columns:
        check_one_of("trial column", name, list(trials))
    names = []
    for row in trials[columns].itertuples(index=False):
        values = [name_value(value) for value in row]
        missing = find_missing(pd.Series(row, dtype=object)).any()
        pairs = (f"{name} {value}" for name, value in zip(columns, values, strict=True))
        names.append(None if missing else ", ".join(pairs))
    return np.array(names, dtype=object)
