"""Runs logged by an experiment tracker: off by default, behind one small interface."""

from collections.abc import Callable

from spikecast.core.checks import check_one_of
from spikecast.runs.tracking.run_watcher import watch_run
from spikecast.runs.tracking.tracker import TrackedFit, Tracker

__all__ = ["TRACKERS", "TrackedFit", "Tracker", "make_tracker", "watch_run"]


def _tensorboard() -> Tracker:
    from spikecast.runs.tracking.tensorboard import TensorBoard

    return TensorBoard()


def _mlflow() -> Tracker:
    from spikecast.runs.tracking.mlflow import MLflow

    return MLflow()


TRACKERS: dict[str, Callable[[], Tracker]] = {"tensorboard": _tensorboard, "mlflow": _mlflow}
"""Name -> tracker; its package is imported when it is made."""


def make_tracker(name: str | None) -> Tracker | None:
    """Return a tracker by name, or None where no name is given.

    Raises
    ------
    UnknownNameError
        For a name that is not in :data:`TRACKERS`.
    InputError
        When its package is not installed; the message names the extra.
    """
    if name is None:
        return None
    return TRACKERS[check_one_of("tracker", name, list(TRACKERS))]()
