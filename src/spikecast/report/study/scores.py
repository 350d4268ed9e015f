"""The scores of a sound run on the page of its study, with the deck's own networks beside."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from spikecast.evaluation.verdict import Verdict
from spikecast.models.catalog import name_model
from spikecast.report.run.scores import SCORES, describe_scores, draw_model_scores
from spikecast.report.shared.formatting import name_source
from spikecast.report.shared.rows import ABOVE
from spikecast.report.shared.section import Drawing
from spikecast.runs.reader import Target

BESIDE = (
    " Beside them the deck's own networks, from the table above: refitted in folds, scored on "
    "held-out {trials}."
)

ON_TOP = (
    " That was measured with {source} fitted to what these leave unexplained. Where models are "
    "ranked each is fitted by itself, so that two of their scores differ by another amount."
)

APART = (
    " The distance between two dots is not the verdict's number: here each model is fitted by "
    "itself, there the source to what the shaded model leaves."
)


def explain_gain(verdict: Verdict) -> str:
    """Return what the number of a verdict's first sentence measures; "" where it has none."""
    if verdict.beyond is None or verdict.outcome not in ("predicted", "untested"):
        return ""
    return ON_TOP.format(source=name_source(verdict.source) or "the source")


def make_score_drawing(
    target: Target, called: Mapping[str, str], beside: Sequence[Mapping[str, Any]]
) -> Drawing:
    """Return the figure of all models' scores.

    Parameters
    ----------
    target : Target
    called : mapping
        What models are called that are not called by their titles.
    beside : sequence of mapping
        Measures of ``study.json``; those in the run's unit that no model of the run is called by
        stand beside the models.
    """
    drawing = SCORES.make_drawing(target, "scores")
    summary, metric, rungs = target.summary, target.run.metric, target.verdict.rungs
    summary = summary.assign(title=[call_model(name, called) for name in summary["model"]])
    known = {*summary["title"], *summary["model"]}
    others = [
        {"model": one["name"], "title": one["name"], metric: one["value"],
         "low": one["low"], "high": one["high"]}
        for one in beside
        if one["unit"] == metric and one["name"] not in known and {"low", "high"} <= set(one)
    ]  # fmt: skip
    if others:
        summary = pd.concat([summary, pd.DataFrame(others)]).sort_values(metric, ascending=False)
    draw = partial(
        draw_model_scores, metric=metric, shown=target.shown_model, rung=rungs[-1] if rungs else ""
    )
    caption = describe_scores(target, call_model(target.shown_model, called))
    if others:
        caption += BESIDE.format(trials="windows" if target.problem.attrs["windows"] else "trials")
    if explain_gain(target.verdict):
        caption += APART
    narrow = partial(draw, rows=ABOVE)
    return replace(drawing, draw=draw, narrow=narrow, subject=summary, caption=caption)


def call_model(name: str, called: Mapping[str, str]) -> str:
    """Return what a study calls a model."""
    return called.get(name) or name_model(name)


def call_models(verdict: Verdict, called: Mapping[str, str]) -> Verdict:
    """Return a verdict whose models have the names that a study calls them by."""
    comparison = verdict.comparison
    if comparison is not None:
        names = (call_model(name, called) for name in (comparison.model, comparison.baseline))
        model, baseline = names
        comparison = replace(comparison, model=model, baseline=baseline)
    below = {call_model(name, called): score for name, score in verdict.below_null.items()}
    leader = call_model(verdict.leader, called) if verdict.leader else ""
    return replace(verdict, leader=leader, comparison=comparison, below_null=below)
