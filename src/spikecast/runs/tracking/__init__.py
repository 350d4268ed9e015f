"""Runs logged by an experiment tracker: off by default, behind one small interface."""

from collections.abc import Callable

from spikecast.core.checks import check_one_of
from spikecast.runs.tracking.mlflow import MLflow
from spikecast.runs.tracking.run_watcher import watch_run
from spikecast.runs.tracking.tensorboard import TensorBoard
from spikecast.runs.tracking.tracker import TrackedFit, Tracker

__all__ = ["TRACKERS", "TrackedFit", "Tracker", "make_tracker", "watch_run"]


TRACKERS: dict[str, Callable[[], Tracker]] = {"tensorboard": TensorBoard, "mlflow": MLflow}
"""Name -> tracker; its package is imported when it is made."""


def make_tracker(name: str | None) -> Tracker | None:
    """Return a tracker by name, or None where no name is given.

    An unknown name and a package that is not installed are errors; the latter names the extra.
    """
    if name is None:
        return None
    return TRACKERS[check_one_of("tracker", name, list(TRACKERS))]()
