"""The class of figures of one target, and the units and names that such figures share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from spikecast.report.shared.section import Drawing
from spikecast.runs.reader import Target


@dataclass(frozen=True)
class TargetFigure:
    """A figure that every target can have.

    `heading` stands above it on the page, if it is not empty. `describe` returns the caption: what
    the figure shows and, where it misleads, what it does not. `alt` says in a sentence what is
    drawn. `applies` returns whether a target has what the figure needs. `narrow` draws it for
    narrow screens.
    """

    heading: str
    draw: Callable[[Target], Figure]
    describe: Callable[[Target], str]
    alt: str
    applies: Callable[[Target], bool] = lambda target: True
    narrow: Callable[[Target], Figure] | None = None

    def make_drawing(self, target: Target, name: str, note: str = "") -> Drawing:
        """Return the figure of a target under a name; `note` is added to its caption."""
        caption = self.describe(target) + note
        return Drawing(name, self.draw, target, caption, self.alt, self.narrow)


def is_cut_into_windows(target: Target) -> bool:
    """Return whether its trials are windows of one long trial, which begin anywhere."""
    return bool(target.problem.attrs["windows"])


def name_trial(target: Target) -> str:
    """Return ``"window"`` or ``"trial"``."""
    return "window" if is_cut_into_windows(target) else "trial"


def is_counts(target: Target) -> bool:
    """Return whether the target's activity is spike counts."""
    return bool(target.problem.attrs["kind"] == "counts")


def find_unit_scale(target: Target) -> float:
    """Return what turns activity into the unit of figures: Hz for counts."""
    return 1 / target.problem.attrs["bin_size"] if is_counts(target) else 1.0


def find_time_axis(target: Target) -> tuple[np.ndarray, str]:
    """Return bin centres, (time,), and their label: windows may be minutes long."""
    time = target.problem["time"].values
    if is_cut_into_windows(target):
        return time, "s from the start of the window"
    return 1000 * time, f"ms from {target.run.manifest['data']['attributes']['align_to']}"


def group_trials(target: Target) -> tuple[str, np.ndarray]:
    """Return a few groups of trials to average over: their name, and a label per trial.

    The side of the stimulus where contrasts are known, else a trial column with few values.
    """
    problem = target.problem
    contrasts = [
        problem[name].values
        for name in ("trial_contrast_left", "trial_contrast_right")
        if name in problem.variables and problem[name].dtype.kind in "iuf"
    ]
    if len(contrasts) == 2 and np.isfinite(contrasts).all():
        left, right = np.asarray(contrasts, dtype=float)
        side = np.sign(right - left)
        names = {-1: "left", 0: "equal or none", 1: "right"}
        return "stronger stimulus", np.array([names[int(value)] for value in side])
    for name in map(str, problem.variables):
        values = problem[name].values
        if name.startswith("trial_") and 1 < len(np.unique(values)) <= 5:
            return name.removeprefix("trial_"), values.astype(str)
    return "trials", np.full(problem.sizes["trial"], "all")
