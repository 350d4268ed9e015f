"""Study D's components and linear regression, as described and within folds."""

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from spikecast.data.recording import Recording
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Measure
from spikecast.scoring.metrics import score_continuous
from spikecast.tasks.splits import split_by_block

N_SHOWN = 60  # components whose variance is drawn
BASELINE_FOLDS = 10  # of the deck's linear regression
BESIDE = {"pupil": "pupil_area", "face": "face_svd"}
"""Row -> what else the deck's notebook regressed."""
N_FACE = 100  # components of the face that it took


def find_components(activity: np.ndarray, bins: np.ndarray, n_components: int) -> Arrays:
    """Return scaled components ``z`` of all bins, (bin, component), learnt from some `bins`.

    FLAW, fitted outside the fold: as described these are all bins.
    """
    learnt = activity if len(bins) == len(activity) else activity[bins]
    mean, axes, _ = find_principal_axes(learnt, n_components)
    del learnt
    z = (activity @ axes.T - axes @ mean).astype(np.float32)
    center, scale = z[bins].mean(axis=0), np.maximum(z[bins].std(axis=0), 1e-9)
    return {"z": (z - center) / scale}


def explain_variance(
    activity: np.ndarray, train: np.ndarray, test: np.ndarray, n_components: int
) -> Arrays:
    """Return the cumulative variance of training and new bins that training components explain."""
    mean, axes, _ = find_principal_axes(activity[train], min(n_components, N_SHOWN))
    shares = {}
    for name, bins in (("training bins", train), ("new bins", test)):
        centered = activity[bins] - mean
        total = (centered**2).sum(dtype=float)
        explained = ((centered @ axes.T) ** 2).sum(axis=0, dtype=float).cumsum()
        shares[f"share_{name}"] = explained / total
    return shares


def regress_as_described(z: np.ndarray, target: np.ndarray) -> list[Measure]:
    """Return R2 and RMSE of the notebook's linear regression, mean and deviation over its folds.

    The third is R2 of the same predictions, all bins together. `z` (bin, component) are components
    of all bins; `target` is (bin,) or (bin, channel).
    """
    target = target.reshape(len(z), -1)
    r2, rmse, null, pooled = [], [], np.zeros(target.shape), np.zeros(target.shape)
    for train, test in split_by_block(len(z), BASELINE_FOLDS):
        told = LinearRegression().fit(z[train], target[train]).predict(z[test])
        pooled[test] = told = told.reshape(target[test].shape)
        null[test] = target[train].mean(axis=0)
        r2.append(r2_score(target[test], told))  # the mean over channels
        rmse.append(((target[test] - told) ** 2).mean() ** 0.5)
    together = float(score_continuous(target, pooled, null).r2.mean())
    return [
        Measure("mean of 10 folds", float(np.mean(r2)), "r2"),
        Measure("their standard deviation", float(np.std(r2)), "r2"),
        Measure("the same, bins of all folds together", together, "r2"),
        Measure("mean of 10 folds", float(np.mean(rmse)), "rmse"),
        Measure("their standard deviation", float(np.std(rmse)), "rmse"),
    ]


def regress_in_fold(z: np.ndarray, target: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return the linear regression's prediction of all bins, (bin, channel)."""
    target = target.reshape(len(z), -1)
    told = LinearRegression().fit(z[train], target[train]).predict(z)
    return told.reshape(target.shape)


def find_beside(recording: Recording) -> dict[str, np.ndarray]:
    """Return what else the notebook regressed and this recording has, row -> (bin, channel)."""
    found = {}
    for row, name in BESIDE.items():
        if name in recording.behavior:
            values = recording.dataset[name].values[0]
            found[row] = values.reshape(len(values), -1)[:, :N_FACE].astype(float)
    return found
