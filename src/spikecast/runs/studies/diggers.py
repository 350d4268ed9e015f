"""Study B: motor cortex from other areas, and half of it from the other half."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import UNLABELED, Recording
from spikecast.evaluation.fit import fit_model
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.recurrent import Recurrent
from spikecast.models.recurrent import Recipe
from spikecast.runs.studies.sound_runs import read_scores
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, Prepared, StudyInputs
from spikecast.scoring import metrics
from spikecast.tasks.problem import Problem, Task
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import AreaToArea, HeldOutNeurons

FEWEST = 8  # neurons of an area whose average is compared
SHUFFLES = 100
RASTER_BINS = 600

_LOSSES = (
    "By raw loss, '{lower}' looks easier; the loss is low wherever neurons are quiet. Against each "
    "neuron's own mean: between {between:.3f}, within {within:.3f} bits/spike; "
)
TASKS_DIFFER = NoticeKind("tasks_differ", "serious", _LOSSES + "'{higher}' is the easier one.")
TASKS_ALIKE = NoticeKind(
    "tasks_alike", "serious", _LOSSES + "they are not told apart, for their intervals overlap."
)
LSTM_AGAINST_NULL = NoticeKind(
    "lstm_against_null",
    "serious",
    "The deck's LSTM, never put beside a null, scores {bits:.3f} bits/spike on its test trials; 0 "
    "is each neuron's mean.",
)


class DeckLSTM(Recipe):
    """The deck's net: raw counts -> LSTM -> fully connected layer -> log rate, all trials at once.

    Weight decay is 1e-4; everything else is as in :class:`spikecast.models.recurrent.Recipe`.
    """

    weight_decay = 1e-4

    def _build_network(self, n_features: int, n_targets: int) -> Network:
        return Recurrent("counts", "lstm", n_features, self.n_latents, n_targets, 1, 0.0, True)

    def _set_offset(self, offset: torch.Tensor) -> None:
        offset.fill_(float(np.log(self.source_mean_)))

    def _make_plan(self) -> Plan:
        return Plan.plain(self.n_iterations, self.learning_rate, weight_decay=self.weight_decay)


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Check that there is enough of the target to be cut in halves."""
    target = settings["target"]
    n_target = int(recording.in_area(target).sum())
    if n_target < FEWEST:
        raise NotEnoughDataError(
            f"'{target}' has {n_target} neurons; {FEWEST} are needed to predict one half from the "
            "other"
        )
    return Prepared(recording, {"target": target})


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's LSTM to both tasks, once each, and put its raw losses side by side."""
    column, recording, settings = Column(), inputs.recording, inputs.settings
    target = settings["target"]
    tasks: dict[str, Task] = {
        "between": AreaToArea(target, min_rate=0.0),
        "within": HeldOutNeurons(0.5, target, min_rate=0.0, seed=inputs.seed),
    }
    titles = {"between": f"all of {target}", "within": f"half of {target}"}
    order = make_rng(inputs.seed, "diggers", "trials").permutation(recording.n_trials)
    n_test = round(0.2 * len(order))
    train, test = fold = Fold(np.sort(order[n_test:]), np.sort(order[:n_test]))
    losses = {}
    for key, task in tasks.items():
        problem = task.problem(recording)
        fit = _fit_network, problem, fold, settings, inputs.seed, key
        network = inputs.steps.compute(f"LSTM, {key}", *fit)
        column.add(
            key,
            Measure("test trials", float(network["new"]), "poisson_nll"),
            Measure("training trials", float(network["own"]), "poisson_nll"),
        )
        # FLAW, losses compared across targets, each from one split and one seed, without a null
        (other,) = (title for name, title in titles.items() if name != key)
        facts = {"metric": "poisson_nll", "target": titles[key], "compared_with": other}
        column.claim(key, train=train, test=test, **facts)
        losses[f"loss_{key}"] = network["course"]
        if key == "between":
            bits = float(network["bits"])
            column.add("held_out", Measure("its test trials", bits, "bits_per_spike"))
            column.arrays["latents"] = {
                "latents": network["latents"][..., : settings["n_shown"]],
                "label": np.full(len(test), "test trials"),
                "time": problem.time,
            }
    lower = min(tasks, key=column.number)
    column.add("easier", Measure("lower loss", lower, "name"))
    areas, matrix = correlate_areas(recording)
    column.add("similarity", Measure("all bins", _mean_off_diagonal(matrix), "correlation"))
    column.arrays["raster"] = _draw_raster(recording)
    column.arrays["losses"] = losses
    column.arrays["similarity"] = {"matrix": matrix, "areas": np.array(areas)}
    return column


def _fit_network(
    problem: Problem, fold: Fold, settings: dict[str, Any], seed: int, key: str
) -> dict[str, Any]:
    """Return losses and latents of the deck's LSTM, and its score above the mean rate."""
    train, test = fold
    model = DeckLSTM(
        settings["n_latents"],
        settings["learning_rate"],
        settings["n_iterations"],
        seed=derive_seed(seed, "diggers", key),
    )
    model = fit_model(model, problem.x, problem.y, Fold(train, test)).model
    rates = {"own": model.predict(problem.x[train]), "new": model.predict(problem.x[test])}
    null = metrics.null_rate(problem.y[train], problem.y[test])
    return {
        "own": metrics.poisson_nll(problem.y[train], rates["own"]),
        "new": metrics.poisson_nll(problem.y[test], rates["new"]),
        "bits": metrics.bits_per_spike(problem.y[test], rates["new"], null),
        "course": np.array(model.training_["train_loss"])[:, 0] / problem.y.shape[2],
        "latents": model.transform(problem.x[test]),
    }


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
    """Score both tasks in bits per spike, and correlate areas beyond what all trials share."""
    column = Column()
    scores = {key: read_scores(sound / key) for key in ("between", "within")}
    for key, models in scores.items():
        column.add(key, *models.choose("timescales", "poisson_glm", "lstm"))
    column.add("held_out", *column.measures["between"])
    between, within = (scores[key]["timescales"] for key in scores)
    low, high = sorted((between, within), key=lambda measure: measure.number)
    apart = high.low > low.high  # type: ignore[operator]
    higher = "between" if high is between else "within"
    column.add("easier", Measure("more bits per spike", higher if apart else None, "name"))
    _correlate_single_trials(column, inputs.recording)
    kind = TASKS_DIFFER if apart else TASKS_ALIKE
    lower = described.measures["easier"][0].value
    losses = kind(lower=lower, higher=higher, between=between.number, within=within.number)
    against = LSTM_AGAINST_NULL(bits=described.number("held_out"))
    column.conclusions.extend([losses, against])
    return column


def _correlate_single_trials(column: Column, recording: Recording) -> None:
    """Fill in the correlation of single trials, beside the same with trials shuffled."""
    _, matrix = correlate_areas(recording, single_trials=True)
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
