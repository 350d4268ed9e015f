"""What study D's choice of a split by its score comes to, by the numbers of a run."""

from collections.abc import Mapping
from typing import Any

from spikecast.core.notices import Notice, NoticeKind

LIKE = 1.25  # numbers whose ratio is below it are called alike

SPLIT_IS_RUNNING = NoticeKind(
    "split_is_running",
    "serious",
    "In this run the deck's error of one network goes from {low:.4g} ({best}) to {high:.4g} "
    "({worst}) over {n} splits; {cut} has {theirs:.4g}. Divided by the variance of what is "
    "predicted in the test part it is {least:.2f} to {most:.2f}: to choose a split by its score is "
    "to choose how much there was to predict in the test part.",
)
SPLIT_IS_MORE = NoticeKind(
    "split_is_more",
    "serious",
    "In this run the deck's error of one network goes from {low:.4g} ({best}) to {high:.4g} "
    "({worst}) over {n} splits; {cut} has {theirs:.4g}. Divided by the variance of what is "
    "predicted in the test part it still is {least:.2f} to {most:.2f}: not only how much there was "
    "to predict differs between the test parts.",
)
SPLIT_COSTS_LITTLE = NoticeKind(
    "split_costs_little",
    "minor",
    "In this run the deck's error of one network goes from {low:.4g} ({best}) to {high:.4g} "
    "({worst}) over {n} splits; {cut} has {theirs:.4g}: here the choice of a split changes it by "
    "less than a quarter.",
)


def name_split(share: float) -> str:
    """Return what a split is called, by the share of its training part.

    Examples
    --------
    >>> name_split(0.7)
    '70/30'
    """
    return f"{100 * share:.0f}/{100 * (1 - share):.0f}"


def explain_splits(errors: Mapping[str, float], shares: Mapping[str, float], cut: str) -> Notice:
    """Return what the deck's error by split shows.

    Parameters
    ----------
    errors : mapping
        Of each split.
    shares : mapping
        The same errors over the variance of what is predicted in the split's test part.
    cut : str
        The deck's own split.

    Examples
    --------
    >>> explain_splits({"70/30": 4.0, "50/50": 2.0}, {"70/30": 1.1, "50/50": 1.0}, "70/30").code
    'split_is_running'
    """
    best, worst = (choose(errors, key=errors.__getitem__) for choose in (min, max))
    values: dict[str, Any] = {"low": errors[best], "high": errors[worst], "n": len(errors)}
    values |= {"best": best, "worst": worst, "cut": cut, "theirs": errors[cut]}
    if errors[worst] < LIKE * errors[best]:
        return SPLIT_COSTS_LITTLE(**values)
    least, most = min(shares.values()), max(shares.values())
    kind = SPLIT_IS_RUNNING if most < LIKE * least else SPLIT_IS_MORE
    return kind(**values, least=least, most=most)
