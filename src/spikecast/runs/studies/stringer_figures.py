"""What study D's figures of the recording draw: where neurons are, what they do, and the speed."""

import numpy as np

from spikecast.data.recording import Recording
from spikecast.runs.studies.step_cache import Arrays

N_ROWS, N_COLUMNS = 250, 500  # of a heat map, at most


def locate_neurons(recording: Recording) -> Arrays | None:
    """Return ``x``, ``y`` and, where known, ``z`` of the neurons; None where they are not known."""
    neurons = recording.neurons
    if not {"x", "y"} <= set(neurons):
        return None
    return {axis: neurons[axis].to_numpy(float) for axis in "xyz" if axis in neurons}


def draw_activity(
    activity: np.ndarray, speed: np.ndarray, seconds: np.ndarray, order: np.ndarray | None = None
) -> Arrays:
    """Return activity as a heat map, averaged over neighbours, and the speed above it.

    Parameters
    ----------
    activity : array, (bin, neuron)
    speed, seconds : array, (bin,)
    order : array, (neuron,), optional
        Of the rows; by default that of the file.
    """
    n_bins, n_neurons = activity.shape
    order = np.arange(n_neurons) if order is None else order
    edges = np.linspace(0, n_bins, min(N_COLUMNS, n_bins) + 1).astype(int)[:-1]
    sizes = np.diff([*edges, n_bins])
    rows = []
    for group in np.array_split(order, min(N_ROWS, n_neurons)):
        values = activity[:, group].astype(float)
        scale = np.maximum(values.std(axis=0), 1e-9)
        course = ((values - values.mean(axis=0)) / scale).mean(axis=1)
        rows.append(np.add.reduceat(course, edges) / sizes)
    return {
        "heat": np.array(rows, dtype=np.float32),
        "speed": np.add.reduceat(speed.astype(float), edges) / sizes,
        "seconds": seconds[edges],
        "n_neurons": np.array(n_neurons),
    }


def correlate_neurons(activity: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """Return the correlation of each neuron with speed, (neuron,); 0 of one that is constant."""
    centered = (speed - speed.mean()) / max(len(speed) * float(speed.std()), 1e-9)
    together = centered.astype(np.float32) @ activity
    mean = activity.mean(axis=0, dtype=float)
    squares = np.einsum("ij,ij->j", activity, activity) / len(activity)  # no second array of it
    spread = np.sqrt(np.maximum(squares - mean**2, 0))
    return np.divide(together, spread, out=np.zeros(len(spread)), where=spread > 1e-9)
