"""What is planted in a simulated session, and how latents add up to log rates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr
from scipy.signal import lfilter

from spikecast.data.recording import Recording


@dataclass(frozen=True)
class Truth:
    """What was planted.

    Attributes
    ----------
    rate : array, (trial, time, neuron)
        Expected count (or activity) per bin: the best possible prediction. None if not kept.
    latents : DataArray, (trial, time, latent)
        With the coordinate ``owner``: ``"shared"``, ``"task"``, or the area (plane) that has it.
    loadings : DataArray, (latent, neuron)
        Change of log rate (of drive, in :func:`spontaneous`) per unit of the latent. A latent that
        reaches an area late or through another area enters it with the lag in `drives`.
    drives : DataFrame
        One row per directed connection: ``source, target, lag`` (s).
    choice_onset : dict
        Area -> seconds after the stimulus at which information about the choice starts in it.
    """

    rate: np.ndarray | None
    latents: xr.DataArray
    loadings: xr.DataArray
    drives: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["source", "target", "lag"])
    )
    choice_onset: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Simulated:
    """A recording and the truth behind it."""

    recording: Recording
    truth: Truth


class Parts:
    """The latents planted so far, with their loadings and the lag at which they enter each area."""

    def __init__(self, area: np.ndarray, rng: np.random.Generator) -> None:
        self.area, self.rng = area, rng
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
        gain: float,
        reach: Mapping[str, float],
        bin_size: float = 1.0,
        gains: Mapping[str, float] | None = None,
    ) -> None:
        """Add a latent that reaches the areas in `reach` (area -> lag in s)."""
        loading = self.rng.normal(size=self.area.size)
        # drawn for every neuron, so that removing one part leaves the others as they are
        scale, lag = np.zeros(self.area.size), np.zeros(self.area.size, dtype=int)
        for area, delay in reach.items():
            here = self.area == area
            scale[here] = gain if gains is None else gains[area]
            lag[here] = round(delay / bin_size)
        self.names.append(name)
        self.owners.append(owner)
        self.values.append(np.asarray(values, dtype=float))
        self.loadings.append(loading * scale)
        self.lags.append(lag)

    def log_rate(self, n_bins: int) -> np.ndarray:
        """Sum of the parts, (trial, time, neuron)."""
        total = np.zeros((self.values[0].shape[0], n_bins, self.area.size))
        for values, loading, lags in zip(self.values, self.loadings, self.lags, strict=True):
            for lag in np.unique(lags):
                reached = (lags == lag) & (loading != 0)
                if reached.any():
                    start = values.shape[1] - n_bins - lag  # values begin before the first bin
                    seen = values[:, start : start + n_bins] if start >= 0 else values
                    total[..., reached] += seen[..., np.newaxis] * loading[reached]
        return total

    def tables(self, n_bins: int, time: np.ndarray) -> tuple[xr.DataArray, xr.DataArray]:
        """Latents (trial, time, latent) and loadings (latent, neuron), labelled."""
        values = np.stack([part[:, -n_bins:] for part in self.values], axis=-1)
        coordinates = {"latent": self.names, "owner": ("latent", self.owners)}
        return (
            xr.DataArray(values, {"time": time, **coordinates}, ("trial", "time", "latent")),
            xr.DataArray(
                np.stack(self.loadings),
                {**coordinates, "area": ("neuron", self.area)},
                ("latent", "neuron"),
            ),
        )


def ornstein_uhlenbeck(
    n_trials: int, n_bins: int, time_constant: float, rng: np.random.Generator
) -> np.ndarray:
    """Stationary noise (trial, time), unit variance, exponential autocorrelation (bins)."""
    decay = np.exp(-1.0 / time_constant)
    noise = rng.normal(size=(n_trials, n_bins)) * np.sqrt(1 - decay**2)
    noise[:, 0] /= np.sqrt(1 - decay**2)
    return lfilter([1.0], [1.0, -decay], noise, axis=1)
