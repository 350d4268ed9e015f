"""Where a score lies among those of real areas: what is much, and what is little."""

from bisect import bisect_left

import numpy as np

from spikecast.data.dataset import is_simulated
from spikecast.report.shared.formatting import format_number
from spikecast.runs.reader import Target

METRIC, TASK, MODEL = "bits_per_spike", "area_to_area", "timescales"
BIN_SIZE = 0.01  # s
REAL_AREAS = (
    0.157, 0.165, 0.165, 0.181, 0.203, 0.217, 0.218, 0.226, 0.231, 0.235, 0.253, 0.255, 0.256,
    0.259, 0.264, 0.266, 0.269, 0.270, 0.279, 0.281, 0.283, 0.283, 0.293, 0.309, 0.313, 0.323,
    0.324, 0.325, 0.334, 0.343, 0.351, 0.357, 0.365, 0.374, 0.389, 0.395, 0.408, 0.413, 0.415,
    0.421, 0.427, 0.428, 0.431, 0.436, 0.443, 0.452, 0.453, 0.455, 0.464, 0.470, 0.480, 0.481,
    0.499, 0.513, 0.522, 0.579, 0.609,
)  # fmt: skip
"""Score of ``timescales`` on each area of at least 20 neurons in seven sessions of Steinmetz et al.
(2019), from all other areas, 10 ms bins: ``benchmarks/targets.py``."""


def place_score(score: float, bin_size: float = BIN_SIZE) -> str:
    """Return where a score above the mean lies among those of real areas.

    `bin_size` (s) is that of the score: scores depend on it, so another one is said.

    Examples
    --------
    >>> place_score(0.48)[-45:]
    'median of 0.33; 50 of them score below 0.480.'
    >>> place_score(0.05, bin_size=0.02)[-70:]
    'all score above 0.050. Bins are 20 ms here, and scores depend on that.'
    """
    below = bisect_left(REAL_AREAS, score)
    low, middle, high = (
        format_number(REAL_AREAS[place], 2) for place in (0, len(REAL_AREAS) // 2, -1)
    )
    placed = f"{below} of them score below" if below else "all score above"
    if below == len(REAL_AREAS):
        placed = "all score below"
    other = f" Bins are {1000 * bin_size:g} ms here, and scores depend on that."
    return (
        f"For comparison, {len(REAL_AREAS)} areas in seven recordings (Steinmetz et al. 2019; "
        f"{1000 * BIN_SIZE:g} ms bins, from all other areas, by the model {MODEL}): {low} to "
        f"{high} above the mean, with a median of {middle}; {placed} {format_number(score)}."
        + ("" if np.isclose(bin_size, BIN_SIZE) else other)
    )


def describe_reference(target: Target) -> list[str]:
    """Return the sentence on the score of the model that real areas were measured with.

    Where it was not fitted, the best model's score is placed. Simulated data are not compared,
    loaded from a file or not.
    """
    comparable = target.run.metric == METRIC and target.problem.attrs["task"] == TASK
    if is_simulated(target.run.manifest["data"]["attributes"]) or not comparable or target.brought:
        return []
    summary = target.summary.set_index("model")[METRIC]
    score = float(summary.get(MODEL, target.best[METRIC]))
    return [place_score(score, float(target.problem.attrs["bin_size"]))]
