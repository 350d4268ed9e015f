"""Study B: motor cortex from other areas, and half of it from the other half."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from spikecast.core.errors import NotEnoughDataError
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import UNLABELED, Recording
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.recurrent import Recurrent
from spikecast.models.recurrent import Recipe
from spikecast.runs.layout import RunLayout
from spikecast.runs.provenance import Claim
from spikecast.runs.studies import findings
from spikecast.runs.studies.step_cache import Parts
from spikecast.runs.studies.study import Concluded, Described, Prepared, Study, Value
from spikecast.scoring import metrics
from spikecast.tasks.tasks import AreaToArea, HeldOutNeurons, Problem, Task

LEAST = 8  # neurons of an area whose average is compared
SHUFFLES = 100
RASTER_BINS = 600


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
    if n_target < 8:
        raise NotEnoughDataError(
            f"'{target}' has {n_target} neurons; 8 are needed to predict one half from the other"
        )
    return Prepared(recording, {"target": target})


def describe(prepared: Prepared, settings: dict[str, Any], seed: int, parts: Parts) -> Described:
    """The deck's LSTM on both tasks, once each, and its raw losses side by side."""
    recording, target = prepared.recording, settings["target"]
    tasks: dict[str, Task] = {
        "between": AreaToArea(target, min_rate=0.0),
        "within": HeldOutNeurons(0.5, target, min_rate=0.0, seed=seed),
    }
    names = {"between": f"all of {target}", "within": f"half of {target}"}
    order = make_rng(seed, "diggers", "trials").permutation(recording.n_trials)
    n_test = round(0.2 * len(order))
    train, test = np.sort(order[n_test:]), np.sort(order[:n_test])
    values, claims, losses, arrays = {}, {}, {}, {}
    for key, task in tasks.items():
        problem = task.problem(recording)
        found = parts(f"LSTM, {key}", partial(_network, problem, train, test, settings, seed, key))
        own, new = float(found["own"]), float(found["new"])
        other = "within" if key == "between" else "between"
        # FLAW, losses compared across targets, each from one split and one seed, without a null
        claims[key] = Claim(
            name=key,
            metric="poisson_nll",
            value=new,
            target=names[key],
            train=train,
            test=test,
            compared_with=names[other],
        )
        values[key] = Value(f"{own:.4f} / {new:.4f} (train / test)", new)
        losses[f"loss_{key}"] = found["course"]
        if key == "between":
            bits = float(found["bits"])
            values["held_out"] = Value(f"{bits:.3f} bits/spike on its test trials", bits)
            two = found["latents"][..., : settings["n_shown"]]
            label = np.full(len(test), "test trials")
            arrays["latents"] = {"latents": two, "label": label, "time": problem.time}
    lower = min(("between", "within"), key=lambda key: values[key].number)
    values["easier"] = Value(f"lower loss: {lower}", values[lower].number)
    names_of, matrix = similarity(recording)
    values["similarity"] = Value(f"mean correlation {_off_diagonal(matrix):.2f}")
    arrays |= {
        "raster": _raster(recording),
        "losses": losses,
        "similarity": {"matrix": matrix, "areas": np.array(names_of)},
    }
    return Described(values, claims, {}, arrays)


def _network(
    problem: Problem,
    train: np.ndarray,
    test: np.ndarray,
    settings: dict[str, Any],
    seed: int,
    key: str,
) -> dict[str, Any]:
    """The deck's LSTM: its losses, its latents, and its score above the mean rate."""
    model = DeckLSTM(
        settings["n_latents"],
        settings["learning_rate"],
        settings["n_iterations"],
        seed=derive_seed(seed, "diggers", key),
    ).fit(problem.x[train], problem.y[train])
    rates = {"own": model.predict(problem.x[train]), "new": model.predict(problem.x[test])}
    null = metrics.null_rate(problem.y[train], problem.y[test])
    return {
        "own": metrics.poisson_nll(problem.y[train], rates["own"]),
        "new": metrics.poisson_nll(problem.y[test], rates["new"]),
        "bits": metrics.bits_per_spike(problem.y[test], rates["new"], null),
        "course": np.array(model.training_["train_loss"])[:, 0] / problem.y.shape[2],
        "latents": model.transform(problem.x[test]),
    }


def similarity(
    recording: Recording, rng: np.random.Generator | None = None, specific: bool = False
) -> tuple[list[str], np.ndarray]:
    """Correlate the average activity of areas over trials and bins.

    Parameters
    ----------
    recording : Recording
    rng : Generator, optional
        Shuffles the trials of each area: what is left is the time course they have in common.
    specific : bool
        Subtract the average over trials first, so that only single trials count.

    Returns
    -------
    areas : list of str
    correlation : array, (area, area)
    """
    areas = [
        name for name, n in recording.areas.items() if n >= LEAST and name.lower() not in UNLABELED
    ]
    activity = recording.activity
    courses = []
    for name in areas:
        course = activity[:, :, recording.area == name].mean(axis=2, dtype=float)  # (trial, time)
        if specific:
            course = course - course.mean(axis=0)
        courses.append((rng.permutation(course) if rng else course).ravel())
    return areas, np.atleast_2d(np.corrcoef(courses))


def _off_diagonal(matrix: np.ndarray) -> float:
    return float(matrix[~np.eye(len(matrix), dtype=bool)].mean()) if len(matrix) > 1 else 1.0


def _raster(recording: Recording) -> dict[str, np.ndarray]:
    """The whole session trial by trial, and its first trials spike by spike; neurons by area."""
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


def conclude(sound: Path, described: Described, prepared: Prepared, parts: Parts) -> Concluded:
    """Both tasks in bits per spike, and similarity beyond what all trials share."""
    scores = {key: findings.scores(sound / key) for key in ("between", "within")}
    values = {
        key: findings.several(found, "timescales", "poisson_glm", "lstm")
        for key, found in scores.items()
    }
    between, within = (scores[key]["timescales"] for key in ("between", "within"))
    tables = {key: RunLayout(sound / key).summary for key in scores}
    summary = {key: pd.read_csv(path, index_col="model") for key, path in tables.items()}
    limits = {key: table.loc["timescales", ["low", "high"]] for key, table in summary.items()}
    apart = (
        limits["between"]["low"] > limits["within"]["high"]
        or limits["within"]["low"] > limits["between"]["high"]
    )
    higher = "between" if between.number > within.number else "within"
    values["easier"] = Value(
        f"more bits per spike: {higher}" if apart else "not told apart: intervals overlap"
    )
    values["held_out"] = values["between"]
    _, matrix = similarity(prepared.recording, specific=True)
    rng = make_rng(0, "diggers", "similarity")
    null = [
        _off_diagonal(similarity(prepared.recording, rng, specific=True)[1])
        for _ in range(SHUFFLES)
    ]
    low, high = np.quantile(null, [0.025, 0.975])
    values["similarity"] = Value(
        f"mean correlation {_off_diagonal(matrix):.2f} on single trials; trials shuffled "
        f"{low:.2f} to {high:.2f}"
    )
    sentences = [
        f"By raw loss, '{described.values['easier'].text.removeprefix('lower loss: ')}' looks "
        "easier; the loss is low wherever neurons are quiet. Against each neuron's own mean: "
        f"between {between.text}, within {within.text}; {values['easier'].text}.",
        f"The deck's LSTM, never put beside a null, scores {described.values['held_out'].text}; "
        "0 is each neuron's mean.",
    ]
    claim = Claim(
        name="similarity on single trials",
        metric="correlation",
        value=_off_diagonal(matrix),
        null="trials shuffled",
    )
    return Concluded(values, sentences, [claim])


DIGGERS = Study(prepare, describe, conclude)
