"""Write what a sweep gives: nested and selected scores as facts, tables, the settings to use."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.files import write_atomically, write_json, write_text
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.schema import to_yaml
from spikecast.evaluation.fit import FIT, FitRecord
from spikecast.evaluation.ladder import list_rungs
from spikecast.evaluation.score_table import Scores
from spikecast.evaluation.search import SearchResult, read_search
from spikecast.models.spaces import Between
from spikecast.runs.fit_files import name_record_arrays, read_fit_arrays
from spikecast.runs.layout import SweepLayout
from spikecast.runs.model_entries import name_models
from spikecast.runs.provenance import Claim, write_claims
from spikecast.runs.sweep.journal import SweepJournal
from spikecast.runs.sweep.plan import TUNED, FoldSearch, Plan
from spikecast.runs.targets import score_target
from spikecast.scoring.metric_table import METRICS

N_RANDOM = 10  # trials that the sampler draws at random before it learns from them
NEGLIGIBLE = 0.01  # of a score: a smaller gain is not worth other settings
EDGE = 0.02  # of a range's length: nearer to an end is at the end

OUT_OF_TIME = NoticeKind(
    "out_of_time",
    "serious",
    "Time ran out: a search tried {n_tried} of {n_planned} settings. Resume the sweep to go on.",
)
RANDOM_ONLY = NoticeKind(
    "random_only",
    "serious",
    "Settings were drawn at random: a search begins to learn from its tries after {n_random}, and "
    "{n_tried} were made. A gain is that of the best of so many draws, not of a search.",
)
SETTINGS_FAILED = NoticeKind(
    "settings_failed",
    "minor",
    "{n_failed} of {n_tried} settings could not be fitted, most often: {reason}",
)
BEST_AT_EDGE = NoticeKind(
    "best_at_edge",
    "minor",
    "The best {setting}, {value:.3g}, lies at the {end} end of what was searched: widen it in "
    "search.space.",
)

SearchResults = dict[str, SearchResult]


def write_results(plan: Plan, journal: SweepJournal, activity_hash: str) -> None:
    """Score the outer folds, and write tables, facts, claims and the config of the best settings.

    All searches are closed. By the hash of the activity, a later run can tell that these data chose
    its settings.
    """
    results = {
        search.name: read_search(journal.study(search.name), search.objective(plan.target))
        for search in plan.searches
    }
    names = [name for label in plan.labels for name in (label + TUNED, label)]
    scores = score_target(plan.target, [*names, *plan.nulls], plan.session, plan.config)
    facts: dict[str, Any] = {
        "target": plan.target.problem.target,
        "source": plan.target.problem.source,
        "metric": scores.metric,
        "trials": plan.settings.trials,
        "models": [_describe_model(plan, label, results, scores) for label in plan.labels],
        "null": asdict(scores.interval(plan.rung)),
        "rungs": list_rungs(plan.target.problem),
        "notices": [n.to_json() for n in (*plan.target.problem.notices, *scores.notices)],
    }
    write_claims(list(_make_claims(plan, results, scores)), plan.folder)
    layout = SweepLayout(plan.folder)
    trials = _list_trials(plan, results)
    tables = {"trials": trials, "scores": scores.table, "summary": scores.compare_nulls()}
    for name, table in tables.items():
        with write_atomically(layout.table(name)) as temporary:
            table.to_csv(temporary, index=False)
    write_text(layout.best, _best_config(plan, facts, activity_hash))
    write_json(layout.result, facts)


def judge_gain(model: dict[str, Any]) -> str:
    """Return what tuning did, in one word, from the facts of a model.

    ``not_predicted`` (as tuned no better than the mean), ``defaults_chosen`` (in every fold),
    ``negligible``, ``gain``, ``loss``, or ``no_difference``.
    """
    nested, gain = model["nested"], model["gain"]
    if not nested["low"] > 0:
        return "not_predicted"
    if all(fold["best"] == model["own"] for fold in model["folds"]):
        return "defaults_chosen"
    if gain["low"] > 0:
        return "negligible" if gain["value"] < NEGLIGIBLE * nested["value"] else "gain"
    return "loss" if gain["high"] < 0 else "no_difference"


def _describe_model(
    plan: Plan, label: str, results: SearchResults, scores: Scores
) -> dict[str, Any]:
    """Return the facts of one model."""
    searches = [search for search in plan.searches if search.label == label]
    *outer, over_all = [(search, results[search.name]) for search in searches]
    last, chosen = over_all
    tuned = label + TUNED
    facts = {
        "label": label,
        "model": name_models(plan.config.models)[label],
        "space": {name: _as_json(values._asdict()) for name, values in last.space.items()},
        "own": _as_json({name: last.model.get_params()[name] for name in last.space}),
        "best": _as_json(chosen.best),
        "importance": chosen.importance,
        "selected": float(np.mean([result.score for _, result in outer])),
        "promised": _average_gain([result for _, result in outer]),
        "nested": asdict(scores.interval(tuned)),
        "default": asdict(scores.interval(label)),
        "gain": asdict(scores.interval(tuned, minus=label)),
        "beyond_rung": bool(scores.interval(tuned, null=plan.rung).low > 0),
        "folds": [
            {
                "fold": search.fold,
                "best": _as_json(result.best),
                "selected": result.score,
                "nested": _read_fold_score(scores, tuned, search),
                "default": _read_fold_score(scores, label, search),
            }
            for search, result in outer
        ],
        "notices": [notice.to_json() for notice in _check_searches(plan, searches, results)],
    }
    return facts | {"outcome": judge_gain(facts)}


def _average_gain(results: Sequence[SearchResult]) -> float | None:
    """Return what tuning gained on the trials that chose, if the defaults were tried in all."""
    gain = float(np.mean([result.score - result.own_score for result in results]))
    return gain if np.isfinite(gain) else None


def _read_fold_score(scores: Scores, model: str, search: FoldSearch) -> float:
    """Return the headline score of a model on the outer fold of a search."""
    table = scores.table
    rows = table[
        (table["model"] == model)
        & (table["fold"] == search.fold)
        & (table["metric"] == scores.metric)
        & (table["null"] == "train_mean")
        & (table["aggregate"] == scores.aggregate)
    ]
    return float(rows["value"].iloc[0])


def _check_searches(
    plan: Plan, searches: list[FoldSearch], results: SearchResults
) -> Iterator[Notice]:
    """Yield what a reader should know before believing in the settings."""
    tables = [results[search.name].table for search in searches]
    n_planned, n_tried = plan.settings.trials, min(len(table) for table in tables)
    if n_tried < n_planned:
        yield OUT_OF_TIME(n_tried=n_tried, n_planned=n_planned)
    if n_tried <= N_RANDOM:
        yield RANDOM_ONLY(n_random=N_RANDOM, n_tried=n_tried)
    failed = pd.concat(tables).query("state == 'failed'")
    if len(failed):
        reason = str(failed["reason"].mode().iloc[0])
        n_all = sum(map(len, tables))
        yield SETTINGS_FAILED(n_failed=len(failed), n_tried=n_all, reason=reason)
    best = results[searches[-1].name].best
    for name, values in searches[-1].space.items():
        if isinstance(values, Between) and (end := _end_of_range(values, best[name])):
            yield BEST_AT_EDGE(setting=name, value=best[name], end=end)


def _end_of_range(values: Between, value: float) -> str:
    """Return which end of a range a value is at, "" if it is at none."""
    if values.whole and values.high - values.low < 10:
        return ""  # a choice of few
    low, high, at = (
        (math.log(number) if values.log else number) for number in (values.low, values.high, value)
    )
    place = (at - low) / (high - low)
    return "lower" if place < EDGE else "upper" if place > 1 - EDGE else ""


def _list_trials(plan: Plan, results: SearchResults) -> pd.DataFrame:
    """Return every trial of every search, one per row; a setting that a model lacks is empty."""
    tables = []
    for search in plan.searches:
        table = results[search.name].table
        fold = "all" if search.fold is None else str(search.fold)
        place = pd.DataFrame({"model": search.label, "fold": fold, "trial": range(len(table))})
        tables.append(pd.concat([place, table], axis=1))
    whole = pd.concat(tables, ignore_index=True)
    facts = ["model", "fold", "trial", "score", "state", "so_far", "n_folds", "seconds", "reason"]
    return whole[[*facts, *(name for name in whole if name not in facts)]]


def _best_config(plan: Plan, facts: dict[str, Any], activity_hash: str) -> str:
    """Return the config with the chosen settings; its comment says which score to quote."""
    chosen = {model["label"]: model["best"] for model in facts["models"]}
    names = name_models(plan.config.models)
    entries: list[Any] = []
    for entry in plan.config.models:
        by_label = {entry: {}} if isinstance(entry, str) else entry
        for label, settings in by_label.items():
            if label in chosen:
                named = {} if names[label] == label else {"model": names[label]}
                entries.append({label: named | (settings or {}) | chosen[label]})
            else:
                entries.append(label if not settings else {label: settings})
    config = plan.config.model_copy(
        update={"models": entries, "search": None, "tuned_on": activity_hash}
    )
    unit = METRICS[facts["metric"]].unit
    scores = [
        f"#   {model['label']}: {model['nested']['value']:.3f} [{model['nested']['low']:.3f}, "
        f"{model['nested']['high']:.3f}] {unit}; tuning: {model['outcome'].replace('_', ' ')}\n"
        for model in facts["models"]
    ]
    return (
        "# Settings chosen by spikecast sweep on all trials of the recording. A run of this\n"
        "# config on it scores trials that chose the settings: quote the nested score instead.\n"
        f"{''.join(scores)}{to_yaml(config)}"
    )


def _make_claims(plan: Plan, results: SearchResults, scores: Scores) -> Iterator[Claim]:
    """Yield how the score of each tuned model on each outer fold came about."""
    for search in plan.searches:
        if search.fold is None:
            continue
        fold, table = plan.target.folds[search.fold], results[search.name].table
        numbers = table[list(results[search.name].best)].select_dtypes("number")
        layout, tuned = plan.target.layout, search.label + TUNED
        stored = read_fit_arrays(layout, tuned, search.fold, name_record_arrays(FIT))
        record = FitRecord.from_arrays(stored)
        yield Claim(
            name=f"{search.label} as tuned, fold {search.fold}",
            metric=scores.metric,
            value=_read_fold_score(scores, search.label + TUNED, search),
            target=plan.target.problem.target,
            unit="windows" if plan.target.problem.windows else "trials",
            train=fold.train,
            test=record.test,
            fitted_on={"the model": record.train},
            chosen_on={"settings": search.trials},
            swept={str(name): numbers[name].tolist() for name in numbers},
            source_neurons=record.source_neurons,
            target_neurons=record.target_neurons,
            null="the training mean",
            baselines=[search.label, *plan.nulls],
            repeats=len(plan.target.folds),
        )


def _as_json(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as JSON gives them back: lists, no tuples."""
    return json.loads(json.dumps(settings))
