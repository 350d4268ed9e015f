"""Score a map: neighbours that it keeps, classes that it tells, maps of other seeds."""

from itertools import combinations

import numpy as np
from scipy.spatial import procrustes
from sklearn.manifold import trustworthiness
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import NearestNeighbors

from spikecast.analysis.slowness import labels_come_in_runs
from spikecast.core.seeding import make_rng

N_PERMUTATIONS = 1000

Row = tuple[str, str, float, float, float]


def score_map(
    z: np.ndarray,
    place: np.ndarray,
    test: np.ndarray,
    classes: np.ndarray | None,
    group: np.ndarray,
    n_neighbors: int,
    seed: int,
    supervised: bool = False,
) -> list[Row]:
    """Return how well the map keeps neighbours and tells classes, on either part of the points.

    A supervised map has seen labels, so that it has no p where they are shifted.
    """
    rows: list[Row] = []
    for name, which in (("train", ~test), ("held out", test)):
        near = min(n_neighbors, int(which.sum()) // 2 - 1)
        if near >= 1:
            value = trustworthiness(z[which], place[which], n_neighbors=near)
            rows.append(("trustworthiness", name, value, np.nan, np.nan))
    if classes is None or not test.any():
        return rows
    truth = classes[test]
    shuffled, shifted = _draw_labels(classes, group, test, make_rng(seed, "embed", "labels"))
    for name, features in (("knn_accuracy", place), ("knn_accuracy_without", z)):
        near = min(n_neighbors, int((~test).sum()))
        neighbors = NearestNeighbors(n_neighbors=near).fit(features[~test])
        chosen = neighbors.kneighbors(features[test], return_distance=False)
        predicted = _vote(classes[~test], chosen)
        value = balanced_accuracy_score(truth, predicted)
        drawn = np.array(
            [_balanced_accuracy(one, predicted) for one in shuffled]
            + [_balanced_accuracy(one[test], _vote(one[~test], chosen)) for one in shifted]
        )
        p = (1 + (drawn >= value - 1e-12).sum()) / (1 + N_PERMUTATIONS)
        told = not (shifted and supervised and name == "knn_accuracy")
        rows.append((name, "held out", value, drawn.mean(), p if told else np.nan))
    return rows


def _vote(labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the commonest label among the chosen points of each row."""
    members = labels[chosen][:, :, np.newaxis] == np.arange(labels.max() + 1)
    return members.sum(axis=1).argmax(axis=1)


def _draw_labels(
    classes: np.ndarray, group: np.ndarray, test: np.ndarray, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return labels of the held-out points as they may be by chance, or of all points.

    Where a group has one label, those of the held-out points, which nothing has seen, are permuted
    between groups. Labels that come in runs of groups, which slow drift alone follows, or that
    change within a group are shifted along the session, and the neighbours learn from them anew.
    """
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    by_group = bool((classes == classes[first][inverse]).all())
    if by_group and not labels_come_in_runs(classes[first]):
        _, start, place = np.unique(group[test], return_index=True, return_inverse=True)
        of_group = classes[test][start]
        return [rng.permutation(of_group)[place] for _ in range(N_PERMUTATIONS)], []
    series = classes[first] if by_group else classes
    steps = rng.integers(1, series.size, N_PERMUTATIONS)
    shifted = [np.roll(series, step) for step in steps]
    return [], [one[inverse] for one in shifted] if by_group else shifted


def _balanced_accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return balanced accuracy, without scikit-learn's checks: they cost more than the draws."""
    sizes = np.bincount(truth)
    right = np.bincount(truth[truth == predicted], minlength=sizes.size)
    return float(np.mean(right[sizes > 0] / sizes[sizes > 0]))


def score_stability(places: list[np.ndarray], n_neighbors: int) -> list[Row]:
    """Return how much maps of the same points under different seeds agree."""
    neighbors = [_find_neighbors(place, n_neighbors) for place in places]
    overlap, agreement = [], []
    for one, other in combinations(range(len(places)), 2):
        common = [
            np.intersect1d(near, others).size / near.size
            for near, others in zip(neighbors[one], neighbors[other], strict=True)
        ]
        overlap.append(np.mean(common))
        agreement.append(1 - procrustes(places[one], places[other])[2])
    return [
        ("stability_neighbors", "train", float(np.mean(overlap)), np.nan, np.nan),
        ("stability_procrustes", "train", float(np.mean(agreement)), np.nan, np.nan),
    ]


def _find_neighbors(place: np.ndarray, n_neighbors: int) -> np.ndarray:
    near = min(n_neighbors, len(place) - 1)
    return NearestNeighbors(n_neighbors=near).fit(place).kneighbors(return_distance=False)
