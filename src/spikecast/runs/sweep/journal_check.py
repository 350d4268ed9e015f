"""Check that the journal of a sweep goes with its plan, before Optuna replays it.

Optuna believes every line. Here each must be of a search of the plan, with values that its space
holds, and be one that can follow on the lines above it.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from filelock import FileLock

from spikecast.core.checks import quote, shorten_line
from spikecast.core.errors import DamagedFileError
from spikecast.evaluation.search_trials import N_COMPLETE, list_own, make_distributions
from spikecast.runs.layout import SweepLayout
from spikecast.runs.sweep.journal_entries import (
    Operation,
    SearchFacts,
    State,
    TrialFacts,
    check_entry,
)
from spikecast.runs.sweep.journal_file import JournalFile, explain_damage
from spikecast.runs.sweep.plan import FoldSearch, Plan

SLACK = 1e-9  # of a range's length: a logarithm that is taken back may miss an end by that
CHUNK = "tpe:relative_params:"
"""The key of a part of what is drawn, which Optuna writes down before it uses it; and a number."""


@dataclass
class _Search:
    """A search of the plan, and how far the lines have come with it."""

    name: str
    distributions: dict[str, Any]
    own: dict[str, Any]
    n_folds: int
    slots: set[int] = field(default_factory=set)  # that were scored
    n_complete: int = 0
    n_ended: int = 0


@dataclass
class _Trial:
    """A trial, as the lines so far have it."""

    search: _Search
    waits: bool
    ended: bool = False
    values: set[str] = field(default_factory=set)  # settings that are drawn
    facts: dict[str, Any] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    drawn: str = ""


def check_journal(plan: Plan) -> None:
    """Raise a DamagedFileError for the first line that a sweep of this plan does not write."""
    layout = SweepLayout(plan.folder)
    replay = _Replay([_describe_search(search) for search in plan.searches])
    journal = JournalFile(layout.journal, FileLock(layout.journal_lock))
    for number, entry in enumerate(journal.read_logs(0), start=1):
        try:
            replay.follow(check_entry(entry, layout.journal), entry)
        except (ValueError, DamagedFileError) as error:
            reason = str(error).removeprefix(f"'{layout.journal}' is damaged: ")
            raise explain_damage(layout.journal, number, shorten_line(reason)) from None


def _describe_search(search: FoldSearch) -> _Search:
    own = json.loads(json.dumps(list_own(search.model, search.space)))
    distributions = make_distributions(search.space)
    return _Search(search.name, distributions, own, len(search.inner_folds))


class _Replay:
    """Follows the lines of a journal as Optuna does, as far as their order matters."""

    def __init__(self, planned: list[_Search]) -> None:
        self._planned = planned
        self._searches: list[_Search] = []
        self._trials: list[_Trial] = []

    def follow(self, operation: Operation, entry: Any) -> None:
        """Take in one line; raise a ValueError where the lines above do not allow it."""
        if operation == Operation.CREATE_SEARCH:
            self._open_search(entry["study_name"])
        elif operation in (Operation.SET_SEARCH_FACT, Operation.CREATE_TRIAL):
            search = _take(self._searches, entry["study_id"], "search")
            if operation == Operation.SET_SEARCH_FACT:
                _follow_search_fact(search, entry["user_attr"])
            else:
                self._trials.append(_begin_trial(search, entry))
        else:
            trial = _take(self._trials, entry["trial_id"], "trial")
            if not trial.ended:  # else by a process that was believed dead: it counts for nothing
                _follow_trial(trial, operation, entry)

    def _open_search(self, name: str) -> None:
        """Number a search that is opened: the first process opens all, in the plan's order."""
        if any(name == search.name for search in self._searches):
            return
        following = self._planned[len(self._searches) :]
        if not following or name != following[0].name:
            raise ValueError(f"{quote(name)} is not the search that this sweep opens next")
        self._searches.append(following[0])


def _take(begun: list[Any], number: int, what: str) -> Any:
    if number >= len(begun):
        raise ValueError(f"{what} {quote(number)} has not begun in the lines above")
    return begun[number]


def _follow_search_fact(search: _Search, fact: SearchFacts) -> None:
    if fact.get("closed") and not search.n_complete:
        raise ValueError(f"{quote(search.name)} is closed, and none of its trials is complete")
    if fact.get("stopped") and not search.n_ended:
        raise ValueError(f"{quote(search.name)} is stopped, and none of its trials has ended")


def _begin_trial(search: _Search, entry: Any) -> _Trial:
    waits = "state" in entry
    if waits:
        if entry.get("system_attrs", {}).get("fixed_params") != search.own:
            raise ValueError("a trial waits with other values than the model's own")
    elif "system_attrs" in entry or entry["datetime_start"] is None:
        raise ValueError("a trial begins without its time, or with values of one that waits")
    return _Trial(search, waits)


def _follow_trial(trial: _Trial, operation: Operation, entry: Any) -> None:
    if operation == Operation.SET_STATE:
        _follow_state(trial, entry)
    elif trial.waits:
        raise ValueError("its trial waits, and has not begun in the lines above")
    elif operation == Operation.SET_VALUE:
        _follow_value(trial, entry)
    elif operation == Operation.NOTE_DRAWN:
        _follow_drawn(trial, entry["system_attr"])
    elif operation == Operation.SET_TRIAL_FACT:
        _follow_trial_fact(trial, entry["user_attr"])
    else:
        _expect_worker(trial)
        if not len(trial.scores) == entry["step"] < trial.search.n_folds:
            raise ValueError(
                f"the score of inner fold {quote(entry['step'])} (from 0) of "
                f"{trial.search.n_folds} follows on {len(trial.scores)} scores"
            )
        trial.scores.append(entry["intermediate_value"])


def _follow_value(trial: _Trial, entry: Any) -> None:
    from optuna.distributions import distribution_to_json

    name = entry["param_name"]
    planned = trial.search.distributions.get(name)
    if planned is None or distribution_to_json(planned) != entry["distribution"]:
        raise ValueError(f"the setting {quote(name)} is drawn from other values than planned")
    if name in trial.values:
        raise ValueError(f"the setting {quote(name)} of its trial is drawn twice")
    _check_drawn(name, planned, entry["param_value_internal"])
    trial.values.add(name)


def _check_drawn(name: str, planned: Any, value: float) -> None:
    """Raise where a value, as Optuna counts, is not among those of a setting."""
    choices = getattr(planned, "choices", None)
    low, high = (planned.low, planned.high) if choices is None else (0, len(choices) - 1)
    slack = SLACK * (high - low)
    whole = isinstance(low, int)
    if not low - slack <= value <= high + slack or (whole and value != int(value)):
        raise ValueError(f"the setting {quote(name)} has a value that is not searched")


def _follow_drawn(trial: _Trial, part: dict[str, str]) -> None:
    ((key, text),) = part.items()
    if not key.startswith(CHUNK):
        raise ValueError(f"a key {CHUNK} is expected, not {quote(key)}")
    trial.drawn += text
    try:
        drawn = json.loads(trial.drawn)
    except RecursionError:
        raise ValueError("what is drawn is no JSON") from None
    except ValueError:  # not all of it yet; Optuna leaves it aside
        return
    if not isinstance(drawn, dict) or not drawn.keys() <= trial.search.distributions.keys():
        raise ValueError("what is drawn are no values of the settings that are searched")
    for name, value in drawn.items():
        planned = trial.search.distributions[name]
        try:
            internal = planned.to_internal_repr(value)
        except (ValueError, TypeError, OverflowError):
            internal = float("nan")
        _check_drawn(name, planned, internal)


def _follow_trial_fact(trial: _Trial, fact: TrialFacts) -> None:
    ((key, value),) = fact.items()
    if key in trial.facts:
        raise ValueError(f"{key} of its trial is written twice")
    if key == "slot":
        missing = [name for name in trial.search.distributions if name not in trial.values]
        if missing:
            raise ValueError(f"the setting {quote(missing[0])} of its trial was not drawn")
    elif key == "worker" and "slot" not in trial.facts:
        raise ValueError("its trial has no slot")
    elif key != "worker":
        _expect_worker(trial)
    trial.facts[key] = value


def _expect_worker(trial: _Trial) -> None:
    if "worker" not in trial.facts:
        raise ValueError("its trial is not yet said to belong to a process")


def _follow_state(trial: _Trial, entry: Any) -> None:
    state, search, scores = entry["state"], trial.search, trial.scores
    time = "datetime_start" if state == State.RUNNING else "datetime_complete"
    if time not in entry:
        raise ValueError(f"the key '{time}' is missing")
    if state == State.RUNNING:
        trial.waits = False
        return
    if trial.waits:
        raise ValueError("its trial ends before it has begun")
    given = entry["values"]
    if state == State.FAIL:
        if given is not None:
            raise ValueError("its trial failed, and has a score")
        search.n_ended += "reason" in trial.facts
    else:
        _expect_worker(trial)
        if state == State.PRUNED and search.n_complete < N_COMPLETE:
            raise ValueError(
                f"its trial is stopped early, and {search.n_complete} before it are complete; "
                f"{N_COMPLETE} are needed"
            )
        needed = search.n_folds if state == State.COMPLETE else 1
        if len(scores) < needed or given != scores[-1:]:
            raise ValueError("the score of its trial is not the mean over its inner folds")
        if trial.facts["slot"] in search.slots:
            raise ValueError(f"slot {trial.facts['slot']} of {quote(search.name)} is scored twice")
        search.slots.add(trial.facts["slot"])
        search.n_ended += 1
        search.n_complete += state == State.COMPLETE
    trial.ended = True
