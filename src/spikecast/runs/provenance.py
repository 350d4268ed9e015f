"""How a run came by each of its numbers, for the rules of the audit to read.

A :class:`Claim` is one number with the units (trials, bins, neurons) that every step saw: what the
last step learnt from and was scored on, what earlier steps were fitted on, what choices were judged
on. They are lists of indices, so that a rule can look for overlaps.

The claims of a run are made from what was recorded where the fits were made
(:class:`spikecast.evaluation.fit.FitRecord`,
:class:`spikecast.analysis.decoding.problem.DecodedFold`), from the folds, which a run stores before
its first fit, and from the recording's own targets and labels. What was not recorded is left out.
Studies describe code that is not ours: they write their claims to ``protocol.json``.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, field_validator

from spikecast.analysis.decoding.null_choice import NONE
from spikecast.core.files import write_json
from spikecast.core.stored import damaged, read_json
from spikecast.evaluation.fit import FitRecord, hash_rows
from spikecast.runs.config import ALL
from spikecast.runs.layout import Layout
from spikecast.runs.manifest import read_activity_hash
from spikecast.runs.reader import Run, StoredAnswer, Target, open_run
from spikecast.scoring.metric_table import METRICS

OUTCOMES = {"feedback": "feedback_time", "correctness": "feedback_time"}
"""Labels that an event of the trial shows, and the trial column with that event's time."""


class Claim(BaseModel):
    """One number and how it came about; a fact that is not known is left out.

    Examples
    --------
    >>> Claim(name="R2 of running", metric="r2", value=0.4, train=[0, 1], test=[2]).unit
    'trials'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str  # what a reader calls the number
    metric: str
    value: float | None = None  # None for a picture that is shown without a score
    picture: bool = False  # whether a picture is shown as evidence
    target: str = ""  # what is predicted
    unit: Literal["trials", "windows", "bins", "neurons"] = "trials"  # what the lists count
    # units that the last step learnt from, and was scored on
    train: list[int] = []
    test: list[int] = []
    # step (components, scales, latents) -> units it learnt from
    fitted_on: dict[str, list[int]] = {}
    # choice (epochs, settings) -> units on which it was made
    chosen_on: dict[str, list[int]] = {}
    # split of the units -> what the number is with it, where several were tried
    splits_tried: dict[str, float] = {}
    # setting -> its values in the search that is said to have chosen it
    swept: dict[str, list[float]] = {}
    # class -> trials that balancing kept, and those it could choose from
    kept: dict[str, list[int]] = {}
    pool: dict[str, list[int]] = {}
    # the trial in each row of the features, and of the labels
    rows: list[int] = []
    label_rows: list[int] = []
    # hash of each neuron's activity on the training trials (0 says nothing), and its name
    source_neurons: list[int] = []
    target_neurons: list[int] = []
    source_ids: list[str] = []
    target_ids: list[str] = []
    # neurons that the model was fitted to, and that were put through it
    fit_neurons: list[int] = []
    used_neurons: list[int] = []
    # what the number is measured against; "" is nothing
    null: str = ""
    baselines: list[str] = []
    features: Literal["activity", "latents", "behavior"] = "activity"
    dated: bool = False  # whether a time is read from it
    causal: bool = True  # whether its features saw the past only
    prediction_shape: list[int] = []
    target_shape: list[int] = []
    window_end: float | None = None  # seconds of the last bin
    outcome_time: float | None = None  # seconds of the earliest event that shows the label
    loss_on: Literal["", "logits", "probabilities"] = ""  # what the cross-entropy was given
    compared_with: str = ""  # target of a number that this one is set against
    repeats: int = 1  # seeds or splits that the number is an average of
    # what was measured of a prediction whose fit nobody watched, by target: z of how far it follows
    # the counts of its own bin, and its correlation with them
    zero_lag: dict[str, float] = {}
    own_correlation: dict[str, float] = {}
    compared_spikes: bool = False  # whether neurons recorded on both sides were looked for
    source_copies: list[int] = []  # source neurons that look like a target recorded twice
    train_value: float | None = None  # the same score on trials that were learnt from
    beyond_drift: float | None = None  # what it adds to the session's drift alone
    parts: dict[str, list[int]] = {}  # condition -> number of held-out trials in each part
    n_scored: int | None = None  # units it rests on, where more than those of `test`

    @property
    def is_score(self) -> bool:
        """Whether it is a number and not a picture."""
        return self.value is not None

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture, with or without a score."""
        return self.picture or self.value is None

    @property
    def from_latents(self) -> bool:
        """Whether latents were scored."""
        return self.features == "latents"

    @property
    def is_share(self) -> bool:
        """Whether it is a share of trials."""
        return self.metric in METRICS and METRICS[self.metric].is_share

    @field_validator("*", mode="before")
    @classmethod
    def _convert_arrays(cls, value: Any) -> Any:
        """Return numpy arrays and numbers as Python's."""
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, dict):
            return {key: cls._convert_arrays(part) for key, part in value.items()}
        return value


def write_claims(claims: Sequence[Claim], folder: Path) -> None:
    """Write claims to ``protocol.json``."""
    content = [claim.model_dump(exclude_defaults=True) for claim in claims]
    write_json(Layout(folder).protocol, content)


def read_claims(folder: Path) -> list[Claim]:
    """Return the claims of a folder: those stored in it, else those made from a run's records."""
    if Layout(folder).protocol.exists():
        return read_stored_claims(folder)
    run = open_run(folder)
    return [*_describe_fits(run), *_describe_answers(run)]


def read_stored_claims(folder: Path) -> list[Claim]:
    """Return the claims in ``protocol.json``."""
    claims: list[Claim] = read_json(Layout(folder).protocol, list[Claim])
    return claims


# ------------------------------------------------------------------------------------ predictions


def _describe_fits(run: Run) -> Iterator[Claim]:
    """Yield a claim per fit."""
    if run.config.task is None:
        return
    # a sweep that chose the settings on these very trials has seen all of them
    tuned = run.config.tuned_on == read_activity_hash(run.manifest)
    for target in run.targets:
        if target.brought:
            yield from read_stored_claims(target.layout.folder)
        own = hash_rows(target.recorded)
        every = list(range(len(own)))
        for model in target.models:
            if model in target.brought:  # nobody watched its fits
                continue
            for index in range(target.n_folds):
                record = target.read_record(model, index)
                score = _read_score(run, target, model, index)
                tuned_on = {"settings": every} if tuned else {}
                yield _describe_fit(run, target, model, index, record, own, score, tuned_on)
        beyond = target.verdict.beyond
        if beyond is None:  # no number rests on it
            continue
        for index, record in enumerate(target.read_beyond_records()):
            name, score = f"a source beyond {beyond.rung}", (beyond.gain.value, beyond.rung)
            yield _describe_fit(run, target, name, index, record, own, score, {})


def _describe_fit(
    run: Run,
    target: Target,
    model: str,
    index: int,
    record: FitRecord,
    own: np.ndarray,
    score: tuple[float, str],
    tuned_on: dict[str, list[int]],
) -> Claim:
    """Return the claim of one fit; `own` are the hashes of the target's trials."""
    chosen_on = {"settings, or when to stop,": record.validation.tolist()}
    return Claim(
        name=f"{target.name} by {model}, fold {index}",
        metric=run.metric,
        value=score[0],
        target=target.name,
        unit="windows" if target.problem.attrs["windows"] else "trials",
        train=target.folds[index].train,
        test=record.test,
        fitted_on={"the model": record.train},
        chosen_on=(chosen_on if record.validation.size else {}) | tuned_on,
        rows=record.train,
        label_rows=_find_rows(record.target_rows, record.train, own),
        source_neurons=record.source_neurons,
        target_neurons=record.target_neurons,
        source_ids=target.problem["source_neuron"].values.astype(str),
        target_ids=target.target_ids,
        null=score[1],
        baselines=target.models,
        repeats=target.n_folds,
    )


def _read_score(run: Run, target: Target, model: str, fold: int) -> tuple[float, str]:
    """Return the headline score of a model in a fold, and the null that it stands against."""
    headline = METRICS[run.metric]
    cell = {
        "target": target.name, "model": model, "fold": str(fold), "metric": headline.name,
        "null": headline.null, "aggregate": headline.aggregate,
    }  # fmt: skip
    rows = (run.scores[list(cell)].astype(str) == pd.Series(cell)).all(axis=1)
    if not rows.any():
        lacks = f"it has no {headline.name} of {model} for {target.name} in fold {fold}"
        raise damaged(run.layout.scores, lacks)
    row = run.scores[rows].iloc[0]
    return float(row["value"]), str(row["null"])


def _find_rows(received: np.ndarray, trials: np.ndarray, own: np.ndarray) -> list[int]:
    """Return the trial that each received row belongs to; -1 for one that is in no trial."""
    first = {key: trial for trial, key in reversed(list(enumerate(own.tolist())))}
    return [
        trial if own[trial] == key else first.get(key, -1)
        for trial, key in zip(trials.tolist(), received.tolist(), strict=True)
    ]


# ------------------------------------------------------------------------------------ answers


def _describe_answers(run: Run) -> Iterator[Claim]:
    """Yield a claim per fold of a decoded label, and one per curve over time."""
    decoded = [answer for answer in run.answers if answer.kind == "decode"]
    for answer in run.answers:
        if answer.kind == "decode":
            beside = {other["source"] for other in decoded if other["label"] == answer["label"]}
            yield from _describe_decoding(run, answer, sorted(beside - {"latents"}))
        if answer.kind == "over_time":
            yield Claim(
                name=f"onset of '{answer['label']}' from {answer['features']}",
                metric=answer["metric"],
                value=float(answer.table("onsets")["peak"].max()),
                null=answer["null"],
                dated=True,
                causal=not answer["acausal"],
            )


def _describe_decoding(run: Run, answer: StoredAnswer, beside: list[str]) -> Iterator[Claim]:
    """Yield a claim per fold; `beside`: other sources that the label was decoded from."""
    features = {"counts": "activity", "latents": "latents", "behavior": "behavior"}
    described = f"'{answer['label']}' from {answer['features']} of {answer['area'] or ALL}"
    for index, fold in enumerate(answer["fits"]):
        chosen_on = {"the decoder's settings": fold["validation"]} if fold["validation"] else {}
        yield Claim(
            name=f"{described}, fold {index}",
            metric=answer["metric"],
            value=answer["score"],
            target=answer["label"],
            train=fold["train"],
            test=fold["test"],
            fitted_on=fold["fitted_on"],
            chosen_on=chosen_on,
            null=answer["null"] if answer["permutations"] or answer["null"] == NONE else "",
            baselines=beside,
            features=features[answer["source"]],
            repeats=int(answer["folds"]),
            n_scored=int(answer["n_trials"]),
            **_find_label_rows(run, answer.facts.get("column", ""), fold),
            **_find_outcome(run, answer["label"]),
        )


def _find_label_rows(run: Run, label: str, fold: dict[str, Any]) -> dict[str, list[int]]:
    """Return a fold's trials and those its labels belong to, if the label is a trial column."""
    if label not in run.trials:
        return {}
    own = _as_text(run.trials[label])
    received = _find_rows(_as_text(fold["labels"]), np.array(fold["train"]), own)
    return {"rows": fold["train"], "label_rows": received}


def _as_text(values: Iterable[Any]) -> np.ndarray:
    """Return labels as text that is the same in JSON and in a table: 1, 1.0 and True are 1."""
    texts = []
    for value in values:
        try:
            texts.append(str(float(value)))
        except ValueError:
            texts.append(str(value))
    return np.array(texts)


def _find_outcome(run: Run, label: str) -> dict[str, float]:
    """Return the window's end and the time that shows the label, where an event of a trial does."""
    column = next((time for name, time in OUTCOMES.items() if label.startswith(name)), None)
    if column is None or column not in run.excerpt.coords:
        return {}
    shown = float(np.nanmin(run.excerpt[column].values))
    return {"window_end": float(run.excerpt["time"].values[-1]), "outcome_time": shown}
