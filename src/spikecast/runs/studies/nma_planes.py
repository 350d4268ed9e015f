"""The planes of study E: normalised, averaged in pairs of bins, cut into windows, drawn from."""

from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Prepared
from spikecast.tasks.problem import cut_windows

Planes = dict[str, np.ndarray]
"""Plane -> its activity (window, time, neuron), or the numbers of its neurons."""

FEWEST_BINS = 2000
BEFORE = "before"  # the activity of every bin, as it was recorded, (bin_before, neuron)
LEAST_MEAN = 1e-6
SHOWN_NEURONS, SHOWN_BINS = 80, 400
ONE_PLANE = NoticeKind(
    "one_plane",
    "serious",
    "This recording has one plane. Two halves of its neurons, drawn at random, stand in for two "
    "planes: 'from plane to plane' is from half to half, and whatever tells the halves apart on a "
    "map is the protocol's doing. What the deck asks of nine planes cannot be answered here.",
)
NO_RUNNING = NoticeKind(
    "no_running", "minor", "Running was not recorded: whether neurons follow it is left out."
)


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Divide every bin by its plane's mean, then average pairs of bins, in the deck's order."""
    if "plane" not in recording.neurons or recording.n_trials != 1:
        raise InputError(
            "this study needs one continuous recording with the neuron column 'plane'; this one "
            f"has {recording.n_trials} trials and {', '.join(map(str, recording.neurons))}"
        )
    if recording.n_bins < FEWEST_BINS:
        raise NotEnoughDataError(f"{recording.n_bins} bins are too few; {FEWEST_BINS} are needed")
    plane, notices = _name_planes(recording)
    before = recording.activity[0].astype(np.float32, copy=False)
    rest = recording.dataset.drop_vars("activity")
    halved = rest.coarsen(time=2, boundary="trim").mean(keep_attrs=True)
    halved = halved.assign_coords(time=np.round(halved["time"].values, 9))
    halved = halved.assign_attrs(recording.dataset.attrs | {"bin_size": 2 * recording.bin_size})
    halved = halved.assign_coords(plane=("neuron", plane))
    for name, column in _describe_firing(before, plane, recording).items():
        halved = halved.assign_coords({name: ("neuron", column)})
    if "running" not in recording.behavior:
        notices.append(NO_RUNNING())
    activity = normalise(before, plane)[np.newaxis]
    halved = halved.assign(
        activity=(("trial", "time", "neuron"), activity), before=(("bin_before", "neuron"), before)
    )
    planes = np.unique(plane)[: settings["n_planes"]]
    middle = len(planes) // 2
    target, source = str(planes[middle]), str(planes[middle - 1])
    names = {
        "target": target,
        "source": [source],
        "pair": f"{source} → {target}",
        "search": settings["search"],
    }
    return Prepared(Recording(halved), names, tuple(notices))


def _name_planes(recording: Recording) -> tuple[np.ndarray, list[Any]]:
    """Return the plane of each neuron in words; halves of it where there is only one."""
    plane = np.array([f"plane {plane}" for plane in recording.neurons["plane"]])
    if np.unique(plane).size > 1:
        return plane, []
    order = make_rng(0, "nma-layers", "halves").permutation(plane.size)
    return np.where(order < plane.size // 2, "half 1", "half 2"), [ONE_PLANE()]


def normalise(before: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Divide each bin by the mean of the neuron's group, then average pairs of bins.

    Parameters
    ----------
    before : array, (bin, neuron)
    group : array of str, (neuron,)

    Returns
    -------
    array, (pair of bins, neuron)

    Examples
    --------
    >>> before = np.array([[1.0, 3.0], [2.0, 2.0]])
    >>> normalise(before, np.array(["a", "a"])).tolist()
    [[0.75, 1.25]]
    """
    n_pairs = len(before) // 2
    after = np.empty((n_pairs, before.shape[1]), dtype=np.float32)
    for name in np.unique(group):
        members = np.flatnonzero(group == name)
        x = before[: 2 * n_pairs, members]
        x = x / np.maximum(x.mean(axis=1, keepdims=True), LEAST_MEAN)
        after[:, members] = x.reshape(n_pairs, 2, -1).mean(axis=1)
    return after


def average_pairs(before: np.ndarray) -> np.ndarray:
    """Average pairs of bins, (bin, neuron) -> (pair of bins, neuron)."""
    n_pairs = len(before) // 2
    return before[: 2 * n_pairs].reshape(n_pairs, 2, -1).mean(axis=1)


def _describe_firing(
    before: np.ndarray, plane: np.ndarray, recording: Recording
) -> dict[str, np.ndarray]:
    """Return how each neuron fires, before anything is normalised."""
    mean = before.mean(axis=0, dtype=float)
    follows = np.zeros(plane.size)
    for name in np.unique(plane):
        members = np.flatnonzero(plane == name)
        total = before[:, members].sum(axis=1, dtype=float)
        for neuron in members:  # a neuron is no part of the mean that it is held against
            follows[neuron] = _correlate(before[:, neuron], total - before[:, neuron])
    columns = {"mean_activity": mean, "follows_plane": follows}
    if "running" in recording.behavior:
        running = recording.dataset["running"].values[0]
        columns["follows_running"] = np.array([_correlate(x, running) for x in before.T])
    return columns


def _correlate(x: np.ndarray, y: np.ndarray) -> float:
    """Return the correlation of two courses; 0 where one is constant."""
    x, y = x - x.mean(dtype=float), y - y.mean(dtype=float)
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 0 else 0.0


def draw_neurons(recording: Recording, settings: dict[str, Any], seed: int, use: str) -> Planes:
    """Return as many neurons of each plane as the smallest has, drawn at random for a `use`."""
    plane = recording.neurons["plane"].to_numpy()
    names = np.unique(plane)[: settings["n_planes"]]
    n_each = min(*((plane == name).sum() for name in names), settings["most_neurons"])
    rng = make_rng(seed, "nma-layers", use)
    return {str(name): rng.permutation(np.flatnonzero(plane == name))[:n_each] for name in names}


def cut_planes(activity: np.ndarray, drawn: Planes) -> Planes:
    """Return the windows of the neurons drawn from each plane; `activity` is (time, neuron)."""
    return {name: cut_windows(activity[np.newaxis][..., rows]) for name, rows in drawn.items()}


def mix_planes(drawn: Planes, seed: int) -> Planes:
    """Return groups of the planes' sizes, drawn at random from the neurons of all planes."""
    every = np.concatenate([*drawn.values()])
    every = make_rng(seed, "nma-layers", "mixed").permutation(every)
    parts = np.split(every, len(drawn))
    return {f"group {number + 1}": rows for number, rows in enumerate(parts)}


def normalise_drawn(before: np.ndarray, drawn: Planes) -> np.ndarray:
    """Normalise some neurons by the mean of their group as drawn; others are left at 0."""
    rows = np.concatenate([*drawn.values()])
    group = np.repeat([*drawn], [one.size for one in drawn.values()])
    activity = np.zeros((len(before) // 2, before.shape[1]), dtype=np.float32)
    activity[:, rows] = normalise(before[:, rows], group)
    return activity


def show_positions(recording: Recording, drawn: Planes) -> Arrays | None:
    """Return where neurons are, and which were drawn; None where that was not recorded."""
    table = recording.neurons
    axes = [axis for axis in "xyz" if axis in table]
    if not {"x", "y"} <= set(axes):
        return None
    chosen = np.zeros(len(table), dtype=bool)
    chosen[np.concatenate([*drawn.values()])] = True
    return {axis: table[axis].to_numpy(dtype=float) for axis in axes} | {
        "plane": table["plane"].to_numpy().astype(str),
        "drawn": chosen,
    }


def show_preprocessing(recording: Recording, plane: str, rows: np.ndarray) -> Arrays:
    """Return some neurons of a plane as recorded and as preprocessed, and the plane's mean."""
    before = recording.dataset[BEFORE].values
    members = (recording.neurons["plane"] == plane).to_numpy()
    rows = rows[:SHOWN_NEURONS]
    first = recording.n_bins // 3
    bins = slice(2 * first, 2 * first + 2 * SHOWN_BINS)
    return {
        "before": before[bins, rows].T,
        "after": recording.activity[0, first : first + SHOWN_BINS, rows],
        "mean": before[bins, members].mean(axis=1),
        "bin_size": np.array(recording.bin_size / 2),
        "plane": np.array(plane),
    }


def list_firing(recording: Recording) -> pd.DataFrame:
    """Return where neurons are and how they fire, one row each."""
    table = recording.neurons
    known = ("plane", "x", "y", "z", "mean_activity", "follows_plane", "follows_running")
    return table[[name for name in known if name in table]].reset_index(names="neuron")
