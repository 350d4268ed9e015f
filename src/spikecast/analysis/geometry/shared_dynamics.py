"""Which groups of neurons (planes, areas) of a continuous recording share dynamics."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from spikecast.analysis.geometry.tuning import correct_p_values
from spikecast.analysis.results import Result
from spikecast.core.checks import check_count, check_in_range, check_kind, check_one_of
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import fit_model
from spikecast.models.linear import PCARidge
from spikecast.tasks.problem import WINDOW
from spikecast.tasks.splits import split_by_block

ALPHA = 0.05
LEAST_SHIFT = 0.05  # of the recording: shorter shifts leave slow signals where they were


@dataclass(frozen=True, repr=False)
class SharedDynamics(Result):
    """Which groups of neurons share dynamics.

    Attributes
    ----------
    table : DataFrame
        One row per ordered pair of groups: ``source, target, r2`` (of the target's neurons, on
        held-out time), ``null`` (95th percentile of R2 after shifts in time), ``p``,
        ``p_corrected`` (Holm, over all pairs and both directions) and ``shared`` (R2 above 0 and a
        corrected p of at most 0.05).
    groups : tuple of str
    """

    figure = "shared_dynamics"

    table: pd.DataFrame
    groups: tuple[str, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Pairs of groups of which either predicts the other."""
        rows = self.table[self.table["shared"]]
        pairs = {tuple(sorted(pair)) for pair in zip(rows["source"], rows["target"], strict=True)}
        return sorted((first, second) for first, second in pairs)

    @property
    def clusters(self) -> list[list[str]]:
        """Groups that are linked by pairs, directly or through others; groups alone are left out.

        Two members of a cluster need not share themselves.
        """
        clusters = [[name] for name in self.groups]
        for first, second in self.pairs:
            one, other = (next(c for c in clusters if name in c) for name in (first, second))
            if one is not other:
                one += other
                clusters.remove(other)
        return [sorted(cluster) for cluster in clusters if len(cluster) > 1]

    def matrix(self, column: str = "r2") -> np.ndarray:
        """Return one column of the table, (source, target); NaN on the diagonal."""
        wide = self.table.pivot(index="source", columns="target", values=column)
        wide = wide.reindex(index=self.groups, columns=self.groups)
        return wide.to_numpy(dtype=float)

    def __str__(self) -> str:
        n_pairs = len(self.groups) * (len(self.groups) - 1) // 2
        sharing = "; ".join(" + ".join(cluster) for cluster in self.clusters)
        return f"{len(self.pairs)} of {n_pairs} pairs share dynamics" + (
            f": {sharing}" if sharing else ""
        )


def shared_dynamics(
    recording: Recording,
    *,
    by: str = "plane",
    n_components: int = 40,
    folds: int = 5,
    seed: int = 0,
) -> SharedDynamics:
    """Predict every group of neurons from every other, and say which pairs share dynamics.

    Ridge regression on principal components of one group predicts the neurons of the others bin by
    bin, in contiguous folds with a gap. The null are circular shifts in time of these held-out
    predictions: what is left of R2 then comes from slow signals that run by chance alike.

    Parameters
    ----------
    recording : Recording
        One long trial.
    by : str
        Neuron coordinate that names the groups.
    n_components : int
        Of the group that predicts.
    folds : int
    seed : int

    Returns
    -------
    SharedDynamics

    Raises
    ------
    InputError, NotEnoughDataError
        For a recording of trials or of a single group; for one that is too short.

    Notes
    -----
    It says nothing of direction, nor of what is shared: running, arousal and brain state reach many
    planes at once, and a drift of both over the whole session counts as shared.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.simulate.spontaneous(
    ...     60, 1200, planes=[0, 0, 1], n_latents=4).recording
    >>> print(shared_dynamics(recording))
    1 of 3 pairs share dynamics: 0 + 1
    """
    check_kind(recording, Recording)
    if recording.n_trials != 1:
        raise InputError(
            f"shared dynamics are looked for in one continuous recording; this has "
            f"{recording.n_trials} trials (communication_subspace compares areas over trials)"
        )
    check_one_of("neuron column", by, list(recording.neurons))
    folds = check_count("folds", folds, 2)
    check_in_range("n_components", n_components, 1)
    n_windows = recording.n_bins // WINDOW
    if n_windows < 2 * folds:
        raise NotEnoughDataError(
            f"{recording.n_bins} bins are {n_windows} windows of {WINDOW}; {folds} folds with gaps "
            f"need {2 * folds}"
        )
    name = recording.neurons[by].to_numpy().astype(str)
    groups = tuple(np.unique(name).tolist())
    if len(groups) < 2:
        raise InputError(f"all neurons have the same '{by}'; at least two groups are needed")
    activity = recording.activity[0, : n_windows * WINDOW].astype(np.float32)
    windows = activity.reshape(n_windows, WINDOW, -1)
    cut = split_by_block(n_windows, folds, gap=1)
    rows = []
    for source in groups:
        x, rest = windows[:, :, name == source], name != source
        y = windows[:, :, rest]
        truth, predicted = np.empty_like(y), np.empty_like(y)
        for fold in cut:
            model = fit_model(PCARidge(n_components=n_components, seed=seed), x, y, fold).model
            mean = y[fold.train].mean(axis=(0, 1), dtype=float)
            truth[fold.test] = y[fold.test] - mean
            predicted[fold.test] = model.predict(x[fold.test]) - mean
        flat, shown = (part.reshape(-1, part.shape[2]) for part in (truth, predicted))
        for target in groups:
            if target != source:
                here = name[rest] == target
                scores = _score_shifts(flat[:, here], shown[:, here])
                rows.append({"source": source, "target": target} | scores)
    table = pd.DataFrame(rows)
    table["p_corrected"] = correct_p_values(table["p"].to_numpy(), "holm")
    table["shared"] = (table["p_corrected"] <= ALPHA) & (table["r2"] > 0)
    return SharedDynamics(table, groups)


def _score_shifts(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return R2 of a prediction, (bin, neuron), with its null and p from circular shifts in time.

    Of the squared error only the product of the two depends on the shift; it is had for all shifts
    at once through the Fourier transform.
    """
    n_bins = len(truth)
    spectrum = np.zeros(n_bins // 2 + 1, dtype=complex)
    for start in range(0, truth.shape[1], 256):  # blocks, so that no complex copy of all is made
        block = slice(start, start + 256)
        spectrum += (
            np.fft.rfft(truth[:, block], axis=0) * np.fft.rfft(predicted[:, block], axis=0).conj()
        ).sum(axis=1)
    product = np.fft.irfft(spectrum, n=n_bins)
    total = max(np.square(truth).sum(dtype=float), 1e-30)
    r2 = (2 * product - np.square(predicted).sum(dtype=float)) / total
    least = max(round(LEAST_SHIFT * n_bins), 1)
    null = slice(least, n_bins - least)
    return {
        "r2": float(r2[0]),
        "null": float(np.quantile(r2[null], 0.95)),
        "p": _estimate_p(product[0], product[null]),
    }


def _estimate_p(value: float, null: np.ndarray) -> float:
    """Return the chance of a value as large, given what shifts in time give.

    Neighbouring shifts give nearly the same, so that counting them would promise smaller p than
    slow signals allow. The null is taken as normal about 0 with the standard deviation over shifts,
    which is estimated as well as from ``null.size / sum of squared autocorrelations`` of them.
    """
    spread = null.std()
    if spread == 0:
        return 1.0
    padded = np.abs(np.fft.rfft(null - null.mean(), 2 * null.size)) ** 2
    correlation = np.fft.irfft(padded)[: null.size] / (null.size * spread**2)
    independent = null.size / (1 + 2 * np.square(correlation[1:]).sum())
    return float(stats.t.sf(value / spread, max(independent - 1, 1)))
