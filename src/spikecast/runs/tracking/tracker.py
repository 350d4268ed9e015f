"""What a tracker is told, and the one that does nothing."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pandas as pd

from spikecast.core.errors import InputError
from spikecast.runs.config import Config


@dataclass(frozen=True)
class Fit:
    """One model that was fitted on one fold.

    Attributes
    ----------
    target, model : str
    fold : int
    seconds : float
    losses : dict of str -> list of float
        ``"train"`` and ``"valid"``, a value per epoch, mean over members; empty for models that
        are not trained in epochs.
    """

    target: str
    model: str
    fold: int
    seconds: float
    losses: dict[str, list[float]] = field(default_factory=dict)


class Tracker(Protocol):
    """Anything that wants to know how a run goes."""

    def started(self, folder: Path, config: Config) -> None:
        """The run directory is there, and fits begin (or go on)."""

    def trained(self, fit: Fit) -> None:
        """A model was fitted on a fold; of a resumed run, also those fitted before."""

    def scored(self, summary: pd.DataFrame) -> None:
        """Headline scores with intervals, a row per target and model: ``summary.csv``."""

    def finished(self, folder: Path) -> None:
        """All is done; nothing follows."""

    def stopped(self, why: str) -> None:
        """The run ended before it was finished; nothing follows."""


@dataclass(frozen=True)
class Untracked:
    """The tracker of a run that is not tracked."""

    def started(self, folder: Path, config: Config) -> None:
        """Nothing."""

    def trained(self, fit: Fit) -> None:
        """Nothing."""

    def scored(self, summary: pd.DataFrame) -> None:
        """Nothing."""

    def finished(self, folder: Path) -> None:
        """Nothing."""

    def stopped(self, why: str) -> None:
        """Nothing."""


def missing(name: str) -> InputError:
    """The error for a tracker whose package is not installed."""
    return InputError(
        f"the tracker '{name}' needs a package that is not installed: "
        f"pip install 'spikecast[{name}]'"
    )
