"""Working through a sweep: alone, in several processes, or beside processes elsewhere.

One process at a time works on a study, so that its numbers do not depend on how many there are;
a process that finds every study taken waits, and goes on with what another left behind. With
`share` it helps instead, and the order of trials, hence the numbers, then depend on timing.
"""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

from spikecast.core.errors import ConfigError
from spikecast.core.files import write_json, write_text
from spikecast.evaluation.search import found
from spikecast.evaluation.search_trials import attempt, quiet
from spikecast.parallel.executors import open_executor, run_jobs
from spikecast.runs import config as configs
from spikecast.runs.config import Config, SearchConfig
from spikecast.runs.experiment import Progress, do, log
from spikecast.runs.run_directory import claim, data_hash, finish, logged, manifest, read_manifest
from spikecast.runs.sweep import results
from spikecast.runs.sweep.journal import Journal, Presence, present
from spikecast.runs.sweep.plan import TUNED, Plan, Quest, make

POLL = 1.0  # seconds between two looks at what the others do


def execute(
    config: Config,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    share: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Search settings on the training trials of outer folds, and score them on their test trials.

    Parameters
    ----------
    config : Config
        Its block `search` says what is searched, and how long.
    out : str or Path
        The run directory.
    resume : bool
        Go on with a sweep that was killed, join one that runs, or add trials to a finished one.
    overwrite : bool
        Replace a run that is there.
    workers : int, optional
        Processes; by default one per core. Does not change any number, unless time runs out.
    share : bool
        Help in studies that another process works on: faster where processes outnumber studies,
        but the numbers then depend on timing.
    progress : callable, optional
        Told what is being done, and how many trials of how many are done.

    Returns
    -------
    Path
        The run directory.

    Raises
    ------
    ConfigError
        When there is not exactly one target, or nothing to search.
    RunError
        When `out` holds something else, or (with `resume`) another config.
    InputError
        When none of a study's settings could be fitted.
    """
    out = Path(out)
    progress("reading the data", 0, 0)
    plan, recording = make(config, out)
    fingerprint = data_hash(recording)
    before = _before(out, plan.config) if resume else plan.config
    claim(
        out, "config.yaml", configs.write(before), fingerprint, resume=resume, overwrite=overwrite
    )
    with logged(out / "log.txt"), quiet():
        write_text(out / "config.yaml", configs.write(plan.config))
        if not (out / "manifest.json").exists():
            described = manifest(recording, fingerprint, [plan.part], config.seed)
            write_json(out / "manifest.json", described)
            log.info("started: %s", recording)
        _reopen(plan, more=plan.search.trials > (before.search or plan.search).trials)
        _work(plan, workers, share, progress)
        progress("scoring", 0, 0)
        results.write(plan, Journal(out), fingerprint)
        finish(out)
        log.info("finished")
    return out


def _before(out: Path, config: Config) -> Config:
    """The config with the trials and time of the sweep that is there: more may be asked for."""
    try:
        old = configs.read(out / "config.yaml").search or SearchConfig()
    except ConfigError:
        return config
    search = config.search or SearchConfig()
    kept = {"trials": old.trials, "timeout": old.timeout}
    return config.model_copy(update={"search": search.model_copy(update=kept)})


def _reopen(plan: Plan, more: bool) -> None:
    """Take up studies again that ran out of time in a finished sweep, or get more trials."""
    if not (more or read_manifest(plan.folder).get("finished")):
        return
    journal = Journal(plan.folder)
    for quest in plan.quests:
        if journal.n_decided(quest.name) < plan.search.trials:
            journal.note(quest.name, "stopped", False)
            journal.note(quest.name, "closed", False)
    write_json(plan.folder / "manifest.json", read_manifest(plan.folder) | {"finished": None})


def _work(plan: Plan, workers: int | None, share: bool, progress: Progress) -> None:
    """Work through the studies here, or in processes that share the journal."""
    journal = Journal(plan.folder)

    def tell(what: str = "searching") -> None:
        done = sum(min(journal.n_decided(q.name), plan.search.trials) for q in plan.quests)
        progress(what, done, plan.n_trials)

    tell()
    started = time.time()
    with open_executor(len(plan.quests), workers) as pool:
        if pool is None:
            take_part(plan, started, share, tell)
            return
        # each takes part until all is done: those that get no process of their own then return
        parts = {quest.name: (take_part, (plan, started, share)) for quest in plan.quests}
        for outcome in run_jobs(parts, pool, while_waiting=tell):
            outcome.result()
            tell()


def take_part(
    plan: Plan, started: float, share: bool, tell: Callable[..., None] = lambda what: None
) -> None:
    """Work on studies that nobody works on until all are closed."""
    folder = plan.folder / "workers"
    with quiet(), present(folder) as me:
        journal = Journal(plan.folder)
        while still := [q for q in plan.quests if not journal.noted(q.name, "closed")]:
            quest = _taken(journal, still, me)
            if quest is not None:
                end = _end(plan, started, len(still), me)
                _search(plan, journal, quest, me, end, tell)
                _close(plan, journal, quest)
            elif share and (quest := _neediest(journal, still, plan.search.trials)):
                _search(plan, journal, quest, me, _end(plan, started, len(still), me), tell)
                time.sleep(POLL)
            else:
                tell("waiting for another process")
                time.sleep(POLL)


def _taken(journal: Journal, still: list[Quest], me: Presence) -> Quest | None:
    """The first study that no living process works on, now taken by this one."""
    with journal.claiming:
        for quest in still:
            worker = journal.noted(quest.name, "worker")
            if worker == me.name or not me.sees(worker or ""):
                journal.note(quest.name, "worker", me.name)
                return quest
    return None


def _neediest(journal: Journal, still: list[Quest], n_trials: int) -> Quest | None:
    left = {quest.name: n_trials - journal.n_decided(quest.name) for quest in still}
    return max(still, key=lambda quest: left[quest.name]) if any(left.values()) else None


def _end(plan: Plan, started: float, n_still: int, me: Presence) -> float:
    """When a study has to stop: it gets its share of the time that is left."""
    if plan.search.timeout is None:
        return math.inf
    left = started + plan.search.timeout - time.time()
    return time.time() + left / math.ceil(n_still / me.n_living())


def _search(
    plan: Plan, journal: Journal, quest: Quest, me: Presence, end: float, tell: Callable[..., None]
) -> None:
    """Try settings until all are tried or time is out; the first are tried in any case."""
    objective, study = quest.objective(plan.part), journal.study(quest.name)
    while True:
        if time.time() > end and journal.n_decided(quest.name):
            journal.note(quest.name, "stopped", True)
        trial = journal.take_trial(quest.name, objective, plan.search.trials, me)
        if trial is not None:
            attempt(study, trial, objective)
            tell(quest.place)
        elif journal.under_way(quest.name, me):
            time.sleep(POLL)  # a process that dies leaves its trial to this one
        else:
            return


def _close(plan: Plan, journal: Journal, quest: Quest) -> None:
    """Fit what is scored on the outer fold: the model as tuned and as it was, and the nulls."""
    settings = found(journal.study(quest.name), quest.objective(plan.part)).best
    plain = json.loads(json.dumps(settings))  # as the journal gives them back
    stale = journal.noted(quest.name, "refitted") != plain
    for job in plan.refits(quest, settings):
        file = plan.part.job_file(job.name, job.index).with_suffix(".json")
        if not file.exists() or (stale and job.name == quest.label + TUNED):
            seconds = do(job, plan.part)
            log.info("%s, fold %s fitted in %.2f s", job.name, job.index, seconds)
    journal.note(quest.name, "refitted", plain)
    journal.note(quest.name, "closed", True)
