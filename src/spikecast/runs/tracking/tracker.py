"""What a tracker has to do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from spikecast.core.errors import InputError
from spikecast.runs.config import Config


@dataclass(frozen=True)
class TrackedFit:
    """One model that was fitted on one fold."""

    target: str
    model: str
    fold: int
    seconds: float
    losses: dict[str, list[float]]  # "train", "valid": a value per epoch; empty without epochs


class Tracker(Protocol):
    """Logs how a run goes."""

    def start(self, folder: Path, config: Config) -> None:
        """Begin: the run directory is there, and fits begin (or go on)."""

    def log_fit(self, fit: TrackedFit) -> None:
        """Log a fit; of a resumed run, also those of before."""

    def log_scores(self, summary: pd.DataFrame) -> None:
        """Log headline scores with intervals, a row per target and model: ``summary.csv``."""

    def finish(self, folder: Path) -> None:
        """End: all is done, and nothing follows."""

    def stop(self, why: str) -> None:
        """End a run before it was finished; nothing follows."""


def make_package_error(tracker: str) -> InputError:
    """Return the error for a tracker whose package is not installed."""
    return InputError(
        f"the tracker '{tracker}' needs a package that is not installed: "
        f"pip install 'spikecast[{tracker}]'"
    )
