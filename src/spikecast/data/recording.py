"""A recording of a population of neurons: one checked xarray Dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from typing_extensions import Unpack

from spikecast.core.checks import check_in_range, check_one_of
from spikecast.core.drawing import Drawable
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.files import prepare_export, write_atomically
from spikecast.core.stored_arrays import write_dataset
from spikecast.data.binning import check_window, find_inside
from spikecast.data.dataset import (
    AXES,
    Kind,
    build_dataset,
    check_dataset,
    check_once,
    read_table,
    resolve_indices,
    take_trials,
)
from spikecast.data.display import RecordingDisplay
from spikecast.data.exchange import Exchange
from spikecast.data.spike_times import Names, TimedValues, build_from_spikes, name_recording

UNLABELED = ("", "root", "void", "unknown", "nan", "none", "<na>")
"""Areas, in lower case, of neurons without an area."""


@dataclass(frozen=True, eq=False, repr=False)
class Recording(RecordingDisplay, Drawable, Exchange):
    """Activity of a population, with tables of its neurons and trials and with behaviour.

    Make one with :func:`spikecast.load`, :meth:`from_arrays` or :meth:`from_spike_times`. It does
    not change: :meth:`select` returns another recording. A continuous recording is one long trial;
    tasks cut it into windows.

    Parameters
    ----------
    dataset : xarray.Dataset
        Holds ``activity (trial, time, neuron)``, ``time``, and the neuron coordinate ``area``.
        Further coordinates along ``neuron`` (``x``, ...) and ``trial`` (``response``, ...) describe
        neurons and trials; further variables on ``(trial, time[, channel])`` are behaviour.
        Attributes: ``kind`` (``"counts"`` or ``"continuous"``), ``bin_size`` (s), ``align_to``,
        ``session``, ``subject``.

    Raises
    ------
    InputError
        When the activity has NaN, negative counts, wrong axes or uneven time bins.

    See Also
    --------
    spikecast.load : read a file or a public data set.

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

    figure = "raster"

    dataset: xr.Dataset

    def __post_init__(self) -> None:
        check_dataset(self.dataset)

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
        """Return a recording made of arrays.

        Parameters
        ----------
        activity : array, (trial, time, neuron)
            Spike counts per bin, or continuous values with ``kind="continuous"``.
        time : array, (time,)
            Bin centres in seconds from the alignment event, evenly spaced.
        area : str or sequence of str, (neuron,)
            Brain area of each neuron; one name serves all.
        trials, neurons : DataFrame or mapping, optional
            One row per trial (``response``, ``contrast_left``, ...) or per neuron (``x``, ...);
            columns are numbers, text or dates.
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

        Raises
        ------
        ShapeError
            When two arrays disagree about the length of an axis; the message names both.
        InputError
            When counts are negative, fractional or NaN, or a name is used twice.
        """
        dataset = build_dataset(activity, time, area, trials, neurons, behavior, kind)
        return cls(
            dataset.assign_attrs(align_to=align_to, session=str(session), subject=str(subject))
        )

    @classmethod
    def from_spike_times(
        cls,
        spike_times: np.ndarray,
        clusters: np.ndarray,
        events: Sequence[float] | np.ndarray,
        window: tuple[float, float],
        bin_size: float,
        *,
        area: Mapping[int, str] | pd.Series | str | None = None,
        neurons: pd.DataFrame | None = None,
        trials: pd.DataFrame | None = None,
        behavior: TimedValues | None = None,
        **names: Unpack[Names],
    ) -> Recording:
        """Return a recording of the spikes around events.

        Parameters
        ----------
        spike_times : array, (spike,)
            Times in seconds, in any order. A single column serves as well, here and below.
        clusters : array, (spike,)
            The neuron that fired each spike.
        events : array, (trial,)
            Time of the alignment event of each trial, in seconds on the same clock.
        window : (float, float)
            Start and end relative to the event, in seconds; the end is excluded.
        bin_size : float
            In seconds. The window must hold a whole number of bins.
        area : mapping or Series cluster -> str, or str
            Area of each neuron. Neurons are the keys of the mapping (silent ones too), in
            ascending order; spikes of other clusters are left out, which a notice of the recording
            says. With one name for all, neurons are the clusters that fired.
        neurons : DataFrame, optional
            One row per neuron; clusters that it does not list are left out. Their numbers are its
            column ``cluster`` (or ``cluster_id``, ``unit``, ``id``), else its index; areas are its
            column ``area``, or that which `area` names.
        trials : DataFrame, optional
            One row per event.
        behavior : mapping, optional
            By name, times in seconds and values, (sample,) or (sample, channel), on the clock of
            the spikes; or a Series or DataFrame whose index is the time. Bins hold the mean of
            their samples, or a value between two where samples are sparser.
        **names
            ``align_to``, ``session``, ``subject`` as for :meth:`from_arrays`.

        Returns
        -------
        Recording
            Its neuron coordinate ``cluster`` holds the cluster ids.

        Raises
        ------
        InputError
            When the window is not a whole number of bins, or most events lie outside the
            recording: they are on another clock, or in another unit.

        Examples
        --------
        >>> recording = Recording.from_spike_times(
        ...     [0.05, 0.11, 1.02], [7, 9, 7], events=[0.0, 1.0], window=(0.0, 0.2),
        ...     bin_size=0.1, area={7: "CA1", 9: "MOs"})
        >>> recording.activity[:, :, 0]
        array([[1, 0],
               [1, 0]], dtype=uint8)
        >>> table = pd.DataFrame({"cluster": [7, 9], "area": ["CA1", "MOs"], "depth": [200, 900]})
        >>> wheel = (np.arange(0, 2, 0.01), np.arange(200.0))  # times in seconds, values
        >>> recording = Recording.from_spike_times(
        ...     [0.05, 0.11, 1.02], [7, 9, 7], [0.0, 1.0], (0.0, 0.2), 0.1, neurons=table,
        ...     behavior={"wheel": wheel}, align_to="go cue")
        >>> recording.dataset["wheel"].values[1].tolist()
        [104.5, 114.5]
        """
        dataset = build_from_spikes(
            spike_times, clusters, events, window, bin_size, area, neurons, trials, behavior
        )
        return cls(dataset.assign_attrs(name_recording(**names)))

    # ---------------------------------------------------------------- reading

    @property
    def activity(self) -> np.ndarray:
        """Counts (unsigned integers) or continuous values (float32), (trial, time, neuron)."""
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
        return self.n_trials, self.n_bins, self.n_neurons

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.dataset.sizes["trial"]

    @property
    def n_bins(self) -> int:
        """Number of time bins in a trial."""
        return self.dataset.sizes["time"]

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.dataset.sizes["neuron"]

    @property
    def bin_size(self) -> float:
        """Width of a bin in seconds."""
        return float(self.dataset.attrs["bin_size"])

    @property
    def kind(self) -> Kind:
        """``"counts"`` or ``"continuous"``."""
        return self.dataset.attrs["kind"]

    @property
    def session(self) -> str:
        """Name of the session."""
        return str(self.dataset.attrs["session"])

    @property
    def ordered(self) -> bool:
        """Whether trials are said to be in recorded order (attribute ``ordered``, by default)."""
        return bool(self.dataset.attrs.get("ordered", True))

    @property
    def firing_rate(self) -> np.ndarray:
        """Mean rate of each neuron over trials and bins, (neuron,), in Hz (counts only)."""
        if self.kind != "counts":
            raise InputError("firing_rate needs spike counts; this recording is continuous")
        return self.activity.mean(axis=(0, 1), dtype=float) / self.bin_size

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial, one column per trial coordinate."""
        return read_table(self.dataset, "trial")

    @property
    def neurons(self) -> pd.DataFrame:
        """One row per neuron, one column per neuron coordinate (``area`` first)."""
        return read_table(self.dataset, "neuron")

    @property
    def behavior(self) -> list[str]:
        """Names of the variables on (trial, time[, channel]); their values are in `dataset`."""
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
        """Return some of the neurons, trials and bins; tables stay aligned, no axis is dropped.

        Parameters
        ----------
        area : str or sequence of str, optional
            Area or areas to keep.
        neurons, trials : boolean mask or indices, optional
            Each once. Trials in another order have no drift rung and no shift test.
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
        NotEnoughDataError, InputError
            When nothing is left; when a trial or a neuron is taken twice.

        Examples
        --------
        >>> import spikecast
        >>> recording = spikecast.load("simulated")
        >>> recording.select(area="MOs", trials=recording.trials["response"] != 0,
        ...                  time=(0.0, 1.0)).shape
        (152, 100, 50)
        """
        dataset = self.dataset.assign_attrs()  # xarray's parts of a data set share its attributes
        if area is not None or min_rate is not None or neurons is not None:
            mask = np.ones(self.n_neurons, dtype=bool)
            if area is not None:
                mask &= self.in_area(area)
            if min_rate is not None:
                mask &= self.firing_rate >= check_in_range("min_rate", min_rate, 0)
            index = resolve_indices("neurons", neurons, self.n_neurons)
            check_once("neurons", index)
            dataset = dataset.isel(neuron=index[mask[index]])
        if trials is not None:
            dataset = take_trials(dataset, trials)
        if time is not None:
            check_window("time", time)
            dataset = dataset.isel(time=np.flatnonzero(find_inside(self.time, time)))
        shape = dataset["activity"].shape
        if 0 in shape:
            raise NotEnoughDataError(
                "nothing is left after selecting: "
                + " x ".join(f"{n} {axis}s" for n, axis in zip(shape, AXES, strict=True))
            )
        return Recording(dataset)

    def in_area(self, area: str | Sequence[str]) -> np.ndarray:
        """Return a mask (neuron,) of the neurons in one area or several."""
        areas = np.atleast_1d(np.asarray(area)).tolist()
        for name in areas:
            check_one_of("area", name, list(self.areas))
        return np.isin(self.area, areas)

    # ---------------------------------------------------------------- comparing and saving

    def identical(self, other: Recording) -> bool:
        """Return whether values, names and attributes of two recordings are equal."""
        return isinstance(other, Recording) and self.dataset.identical(other.dataset)

    def save(self, path: str | Path) -> None:
        """Write a netCDF file (``.nc``) that :func:`spikecast.load` reads back.

        Parameters
        ----------
        path : str or Path
            Ends in ``.nc``; an existing file is replaced.

        Raises
        ------
        InputError
            For another ending.
        """
        with write_atomically(prepare_export(path, ".nc")) as temporary:
            compressed = {"activity": {"zlib": True, "complevel": 4}}
            write_dataset(temporary, self.dataset, compressed)
