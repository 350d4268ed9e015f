"""How each kind of question is answered: a call of :mod:`spikecast.analysis`, and what is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.analysis.decoding import labels
from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.generalization import temporal_generalization
from spikecast.analysis.decoding.nulls import labels_come_in_runs
from spikecast.analysis.decoding.over_time import OnsetRule, decode_over_time
from spikecast.analysis.decoding.sources import Counts, Source
from spikecast.analysis.geometry.dimensionality import dimensionality
from spikecast.analysis.geometry.embedding import embed
from spikecast.analysis.geometry.trajectories import name_conditions, trajectories
from spikecast.analysis.geometry.tuning import tuning
from spikecast.analysis.interareal.granger import information_flow
from spikecast.core.checks import check_one_of
from spikecast.core.errors import InputError
from spikecast.core.files import read_json
from spikecast.core.notices import NoticeKind
from spikecast.data.recording import Recording
from spikecast.models.base import Model
from spikecast.runs.layout import TargetLayout
from spikecast.runs.questions.blocks import (
    Decode,
    Dimensions,
    Embed,
    Flow,
    Labels,
    OverTime,
    Trajectories,
    Tuning,
)
from spikecast.runs.questions.store import Answer
from spikecast.scoring.ratio_scores import Interval
from spikecast.tasks.tasks import Task

TRAJECTORY_WINDOW = 0.1  # seconds of counts that a point of a path averages
N_MATRICES = 100  # permutations of a generalisation matrix: each takes the square of the bins
ACAUSAL_LATENTS = NoticeKind(
    "acausal_latents",
    "serious",
    "latents of {model} are acausal: paths part before the activity does",
)
VARIABLES_COME_IN_RUNS = NoticeKind(
    "variables_come_in_runs",
    "serious",
    "'{variable}' comes in runs of trials, which slow drift alone follows: permuted trials are too "
    "weak a null; ask again with null_labels: circular_shift",
)


@dataclass(frozen=True)
class Fitted:
    """The model whose latents are asked for: its name in the run, itself, its task and files."""

    name: str
    model: Model
    task: Task
    files: TargetLayout

    @property
    def seconds(self) -> float | None:
        """What fitting it took in the run, per fold; None while it is not fitted yet."""
        path = self.files.job(self.name, 0)
        return float(read_json(path)["fit_seconds"]) if path.exists() else None

    @property
    def n_folds(self) -> int:
        """Folds that it was fitted in."""
        return len(self.files.jobs_of(self.name))

    def held_out(self, fold: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Trials held out in a fold, and their latents (trial, time, latent)."""
        with np.load(self.files.arrays(self.name, fold)) as stored:
            return stored["test"], stored["latents"].astype(np.float32)

    def weights(self, fold: int) -> Path:
        """Path (without suffix) of the model that was fitted in a fold."""
        return self.files.weights(self.name, fold)


@dataclass(frozen=True)
class Material:
    """What answers are made from."""

    recording: Recording
    fitted: dict[str, Fitted]  # the models with latents
    seed: int

    def of(self, area: str | None) -> Recording:
        """The recording, or one area of it."""
        return self.recording if area is None else self.recording.select(area=area)

    def trials(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some trial columns, NaN where a value is missing, as text too."""
        table = self.recording.trials[list(columns)]
        return table.mask(table.isin(labels.MISSING))

    def latents(self, model: str | None) -> Fitted:
        """The model whose latents are asked for, by default the first that has any."""
        if not self.fitted:
            raise InputError(
                "latents are those of a fitted model: name a run directory whose models have "
                "latents ('spikecast models' says which have), or decode from counts"
            )
        return next(iter(self.fitted.values())) if model is None else self._named(model)

    def _named(self, model: str) -> Fitted:
        return self.fitted[check_one_of("model with latents", model, list(self.fitted))]


def decoded(
    on: Material, block: Decode, label: str, name: str, source: Source, area: str | None
) -> Answer:
    """A label from whole trials."""
    found = decode(
        on.of(area),
        label,
        source=source,
        decoder=block.decoder,
        over_time=block.combine,
        balance=block.balance,
        folds=block.folds,
        null=block.null,
        n_permutations=block.permutations,
        seed=on.seed,
    )
    facts = _facts(
        on,
        block,
        name,
        area,
        found,
        decoder=found.decoder,
        combine=block.combine,
        balance=block.balance,
        metric=found.metric,
        score=found.score,
        low=found.interval.low,
        high=found.interval.high,
        chance=found.chance,
        p=found.p,
        train=found.train_scores[found.metric],
        n_trials=len(found.predictions),
        n_left_out=found.n_left_out,
        permutations=block.permutations,
        null=block.null_labels,
        folds=block.folds,
    )
    tables = {
        "scores": found.table.assign(features=facts["features"], area=area or "all"),
        "confusion": found.confusion.reset_index(),
        "per_class": found.per_class,
        "predictions": found.predictions,
    }
    tables = {key: table for key, table in tables.items() if len(table)}
    arrays = {"null": found.null}
    return Answer("decode", _said(found, facts), facts, tables, found.notices, arrays)


def dated(on: Material, block: OverTime, label: str, name: str, source: Source) -> Answer:
    """A label bin by bin, and its onset in each area."""
    found = decode_over_time(
        on.recording,
        label,
        areas=block.areas if name == "counts" else None,
        source=source,
        decoder=block.decoder,
        folds=block.folds,
        null=block.null,
        n_permutations=block.permutations,
        onset=OnsetRule(min_duration=block.min_duration, allow_acausal=block.allow_acausal),
        seed=on.seed,
    )
    facts = _facts(
        on,
        block,
        name,
        None,
        found,
        metric=found.metric,
        min_duration=found.min_duration,
        alpha=found.alpha,
        acausal=found.acausal,
        null=block.null_labels,
        permutations=block.permutations,
        n_left_out=found.n_left_out,
    )
    tables = {"curves": found.table, "onsets": found.onsets, "differences": found.differences}
    return Answer("time", _said(found, facts), facts, tables, found.notices)


def generalized(
    on: Material, block: OverTime, label: str, name: str, source: Source, area: str | None
) -> Answer:
    """A decoder of one time at every other."""
    found = temporal_generalization(
        on.of(area),
        label,
        source=source,
        folds=block.folds,
        null=block.null,
        n_permutations=min(block.permutations, N_MATRICES),
        allow_acausal=block.allow_acausal,
        seed=on.seed,
    )
    facts = _facts(on, block, name, area, found, acausal=found.acausal)
    arrays = {
        key: getattr(found, key) for key in ("time", "score", "chance", "significant")
    }  # the table would hold the square of the number of bins
    return Answer("generalization", _said(found, facts), facts, {}, found.notices, arrays)


def flowed(on: Material, block: Flow, source: str, target: str) -> Answer:
    """Each of two areas from the other's past."""
    found = information_flow(
        on.recording,
        source,
        target,
        block.lags,
        folds=block.folds,
        n_shuffles=block.shuffles,
        strata=block.conditions,
        seed=on.seed,
    )
    facts = {
        "source": source,
        "target": target,
        "n_neurons": found.n_neurons,
        "n_trials": found.n_trials,
        "align_to": event(on),
        "asymmetry": _bounds(found.asymmetry),
        "plain": _bounds(found.plain_asymmetry),
        "leader": found.leader,
    }
    tables = {"lags": found.table, "past": found.past, "over_time": found.over_time}
    return Answer("flow", str(found), facts, tables, found.notices)


def counted(on: Material, block: Dimensions, area: str | None) -> Answer:
    """Dimensions of an area, or of all neurons."""
    found = dimensionality(on.of(area), n_components=block.components, seed=on.seed)
    facts = {
        "area": area,
        "n_neurons": found.n_neurons,
        "n_samples": found.n_samples,
        "n_reliable": found.n_reliable,
        "participation_ratio": found.participation_ratio,
        "shared_participation_ratio": found.shared_participation_ratio,
        "bin_size": on.recording.bin_size,
    }
    return Answer("dimensions", str(found), facts, {"components": found.table})


def embedded(on: Material, block: Embed, label: str, method: str) -> Answer:
    """A map of the trials."""
    known = labels.resolve_label(on.recording, label, 2, continuous=False)
    names: list[str | None] = [None] * on.recording.n_trials
    for trial, code in zip(known.trials.tolist(), known.values.tolist(), strict=True):
        names[trial] = known.names[code]
    supervised = method == "umap_supervised"
    found = embed(
        on.of(block.area),
        "umap" if supervised else method,
        labels=names,
        supervised=supervised,
        seed=on.seed,
        n_neighbors=min(15, max(2, known.trials.size // 4)),
    )
    facts = {
        "label": label,
        "area": block.area,
        "method": found.method,
        "supervised": supervised,
        "n_left_out": known.n_left_out,
    }
    tables = {"points": found.table, "scores": found.scores}
    return Answer("embed", str(found), facts, tables)


def averaged(on: Material, block: Trajectories, label: str) -> Answer:
    """Paths by condition, from counts or from the latents held out in fold 0."""
    condition = name_conditions(on.recording.trials, label)
    condition[condition == f"{label} "] = None  # a comparison with a missing value
    bins = on.recording.time
    if block.source == "latents":
        fitted = on.latents(block.model)
        trials, values = fitted.held_out()
        condition = condition[trials]
        bins = fitted.task.problem(on.recording).time
    else:
        window = max(TRAJECTORY_WINDOW, on.recording.bin_size)
        values = Counts(window).compute_features(on.of(block.area)).astype(np.float32)
    found = trajectories(values, bins, condition, n_dims=block.n_dims, n_shown=10)
    facts = {
        "label": label,
        "source": block.source,
        "area": block.area,
        "model": on.latents(block.model).name if block.source == "latents" else None,
        "explained": found.explained.tolist(),
        "n_left_out": found.n_left_out,
        "window": TRAJECTORY_WINDOW,
        "align_to": event(on),
    }
    notices = []
    if block.source == "latents" and not on.latents(block.model).model.causal:
        notices.append(ACAUSAL_LATENTS(model=facts["model"]))
    tables = {"means": found.table, "trials": found.trials}
    return Answer("trajectories", str(found), facts, tables, notices)


def tuned(on: Material, block: Tuning, variables: Sequence[str], area: str | None) -> Answer:
    """Trial variables that each neuron, or each latent held out in fold 0, follows."""
    trials, values, bins = on.trials(variables), on.of(area).activity, on.recording.time
    whose = None
    if block.source == "latents":
        fitted = on.latents(block.model)
        held_out, values = fitted.held_out()
        trials, bins = trials.iloc[held_out], fitted.task.problem(on.recording).time
        whose = fitted.name
    found = tuning(
        values,
        trials,
        time=bins,
        window=block.window,
        correction=block.correction,
        null=block.null_labels,
        n_permutations=block.permutations,
        seed=on.seed,
    )
    facts = {
        "source": block.source,
        "area": area,
        "model": whose,
        "n_units": values.shape[2],
        "n_trials": len(trials),
        "window": block.window,
        "align_to": event(on),
        "correction": block.correction,
        "null": block.null_labels,
        "permutations": block.permutations,
        "left_out": found.left_out,
    }
    of = f"latents of {whose}" if whose else f"neurons of {area or 'all areas'}"
    said = str(found).replace("latents", of)
    notices = []
    if block.null_labels == "permutation":
        # all trials, in order: what runs in the session runs in any part of it
        every = on.trials(variables)
        notices = [
            VARIABLES_COME_IN_RUNS(variable=name)
            for name in variables
            if name not in found.left_out
            and labels_come_in_runs(pd.factorize(every[name].dropna())[0], on.seed)
        ]
    return Answer("tuning", said, facts, {"tests": found.table}, notices)


# ------------------------------------------------------------------------------------ helpers


def _facts(
    on: Material, block: Labels, name: str, area: str | None, found: Any, **more: Any
) -> dict[str, Any]:
    """What decoding answers have in common."""
    features = found.source
    if name == "latents":
        features = f"latents of {on.latents(block.model).name}"
    known = {"label": block.beyond(found.label), "source": name, "features": features}
    return known | {"area": area, "strata": block.strata, "align_to": event(on)} | more


def event(on: Material) -> str:
    """What time 0 is."""
    return str(on.recording.dataset.attrs["align_to"])


def _said(found: Any, facts: dict[str, Any]) -> str:
    """An answer in words, with the run's names for its label and its features."""
    features = facts["features"] + (f" of {facts['area']}" if facts["area"] else "")
    said = str(found).replace(f"'{found.label}'", f"'{facts['label']}'", 1)
    return said.replace(found.source, features, 1)


def _bounds(found: Interval) -> Sequence[float]:
    return [found.value, found.low, found.high]
