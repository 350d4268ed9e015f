"""Which trial variables each latent follows: rank statistics, permutation, corrected p values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, rankdata

from spikecast.analysis.comparisons import compare_column
from spikecast.analysis.conditions import find_missing
from spikecast.analysis.geometry.activity import read_latents, read_time
from spikecast.analysis.results import Result
from spikecast.analysis.slowness import labels_come_in_runs
from spikecast.core.checks import (
    MOST_DRAWS,
    check_count,
    check_kind,
    check_one_of,
    check_same_length,
    quote,
)
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.data.binning import find_inside

CORRECTIONS = ("holm", "bh", "none")
NULLS = ("permutation", "circular_shift")
MAX_LEVELS = 10  # a number with more distinct values is continuous
MIN_TRIALS = 10


@dataclass(frozen=True, repr=False)
class Tuning(Result):
    """Which trial variables each latent follows.

    Attributes
    ----------
    table : DataFrame
        One row per latent and variable: ``latent, variable, kind`` (``"classes"``: Kruskal-Wallis;
        ``"continuous"``: Spearman), ``n_trials`` (with a value), ``effect`` (share of the variance
        of the latent's ranks that the variable explains), ``p``, ``p_corrected``.
    correction, null : str
    left_out : dict
        Variable -> why it was not tested.
    slow : tuple of str
        Variables that were permuted though they come in runs of trials, or change slowly over
        them: slow drift alone follows them, so that their p are too small.
    """

    figure = "tuning"

    table: pd.DataFrame
    correction: str
    null: str
    left_out: dict[str, str]
    slow: tuple[str, ...] = ()

    def significant(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return the rows whose corrected p is at most `alpha`, strongest effect first."""
        rows = self.table[self.table["p_corrected"] <= alpha]
        return rows.sort_values("effect", ascending=False, ignore_index=True)

    def __str__(self) -> str:
        n_tuned = self.significant()["variable"].value_counts()
        variables = self.table["variable"].unique()
        tuned = ", ".join(f"{name} {n_tuned.get(name, 0)}" for name in variables)
        return (
            f"{len(self.table)} tests of latents against trial variables ({self.null}, "
            f"{self.correction}); tuned latents: {tuned}" + self._describe_slow()
        )

    def _describe_slow(self) -> str:
        if not self.slow:
            return ""
        return (
            f". Slow drift alone follows {', '.join(self.slow)}, in runs of trials: p is too small "
            "where latents drift; ask again with null='circular_shift'"
        )


def tuning(
    latents: np.ndarray,
    trials: pd.DataFrame,
    *,
    variables: Sequence[str] | None = None,
    time: np.ndarray | None = None,
    window: tuple[float, float] | None = None,
    correction: str = "bh",
    null: str = "permutation",
    n_permutations: int = 1000,
    seed: int = 0,
) -> Tuning:
    """Test every latent against every trial variable.

    A latent's mean over the window is ranked over trials. Variables of up to 10 distinct values
    (and text) are classes, tested by the Kruskal-Wallis statistic; others by the squared Spearman
    correlation. p comes from permuting the variable over trials; as ranks have the same null
    whatever the latent, the permutations of all latents are pooled.

    Parameters
    ----------
    latents : array, (trial, time, latent)
    trials : DataFrame
        One row per trial; NaN leaves a trial out of that variable.
    variables : sequence of str, optional
        Columns, or comparisons such as ``"contrast>0"``. By default all columns.
    time : array, (time,), optional
        Seconds; needed for `window`.
    window : (float, float), optional
        Bins in ``[start, stop)`` seconds; by default all.
    correction : {"bh", "holm", "none"}
        Over all latents and variables: false discovery rate (Benjamini & Hochberg 1995), or
        family-wise error (Holm 1979).
    null : {"permutation", "circular_shift"}
        Permutation assumes exchangeable trials. Where latent and variable both wander slowly over
        the session, shift instead; p is then no smaller than 1 / number of trials. Shifting
        assumes that they come back: against a trend through the whole session it helps little.
    n_permutations : int
    seed : int

    Returns
    -------
    Tuning

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> choice = rng.integers(2, size=60)
    >>> latents = rng.normal(size=(60, 5, 3)); latents[..., 1] += choice[:, np.newaxis]
    >>> tuned = tuning(latents, pd.DataFrame({"choice": choice}))
    >>> tuned.significant()["latent"].tolist()
    [1]
    """
    check_one_of("correction", correction, CORRECTIONS)
    check_one_of("null", null, NULLS)
    check_count("n_permutations", n_permutations, 1, MOST_DRAWS)
    values = _average_window(latents, time, window)
    check_kind(trials, pd.DataFrame)
    if not isinstance(variables, Iterable | None) or isinstance(variables, str):
        raise InputError(f"variables is {quote(variables)}; it must be a list of trial columns")
    check_same_length("latents", len(values), "trials", len(trials))
    names = list(trials) if variables is None else list(variables)
    for made in map(str, names):
        words = compare_column(trials, made)
        if words is not None:
            trials = trials.assign(**{made: words})
    for name in names:
        check_one_of("trial column", name, list(trials))
    rows, left_out = [], {}
    for name in names:
        present = ~find_missing(trials[name])
        column = trials[name][present]
        reason = explain_untestable(column)
        if reason:
            left_out[str(name)] = reason
            continue
        rng = make_rng(seed, "tuning", name)
        orders = _draw_orders(null, len(column), n_permutations, rng)
        rows.append(_test_variable(column, values[present], orders, pooled=null == "permutation"))
    if not rows:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise NotEnoughDataError(f"no trial variable can be tested ({reasons})")
    table = pd.concat(rows, ignore_index=True)
    table["p_corrected"] = correct_p_values(table["p"].to_numpy(), correction)
    tested = [name for name in names if str(name) not in left_out]
    slow = tuple(str(one) for one in tested if changes_slowly(trials[one], seed))
    return Tuning(table, correction, null, left_out, slow if null == "permutation" else ())


def changes_slowly(column: pd.Series, seed: int = 0) -> bool:
    """Tell whether a trial variable comes in runs of trials, or changes slowly over them.

    Examples
    --------
    >>> changes_slowly(pd.Series(np.arange(30.0))), changes_slowly(pd.Series(["a", "b"] * 15))
    (True, False)
    """
    column = column[~find_missing(column)]
    if _is_text(column) or column.nunique() <= MAX_LEVELS:
        return labels_come_in_runs(pd.factorize(column)[0], seed)
    return labels_come_in_runs(column.to_numpy(dtype=float), seed)


def _test_variable(
    column: pd.Series, values: np.ndarray, orders: list[np.ndarray], pooled: bool
) -> pd.DataFrame:
    """Test a variable against every latent (trial, latent), draws of all latents pooled or not."""
    design, kind = _make_design(column)
    ranks = rankdata(values, axis=0)
    ranks -= ranks.mean(axis=0)
    ranks /= np.maximum(np.linalg.norm(ranks, axis=0), 1e-12)
    constant = np.ptp(ranks, axis=0) == 0
    effect = _explain_ranks(design, ranks)
    drawn = np.stack([_explain_ranks(design[order], ranks) for order in orders])
    close = effect * (1 - 1e-9)  # equal ranks must count as reached, whatever the rounding
    if pooled:
        flat = np.sort(drawn[:, ~constant].ravel())
        reached, n_drawn = flat.size - np.searchsorted(flat, close), flat.size
    else:
        reached, n_drawn = (drawn >= close).sum(axis=0), len(drawn)
    return pd.DataFrame(
        {
            "latent": np.arange(values.shape[1]),
            "variable": str(column.name),
            "kind": kind,
            "n_trials": len(column),
            "effect": effect,
            "p": np.where(constant, 1.0, (1 + reached) / (1 + n_drawn)),
        }
    )


def correct_p_values(p: np.ndarray, correction: str) -> np.ndarray:
    """Return p values (test,) corrected for how many there are by "bh", "holm" or "none".

    Examples
    --------
    >>> correct_p_values(np.array([0.01, 0.04, 0.03]), "holm").round(3)
    array([0.03, 0.06, 0.06])
    >>> correct_p_values(np.array([0.01, 0.04, 0.03]), "bh").round(3)
    array([0.03, 0.04, 0.04])
    """
    check_one_of("correction", correction, CORRECTIONS)
    if correction == "none":
        return p.copy()
    if correction == "bh":
        return false_discovery_control(p, method="bh")
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def _average_window(
    latents: np.ndarray, time: np.ndarray | None, window: tuple[float, float] | None
) -> np.ndarray:
    latents = read_latents(latents)
    inside = np.ones(latents.shape[1], dtype=bool)
    if window is not None:
        if time is None:
            raise NotEnoughDataError("a window in seconds needs time, the bin centres in seconds")
        times = read_time(time, latents.shape[1])
        if np.shape(window) != (2,) or not all(isinstance(end, Real) for end in window):
            raise InputError(f"window {quote(window)}: give start and stop, in seconds")
        inside = find_inside(times, window)
        if not inside.any():
            raise NotEnoughDataError(f"the window {tuple(window)} holds no bin")
    return latents[:, inside].mean(axis=1, dtype=float)


def explain_untestable(column: pd.Series) -> str:
    """Return why a trial column (without missing values) cannot be tested; ``""`` where it can."""
    if len(column) < MIN_TRIALS:
        return f"only {len(column)} trials have a value"
    if column.dtype.kind == "c":
        return "complex numbers have no order"
    counts = column.value_counts()
    if len(counts) == 1:
        return "it has a single value"
    if _is_text(column) and len(counts) > len(column) // 2:
        return "nearly every trial has a value of its own"
    return ""


def _is_text(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column)


def _make_design(column: pd.Series) -> tuple[np.ndarray, str]:
    """Return orthonormal columns (trial, column) that span what the variable explains."""
    if _is_text(column) or column.nunique() <= MAX_LEVELS:
        member = pd.get_dummies(column).to_numpy(dtype=float)
        return member / np.sqrt(member.sum(axis=0)), "classes"
    ranks = rankdata(column.to_numpy(dtype=float))
    ranks -= ranks.mean()
    return (ranks / np.linalg.norm(ranks))[:, np.newaxis], "continuous"


def _explain_ranks(design: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Return each latent's share of rank variance in the design: H / (n - 1), or rho^2."""
    return np.square(design.T @ ranks).sum(axis=0)


def _draw_orders(
    null: str, n_trials: int, n_permutations: int, rng: np.random.Generator
) -> list[np.ndarray]:
    if null == "permutation":
        return [rng.permutation(n_trials) for _ in range(n_permutations)]
    steps = np.arange(1, n_trials)
    return [np.roll(np.arange(n_trials), step) for step in steps]
