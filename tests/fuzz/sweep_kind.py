"""The journal of an unfinished sweep, and what reads it: the check, and what goes on after it."""

from pathlib import Path

from fuzz import samples

from spikecast.core.errors import InputError
from spikecast.evaluation.search import read_search
from spikecast.evaluation.search_trials import silence_optuna
from spikecast.runs.config import read_config
from spikecast.runs.layout import SweepLayout
from spikecast.runs.sweep.journal import SweepJournal, Worker
from spikecast.runs.sweep.journal_check import check_journal
from spikecast.runs.sweep.plan import Plan, plan_sweep

WORKER = "fuzz-1-0aadc0e8"


def collect_journal(folder: Path):
    """Return what reads the journal of a sweep that stopped before its results were written."""
    plan, _ = plan_sweep(read_config(folder.parent / samples.SETTINGS), folder)
    return {SweepLayout(folder).journal: lambda: resume_searches(plan)}


def resume_searches(plan: Plan) -> None:
    """Check the journal, and look for what is left to do, as a resumed sweep does."""
    check_journal(plan)
    worker = Worker(SweepLayout(plan.folder).workers, WORKER)
    with silence_optuna():
        journal = SweepJournal(plan.folder)
        for search in plan.searches:
            objective = search.objective(plan.target)
            worker.is_alive(journal.read_fact(search.name, "worker") or "")
            if not journal.read_fact(search.name, "closed"):
                journal.is_running(search.name, worker)
                while journal.begin_trial(search.name, objective, plan.settings.trials, worker):
                    journal.write_fact(search.name, "stopped", True)  # one trial is enough
            try:
                read_search(journal.study(search.name), objective)
            except InputError:  # its first trial is not scored yet
                assert not journal.read_fact(search.name, "closed")
