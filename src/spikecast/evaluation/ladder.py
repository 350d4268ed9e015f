"""The ladder of nulls: what a target shows without any source, rung by rung.

A score above the mean rate is no evidence that one area tells about another: the task, the drift of
the session and the animal's movement make two areas that share nothing look related. The rungs are
models that look at no neuron of the source; they are fitted in the same folds as all others.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.base import clone

from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.quality import COPIED_TRIALS, find_copied_trials
from spikecast.models.base import Model
from spikecast.models.behavior_null import find_constant
from spikecast.models.catalog import MODELS, is_null
from spikecast.models.trial_nulls import TrialNull
from spikecast.scoring.scorers import RUNGS
from spikecast.tasks.behavior import UNRECORDED
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import TrialFacts

UNORDERED = NoticeKind(
    "unordered",
    "serious",
    "the trials are not in the order in which they were recorded: slow drift of the session cannot "
    "be told from what the source predicts",
)
ONE_CONDITION = NoticeKind(
    "one_condition",
    "serious",
    "no trial column names the condition: what both areas owe to a stimulus cannot be told from "
    "what one tells about the other; where one does, name it: --conditions COLUMN, conditions of a "
    "task or in a config",
)
CONSTANT_BEHAVIOR = NoticeKind(
    "constant_behavior",
    "minor",
    "behaviour that has one value per trial is taken to change each neuron's log rate in "
    "proportion to it, with a time course of the neuron's own; other responses to it, in both "
    "areas, would pass for what one tells about the other; where it has few values, make it a "
    "trial column and one of the conditions (--conditions, conditions of a task or in a config)",
)
CONTEXT = NoticeKind(
    "context_models",
    "serious",
    "{models}: these models also learn what is common to nearby trials; what they gain by it is "
    "slow change of the session and no coupling, so hold them against source_free, not the mean",
)


def list_rungs(problem: Problem) -> list[str]:
    """Return the names of the rungs that a problem has, lowest first.

    Windows of a continuous recording have no task; without the recorded order of trials there is no
    drift, without recorded behaviour no rung of it.

    Examples
    --------
    >>> import spikecast as sc
    >>> list_rungs(sc.AreaToArea("MOs").problem(sc.load("simulated")))
    ['psth', 'drift', 'source_free', 'behavior']
    """
    absent = {"psth"} if problem.windows else set()
    if not problem.ordered:
        absent.add("drift")
    if problem.behavior is None:
        absent.add("behavior")
    return [name for name in RUNGS if name not in absent]


def add_rungs(
    models: Mapping[str, Model], problem: Problem, *, split: str = "trial", gap: int = 0
) -> dict[str, Model]:
    """Return the models and the rungs of a problem, which cut their inner folds as `split` does.

    Rungs that the problem does not have are left out. Raises InputError where another model has the
    name of a rung, as it would be taken for a null, and for a model with a context where the order
    of trials is not known.
    """
    in_context = _find_context(models)
    if in_context and not problem.ordered:
        raise InputError(
            f"{in_context[0]} has a context, and the trials are not in the order in which they "
            "were recorded; take context: off"
        )
    inner = choose_inner_folds(problem, split, gap)
    check_names(name for name, model in models.items() if not model.is_null)
    made = {name: model for name, model in models.items() if name not in RUNGS}
    for name in list_rungs(problem):
        made[name] = clone(models.get(name) or MODELS[name]()).set_params(**inner)
    return made


def check_names(names: Iterable[str]) -> None:
    """Raise InputError where something else has the name of a null: it would pass for one."""
    for name in names:
        if is_null(name):
            raise InputError(
                f"the name '{name}' belongs to a null that looks at no source; name what is scored "
                "otherwise"
            )


def choose_inner_folds(problem: Problem, split: str, gap: int) -> dict[str, Any]:
    """Return the settings of rungs that cut inner folds as the outer ones are cut."""
    if problem.windows:
        return {"split": "block", "gap": max(gap, 1)}
    return {"split": "block" if split == "block" else "trial", "gap": gap}


def _find_context(models: Mapping[str, Model]) -> list[str]:
    """Return the names of the models that look at nearby trials."""
    return [name for name, model in models.items() if getattr(model, "context", "off") != "off"]


def note_context(models: Mapping[str, Model]) -> list[Notice]:
    """Return a notice on the models that look at nearby trials, if there are any."""
    names = _find_context(models)
    return [CONTEXT(models=names)] if names else []


def note_rungs(problem: Problem) -> list[Notice]:
    """Return notices of what the ladder of a problem cannot take into account."""
    copied = find_copied_trials(problem.x)
    notices = [] if problem.ordered or copied.size else [UNORDERED()]
    if copied.size:
        notices.append(COPIED_TRIALS(n=copied.size, n_trials=len(problem.x), first=int(copied[0])))
    if not problem.windows and len(set(problem.condition)) == 1:
        notices.append(ONE_CONDITION())
    if (n := int(problem.trial_facts.lacks_behavior.sum())) > 0:
        notices.append(UNRECORDED(n=n, n_trials=len(problem.y)))
    behavior = problem.behavior
    if not problem.windows and behavior is not None and find_constant(behavior).any():
        notices.append(CONSTANT_BEHAVIOR())
    return notices


def expect_fold(null: TrialNull, y: np.ndarray, fold: Fold, facts: TrialFacts) -> np.ndarray:
    """Return what a null that is fitted to the training trials expects, (trial, time, target).

    A training trial is predicted from the others. Trials of neither part get 1.
    """
    known, expected = facts.take(fold.train), np.ones(y.shape, dtype=np.float32)
    x = y[..., :1]  # only its number of bins is read
    fitted = clone(null)
    expected[fold.train] = fitted.fit_left_out(x[fold.train], y[fold.train], known)
    expected[fold.test] = fitted.predict(x[fold.test], trials=facts.take(fold.test))
    return expected
