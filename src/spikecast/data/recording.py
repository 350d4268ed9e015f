"""A recording of a population of neurons: one checked xarray Dataset.

``activity (trial, time, neuron)`` holds counts (integers) or continuous values (floats).
Coordinates along ``neuron`` describe neurons (``area``, ``x``, ``y``, ``z``, ...), coordinates
along ``trial`` describe trials (``contrast_left``, ``response``, ...), further variables on
``(trial, time[, channel])`` are behaviour. ``time`` is the centre of each bin in seconds from the
alignment event.
A continuous recording is one long trial; tasks cut it into windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.checks import check_one_of, check_same_length, suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError, UnknownNameError
from spikecast.core.files import write_atomically
from spikecast.data import dataset_checks as labelled
from spikecast.data.binning import bin_spikes, measure_bin_size, shrink_counts
from spikecast.data.dataset_checks import AXES, KINDS

UNLABELED = ("", "root", "void", "unknown", "nan")


@dataclass(frozen=True, eq=False)
class Recording:
    """Activity of a population, with its neurons, trials and behaviour aligned to it.

    Build one with :meth:`from_arrays`, :meth:`from_spike_times` or :func:`spikecast.load`; the
    constructor checks the Dataset it is given and is meant for readers.

    Parameters
    ----------
    dataset : xarray.Dataset
        Holds ``activity (trial, time, neuron)`` and the neuron coordinate ``area``. Attributes:
        ``kind`` (``"counts"`` or ``"continuous"``), ``bin_size`` (s), ``align_to``, ``session``,
        ``subject``.

    Raises
    ------
    InputError
        When the activity has NaN, negative counts, wrong axes or uneven time bins.

    Examples
    --------
    >>> import numpy as np, spikecast
    >>> counts = np.random.default_rng(0).poisson(0.1, size=(20, 50, 3))
    >>> recording = spikecast.Recording.from_arrays(
    ...     counts, time=0.01 * np.arange(50), area=["MOs", "MOs", "VISp"])
    >>> recording.areas
    {'MOs': 2, 'VISp': 1}
    >>> recording.select(area="MOs").shape
    (20, 50, 2)
    """

    dataset: xr.Dataset

    def __post_init__(self) -> None:
        labelled.check_dataset(self.dataset)

    # ---------------------------------------------------------------- building

    @classmethod
    def from_arrays(
        cls,
        activity: np.ndarray,
        time: Sequence[float] | np.ndarray,
        area: Sequence[str] | np.ndarray | str,
        *,
        trials: pd.DataFrame | Mapping[str, np.ndarray] | None = None,
        neurons: pd.DataFrame | Mapping[str, np.ndarray] | None = None,
        behavior: Mapping[str, np.ndarray] | None = None,
        kind: str = "counts",
        align_to: str = "stimulus",
        session: str = "",
        subject: str = "",
    ) -> Recording:
        """Make a recording from arrays.

        Parameters
        ----------
        activity : array, (trial, time, neuron)
            Spike counts per bin, or continuous values with ``kind="continuous"``.
        time : array, (time,)
            Bin centres in seconds from the alignment event, evenly spaced.
        area : str or sequence of str, (neuron,)
            Brain area of each neuron; one name serves all.
        trials, neurons : DataFrame or mapping, optional
            One row per trial (``response``, ``contrast_left``, ...) or per neuron (``x``, ...).
        behavior : mapping of arrays (trial, time) or (trial, time, channel), optional
            Behaviour sampled in the same bins, for example ``{"wheel": speed}``.
        kind : {"counts", "continuous"}
        align_to : str
            The event at time 0.
        session, subject : str
            Names for tables and figures.

        Returns
        -------
        Recording
        """
        activity = np.asarray(activity)
        if activity.ndim != 3:
            raise ShapeError(
                f"activity has shape {activity.shape}; it must be trial x time x neuron. "
                "One long recording is one trial: activity[np.newaxis]"
            )
        check_one_of("kind", kind, KINDS)
        n_trials, n_bins, n_neurons = activity.shape
        time = np.asarray(time, dtype=float)
        check_same_length("time", time.size, "the time axis of activity", n_bins)
        area = np.asarray([area] * n_neurons if isinstance(area, str) else area, dtype=str)
        check_same_length("area", area.size, "the neuron axis of activity", n_neurons)

        if kind == "counts":
            activity = shrink_counts(activity)
        else:
            activity = activity.astype(np.float32, copy=False)
        variables: dict[str, tuple] = {"activity": (AXES, activity)}
        coordinates: dict[str, tuple] = {"time": ("time", time), "area": ("neuron", area)}
        for axis, table, length in (("trial", trials, n_trials), ("neuron", neurons, n_neurons)):
            for name, values in () if table is None else table.items():
                column = labelled.plain_column(values)
                check_same_length(
                    f"{axis} column '{name}'", len(column), f"the {axis} axis", length
                )
                labelled.check_name_free(name, (*variables, *coordinates, *AXES))
                coordinates[str(name)] = (axis, column)
        for name, values in (behavior or {}).items():
            values = np.asarray(values)
            if values.shape[:2] != (n_trials, n_bins) or values.ndim > 3:
                raise ShapeError(
                    f"behaviour '{name}' has shape {values.shape}; it must start with "
                    f"(trial, time) = ({n_trials}, {n_bins})"
                )
            labelled.check_name_free(name, (*variables, *coordinates, *AXES))
            variables[str(name)] = (("trial", "time", f"{name}_channel")[: values.ndim], values)
        attributes = {
            "kind": kind,
            "bin_size": measure_bin_size(time),
            "align_to": align_to,
            "session": str(session),
            "subject": str(subject),
        }
        return cls(xr.Dataset(variables, coordinates, attributes))

    @classmethod
    def from_spike_times(
        cls,
        spike_times: np.ndarray,
        clusters: np.ndarray,
        events: Sequence[float] | np.ndarray,
        window: tuple[float, float],
        bin_size: float,
        *,
        area: Mapping[int, str] | str,
        trials: pd.DataFrame | None = None,
        align_to: str = "event",
        session: str = "",
        subject: str = "",
    ) -> Recording:
        """Bin spike times around events.

        Parameters
        ----------
        spike_times : array, (spike,)
            Times in seconds, in any order.
        clusters : array, (spike,)
            The neuron that fired each spike.
        events : array, (trial,)
            Time of the alignment event of each trial, in seconds on the same clock.
        window : (float, float)
            Start and end relative to the event, in seconds; the end is excluded.
        bin_size : float
            In seconds. The window must hold a whole number of bins.
        area : mapping cluster -> str, or str
            Area of each neuron. Neurons are the keys of the mapping (silent ones too), in
            ascending order; with one name for all, they are the clusters that fired.

        Returns
        -------
        Recording
            Its neuron coordinate ``cluster`` holds the cluster ids.

        Examples
        --------
        >>> recording = Recording.from_spike_times(
        ...     [0.05, 0.11, 1.02], [7, 9, 7], events=[0.0, 1.0], window=(0.0, 0.2),
        ...     bin_size=0.1, area={7: "CA1", 9: "MOs"})
        >>> recording.activity[:, :, 0]
        array([[1, 0],
               [1, 0]], dtype=uint8)
        """
        ids = np.unique(clusters) if isinstance(area, str) else np.array(sorted(area))
        counts, time = bin_spikes(spike_times, clusters, ids, events, window, bin_size)
        return cls.from_arrays(
            counts,
            time=time,
            area=area if isinstance(area, str) else [area[int(i)] for i in ids],
            trials=trials,
            neurons={"cluster": ids},
            align_to=align_to,
            session=session,
            subject=subject,
        )

    # ---------------------------------------------------------------- reading

    @property
    def activity(self) -> np.ndarray:
        """Counts or continuous values, (trial, time, neuron)."""
        return self.dataset["activity"].values

    @property
    def time(self) -> np.ndarray:
        """Bin centres in seconds from the alignment event, (time,)."""
        return self.dataset["time"].values

    @property
    def area(self) -> np.ndarray:
        """Area of each neuron, (neuron,)."""
        return self.dataset["area"].values

    @property
    def areas(self) -> dict[str, int]:
        """Number of neurons in each area, by name."""
        names, sizes = np.unique(self.area, return_counts=True)
        return {str(name): int(size) for name, size in zip(names, sizes, strict=True)}

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_trials, n_bins, n_neurons)."""
        n_trials, n_bins, n_neurons = self.dataset["activity"].shape
        return n_trials, n_bins, n_neurons

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.shape[0]

    @property
    def n_bins(self) -> int:
        """Number of time bins in a trial."""
        return self.shape[1]

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.shape[2]

    @property
    def bin_size(self) -> float:
        """Width of a bin in seconds."""
        return float(self.dataset.attrs["bin_size"])

    @property
    def kind(self) -> str:
        """``"counts"`` or ``"continuous"``."""
        return str(self.dataset.attrs["kind"])

    @property
    def session(self) -> str:
        """Name of the session."""
        return str(self.dataset.attrs["session"])

    @property
    def firing_rate(self) -> np.ndarray:
        """Mean rate of each neuron over trials and bins, (neuron,), in Hz (counts only)."""
        if self.kind != "counts":
            raise InputError("firing_rate needs spike counts; this recording is continuous")
        return self.activity.mean(axis=(0, 1), dtype=float) / self.bin_size

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial, one column per trial coordinate."""
        return labelled.read_table(self.dataset, "trial")

    @property
    def neurons(self) -> pd.DataFrame:
        """One row per neuron, one column per neuron coordinate (``area`` first)."""
        return labelled.read_table(self.dataset, "neuron")

    @property
    def behavior(self) -> list[str]:
        """Names of the variables on (trial, time[, channel])."""
        return [
            str(name)
            for name, variable in self.dataset.data_vars.items()
            if variable.dims[:2] == ("trial", "time") and name != "activity"
        ]

    # ---------------------------------------------------------------- selecting

    def select(
        self,
        *,
        area: str | Sequence[str] | None = None,
        neurons: np.ndarray | Sequence[int] | None = None,
        trials: np.ndarray | Sequence[int] | None = None,
        time: tuple[float, float] | None = None,
        min_rate: float | None = None,
    ) -> Recording:
        """Return the part asked for, with every table still aligned and every axis kept.

        Parameters
        ----------
        area : str or sequence of str, optional
            Area or areas to keep.
        neurons, trials : boolean mask or indices, optional
        time : (float, float), optional
            Bin centres in ``[start, stop)``, in seconds.
        min_rate : float, optional
            Keep neurons that fire at least this often, in Hz.

        Returns
        -------
        Recording

        Raises
        ------
        UnknownNameError
            For an area that is not there; the message names the nearest one.
        """
        kept = self.dataset
        if area is not None or min_rate is not None or neurons is not None:
            wanted = np.ones(self.n_neurons, dtype=bool)
            if area is not None:
                wanted &= self.in_area(area)
            if min_rate is not None:
                wanted &= self.firing_rate >= min_rate
            index = labelled.resolve_indices("neurons", neurons, self.n_neurons)
            kept = kept.isel(neuron=index[wanted[index]])
        if trials is not None:
            kept = kept.isel(trial=labelled.resolve_indices("trials", trials, self.n_trials))
        if time is not None:
            inside = (self.time >= time[0]) & (self.time < time[1])
            kept = kept.isel(time=np.flatnonzero(inside))
        if 0 in kept["activity"].shape:
            raise NotEnoughDataError(
                "nothing is left after selecting: "
                + " x ".join(f"{n} {axis}s" for n, axis in zip(kept["activity"].shape, AXES))
            )
        return Recording(kept)

    def in_area(self, area: str | Sequence[str]) -> np.ndarray:
        """Return a mask (neuron,) of the neurons in one area or several."""
        wanted = [area] if isinstance(area, str) else list(area)
        for name in wanted:
            if name not in self.areas:
                raise UnknownNameError(f"unknown area '{name}'.{suggest_name(name, self.areas)}")
        return np.isin(self.area, wanted)

    # ---------------------------------------------------------------- comparing and saving

    def identical(self, other: Recording) -> bool:
        """Return whether values, names and attributes are all equal."""
        return self.dataset.identical(other.dataset)

    def save(self, path: str | Path) -> None:
        """Write a netCDF file (``.nc``) that :func:`spikecast.load` reads back.

        Parameters
        ----------
        path : str or Path
            Ends in ``.nc``; an existing file is replaced.
        """
        if Path(path).suffix != ".nc":
            raise InputError(f"'{path}' must end in .nc, the format recordings are saved in")
        with write_atomically(path) as temporary:
            compressed = {"activity": {"zlib": True, "complevel": 4}}
            self.dataset.to_netcdf(temporary, engine="h5netcdf", encoding=compressed)

    def __repr__(self) -> str:
        areas = ", ".join(f"{name} {size}" for name, size in self.areas.items())
        return (
            f"<Recording {self.session or 'unnamed'}: {self.n_trials} trials x {self.n_bins} bins "
            f"of {1000 * self.bin_size:g} ms x {self.n_neurons} neurons ({areas})>"
        )
