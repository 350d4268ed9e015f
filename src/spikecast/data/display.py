"""How a recording shows itself: a line, and in a notebook what is in it and what is odd."""

from __future__ import annotations

from html import escape
from importlib import import_module

import pandas as pd
import xarray as xr

from spikecast.data.cuts.taken import read_taken

LARGEST = 2e7  # values; larger recordings are not examined while they are shown


class RecordingDisplay:
    """The ways in which a recording is printed; a base of Recording."""

    dataset: xr.Dataset

    def __repr__(self) -> str:
        sizes, attributes = self.dataset.sizes, self.dataset.attrs
        areas = ", ".join(f"{name} {size}" for name, size in self._count_areas().items())
        return (
            f"<Recording {attributes['session'] or 'unnamed'}: {sizes['trial']} trials x "
            f"{sizes['time']} bins of {1000 * float(attributes['bin_size']):g} ms x "
            f"{sizes['neuron']} neurons ({areas})>"
        )

    def _repr_html_(self) -> str:
        """Return what is in it, what was taken of its session, and what is odd, as HTML."""
        columns: dict[str, list[str]] = {axis: [] for axis in ("trial", "neuron")}
        for name, coordinate in self.dataset.coords.items():
            if len(coordinate.dims) == 1 and coordinate.dims[0] in columns:
                columns[str(coordinate.dims[0])].append(str(name))
        behavior = [
            str(name)
            for name, variable in self.dataset.data_vars.items()
            if variable.dims[:2] == ("trial", "time") and name != "activity"
        ]
        facts = {
            "trial columns": columns["trial"],
            "neuron columns": columns["neuron"],
            "behaviour": behavior,
        }
        lines = [f"{name}: {', '.join(names)}" for name, names in facts.items() if names]
        lines += [f"odd: {notice}" for notice in self._find_oddities()]
        listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
        return f"<p>{escape(repr(self))}</p>{self._count_areas().to_frame().to_html()}" + (
            f"<ul>{listed}</ul>" if listed else ""
        )

    def _count_areas(self) -> pd.Series:
        area = pd.Series(self.dataset["area"].values, name="area")
        return area.value_counts().sort_index().rename("neurons")

    def _find_oddities(self) -> list[str]:
        known = [str(one) for one in read_taken(self.dataset) if one.severity != "minor"]
        if self.dataset["activity"].size > LARGEST:
            return known
        # the doctor stands above the recording, and is known by its name only
        doctor = import_module("spikecast.data.doctor")
        return known + [str(notice) for notice in doctor.examine(self)]
