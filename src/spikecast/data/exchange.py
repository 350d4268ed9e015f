"""Recordings from and to the objects and files of other packages; a base of Recording."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pandas as pd
import xarray as xr

from spikecast.data import export
from spikecast.data.cuts.dataset import cut_dataset
from spikecast.data.pynapple_objects import read_objects
from spikecast.data.selection import make_selection


class Exchange:
    """The ways in and out of a recording, by the packages that are used beside this one."""

    dataset: xr.Dataset

    @classmethod
    def from_pynapple(
        cls,
        objects: Mapping[str, Any] | Any,
        *,
        align: str,
        window: tuple[float, float] | None = None,
        bin_size: float | None = None,
        **settings: Any,
    ) -> Self:
        """Return a recording of pynapple objects, cut around an event.

        Parameters
        ----------
        objects : mapping of str -> object, or TsGroup
            ``{"units": TsGroup, "trials": IntervalSet, "licks": Ts, "wheel": Tsd}``; the metadata
            of the TsGroup name areas, those of the IntervalSet are trial columns.
        align, window, bin_size
            As for :func:`spikecast.load`; ``align="start"`` is the start of the trials.
        **settings
            Others of :func:`spikecast.load`: ``units``, ``area_column``, ``trials``.

        Returns
        -------
        Recording

        Raises
        ------
        InputError
            As :func:`spikecast.load` does.
        """
        selection = make_selection(align=align, window=window, bin_size=bin_size, **settings)
        return cls(cut_dataset(read_objects(objects), selection))  # type: ignore[call-arg]

    def to_pynapple(self) -> dict[str, Any]:
        """Return pynapple objects by name, on the session's clock.

        Returns
        -------
        dict
            ``units``: a TsGroup with the neuron columns as metadata, whose spikes lie within their
            bins, evenly; of fluorescence a TsdFrame. ``trials``: an IntervalSet of the windows,
            with the trial columns as metadata. Behaviour by name: Tsd or TsdFrame.

        Notes
        -----
        The times are those of the trial column ``event_time`` plus the time in the trial. Where
        there is none, or windows overlap, trials are laid one after the other, and the column says
        where: other columns of times keep the session's clock, also the one that was given, which
        is called ``trial_event_time`` then. :meth:`from_pynapple` with ``align="event_time"`` and
        the same window and bins gives the same counts.
        """
        return export.to_pynapple(self.dataset)

    def to_nwb(self, path: str | Path) -> None:
        """Write an NWB file of the counts (BinnedAlignedSpikes), with trials, areas and behaviour.

        Parameters
        ----------
        path : str or Path
            Ends in ``.nwb``; an existing file is replaced. :func:`spikecast.load` reads it back,
            dates as text.

        Raises
        ------
        InputError
            For another ending, a recording of continuous values, or columns that NWB cannot hold.

        Notes
        -----
        A column whose name NWB uses itself or cannot hold (``start_time``, ``tags``, ``L/R``) has
        another in the file (``trial_start_time``, ``trial_tags``, ``L_R``), and its own as its
        description; :func:`spikecast.load` gives it its own again. So it is with ``event_time``
        where windows overlap: trials are then laid one after the other, and the times in the file
        are no longer those of the session.
        """
        export.to_nwb(self.dataset, path)

    def to_frame(self) -> pd.DataFrame:
        """Return a tidy table: one row per trial, bin and neuron.

        Returns
        -------
        DataFrame
            Columns ``trial``, ``time`` (s), ``neuron``, ``area`` and ``count`` (``value`` for
            continuous activity); ``frame.merge(recording.trials, on="trial")`` adds the trials.

        Examples
        --------
        >>> import spikecast
        >>> recording = spikecast.load("simulated").select(trials=[0, 1], time=(0, 0.02))
        >>> recording.to_frame().head(2)
           trial   time  neuron  area  count
        0      0  0.005       0  VISp      0
        1      0  0.005       1  VISp      0
        """
        return export.to_frame(self.dataset)
