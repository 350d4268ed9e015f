"""Work through a sweep: alone, in several processes, or beside processes elsewhere.

One process at a time works on a search, so that its numbers do not depend on how many there are;
a process that finds every search taken waits, and goes on with what another left behind. With
`share` it helps instead, and the order of trials, hence the numbers, then depend on timing.
"""

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spikecast.core.errors import ConfigError
from spikecast.core.files import remove_temporary, write_json, write_text
from spikecast.core.schema import to_yaml
from spikecast.data.identity import identify
from spikecast.evaluation.search import read_search
from spikecast.evaluation.search_trials import run_trial, silence_optuna
from spikecast.parallel.executors import Progress, open_executor, run_jobs
from spikecast.runs import config as configs
from spikecast.runs.config import Config, SearchConfig
from spikecast.runs.fits import fit_and_store
from spikecast.runs.layout import RunLayout, SweepLayout
from spikecast.runs.manifest import describe_run, finish_manifest, read_manifest, update_manifest
from spikecast.runs.run_directory import log_to_file, prepare_run_directory
from spikecast.runs.sweep.journal import SweepJournal, Worker, register_worker, remove_dead_workers
from spikecast.runs.sweep.journal_check import check_journal
from spikecast.runs.sweep.plan import TUNED, FoldSearch, Plan, plan_sweep
from spikecast.runs.sweep.results import write_results

log = logging.getLogger("spikecast")

POLL = 1.0  # seconds between two looks at what other processes do
Report = Callable[[str], None]
"""Called with what is being done."""


def run_sweep(
    config: Config,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    share: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Search settings on the training trials of outer folds, score them on their test trials.

    Parameters
    ----------
    config : Config
        Its block `search` says what is searched, and how long.
    resume : bool
        Go on with a sweep that was killed, join one that runs, or add trials to a finished one.
    workers : int, optional
        Processes; by default one per core. Does not change any number, unless time runs out.
    share : bool
        Help in searches that another process works on: faster where processes outnumber searches,
        but the numbers then depend on timing.

    Raises
    ------
    ConfigError, RunError, InputError
        When there is not exactly one target, or nothing to search; when `out` holds something else,
        or (with `resume`) another config; when none of a search's settings could be fitted.
    """
    out = Path(out)
    progress("reading the data", 0, 0)
    plan, recording = plan_sweep(config, out)
    identity, layout = identify(recording), RunLayout(out)
    before = _with_former_length(out, plan.config) if resume else plan.config
    prepare_run_directory(
        layout.config, to_yaml(before), identity, resume=resume, overwrite=overwrite
    )
    with log_to_file(layout.log), silence_optuna():
        check_journal(plan)
        with SweepJournal(out).claim_lock:
            write_text(layout.config, to_yaml(plan.config))
            if not layout.manifest.exists():
                targets = [plan.target.problem.target]
                write_json(layout.manifest, describe_run(recording, identity, targets, config.seed))
                log.info("started: %s", recording)
            _reopen(plan, more=plan.settings.trials > (before.search or plan.settings).trials)
        _run_searches(plan, workers, share, progress)
        progress("scoring", 0, 0)
        journal = SweepJournal(out)
        with journal.claim_lock:
            if not read_manifest(out).get("finished"):  # the first to end: none fits, none draws
                remove_temporary(out)
                remove_dead_workers(SweepLayout(out).workers)
            write_results(plan, journal, identity["activity"])
            finish_manifest(out)
        log.info("finished")
    return out


def _with_former_length(out: Path, config: Config) -> Config:
    """Return the config with the trials and time of the sweep in `out`: both may be changed."""
    try:
        former = configs.read_config(RunLayout(out).config).search or SearchConfig()
    except ConfigError:
        return config
    length = {"trials": former.trials, "timeout": former.timeout}
    search = (config.search or SearchConfig()).model_copy(update=length)
    return config.model_copy(update={"search": search})


def _reopen(plan: Plan, more: bool) -> None:
    """Open again, in a finished sweep, searches that ran out of time or get more trials."""
    if not (more or read_manifest(plan.folder).get("finished")):
        return
    journal = SweepJournal(plan.folder)
    for search in plan.searches:
        if journal.count_ended(search.name) < plan.settings.trials:
            journal.write_fact(search.name, "stopped", False)
            journal.write_fact(search.name, "closed", False)
    update_manifest(plan.folder, finished=None)


def _run_searches(plan: Plan, workers: int | None, share: bool, progress: Progress) -> None:
    """Work through the searches here, or in processes that share the journal."""
    journal = SweepJournal(plan.folder)

    def report(what: str = "searching") -> None:
        ended = (journal.count_ended(search.name) for search in plan.searches)
        done = sum(min(n_ended, plan.settings.trials) for n_ended in ended)
        progress(what, done, plan.n_trials)

    report()
    started = time.time()
    with open_executor(len(plan.searches), workers) as pool:
        if pool is None:
            run_open_searches(plan, started, share, report)
            return
        # each takes part until all is done: those that get no process of their own then return
        parts = {
            search.name: (run_open_searches, (plan, started, share)) for search in plan.searches
        }
        for outcome in run_jobs(parts, pool, while_waiting=report):
            outcome.result()
            report()


def run_open_searches(
    plan: Plan, started: float, share: bool, report: Report = lambda what: None
) -> None:
    """Work on searches that no other process works on, until all are closed.

    The time of the sweep runs from `started`, in seconds since the epoch. With `share`, also help
    in searches of other processes.
    """
    with silence_optuna(), register_worker(SweepLayout(plan.folder).workers) as worker:
        process = _Participant(plan, SweepJournal(plan.folder), worker, started, report)
        while still_open := process.list_open():
            if search := process.claim_search(still_open):
                process.run_trials(search, len(still_open))
                process.close(search)
                continue
            if share and (search := process.find_neediest(still_open)):
                process.run_trials(search, len(still_open))
            else:
                report("waiting for another process")
            time.sleep(POLL)


@dataclass(frozen=True)
class _Participant:
    """A process that takes part in a sweep."""

    plan: Plan
    journal: SweepJournal
    worker: Worker
    started: float
    report: Report

    def list_open(self) -> list[FoldSearch]:
        """Return the searches that are not closed."""
        return [s for s in self.plan.searches if not self.journal.read_fact(s.name, "closed")]

    def claim_search(self, searches: list[FoldSearch]) -> FoldSearch | None:
        """Take the first search that no living process works on."""
        with self.journal.claim_lock:
            for search in searches:
                owner = self.journal.read_fact(search.name, "worker")
                if owner == self.worker.name or not self.worker.is_alive(owner or ""):
                    self.journal.write_fact(search.name, "worker", self.worker.name)
                    return search
        return None

    def find_neediest(self, searches: list[FoldSearch]) -> FoldSearch | None:
        """Return the search with the most trials left; None where all have come to an end."""
        left = [self.plan.settings.trials - self.journal.count_ended(s.name) for s in searches]
        return searches[left.index(max(left))] if any(left) else None

    def run_trials(self, search: FoldSearch, n_open: int) -> None:
        """Try settings until all are tried or time is out; the first are tried in any case."""
        plan, journal, end = self.plan, self.journal, self._end_of_search(n_open)
        objective, study = search.objective(plan.target), journal.study(search.name)
        while True:
            if time.time() > end and journal.count_ended(search.name):
                journal.write_fact(search.name, "stopped", True)
            trial = journal.begin_trial(search.name, objective, plan.settings.trials, self.worker)
            if trial is not None:
                run_trial(study, trial, objective)
                self.report(search.title)
            elif journal.is_running(search.name, self.worker):
                time.sleep(POLL)  # a process that dies leaves its trial to this one
            else:
                return

    def _end_of_search(self, n_open: int) -> float:
        """Return when a search has to stop: it gets its share of the time that is left."""
        if self.plan.settings.timeout is None:
            return math.inf
        left = self.started + self.plan.settings.timeout - time.time()
        return time.time() + left / math.ceil(n_open / self.worker.count_alive())

    def close(self, search: FoldSearch) -> None:
        """Fit what is scored on the outer fold: the model tuned and as configured, the nulls."""
        target, journal = self.plan.target, self.journal
        settings = read_search(journal.study(search.name), search.objective(target)).best
        as_kept = json.loads(json.dumps(settings))  # as the journal gives them back
        stale = journal.read_fact(search.name, "refitted") != as_kept
        for job in self.plan.refits(search, settings):
            file = target.layout.job(job.name, job.index)
            if not file.exists() or (stale and job.name == search.label + TUNED):
                seconds = fit_and_store(job, target)
                log.info("%s, fold %s fitted in %.2f s", job.name, job.index, seconds)
        journal.write_fact(search.name, "refitted", as_kept)
        journal.write_fact(search.name, "closed", True)
