"""How many dimensions a population has: what new trials, and other neurons, confirm of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils.extmath import randomized_svd

from spikecast.analysis.geometry.activity import check_varies, read_activity
from spikecast.analysis.results import Result
from spikecast.core.checks import check_count, check_in_range
from spikecast.core.errors import NotEnoughDataError
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.models.preprocess import find_principal_axes, signed_sqrt, smooth
from spikecast.tasks.splits import Fold, split_by_block, split_by_trial

WINDOW = 100  # bins; a single long trial is cut into stretches of this length
N_PROBES = 64
N_SHIFTS = 200
ALPHA = 0.05
WIDEST = 10**6  # bins of smoothing
ORDINARY = 1e3
"""Range of a neuron, or one over it, up to which fourth powers of activity are safe in float32."""


@dataclass(frozen=True, repr=False)
class Dimensionality(Result):
    """How many dimensions a population has.

    Attributes
    ----------
    table : DataFrame
        One row per number of components: ``n_components``, ``in_sample`` and ``cross_validated``
        (cumulative share of the variance that principal components explain, of the trials they
        were learnt from and of new ones), ``reliable`` (share of a shared component's variance
        that the other half of the neurons confirms on held-out time, SVCA), ``p`` (against shifts
        in time).
    participation_ratio : float
        (sum of variances)^2 / sum of squared variances, of all the activity, noise included.
    shared_participation_ratio : float
        The same of the reliable variances of SVCA: noise of single neurons left out.
    n_reliable : int
        Leading shared components with p <= 0.05.
    n_neurons, n_samples : int
    """

    figure = "dimensions"

    table: pd.DataFrame
    participation_ratio: float
    shared_participation_ratio: float
    n_reliable: int
    n_neurons: int
    n_samples: int

    def components_for(self, share: float, column: str = "cross_validated") -> int | None:
        """Return the fewest components that explain a share of the variance; None if none do."""
        enough = self.table[self.table[column] >= share]["n_components"]
        return int(enough.iloc[0]) if len(enough) else None

    def __str__(self) -> str:
        last = self.table.iloc[-1]
        return (
            f"{self.n_neurons} neurons, {self.n_samples} samples: {self.n_reliable} reliable "
            f"shared dimensions, participation ratio {self.shared_participation_ratio:.1f} "
            f"(with the noise of single neurons {self.participation_ratio:.1f}); "
            f"{int(last['n_components'])} components explain {100 * last['in_sample']:.0f} % of "
            f"the variance in sample, {100 * last['cross_validated']:.0f} % held out"
        )


def dimensionality(
    data: Recording | np.ndarray,
    *,
    n_components: int = 30,
    width: float = 0.0,
    folds: int = 5,
    n_splits: int = 3,
    seed: int = 0,
) -> Dimensionality:
    """Count dimensions by variance explained, by participation ratio and by SVCA.

    Variance that principal components explain on new trials says how far the axes generalise, but
    holds the noise of the very neurons it projects. Shared variance component analysis (Stringer
    et al. 2019) splits the neurons in two, finds on training time the directions of either half
    that covary most, and asks on held-out time how much of their variance the halves share: the
    noise of single neurons has no part in it.

    Parameters
    ----------
    data : Recording or array, (trial, time, neuron)
        Counts of a recording enter as square roots. A single trial is cut into contiguous
        stretches of 100 bins, held out in blocks with a gap.
    n_components : int
        Looked at; fewer where there are fewer neurons (SVCA: half as many) or samples.
    width : float
        Gaussian smoothing in bins (needs memory for one more copy); 0 for none.
    folds : int
    n_splits : int
        Random halves of the neurons, averaged.
    seed : int

    Returns
    -------
    Dimensionality

    Notes
    -----
    Shared variance is whatever neurons have in common: stimulus, movement, arousal, but also
    artefacts and drift. Smoothing raises all figures by taking noise away.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> latents, loadings = rng.normal(size=(40, 20, 3)), rng.normal(size=(3, 30))
    >>> activity = latents @ loadings + rng.normal(size=(40, 20, 30))
    >>> dimensionality(activity, n_components=10).n_reliable
    3
    """
    check_in_range("width", width, 0, WIDEST)
    x, groups = _make_samples(data, width)
    check_varies(x)
    x = _scale_all(x)
    n_samples, n_neurons = x.shape
    if n_neurons < 4:
        raise NotEnoughDataError(f"{n_neurons} neurons cannot be split in two; 4 are needed")
    n_splits = check_count("n_splits", n_splits, 1)
    n_components = check_count("n_components", n_components, 1)
    n_groups = int(groups[-1]) + 1
    single = np.shape(data.activity if isinstance(data, Recording) else data)[0] == 1
    cut = (
        split_by_block(n_groups, folds, gap=1) if single else split_by_trial(n_groups, folds, seed)
    )
    n_components = min(n_components, n_neurons, n_samples)

    mean, axes, variance = find_principal_axes(x, n_components)
    total = _sum_variance(x, mean)
    in_sample = np.cumsum(variance[:n_components]) / total
    ratio = total**2 / (np.square(variance).sum() + _estimate_tail(x, mean, axes, seed))
    held_out = np.mean([_explain_held_out(x, groups, fold, n_components) for fold in cut], axis=0)
    shared, everything, p = _average_svca(
        x, groups, cut, min(n_components, n_neurons // 2), n_splits, seed
    )
    significant = p <= ALPHA
    n_reliable = int(significant.size if significant.all() else np.argmin(significant))
    reliable = shared[:n_reliable]
    table = pd.DataFrame(
        {
            "n_components": np.arange(1, n_components + 1),
            "in_sample": in_sample,
            "cross_validated": held_out,
            "reliable": _pad(shared / np.maximum(everything, 1e-12), n_components),
            "p": _pad(p, n_components),
        }
    )
    return Dimensionality(
        table,
        float(ratio),
        float(reliable.sum() ** 2 / np.square(reliable).sum()) if n_reliable else 0.0,
        n_reliable,
        n_neurons,
        n_samples,
    )


def _make_samples(data: Recording | np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return activity (sample, neuron) as float32, and the trial or stretch of each sample."""
    activity = read_activity(data)
    n_trials, n_bins, n_neurons = activity.shape
    if width > 0:
        activity = smooth(activity, width)
    if isinstance(data, Recording) and data.kind == "counts":
        activity = signed_sqrt(activity.astype(np.float32, copy=False))
    flat = activity.reshape(-1, n_neurons).astype(np.float32, copy=False)
    if n_trials > 1:
        return flat, np.repeat(np.arange(n_trials), n_bins)
    if n_bins < 4 * WINDOW:
        raise NotEnoughDataError(
            f"a single trial of {n_bins} bins is too short; at least {4 * WINDOW} are needed"
        )
    return flat, np.minimum(np.arange(n_bins) // WINDOW, n_bins // WINDOW - 1)


def _scale_all(x: np.ndarray) -> np.ndarray:
    """Return activity (sample, neuron) in a unit in which no fourth power is lost in float32.

    It is one power of two for all neurons, which rounds nothing; shares and ratios have no unit.
    """
    size = float(np.ptp(x, axis=0).max())
    if 1 / ORDINARY <= size <= ORDINARY:
        return x  # no second array of x's size
    return np.ldexp(x, -int(np.frexp(size)[1]))


def _sum_variance(x: np.ndarray, mean: np.ndarray) -> float:
    squares = sum(float(np.square(b).sum(dtype=np.float64)) for b in _center_blocks(x, mean))
    return max(squares / len(x), 1e-30)


def _center_blocks(x: np.ndarray, mean: np.ndarray) -> Iterator[np.ndarray]:
    """Yield blocks of samples less the mean: a copy of all would need too much memory."""
    return (x[start : start + 1024] - mean for start in range(0, len(x), 1024))


def _explain_held_out(
    x: np.ndarray, groups: np.ndarray, fold: Fold, n_components: int
) -> np.ndarray:
    """Return the cumulative share of the test samples' variance about the training mean."""
    mean, axes, _ = find_principal_axes(x[np.isin(groups, fold.train)], n_components)
    explained, total = np.zeros(len(axes)), 0.0
    for group in fold.test:
        block = x[groups == group] - mean
        explained += np.square(block @ axes.T).sum(axis=0, dtype=np.float64)
        total += float(np.square(block).sum(dtype=np.float64))
    return _pad(np.cumsum(explained) / max(total, 1e-30), n_components, "edge")


def _estimate_tail(x: np.ndarray, mean: np.ndarray, axes: np.ndarray, seed: int) -> float:
    """Return the sum of squared variances beyond `axes`, by random probes (Hutchinson 1990).

    tr(C^2) is the mean of |C g|^2 over random g; the leading components are exact, so the probes
    only have to measure what is left.
    """
    if len(axes) == min(x.shape):
        return 0.0
    probes = make_rng(seed, "dimensionality", "probes").normal(size=(x.shape[1], N_PROBES))
    probes = probes.astype(np.float32)
    probes -= axes.T @ (axes @ probes)
    image = np.zeros_like(probes)
    for block in _center_blocks(x, mean):
        image += block.T @ (block @ probes)
    image = image / len(x)
    image -= axes.T @ (axes @ image)
    return float(np.square(image).sum(dtype=np.float64) / N_PROBES)


def _average_svca(
    x: np.ndarray, groups: np.ndarray, cut: list[Fold], n_components: int, n_splits: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shared and total variance and p of each component, averaged over random halves.

    Held-out time is every other fold's test part.
    """
    held_out = np.isin(groups, np.concatenate([fold.test for fold in cut[1::2]]))
    parts, half = [], x.shape[1] // 2
    for split in range(n_splits):
        order = make_rng(seed, "dimensionality", "svca", split).permutation(x.shape[1])
        one, other = np.sort(order[:half]), np.sort(order[half:])
        own_seed = derive_seed(seed, "svca", split)
        parts.append(find_shared_variance(x, one, other, held_out, n_components, own_seed))
    shared, total, p = (np.stack(part) for part in zip(*parts, strict=True))
    # twice the mean of p values is a valid p value whatever their dependence (Vovk & Wang 2020)
    return shared.mean(axis=0), total.mean(axis=0), np.minimum(2 * p.mean(axis=0), 1.0)


def find_shared_variance(
    x: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    held_out: np.ndarray,
    n_components: int,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find shared variance components of two groups of neurons (SVCA, Stringer et al. 2019).

    They are found on the samples of `x` (sample, neuron) that are not `held_out` (sample,).
    Returns, per component and on held-out samples, the covariance of the two projections, the mean
    of their variances, and the share of circular shifts of one against the other that reach the
    covariance.
    """
    f, g = (_center(x, ~held_out, group) for group in (one, other))
    covariance = f.T @ g / len(f)  # (one, other)
    del f, g
    u, _, v = randomized_svd(covariance, n_components, random_state=seed)
    del covariance
    a = (_center(x, held_out, one) @ u).astype(np.float64)
    b = (_center(x, held_out, other) @ v.T).astype(np.float64)
    shared = (a * b).mean(axis=0)
    total = (np.square(a).mean(axis=0) + np.square(b).mean(axis=0)) / 2
    # all circular shifts at once through the Fourier transform
    spectrum = np.fft.rfft(a, axis=0) * np.fft.rfft(b, axis=0).conj()
    shifted = np.fft.irfft(spectrum, n=len(a), axis=0) / len(a)
    margin = max(len(a) // 20, 1)
    rng = make_rng(seed, "shifts")
    offsets = rng.choice(np.arange(margin, len(a) - margin), N_SHIFTS)
    p = (1 + (shifted[offsets] >= shared).sum(axis=0)) / (1 + N_SHIFTS)
    return shared, total, p


def _center(x: np.ndarray, samples: np.ndarray, neurons: np.ndarray) -> np.ndarray:
    block = x[np.ix_(samples, neurons)]
    block -= block.mean(axis=0)
    return block


def _pad(values: np.ndarray, length: int, mode: str = "nan") -> np.ndarray:
    filler = values[-1] if mode == "edge" else np.nan
    return np.concatenate([values, np.full(length - len(values), filler)])
