"""The recording a study is run on: the deck's own, another real one, or a simulated one."""

from collections.abc import Sequence

import numpy as np

from spikecast.core.errors import InputError
from spikecast.data import load, simulate
from spikecast.data.catalog import DATASETS
from spikecast.data.download import list_local_files
from spikecast.data.recording import Recording
from spikecast.runs.studies.preset import Preset


def find_recording(
    preset: Preset, path: str | None, session: int | None, *, seed: int
) -> Recording:
    """Return the recording that the study is run on.

    `path` is a file or the name of a known data set; by default the study's data set where it was
    downloaded, else a simulated recording of the same shapes. `session` is by default, in the full
    data set, the deck's; `seed` is that of the simulation.
    """
    source = preset.data
    n_files = len(DATASETS[source.dataset].files)
    if path is None and len(list_local_files(source.dataset)) == n_files:
        path = source.dataset
    if path is None:
        if session is not None:
            raise InputError("a session is chosen from a file: name the data as well")
        return getattr(simulate, source.simulator)(**source.simulation, seed=seed).recording
    if session is None and path == source.dataset:
        session = source.session
    return load(path, session)


def find_origin(recording: Recording, preset: Preset) -> str:
    """Return where a recording is from: a key of :data:`spikecast.report.study.text.ORIGINS`."""
    if str(recording.dataset.attrs.get("subject")) == "Simulated":
        return "simulated"
    n_trials, n_bins, n_neurons = recording.shape
    if (n_trials, n_neurons) != (preset.data.n_trials, preset.data.n_neurons):
        return "real"
    return "deck" if n_bins == preset.data.n_bins else "reduced"


def with_column(recording: Recording, name: str, values: Sequence[str] | np.ndarray) -> Recording:
    """Return the recording with one more trial column."""
    return Recording(recording.dataset.assign_coords({name: ("trial", np.asarray(values))}))
