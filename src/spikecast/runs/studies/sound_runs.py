"""Measures of sound runs, read from their files."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from spikecast.analysis.decoding.decode import Decoding
from spikecast.core.errors import RunError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.models.catalog import name_model
from spikecast.runs.layout import RunLayout
from spikecast.runs.reader import Run, read_answers
from spikecast.runs.studies.study import Measure
from spikecast.scoring.metric_table import find_headline

TIME_TAKEN = NoticeKind(
    "time_taken",
    "minor",
    "Its fits took {own:.0f} s in this run, those of timescales {ours:.0f} s, those of the slowest "
    "other model ({slowest}) {most:.0f} s.",
)


class ModelScores(dict[str, Measure]):
    """Model -> its headline score; asking for a model that is not there raises RunError."""

    def __init__(self, run: Path, measures: dict[str, Measure]) -> None:
        super().__init__(measures)
        self.run = run

    def __missing__(self, model: str) -> Measure:
        """Refuse a model that the run lacks: it could not be fitted."""
        raise RunError(
            f"the study needs '{model}', which could not be fitted: see {RunLayout(self.run).log}"
        )

    def choose(self, *models: str) -> list[Measure]:
        """Return the scores of some models, those that were fitted, best first as in the chart."""
        if not any(model in self for model in models):
            return [self[models[0]]]
        return [measure for model, measure in self.items() if model in models]


def read_scores(run: Path, called: Mapping[str, str] = MappingProxyType({})) -> ModelScores:
    """Return the headline score of each model with its interval, best first.

    `called` is what models are called that are not called by their titles.
    """
    summary = Run(run).summary
    metric = find_headline(summary).name
    measures = {
        row["model"]: Measure(
            called.get(row["model"]) or name_model(row["model"]),
            row[metric],
            metric,
            row["low"],
            row["high"],
        )
        for row in summary.to_dict("records")
    }
    return ModelScores(run, measures)


def read_decoding(run: Path, source: str, name: str) -> Measure | None:
    """Return how well a class is decoded from one source; None where it was not decoded."""
    for answer in read_answers(run, "decode"):
        if answer["source"] == source:
            return Measure(
                name,
                answer["score"],
                "balanced_accuracy",
                answer["low"],
                answer["high"],
                chance=answer["chance"],
                p=answer["p"],
                n_permutations=answer["permutations"],
            )
    return None


def measure_decoding(decoding: Decoding, name: str) -> Measure:
    """Return a decoding of a class as a measure, with its null where it has one."""
    drawn = decoding.null.size
    low, high = decoding.interval.low, decoding.interval.high
    measure = Measure(name, decoding.score, "balanced_accuracy", low, high)
    if not drawn:
        return measure
    return replace(measure, chance=decoding.chance, p=decoding.p, n_permutations=drawn)


def read_onset(run: Path, name: str, *, within_strata: bool = False) -> Measure | None:
    """Return the earliest onset over areas; None where nothing was dated.

    With `within_strata`, that of what is known beyond the strata of the question.
    """
    for answer in read_answers(run, "over_time"):
        if answer["acausal"] or bool(answer["strata"]) != within_strata:
            continue
        first = answer.table("onsets").sort_values("onset").iloc[0]
        onset = None if np.isnan(first["onset"]) else float(first["onset"])
        return Measure(name, onset, "onset", float(first["low"]), float(first["high"]))
    return None


def compare_times(scores: pd.DataFrame, model: str) -> Notice:
    """Return how long the fits of a model took, beside those of other models."""
    single = scores[scores["fold"].astype(str) != "all"].drop_duplicates(["model", "fold"])
    seconds = single.groupby("model")["fit_seconds"].sum()
    others = seconds.drop([model, "timescales"])
    slowest = str(others.idxmax())
    values = {"own": seconds[model], "ours": seconds["timescales"], "most": others.max()}
    plain = {name: float(value) for name, value in values.items()}
    return TIME_TAKEN(slowest=name_model(slowest), **plain)
