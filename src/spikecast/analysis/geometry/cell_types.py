"""Putative cell type from the width of the spike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.analysis.results import Result
from spikecast.core.checks import check_in_range, check_kind, to_list
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.recording import Recording

WIDTH = "trough_to_peak"
THRESHOLD = 0.4  # milliseconds
UNKNOWN = "unknown"
TYPES = ("narrow", "wide")
MIN_PER_TYPE = 2  # neurons of a type


@dataclass(frozen=True, repr=False)
class CellTypes(Result):
    """Label of each neuron by the width of its spike.

    Attributes
    ----------
    label : array of str, (neuron,)
        ``"narrow"`` (putative fast-spiking inhibitory), ``"wide"`` (putative excitatory), or
        ``"unknown"`` where no width was measured.
    threshold : float
        Milliseconds; narrower spikes are narrow.
    table : DataFrame
        One row per area and label: ``area, label, n_neurons, median_width`` (ms) and, for counts,
        ``median_rate`` (Hz).
    """

    figure = "cell_types"

    label: np.ndarray
    threshold: float
    table: pd.DataFrame

    def __str__(self) -> str:
        names = (*TYPES, UNKNOWN)
        counts = ", ".join(f"{(self.label == name).sum()} {name}" for name in names)
        return f"trough to peak, threshold {self.threshold:g} ms: {counts}"


def cell_types(recording: Recording, threshold: float = THRESHOLD) -> CellTypes:
    """Label neurons narrow or wide by the time from the trough to the peak of their waveform.

    0.4 ms parts the two humps that cortical recordings show (Barthó et al. 2004; as in Steinmetz
    et al. 2019 and its re-analyses). It was established in cortex and hippocampus: elsewhere
    (thalamus, striatum, midbrain) narrow does not mean inhibitory.

    Parameters
    ----------
    recording : Recording
        With the neuron coordinate ``trough_to_peak`` in milliseconds.
    threshold : float
        Milliseconds.

    Returns
    -------
    CellTypes

    Raises
    ------
    InputError
        When the recording has no waveforms.

    Examples
    --------
    >>> recording = Recording.from_arrays(
    ...     np.ones((2, 3, 3), dtype=int), [0.0, 0.1, 0.2], "VISp",
    ...     neurons={"trough_to_peak": [0.2, 0.7, float("nan")]})
    >>> label = cell_types(recording).label
    >>> label.tolist()
    ['narrow', 'wide', 'unknown']

    Any analysis of one type alone takes a part of the recording (:func:`split_areas` makes areas):

    >>> recording.select(neurons=label == "narrow").n_neurons
    1
    """
    check_kind(recording, Recording)
    check_in_range("threshold (ms)", threshold, 0.05, 2.0)
    neurons = recording.neurons
    if WIDTH not in neurons:
        raise InputError(
            f"the recording has no neuron coordinate '{WIDTH}' (milliseconds); "
            f"it has {', '.join(map(str, neurons))}. Waveforms come with the full Steinmetz files"
        )
    width = neurons[WIDTH].to_numpy(dtype=float)
    with np.errstate(invalid="ignore"):
        label = np.where(width < threshold, "narrow", "wide")
        # sorters write 0 or a negative width where there is no waveform
        label = np.where(np.isfinite(width) & (width > 0), label, UNKNOWN)
    described = pd.DataFrame({"area": recording.area, "label": label, "width": width})
    columns = {"n_neurons": ("width", "size"), "median_width": ("width", "median")}
    if recording.kind == "counts":
        described["rate"] = recording.firing_rate
        columns["median_rate"] = ("rate", "median")
    table = described.groupby(["area", "label"], as_index=False).agg(**columns)
    return CellTypes(label, threshold, table)


def split_areas(
    recording: Recording, areas: Sequence[str] | None = None, threshold: float = THRESHOLD
) -> Recording:
    """Make each cell type of an area an area of its own.

    Parameters
    ----------
    recording : Recording
    areas : sequence of str, optional
        The areas to split; by default all neurons are, whatever their area.
    threshold : float
        Milliseconds.

    Returns
    -------
    Recording
        Its areas are called ``"VISp narrow", "VISp wide"`` (``"narrow cells", "wide cells"`` where
        all neurons were split); other areas and neurons of unknown width are left out.

    Raises
    ------
    InputError, NotEnoughDataError
        When the recording has no waveforms; when a type has fewer than 2 neurons.

    Examples
    --------
    >>> recording = Recording.from_arrays(
    ...     np.ones((2, 3, 4), dtype=int), [0.0, 0.1, 0.2], "VISp",
    ...     neurons={"trough_to_peak": [0.2, 0.7, 0.6, 0.3]})
    >>> split_areas(recording, ["VISp"]).areas
    {'VISp narrow': 2, 'VISp wide': 2}
    """
    label = cell_types(recording, threshold).label
    for area in [None] if areas is None else to_list("areas", areas):
        inside = label if area is None else label[recording.in_area(area)]
        sizes = {name: int((inside == name).sum()) for name in (*TYPES, UNKNOWN)}
        if min(sizes[name] for name in TYPES) < MIN_PER_TYPE:
            listed = ", ".join(f"{size} {name}" for name, size in sizes.items())
            raise NotEnoughDataError(
                f"area '{area or 'all neurons'}' has {listed} neurons by their waveforms; "
                f"{MIN_PER_TYPE} of each type are needed to split it"
            )
    typed = np.isin(label, TYPES)
    names = np.array([f"{name} cells" for name in label])
    if areas is not None:
        typed &= recording.in_area(areas)
        names = np.array([f"{area} {name}" for area, name in zip(recording.area, label)])
    return Recording(recording.dataset.assign_coords(area=("neuron", names))).select(neurons=typed)
