"""Watch a run by the files it writes, and log what is new in them.

Experiments know nothing of trackers: whenever a run reports progress, its directory is looked at. A
fit is logged once its ``.json`` is there, which is written last.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from spikecast.core.stored import read_json
from spikecast.parallel.executors import Progress
from spikecast.runs.config import Config
from spikecast.runs.fit_files import FitFacts
from spikecast.runs.layout import RunLayout, split_job_name
from spikecast.runs.manifest import RunManifest, read_manifest
from spikecast.runs.reader import Run
from spikecast.runs.tracking.tracker import TrackedFit, Tracker


@contextmanager
def watch_run(
    tracker: Tracker | None,
    config: Config,
    out: str | Path,
    progress: Progress = lambda what, done, total: None,
    *,
    warn: Callable[[str], None] = warnings.warn,
) -> Iterator[Progress]:
    """Log what happens to a run within the block; yield what the experiment takes as progress.

    The run directory `out` need not be there yet, and `progress` is still called. A tracker that
    fails is not used again, and `warn` is called once: it must not cost the run. None logs nothing.
    """
    watcher = _RunWatcher(tracker, config, Path(out), warn)

    def report(what: str, done: int, total: int) -> None:
        progress(what, done, total)
        if total:  # fits have begun: what lies in the directory is this run's, not an older one's
            watcher.log_new_files()

    try:
        yield report
    except BaseException as error:
        watcher.stop("interrupted" if isinstance(error, KeyboardInterrupt) else str(error))
        raise
    watcher.finish()


class _RunWatcher:
    """What a tracker is told of a run, and which fits it has logged."""

    def __init__(
        self, tracker: Tracker | None, config: Config, out: Path, warn: Callable[[str], None]
    ) -> None:
        self.tracker, self.config, self.out, self.warn = tracker, config, out, warn
        self.targets: dict[str, str] | None = None  # folder -> target, once started
        self.logged: set[Path] = set()

    def log_new_files(self) -> None:
        """Log the fits that are new."""
        if self.targets is None:
            self._call_tracker(self._start)
        for path in sorted(set(RunLayout(self.out).list_jobs()) - self.logged):
            self.logged.add(path)
            self._call_tracker(partial(self._log_fit, path))

    def finish(self) -> None:
        """Log everything that is left, and the end."""
        self.log_new_files()
        if RunLayout(self.out).summary.exists():
            self._call_tracker(lambda tracker: tracker.log_scores(Run(self.out).summary))
        self._call_tracker(lambda tracker: tracker.finish(self.out))

    def stop(self, why: str) -> None:
        """Log that the run ended before it was finished."""
        if self.targets is not None:
            self._call_tracker(lambda tracker: tracker.stop(why))

    def _start(self, tracker: Tracker) -> None:
        layout, names = RunLayout(self.out), read_manifest(self.out, RunManifest)["targets"]
        self.targets = {layout.target(name).folder.name: name for name in names}
        tracker.start(self.out, self.config)

    def _log_fit(self, path: Path, tracker: Tracker) -> None:
        fit = read_json(path, FitFacts)
        target = (self.targets or {})[path.parent.parent.name]
        model, fold = split_job_name(path)
        losses = {
            part: np.reshape(values, (len(values), -1)).mean(axis=1).tolist()  # (epoch, member)
            for part in ("train", "valid")
            if (values := fit.get("training", {}).get(f"{part}_loss"))
        }
        tracker.log_fit(TrackedFit(target, model, fold, fit["fit_seconds"], losses))

    def _call_tracker(self, call: Callable[[Tracker], None]) -> None:
        if self.tracker is None:
            return
        try:
            call(self.tracker)
        except Exception as error:  # a full disk, a server that is away: no reason to lose a run
            self.warn(
                f"the run goes on, but is tracked no more: {type(self.tracker).__name__} failed "
                f"with {type(error).__name__}: {' '.join(str(error).split())}"
            )
            self.tracker = None
