"""Study B: motor cortex from other areas, and half of it from the other half."""

from pathlib import Path
from typing import Any

import numpy as np

from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.recording import UNLABELED, Recording
from spikecast.runs.studies.diggers_network import (
    OPTIMISERS,
    fit_as_described,
    make_network,
    read_bits,
)
from spikecast.runs.studies.diggers_sound import judge_their_network, judge_within
from spikecast.runs.studies.sound_runs import read_scores
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, Prepared, StudyInputs
from spikecast.runs.studies.study_data import MOVEMENT, with_column
from spikecast.runs.studies.study_labels import choose_label
from spikecast.tasks.problem import Task
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import AreaToArea, HeldOutNeurons

FEWEST = 8  # neurons of an area whose average is compared
FEWEST_TRIALS = 10  # of an action
NO_LABEL = NoticeKind(
    "no_label",
    "serious",
    "This recording has neither movement, response nor stimulus with 10 trials of each kind: no "
    "action can be decoded.",
)
SHUFFLES = 100
RASTER_BINS = 600

_LOSSES = (
    "The deck reports two losses and does not compare them; a reader who did would take '{lower}' "
    "for the easier task, but a loss is low wherever neurons are quiet. Against each "
    "neuron's own mean: between {between:.3f}, within {within:.3f} bits/spike; "
)
TASKS_DIFFER = NoticeKind("tasks_differ", "serious", _LOSSES + "'{higher}' is the easier one.")
TASKS_ALIKE = NoticeKind(
    "tasks_alike", "serious", _LOSSES + "they are not told apart, for their intervals overlap."
)
EASIER = NoticeKind(
    "easier",
    "serious",
    "In this run other areas predict the target with {between:.3f} bits/spike ({between_low:.3f} "
    "to {between_high:.3f}), one half of it the other with {within:.3f} ({low:.3f} to {high:.3f}): "
    "{what}.",
)
SIMILAR = NoticeKind(
    "similar",
    "minor",
    "In this run the average activity of two areas correlates by {mean:.3f} on single trials, and "
    "by {null:.3f} ({low:.3f} to {high:.3f}) where each area's trials are shuffled: {what}.",
)
LSTM_AGAINST_NULL = NoticeKind(
    "lstm_against_null",
    "serious",
    "The deck's LSTM, never put beside a null, scores {bits:.3f} bits/spike of held-out trials "
    "where weight decay is AdamW's and {l2:.3f} where it is an L2 penalty inside Adam; 0 is each "
    "neuron's mean. The deck does not say which it used.",
)


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Check that there is enough of the target to be cut in halves; find the action's label."""
    target = settings["target"]
    n_target = int(recording.in_area(target).sum())
    if n_target < FEWEST:
        raise NotEnoughDataError(
            f"'{target}' has {n_target} neurons; {FEWEST} are needed to predict one half from the "
            "other"
        )
    names: dict[str, Any] = {"target": target, "label": None}
    if not {MOVEMENT, "response", "contrast_left"} & set(recording.trials):
        return Prepared(recording, names, (NO_LABEL(),))
    labelled, label, words, notices = choose_label(recording)
    sizes = np.unique(words, return_counts=True)[1]
    if sizes.size < 2 or sizes.min() < FEWEST_TRIALS:
        return Prepared(recording, names, (NO_LABEL(),))
    recording = with_column(labelled, label, words)
    return Prepared(recording, names | {"label": label}, tuple(notices))


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's LSTM to both tasks, once each, and put down its raw losses."""
    column, recording, settings = Column(), inputs.recording, inputs.settings
    target, seed = settings["target"], inputs.seed
    titles = {"between": f"all of {target}", "within": f"half of {target}"}
    train, test = fold = cut_as_described(recording.n_trials, seed)
    losses = {}
    for key, task in make_tasks(settings, seed).items():
        problem = task.problem(recording)
        for name, l2 in OPTIMISERS.items():
            if l2 and key == "within":
                continue
            model = make_network(settings, seed, key, l2)
            fit = fit_as_described, problem, fold, model, seed
            network = inputs.steps.compute(f"LSTM, {key}, {name}", *fit)
            losses[f"loss_{key}, {name}"] = network["course"]
            column.steps.setdefault(key, {})[name] = read_bits(network, "new", name)
            if l2:
                continue
            column.add(
                key,
                Measure("test trials", float(network["new"]), "poisson_nll"),
                Measure("training trials", float(network["own"]), "poisson_nll"),
            )
            # FLAW, null missing: a loss from one split and one seed, and nothing to hold it against
            column.claim(key, metric="poisson_nll", target=titles[key], train=train, test=test)
            column.steps[key] |= {
                "own": read_bits(network, "own", ""), "unseen": read_bits(network, "new", "")
            }  # fmt: skip
            if key == "between":
                column.arrays["latents"] = {
                    "latents": network["latents"][..., : settings["n_shown"]],
                    "label": name_actions(inputs)[test],
                    "time": problem.time,
                }
    column.add("held_out", *(column.steps["between"].pop(name) for name in OPTIMISERS))
    column.arrays["raster"] = _draw_raster(recording)
    column.arrays["losses"] = losses
    return column


def make_tasks(settings: dict[str, Any], seed: int) -> dict[str, Task]:
    """Return the deck's two tasks."""
    target = settings["target"]
    return {
        "between": AreaToArea(target, min_rate=0.0),
        "within": HeldOutNeurons(0.5, target, min_rate=0.0, seed=seed),
    }


def cut_as_described(n_trials: int, seed: int) -> Fold:
    """Return 80 % of the trials to learn from and 20 % to test, each in order."""
    order = make_rng(seed, "diggers", "trials").permutation(n_trials)
    n_test = round(0.2 * n_trials)
    return Fold(np.sort(order[n_test:]), np.sort(order[:n_test]))


def name_actions(inputs: StudyInputs) -> np.ndarray:
    """Return the action in each trial, where the recording has it."""
    if inputs.names["label"] is None:
        return np.full(inputs.recording.n_trials, "all trials")
    return inputs.recording.trials[inputs.names["label"]].to_numpy().astype(str)


def correlate_areas(
    recording: Recording, rng: np.random.Generator | None = None, single_trials: bool = False
) -> tuple[list[str], np.ndarray]:
    """Return the areas, and how their average activity correlates over trials and bins.

    A generator shuffles the trials of each area: what is left is the time course they have in
    common. With `single_trials`, the average over trials is subtracted first.
    """
    areas = [
        name for name, n in recording.areas.items() if n >= FEWEST and name.lower() not in UNLABELED
    ]
    activity = recording.activity
    courses = []
    for name in areas:
        course = activity[:, :, recording.area == name].mean(axis=2, dtype=float)  # (trial, time)
        if single_trials:
            course = course - course.mean(axis=0)
        courses.append((rng.permutation(course) if rng else course).ravel())
    return areas, np.atleast_2d(np.corrcoef(courses))


def _mean_off_diagonal(matrix: np.ndarray) -> float:
    return float(matrix[~np.eye(len(matrix), dtype=bool)].mean()) if len(matrix) > 1 else 1.0


def _draw_raster(recording: Recording) -> Arrays:
    """Return the whole session trial by trial, and its first trials spike by spike, by area."""
    order = np.argsort(recording.area, kind="stable")
    n_trials = max(1, RASTER_BINS // recording.n_bins)
    counts = recording.activity[:n_trials].reshape(-1, recording.n_neurons)[:, order]
    bins, neurons = np.nonzero(counts)
    return {
        "seconds": bins * recording.bin_size,
        "neurons": neurons,
        "area": recording.area[order],
        "trial": np.array(recording.n_bins * recording.bin_size),
        "rate": recording.activity.mean(axis=1)[:, order].T / recording.bin_size,  # (neuron, trial)
    }


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Score both tasks in bits per spike, refit the deck's LSTM in folds, read its latents."""
    column = Column()
    scores = {key: read_scores(sound / key, inputs.called) for key in ("between", "within")}
    for key, models in scores.items():
        column.add(key, *models.choose("timescales", "poisson_glm", "lstm"))
    between, within = (scores[key]["timescales"] for key in scores)
    low, high = sorted((between, within), key=lambda measure: measure.number)
    apart = high.low > low.high  # type: ignore[operator]
    higher = "between" if high is between else "within"
    column.add("easier", Measure("more bits per spike", higher if apart else None, "name"))
    column.because["easier"] = [
        EASIER(
            between=between.number, between_low=between.low, between_high=between.high,
            within=within.number, low=within.low, high=within.high,
            what=f"'{higher}' is predicted better" if apart else "their intervals overlap",
        )
    ]  # fmt: skip
    judge_their_network(column, inputs)
    judge_within(column, inputs, make_tasks(inputs.settings, inputs.seed)["within"])
    column.steps["between"]["model"] = between
    _correlate_single_trials(column, inputs.recording)
    kind = TASKS_DIFFER if apart else TASKS_ALIKE
    lower = min(scores, key=described.number)
    losses = kind(lower=lower, higher=higher, between=between.number, within=within.number)
    plain, l2 = (measure.number for measure in column.measures["held_out"])
    against = LSTM_AGAINST_NULL(bits=plain, l2=l2)
    column.conclusions.extend([losses, against])
    for row in ("embedding", "noise"):
        column.conclusions.extend(column.because.get(row, []))
    return column


def _correlate_single_trials(column: Column, recording: Recording) -> None:
    """Fill in the correlation of single trials, beside the same with trials shuffled."""
    areas, matrix = correlate_areas(recording, single_trials=True)
    column.arrays["similarity"] = {"matrix": matrix, "areas": np.array(areas)}
    rng = make_rng(0, "diggers", "similarity")
    null = [
        _mean_off_diagonal(correlate_areas(recording, rng, single_trials=True)[1])
        for _ in range(SHUFFLES)
    ]
    low, high = (float(limit) for limit in np.quantile(null, [0.025, 0.975]))
    column.add(
        "similarity",
        Measure("single trials", _mean_off_diagonal(matrix), "correlation"),
        Measure("trials shuffled", float(np.mean(null)), "correlation", low, high),
    )
    column.claim("similarity", metric="correlation", null="trials shuffled")
    mean = _mean_off_diagonal(matrix)
    what = "single trials share more than that" if mean > high else "that is no more than chance"
    column.because["similarity"] = [
        SIMILAR(mean=mean, null=float(np.mean(null)), low=low, high=high, what=what)
    ]
