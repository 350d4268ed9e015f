"""Study C's pictures: maps of the trials by t-SNE, and its rule for cell types."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.signal import lfilter
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from spikecast.analysis.decoding.nulls import permutation_p, shift_labels
from spikecast.analysis.geometry.cell_types import TYPES, WIDTH, cell_types
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs.studies.ninja_network import VISUAL
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, StudyInputs

TAU = 0.01  # seconds of the van Rossum distance
N_NEIGHBORS = 15
N_DRAWS = 200
SLOWEST_FAST = 5.0  # Hz: the deck's bound between putative excitatory and inhibitory
NARROW = 0.4  # milliseconds
MAPS = {"maps": "50 components", "spike_trains": "van Rossum distances"}
"""Row -> what its map was made from."""

NO_WAVEFORMS = NoticeKind(
    "no_waveforms", "minor", "this recording holds no waveforms; the full Steinmetz files do"
)
MAP_SCORED = NoticeKind(
    "map_scored",
    "minor",
    "In this run neighbours in the map tell {told} more often than labels that are shifted along "
    "the session{not_told}. {loss}",
)


def map_trials(inputs: StudyInputs) -> dict[str, Any]:
    """Return a t-SNE of the trials of visual cortex, principal components first, as in the deck."""
    x = inputs.recording.select(area=VISUAL).activity.astype(np.float32)
    flat = x.reshape(len(x), -1)
    mean, axes, _ = find_principal_axes(flat, min(inputs.settings["n_components"], len(flat) - 1))
    features = (flat - mean) @ axes.T
    tsne = TSNE(2, init="pca", random_state=derive_seed(inputs.seed, "tsne"))
    return {"place": tsne.fit_transform(features)} | _find_neighbors(features)


def map_spike_trains(inputs: StudyInputs) -> dict[str, Any]:
    """Return a t-SNE of the trials by the van Rossum distances of all their spike trains."""
    part = inputs.recording.select(area=VISUAL)
    features = filter_spikes(part.activity, part.bin_size)
    tsne = TSNE(2, init="pca", random_state=derive_seed(inputs.seed, "tsne"))
    return {"place": tsne.fit_transform(features)} | _find_neighbors(features)


def filter_spikes(counts: np.ndarray, bin_size: float, tau: float = TAU) -> np.ndarray:
    """Return features (trial, bin x neuron) whose distances are those of van Rossum.

    Each spike becomes an exponential decay; the distance of two trials is the root of the summed
    squared difference of all neurons' traces, scaled so that one spike more is a distance of
    the root of 1/2, as for spike times that are known exactly.

    Examples
    --------
    >>> one = np.zeros((2, 200, 1)); one[1, 3] = 1
    >>> x = filter_spikes(one, 0.01)
    >>> round(float(np.sum((x[1] - x[0]) ** 2)), 3)
    0.5
    """
    decay = np.exp(-bin_size / tau)
    traces = lfilter([1.0], [1.0, -decay], counts, axis=1) * np.sqrt((1 - decay**2) / 2)
    return traces.reshape(len(counts), -1).astype(np.float32)


def _find_neighbors(features: np.ndarray) -> Arrays:
    """Return the nearest other trials of each trial, (trial, neighbour)."""
    near = min(N_NEIGHBORS, len(features) - 1)
    return {"near": NearestNeighbors(n_neighbors=near).fit(features).kneighbors()[1]}


def score_neighbors(near: np.ndarray, words: np.ndarray, seed: int) -> Measure:
    """Return how well a trial's neighbours tell its label, against labels that are shifted.

    A trial's own label takes no part: the class that is most frequent among its neighbours, for its
    size, is what they tell. Trials without a label ("") are left out.
    """
    known = np.flatnonzero(words != "")
    place = np.full(len(words), -1)
    place[known] = np.arange(known.size)
    near = place[near[known]]  # -1: a neighbour without a label
    codes = np.unique(words[known], return_inverse=True)[1]

    def score(labels: np.ndarray) -> float:
        own = np.where(near >= 0, labels[near], -1)
        votes = (own[..., np.newaxis] == np.arange(labels.max() + 1)).sum(axis=1)
        sizes = np.bincount(labels)
        told = (votes / sizes).argmax(axis=1)
        right = np.bincount(labels[told == labels], minlength=sizes.size)
        return float((right / sizes).mean())  # every class weighs the same

    drawn = shift_labels(codes, N_DRAWS, make_rng(seed, "ninja", "neighbors"))
    null = np.array([score(labels) for labels in drawn])
    value = score(codes)
    return Measure(
        "", value, "balanced_accuracy", chance=float(null.mean()), p=permutation_p(value, null),
        n_permutations=N_DRAWS,
    )  # fmt: skip


def draw_maps(column: Column, inputs: StudyInputs) -> None:
    """Fill in the arrays of the deck's two maps."""
    trials = inputs.recording.trials
    words = {name: trials[name].to_numpy().astype(str) for name in inputs.names["labels"]}
    labels = {f"label_{name}": np.where(own == "", "not known", own) for name, own in words.items()}
    for key, step in (("maps", map_trials), ("spike_trains", map_spike_trains)):
        found = inputs.steps.compute(f"t-SNE, {MAPS[key]}", step, inputs)
        column.arrays[key] = {"place": found["place"]} | labels
        column.arrays[key]["near"] = found["near"]
        # FLAW, picture without a score
        column.claim(key, metric="map", picture=True)


def score_maps(column: Column, inputs: StudyInputs, described: Column) -> None:
    """Fill in how well neighbours tell labels, in the deck's maps and without them."""
    for key, what in MAPS.items():
        arrays = described.arrays[key]
        in_map = _find_neighbors(arrays["place"])["near"]
        told: list[str] = []
        not_told: list[str] = []
        losses = []
        for name in inputs.names["labels"]:
            words = inputs.recording.trials[name].to_numpy().astype(str)
            pair = []
            for where, near in (("map", in_map), (what, arrays["near"])):
                scored = score_neighbors(near, words, inputs.seed)
                pair.append(scored)
                measure = replace(scored, name=f"{name}, in the {where}")
                column.measures.setdefault(key, []).append(measure)
            (told if _is_told(pair[0]) else not_told).append(name)
            losses.append(pair[1].number - pair[0].number)
        points = 100 * np.mean(losses)
        than = f"{abs(points):.0f} points {'less' if points > 0 else 'more'}"
        loss = f"On average they tell {than} than neighbours by {what} do."
        silent = f"; they do not tell {', '.join(not_told)}" if not_told else ""
        told_words = ", ".join(told) or "nothing"
        column.because[key] = [MAP_SCORED(told=told_words, not_told=silent, loss=loss)]


def _is_told(measure: Measure) -> bool:
    assert measure.p is not None
    return measure.p <= 0.05


def count_cell_types(recording: Recording) -> Iterator[Measure]:
    """Yield putative cell types by the deck's rule: rate and width of the spike."""
    part = recording.select(area=VISUAL)
    rate, width = part.firing_rate, part.neurons[WIDTH].to_numpy(dtype=float)
    excitatory = (rate < SLOWEST_FAST) & (width > NARROW)
    inhibitory = (rate > SLOWEST_FAST) & (width < NARROW)
    yield Measure("visual cortex, putative excitatory", int(excitatory.sum()), "count")
    yield Measure("putative inhibitory", int(inhibitory.sum()), "count")
    yield Measure("neither", int(rate.size - excitatory.sum() - inhibitory.sum()), "count")


def count_widths(recording: Recording) -> Iterator[Measure]:
    """Yield how many neurons have narrow and wide spikes, whatever their rate."""
    label = cell_types(recording.select(area=VISUAL), NARROW).label
    for name in TYPES:
        yield Measure(f"{name} spikes, any rate", int((label == name).sum()), "count")
