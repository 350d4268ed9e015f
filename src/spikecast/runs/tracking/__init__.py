"""Runs told to an experiment tracker: off by default, behind one small interface."""

from collections.abc import Callable

from spikecast.core.checks import check_one_of
from spikecast.runs.tracking.run_watcher import followed
from spikecast.runs.tracking.tracker import Fit, Tracker, Untracked

__all__ = ["TRACKERS", "Fit", "Tracker", "Untracked", "followed", "make"]


def _tensorboard() -> Tracker:
    from spikecast.runs.tracking.tensorboard import TensorBoard

    return TensorBoard()


def _mlflow() -> Tracker:
    from spikecast.runs.tracking.mlflow import MLflow

    return MLflow()


TRACKERS: dict[str, Callable[[], Tracker]] = {"tensorboard": _tensorboard, "mlflow": _mlflow}
"""Name -> tracker; each is imported when it is asked for."""


def make(name: str | None) -> Tracker:
    """Return a tracker by name; none asked for is one that does nothing.

    Raises
    ------
    UnknownNameError
        For a name that is not in :data:`TRACKERS`.
    InputError
        When its package is not installed; the message names the extra.

    Examples
    --------
    >>> make(None)
    Untracked()
    """
    if name is None:
        return Untracked()
    return TRACKERS[check_one_of("tracker", name, list(TRACKERS))]()
