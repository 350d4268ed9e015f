"""The truth of a simulated session, and how its latents add up to rates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.data.recording import Recording


@dataclass(frozen=True)
class Truth:
    """What was planted.

    Attributes
    ----------
    rate : array, (trial, time, neuron)
        Expected count (or activity) per bin: the best prediction. None with ``keep_rate=False``.
    latents : DataArray, (trial, time, latent)
        With the coordinate ``owner``: ``"shared"``, ``"task"``, or the area (plane) that has it.
    loadings : DataArray, (latent, neuron)
        Change of log rate (of drive, in :func:`spontaneous`) per unit of the latent. A latent that
        reaches an area late or through another area enters it with the lag in `drives`.
    drives : DataFrame
        One row per directed connection: ``source, target, lag`` (s).
    choice_onset : dict
        Area -> seconds after the stimulus at which information about the choice starts in it.
    worth : DataFrame
        Of :func:`unrelated_areas`, one row per area and part: ``area, part, bits_per_spike``.
    """

    rate: np.ndarray | None
    latents: xr.DataArray
    loadings: xr.DataArray
    drives: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["source", "target", "lag"])
    )
    choice_onset: dict[str, float] = field(default_factory=dict)
    worth: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["area", "part", "bits_per_spike"])
    )


@dataclass(frozen=True)
class Simulated:
    """A recording and the truth behind it."""

    recording: Recording
    truth: Truth


class PlantedLatents:
    """The latents of a simulated session: each with its loadings, and its lag in each area."""

    def __init__(self, areas: Mapping[str, int], rng: np.random.Generator) -> None:
        self.area = np.repeat(list(areas), list(areas.values()))
        ends = np.cumsum(list(areas.values())).tolist()
        # an area's neurons are neighbours
        self.areas = {name: slice(end - areas[name], end) for name, end in zip(areas, ends)}
        self.rng = rng
        self.names: list[str] = []
        self.owners: list[str] = []
        self.values: list[np.ndarray] = []  # each (trial, history + time)
        self.loadings: list[np.ndarray] = []  # each (neuron,)
        self.lags: list[np.ndarray] = []  # each (neuron,), in bins

    def add(
        self,
        name: str,
        owner: str,
        values: np.ndarray,
        gains: Mapping[str, float],
        lags: Mapping[str, int] | None = None,
    ) -> None:
        """Add a latent with random loadings of size `gains` in each area, `lags` bins later."""
        # drawn for every neuron, so that removing one part leaves the others as they are
        loading = self.rng.normal(size=self.area.size)
        scale, lag = np.zeros(self.area.size), np.zeros(self.area.size, dtype=int)
        for area, gain in gains.items():
            inside = self.areas[area]
            scale[inside] = gain
            lag[inside] = (lags or {}).get(area, 0)
        self.names.append(name)
        self.owners.append(owner)
        self.values.append(np.asarray(values, dtype=float))
        self.loadings.append(loading * scale)
        self.lags.append(lag)

    def sum_log_rates(self, n_bins: int) -> np.ndarray:
        """Return the sum of all latents times their loadings, (trial, time, neuron)."""
        total = np.zeros((self.values[0].shape[0], n_bins, self.area.size))
        for values, loading, lags in zip(self.values, self.loadings, self.lags, strict=True):
            for inside in self.areas.values():  # of an area, all neurons have one lag
                if loading[inside].any():
                    # values begin before the first bin
                    start = values.shape[1] - n_bins - lags[inside][0]
                    lagged = values[:, start : start + n_bins, np.newaxis]
                    total[..., inside] += lagged * loading[inside]
        return total

    def to_arrays(self, time: np.ndarray) -> tuple[xr.DataArray, xr.DataArray]:
        """Return latents (trial, time, latent) and loadings (latent, neuron), with coordinates."""
        return label_latents(
            np.stack([values[:, -time.size :] for values in self.values], axis=-1),
            np.stack(self.loadings),
            {"latent": self.names, "owner": ("latent", self.owners)},
            {"time": time},
            {"area": ("neuron", self.area)},
        )


def label_latents(
    latents: np.ndarray,
    loadings: np.ndarray,
    names: Mapping[str, Any],
    time: Mapping[str, Any] | None = None,
    neurons: Mapping[str, Any] | None = None,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return latents (trial, time, latent) and loadings (latent, neuron) with coordinates."""
    return (
        xr.DataArray(latents, {**names, **(time or {})}, ("trial", "time", "latent")),
        xr.DataArray(loadings, {**names, **(neurons or {})}, ("latent", "neuron")),
    )


def scale_rates(log_rate: np.ndarray, mean_count: np.ndarray) -> np.ndarray:
    """Return expected counts per bin whose mean over trials and bins is `mean_count` (neuron,)."""
    return np.exp(log_rate - np.log(np.exp(log_rate).mean(axis=(0, 1))) + np.log(mean_count))


def draw_ornstein_uhlenbeck(
    n_trials: int, n_bins: int, time_constant: float, rng: np.random.Generator
) -> np.ndarray:
    """Return stationary noise (trial, time) of unit variance; its time constant is in bins."""
    decay = np.exp(-1.0 / time_constant)
    noise = rng.normal(size=(n_trials, n_bins)) * np.sqrt(1 - decay**2)
    noise[:, 0] /= np.sqrt(1 - decay**2)
    from scipy.signal import lfilter  # takes a second to import

    return lfilter([1.0], [1.0, -decay], noise, axis=1)
