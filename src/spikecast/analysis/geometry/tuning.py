"""Which trial variables each latent follows: rank statistics, permutation, corrected p values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, rankdata

from spikecast.core.checks import (
    check_finite,
    check_in_range,
    check_one_of,
    check_same_length,
    check_three_axes,
)
from spikecast.core.errors import NotEnoughDataError
from spikecast.core.seeding import make_rng

CORRECTIONS = ("holm", "bh", "none")
NULLS = ("permutation", "circular_shift")
MAX_LEVELS = 10  # a number with more distinct values is continuous
MIN_TRIALS = 10


@dataclass(frozen=True)
class Tuning:
    """What :func:`tuning` found.

    Attributes
    ----------
    table : DataFrame
        One row per latent and variable: ``latent, variable, kind`` (``"classes"``: Kruskal-Wallis;
        ``"continuous"``: Spearman), ``n_trials`` (with a value), ``effect`` (share of the variance
        of the latent's ranks that the variable explains), ``p``, ``p_corrected``.
    correction, null : str
    left_out : dict
        Variable -> why it was not tested.
    """

    table: pd.DataFrame
    correction: str
    null: str
    left_out: dict[str, str]

    def significant(self, alpha: float = 0.05) -> pd.DataFrame:
        """The rows whose corrected p is at most `alpha`, strongest effect first."""
        rows = self.table[self.table["p_corrected"] <= alpha]
        return rows.sort_values("effect", ascending=False, ignore_index=True)

    def __str__(self) -> str:
        lines = [
            f"{len(self.table)} tests of latents against trial variables ({self.null}, "
            f"{self.correction}):"
        ]
        tuned = self.significant()
        for variable, rows in self.table.groupby("variable", sort=False):
            hits = tuned[tuned["variable"] == variable]
            lines.append(f"  {variable}: {len(hits)} of {len(rows)} latents")
        lines += [f"  {name}: not tested, {why}" for name, why in self.left_out.items()]
        return "\n".join(lines)


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
        By default all columns.
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
    >>> found = tuning(latents, pd.DataFrame({"choice": choice}))
    >>> found.significant()["latent"].tolist()
    [1]
    """
    check_one_of("correction", correction, CORRECTIONS)
    check_one_of("null", null, NULLS)
    check_in_range("n_permutations", n_permutations, 1)
    values = _window_mean(latents, time, window)
    check_same_length("latents", len(values), "trials", len(trials))
    names = list(trials) if variables is None else list(variables)
    for name in names:
        check_one_of("trial column", name, list(trials))
    rows, left_out = [], {}
    for name in names:
        column = trials[name]
        present = column.notna().to_numpy()
        column = column[present]
        why = explain_untestable(column)
        if why:
            left_out[str(name)] = why
            continue
        design, kind = _design(column)
        ranks = rankdata(values[present], axis=0)
        ranks -= ranks.mean(axis=0)
        ranks /= np.maximum(np.linalg.norm(ranks, axis=0), 1e-12)
        observed = _explained(design, ranks)
        rng = make_rng(seed, "tuning", name)
        orders = _orders(null, len(column), n_permutations, rng)
        drawn = np.stack([_explained(design[order], ranks) for order in orders])
        close = observed * (1 - 1e-9)  # equal ranks must count as reached, whatever the rounding
        if null == "permutation":
            flat = np.sort(drawn[:, np.ptp(ranks, axis=0) > 0].ravel())
            reached, n_drawn = flat.size - np.searchsorted(flat, close), flat.size
        else:
            reached, n_drawn = (drawn >= close).sum(axis=0), len(drawn)
        for latent in range(values.shape[1]):
            flat_latent = np.ptp(ranks[:, latent]) == 0
            rows.append(
                {
                    "latent": latent,
                    "variable": str(name),
                    "kind": kind,
                    "n_trials": len(column),
                    "effect": observed[latent],
                    "p": 1.0 if flat_latent else (1 + reached[latent]) / (1 + n_drawn),
                }
            )
    if not rows:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise NotEnoughDataError(f"no trial variable can be tested ({reasons})")
    table = pd.DataFrame(rows)
    table["p_corrected"] = correct_p_values(table["p"].to_numpy(), correction)
    return Tuning(table, correction, null, left_out)


def correct_p_values(p: np.ndarray, correction: str) -> np.ndarray:
    """Return p values corrected for how many there are.

    Parameters
    ----------
    p : array, (test,)
    correction : {"bh", "holm", "none"}

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
    found = np.empty_like(p)
    found[order] = np.minimum(stepped, 1.0)
    return found


def _window_mean(
    latents: np.ndarray, time: np.ndarray | None, window: tuple[float, float] | None
) -> np.ndarray:
    latents = np.asarray(latents)
    check_three_axes("latents", latents)
    check_finite("latents", latents)
    inside = np.ones(latents.shape[1], dtype=bool)
    if window is not None:
        if time is None:
            raise NotEnoughDataError("a window in seconds needs time, the bin centres in seconds")
        check_same_length("time", len(time), "the time axis of latents", latents.shape[1])
        inside = (np.asarray(time) >= window[0]) & (np.asarray(time) < window[1])
        if not inside.any():
            raise NotEnoughDataError(f"the window {tuple(window)} holds no bin")
    return latents[:, inside].mean(axis=1, dtype=float)


def explain_untestable(column: pd.Series) -> str:
    """Say why the values of a trial column (missing ones left out) cannot be tested, or ``""``."""
    if len(column) < MIN_TRIALS:
        return f"only {len(column)} trials have a value"
    counts = column.value_counts()
    if len(counts) == 1:
        return "it has a single value"
    if _is_text(column) and len(counts) > len(column) // 2:
        return "nearly every trial has a value of its own"
    return ""


def _is_text(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column)


def _design(column: pd.Series) -> tuple[np.ndarray, str]:
    """Orthonormal columns (trial, column) whose span is what the variable explains."""
    if _is_text(column) or column.nunique() <= MAX_LEVELS:
        member = pd.get_dummies(column).to_numpy(dtype=float)
        return member / np.sqrt(member.sum(axis=0)), "classes"
    ranks = rankdata(column.to_numpy(dtype=float))
    ranks -= ranks.mean()
    return (ranks / np.linalg.norm(ranks))[:, np.newaxis], "continuous"


def _explained(design: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Share of each latent's rank variance in the span of the design: H / (n - 1), or rho^2."""
    return np.square(design.T @ ranks).sum(axis=0)


def _orders(null: str, n_trials: int, n_permutations: int, rng: np.random.Generator) -> list:
    if null == "permutation":
        return [rng.permutation(n_trials) for _ in range(n_permutations)]
    steps = np.arange(1, n_trials)
    return [np.roll(np.arange(n_trials), step) for step in steps]
