"""A tracker follows a run by the files it writes.

Experiments know nothing of trackers: whenever a run reports progress, what is new in its directory
is told. A fit is told once its ``.json`` is there, which is written last.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from spikecast.core.files import read_json
from spikecast.runs.config import Config
from spikecast.runs.layout import RunLayout, split_job_name
from spikecast.runs.run_directory import read_manifest
from spikecast.runs.tracking.tracker import Fit, Tracker, Untracked

Progress = Callable[[str, int, int], None]


@contextmanager
def followed(
    tracker: Tracker,
    config: Config,
    out: str | Path,
    progress: Progress = lambda what, done, total: None,
    *,
    warn: Callable[[str], None] = warnings.warn,
) -> Iterator[Progress]:
    """Tell a tracker what happens to a run within the block.

    Parameters
    ----------
    tracker : Tracker
        One that fails is told nothing more: it must not cost the run.
    config : Config
    out : str or Path
        The run directory, which need not be there yet.
    progress : callable
        As :func:`spikecast.runs.experiment.execute` takes it; still called.
    warn : callable
        Told, once, that the tracker failed.

    Yields
    ------
    callable
        To be given to the experiment as its progress.

    Examples
    --------
    >>> import tempfile
    >>> from spikecast.runs import config, experiment
    >>> content = {"data": {"path": "simulated"}, "task": {"target": "MOs"}, "models": ["psth"]}
    >>> wanted, out = config.parse(content), Path(tempfile.mkdtemp()) / "run"
    >>> with followed(Untracked(), wanted, out) as progress:
    ...     _ = experiment.execute(wanted, out, progress=progress, workers=1)
    """
    follower = _Follower(tracker, config, Path(out), warn)

    def told(what: str, done: int, total: int) -> None:
        progress(what, done, total)
        if total:  # fits have begun: what lies in the directory is this run's, not an older one's
            follower.look()

    try:
        yield told
    except BaseException as error:
        follower.stopped("interrupted" if isinstance(error, KeyboardInterrupt) else str(error))
        raise
    follower.finished()


class _Follower:
    """Remembers what a tracker was told already."""

    def __init__(
        self, tracker: Tracker, config: Config, out: Path, warn: Callable[[str], None]
    ) -> None:
        self.tracker, self.config, self.out, self.warn = tracker, config, out, warn
        self.targets: dict[str, str] | None = None  # folder -> target, once started
        self.told: set[Path] = set()

    def look(self) -> None:
        """Tell of what is new."""
        if self.targets is None:
            self._tell(self._start)
        for path in sorted(set(RunLayout(self.out).all_jobs()) - self.told):
            self.told.add(path)
            self._tell(partial(self._trained, path))

    def finished(self) -> None:
        """Tell of everything that is left, and of the end."""
        self.look()
        if RunLayout(self.out).summary.exists():
            self._tell(lambda tracker: tracker.scored(_summary(self.out)))
        self._tell(lambda tracker: tracker.finished(self.out))

    def stopped(self, why: str) -> None:
        """Tell of an end before the end."""
        if self.targets is not None:
            self._tell(lambda tracker: tracker.stopped(why))

    def _start(self, tracker: Tracker) -> None:
        manifest = read_manifest(self.out)
        self.targets = dict(zip(manifest["folders"], manifest["targets"], strict=True))
        tracker.started(self.out, self.config)

    def _trained(self, path: Path, tracker: Tracker) -> None:
        described = read_json(path)
        target = (self.targets or {})[path.parent.parent.name]
        model, fold = split_job_name(path)
        losses = {
            part: np.reshape(values, (len(values), -1)).mean(axis=1).tolist()  # (epoch, member)
            for part in ("train", "valid")
            if (values := described.get("training", {}).get(f"{part}_loss"))
        }
        tracker.trained(Fit(target, model, fold, described["fit_seconds"], losses))

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        if isinstance(self.tracker, Untracked):
            return
        try:
            call(self.tracker)
        except Exception as error:  # a full disk, a server that is away: no reason to lose a run
            self.warn(
                f"the run goes on, but is tracked no more: {type(self.tracker).__name__} failed "
                f"with {type(error).__name__}: {' '.join(str(error).split())}"
            )
            self.tracker = Untracked()


def _summary(out: Path) -> pd.DataFrame:
    return pd.read_csv(RunLayout(out).summary, dtype={"target": str, "model": str})
