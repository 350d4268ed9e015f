"""Study C's question which hyper-parameters help: a search for settings of the deck's RNN."""

from typing import Any

import numpy as np
from sklearn.base import clone

from spikecast.core.notices import NoticeKind
from spikecast.evaluation.fit import fit_model
from spikecast.evaluation.search import search
from spikecast.models.spaces import OneOf
from spikecast.runs.studies.ninja_network import VISUAL, make_network, read_score
from spikecast.runs.studies.staircase import score_spikes
from spikecast.runs.studies.study import Column, StudyInputs
from spikecast.tasks.splits import split_by_trial
from spikecast.tasks.tasks import HeldOutNeurons

SETTING_NAMES = {
    "n_latents": "number of latents",
    "learning_rate": "learning rate",
    "n_iterations": "number of iterations",
}
SETTINGS = NoticeKind(
    "settings",
    "serious",
    "In this run the {setting} explains {share:.0%} of the variance of the scores in the search. "
    "What the search chose has {best:.3f} bits/spike of trials it did not see, their own settings "
    "{own:.3f}: {what}.{end}",
)
LONGEST_BEST = " The longest training tried was the best: whether a longer one helps is not known."


def search_settings(column: Column, inputs: StudyInputs) -> None:
    """Fill in a search for settings of the deck's RNN, and its worth on trials it did not see."""
    found = inputs.steps.compute("search for settings of their RNN", _try_settings, inputs)
    own, best = (
        read_score(name, found[key])
        for name, key in (("their settings", "own"), (f"chosen: {found['chosen']}", "best"))
    )
    same = best.number == own.number
    setting_names = [SETTING_NAMES.get(name, name) for name in found["names"].tolist()]
    column.add("settings", best, None if same else own)
    column.arrays["importance"] = {
        "names": np.array(setting_names, dtype=str), "importance": found["importance"],
        "score": found["score"],
    }  # fmt: skip
    if not found["names"].size:
        return
    what = "choosing helped"
    assert own.high is not None
    assert own.low is not None
    if own.low <= best.number <= own.high:
        what = "choosing changed nothing that can be told"
    elif best.number < own.low:
        what = "what is best in training trials is not best in others"
    if same:
        what = "of what was tried, theirs were best in the training trials"
    end = LONGEST_BEST if found["longest"] and best.number >= own.number else ""
    column.because["settings"] = [
        SETTINGS(
            setting=setting_names[0], share=float(found["importance"][0]), best=best.number,
            own=own.number, what=what, end=end,
        )
    ]  # fmt: skip


def _try_settings(inputs: StudyInputs) -> dict[str, Any]:
    """Return a search on the training trials of one fold, and scores on its test trials."""
    settings, seed = inputs.settings, inputs.seed
    problem = HeldOutNeurons(0.5, VISUAL).problem(inputs.recording)
    outer = split_by_trial(len(problem.y), settings["folds"], seed)[0]
    x, y = problem.x[outer.train], problem.y[outer.train]
    model = make_network(settings, seed, "search")
    space = {name: OneOf(values) for name, values in settings["search"]["space"].items()}
    inner = split_by_trial(len(x), settings["search"]["folds"], seed)
    result = search(model, space, x, y, inner, n_trials=settings["search"]["n_trials"], seed=seed)
    new = problem.y[outer.test]
    null = np.broadcast_to(y.mean(axis=(0, 1)), new.shape)

    def score(chosen: dict[str, Any]) -> list[float | None]:
        fitted = fit_model(clone(model).set_params(**chosen), problem.x, problem.y, outer).model
        measure = score_spikes("", new, fitted.predict(problem.x[outer.test]), null, seed)
        return [measure.number, measure.low, measure.high]

    return {
        "own": score({}),
        "best": score(result.best),
        "chosen": ", ".join(
            f"{SETTING_NAMES.get(name, name)} {value:g}" for name, value in result.best.items()
        ),
        "longest": result.best["n_iterations"] == max(settings["search"]["space"]["n_iterations"]),
        "names": np.array(list(result.importance), dtype=str),
        "importance": np.array(list(result.importance.values())),
        "score": result.table["score"].to_numpy(dtype=float),
    }
