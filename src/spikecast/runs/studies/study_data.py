"""The recording a study is run on: the deck's own, another real one, or a simulated one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from spikecast.core.checks import suggest_name
from spikecast.core.errors import FormatError, InputError
from spikecast.data import simulate
from spikecast.data.array_files import read_npz
from spikecast.data.catalog import DATASETS
from spikecast.data.dataset import is_simulated
from spikecast.data.download import list_local_files
from spikecast.data.loaders import load_selection
from spikecast.data.recording import Recording
from spikecast.data.selection import Selection
from spikecast.runs.studies.preset import Preset


class StudyData(Selection):
    """The data of a user that a study is run on, and how they are cut into trials."""

    path: str | None = Field(None, description="STUDY: file or data set to run it on")
    session: int | None = Field(None, ge=0, description="STUDY: which session of it")
    movement: str | None = Field(
        None,
        description="STUDY: .npz with the movement in each trial, to decode in place of the "
        "choice: an array sessionN of 0 (none), 1 (left), 2 (right), -1 (not known)",
    )


MOVEMENT = "movement"  # trial column of what was read from the file of this name
NONE_GIVEN = StudyData()
"""The study's own data."""


def find_recording(preset: Preset, given: StudyData, *, seed: int) -> Recording:
    """Return the recording that the study is run on.

    By default that is the study's data set where it was downloaded, else a simulated recording of
    the same shapes. The session is by default, in the full data set, the deck's; `seed` is that of
    the simulation.
    """
    source, path, session = preset.data, given.path, given.session
    n_files = len(DATASETS[source.dataset].files)
    if path is None and len(list_local_files(source.dataset)) == n_files:
        path = source.dataset
    if path is None:
        if given.model_fields_set:
            raise InputError(
                f"{', '.join(sorted(given.model_fields_set))}: name the data as well, from which "
                "to choose"
            )
        return getattr(simulate, source.simulator)(**source.simulation, seed=seed).recording
    if session is None and path == source.dataset:
        session = source.session
    recording = load_selection(path, session, given)
    if given.movement is not None:
        moved = read_movement(given.movement, session or 0, recording.n_trials)
        recording = with_column(recording, MOVEMENT, moved)
    return recording


def read_movement(path: str, session: int, n_trials: int) -> np.ndarray:
    """Return the movement in each trial of a session: a key of what `movement` describes.

    Raises
    ------
    FormatError
        When the file is no ``.npz``, lacks the session, or its array is not one such number per
        trial.
    """
    key = f"session{session}"
    arrays = read_npz(Path(path))
    if key not in arrays:
        raise FormatError(f"'{path}' has no array '{key}'.{suggest_name(key, arrays)}")
    moved = arrays[key]
    numbers = moved.dtype.kind in "iuf"
    if not numbers or moved.shape != (n_trials,) or not np.isin(moved, (-1, 0, 1, 2)).all():
        raise FormatError(
            f"'{key}' of '{path}' must hold one number per trial ({n_trials}), each -1 (not "
            f"known), 0 (none), 1 (left) or 2 (right); it holds {moved.dtype}, {moved.shape}"
        )
    return moved.astype(int)


def find_origin(recording: Recording, preset: Preset) -> str:
    """Return where a recording is from: a key of :data:`spikecast.report.study.text.ORIGINS`."""
    if is_simulated(recording.dataset.attrs):
        return "simulated"
    n_trials, n_bins, n_neurons = recording.shape
    if (n_trials, n_neurons) != (preset.data.n_trials, preset.data.n_neurons):
        return "real"
    return "deck" if n_bins == preset.data.n_bins else "reduced"


def with_column(recording: Recording, name: str, values: Sequence[str] | np.ndarray) -> Recording:
    """Return the recording with one more trial column."""
    return Recording(recording.dataset.assign_coords({name: ("trial", np.asarray(values))}))
