"""Maps of activity in two or three dimensions, scored on new points."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from spikecast.analysis.conditions import hide_missing
from spikecast.analysis.geometry.activity import check_varies, read_activity
from spikecast.analysis.geometry.embedding_scores import score_map, score_stability
from spikecast.analysis.results import Result, make_settings
from spikecast.core.checks import (
    check_count,
    check_in_range,
    check_labels,
    check_one_of,
    check_same_length,
    check_truth,
)
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.dataset import check_in_order
from spikecast.data.recording import Recording
from spikecast.models.preprocess import find_principal_axes, signed_sqrt

METHODS = ("pca", "tsne", "umap")
KINDS = ("trials", "time", "neurons")
UMAP_WARNINGS = (  # warnings of umap-learn and numba whatever the arguments
    "n_jobs value .* overridden to 1 by setting random_state",
    "'force_all_finite' was renamed",
    "Graph is not fully connected",
    "using precomputed metric; inverse_transform will be unavailable",
    "Tensorflow not installed; ParametricUMAP will be unavailable",
)


@dataclass(frozen=True)
class Points:
    """What is embedded, and how much of it is held out.

    Parameters
    ----------
    kind : {"trials", "time", "neurons"}
        See :func:`make_points`.
    held_out : float
        Share of the points (of the trials, for time points) that the map never sees. t-SNE holds
        out none.
    max_points : int
        A random subset of the points above this.
    """

    kind: str = "trials"
    held_out: float = 0.3
    max_points: int = 5000

    def __post_init__(self) -> None:
        check_one_of("kind of point", self.kind, KINDS)
        check_in_range("held_out", self.held_out, 0.05, 0.9)
        check_count("max_points", self.max_points, 1)


@dataclass(frozen=True, repr=False)
class Embedding(Result):
    """Points in a few dimensions, with scores of the map.

    Attributes
    ----------
    method : {"pca", "tsne", "umap"}
    supervised : bool
    table : DataFrame
        One row per point: ``point, x, y`` (``z``), ``held_out``, and ``label`` where given.
        Held-out points were placed by a map that never saw them; t-SNE has no such map, so that
        none of its points is.
    scores : DataFrame
        One row per score: ``score, points`` (``"train"`` or ``"held out"``), ``value`` and, for
        the accuracies, ``chance`` (mean over labels that are permuted, or shifted along the
        session where they come in runs of trials) and ``p``. ``knn_accuracy`` is the
        balanced accuracy of nearest neighbours in the map, ``knn_accuracy_without`` of the same
        classifier in the features the map was made from; ``trustworthiness`` says how many
        neighbours in the map are neighbours in the features (1: all); ``stability_neighbors`` and
        ``stability_procrustes`` compare maps of the training points under other seeds (share of
        common neighbours; 1 - Procrustes disparity).
    n_neighbors : int
        Of the map and of the classifier.
    """

    figure = "embedding"

    method: str
    supervised: bool
    table: pd.DataFrame
    scores: pd.DataFrame
    n_neighbors: int

    def score(self, name: str, points: str = "held out") -> float:
        """Return the value of one score."""
        rows = self.scores[(self.scores["score"] == name) & (self.scores["points"] == points)]
        if rows.empty:
            raise InputError(f"there is no score '{name}' of {points} points for {self.method}")
        return float(rows["value"].iloc[0])

    def __str__(self) -> str:
        title = f"{'supervised ' if self.supervised else ''}{self.method}"
        scores = "; ".join(
            f"{row.score}, {row.points}: {row.value:.2f}" for row in self.scores.itertuples()
        )
        n_held_out = int(self.table["held_out"].sum())
        return f"{title} of {len(self.table)} points, {n_held_out} held out: {scores}"


def make_points(
    data: Recording | np.ndarray, kind: str = "trials"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features (point, feature) of activity, the group and the trial of each point.

    A trial is its whole course, (time * neuron); a time point is a bin of a trial, (neuron); a
    neuron is its average over trials, (time), z-scored (its own course in a single trial). Counts
    of a recording enter as square roots. Points of a group must be held out together: those of a
    trial (of a hundredth of a single long trial). The trial of neurons is -1.
    """
    check_one_of("kind of point", kind, KINDS)
    x = read_activity(data)
    if isinstance(data, Recording) and data.kind == "counts":
        x = signed_sqrt(x.astype(np.float32))
    n_trials, n_bins, n_neurons = x.shape
    if kind == "trials":
        return x.reshape(n_trials, -1).astype(np.float32), np.arange(n_trials), np.arange(n_trials)
    if kind == "time":
        trial = np.repeat(np.arange(n_trials), n_bins)
        group = trial if n_trials > 1 else 100 * np.arange(n_bins) // n_bins
        return x.reshape(-1, n_neurons).astype(np.float32), group, trial
    course = x.mean(axis=0).T.astype(np.float32)  # (neuron, time)
    course = course - course.mean(axis=1, keepdims=True)
    course /= np.maximum(course.std(axis=1, keepdims=True), 1e-6)
    return course, np.arange(n_neurons), np.full(n_neurons, -1)


def embed(
    data: Recording | np.ndarray,
    method: str = "umap",
    of: str | Points = "trials",
    *,
    labels: Sequence[object] | np.ndarray | None = None,
    supervised: bool = False,
    n_dims: int = 2,
    n_neighbors: int = 15,
    n_components: int = 30,
    n_seeds: int = 3,
    seed: int = 0,
) -> Embedding:
    """Embed trials, time points or neurons in two or three dimensions, and score the map.

    Principal components of the training points come first (for all methods and for the classifier
    without the map); the map is learnt from training points, held-out points are placed by its
    ``transform``. Time points of a trial are held out together. With ``supervised=True`` UMAP
    learns a metric from the training labels: its training points look separate whatever the data,
    so only the held-out score counts.

    Parameters
    ----------
    data : Recording or array, (trial, time, neuron)
        Or latents.
    method : {"pca", "tsne", "umap"}
        UMAP (McInnes et al. 2018) needs the extra ``embed``.
    of : {"trials", "time", "neurons"} or Points
    labels : sequence, optional
        A class per point, or per trial for time points; NaN or None leaves the point out.
    supervised : bool
        Only for UMAP, with labels.
    n_dims : int
        2 or 3.
    n_neighbors : int
        Of the map (t-SNE: its perplexity) and of the classifier.
    n_components : int
        Principal components before the map.
    n_seeds : int
        Maps compared for stability; 1 skips it.
    seed : int

    Returns
    -------
    Embedding

    Raises
    ------
    InputError
        When umap-learn is not installed, or another method is to be supervised.

    Notes
    -----
    Distances between clusters, and their sizes, mean nothing in t-SNE and little in UMAP.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> side = rng.integers(2, size=60)
    >>> activity = rng.normal(size=(60, 4, 10)) + 2 * side[:, np.newaxis, np.newaxis]
    >>> embedding = embed(activity, "pca", labels=side)
    >>> embedding.score("knn_accuracy")
    1.0
    """
    check_one_of("method", method, METHODS)
    n_dims = check_count("n_dims", n_dims, 2, 3)
    n_neighbors = check_count("n_neighbors", n_neighbors, 2)
    n_components = check_count("n_components", n_components, 1)
    n_seeds = check_count("n_seeds", n_seeds, 0)
    if check_truth("supervised", supervised) and (method != "umap" or labels is None):
        raise InputError("supervised=True needs method='umap' and labels")
    points = make_settings(Points, of)
    features, group, trial = make_points(data, points.kind)
    check_varies(features)
    names = None if labels is None else _match_labels(labels, points.kind, trial, len(features))
    rng = make_rng(seed, "embed")
    shown = np.arange(len(features)) if names is None else np.flatnonzero(names.notna().to_numpy())
    if shown.size > points.max_points:
        shown = np.sort(rng.choice(shown, points.max_points, replace=False))
    if shown.size < 4 * n_neighbors / 3 + 2:
        raise NotEnoughDataError(
            f"{shown.size} points are too few for {n_neighbors} neighbours; lower n_neighbors"
        )
    group = group[shown]
    test = np.zeros(shown.size, dtype=bool)
    if method != "tsne":
        shuffled = rng.permutation(np.unique(group))
        test = np.isin(group, shuffled[: max(round(points.held_out * shuffled.size), 1)])
    mean, axes, _ = find_principal_axes(features[shown[~test]], n_components)
    z = (features[shown] - mean) @ axes.T
    classes = None if names is None else pd.factorize(names.iloc[shown], sort=True)[0]

    mapper = _Mapper(method, n_dims, n_neighbors, classes if supervised else None)
    places = [mapper.place(z, test, seed, number) for number in range(max(n_seeds, 1))]
    table = pd.DataFrame({"point": shown, **dict(zip("xyz", places[0].T)), "held_out": test})
    if names is not None:
        table["label"] = names.iloc[shown].to_numpy()
    scores = score_map(z, places[0], test, classes, group, n_neighbors, seed, supervised)
    if n_seeds > 1:
        scores += score_stability([place[~test] for place in places], n_neighbors)
    return Embedding(
        method,
        supervised,
        table,
        pd.DataFrame(scores, columns=["score", "points", "value", "chance", "p"]),
        n_neighbors,
    )


def _match_labels(
    labels: Sequence[object] | np.ndarray, kind: str, trial: np.ndarray, n_points: int
) -> pd.Series:
    """Return a label per point; time points get their trial's where there is one per trial."""
    check_labels("labels", labels)
    check_in_order("labels", labels)
    names = hide_missing(labels)
    if kind == "time" and len(names) == trial[-1] + 1 and len(names) != n_points:
        names = names.iloc[trial].reset_index(drop=True)
    check_same_length("labels", len(names), f"the {kind}", n_points)
    return names


@dataclass(frozen=True)
class _Mapper:
    """A method that learns a map of training points; `classes` are those of all points."""

    method: str
    n_dims: int
    n_neighbors: int
    classes: np.ndarray | None

    def place(self, z: np.ndarray, test: np.ndarray, seed: int, number: int) -> np.ndarray:
        """Return coordinates of all points (point, dimension) by a map of the training points."""
        seed = derive_seed(seed, "map", number)
        if self.method == "tsne":
            return self._place_tsne(z, seed, "random" if number else "pca")
        if self.method == "pca":
            return PCA(self.n_dims, random_state=seed).fit(z[~test]).transform(z)
        return self._place_umap(z, test, seed)

    def _place_tsne(self, z: np.ndarray, seed: int, start: str) -> np.ndarray:
        # from principal components t-SNE ends at the same map whatever the seed: to see how much
        # of a map is chance, maps after the first start anywhere
        perplexity = min(self.n_neighbors, (len(z) - 1) / 3)
        model = TSNE(self.n_dims, perplexity=perplexity, init=start, random_state=seed)
        return model.fit_transform(z)

    def _place_umap(self, z: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
        umap = _import_umap()
        place = np.zeros((len(z), self.n_dims), dtype=np.float32)
        with _silence_umap():
            model = umap.UMAP(
                n_components=self.n_dims, n_neighbors=self.n_neighbors, random_state=seed
            )
            of_train = None if self.classes is None else self.classes[~test]
            place[~test] = model.fit_transform(z[~test], y=of_train)
            if test.any():
                place[test] = model.transform(z[test])
        return place


@contextmanager
def _silence_umap() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in UMAP_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        yield


def _import_umap() -> Any:
    try:
        with _silence_umap():
            import umap
    except ImportError as error:
        raise InputError(
            "UMAP needs umap-learn, which is not installed: pip install 'spikecast[embed]' "
            "(or use method='pca' or 'tsne')"
        ) from error
    return umap
