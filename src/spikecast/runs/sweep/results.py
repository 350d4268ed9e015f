"""What a sweep found: the nested score beside the selected one, and the settings to use.

=================  ===============================================================================
``trials.csv``     every trial of every study: settings, score, how it ended
``scores.csv``     scores of the outer folds, tidy: as tuned, as it was, and the nulls
``summary.csv``    their headline scores with intervals
``sweep.json``     per model: settings by fold, selected and nested score, gain, importance; words
``best.yaml``      a config with the settings of the study over all trials
``protocol.json``  which trials chose and which were scored, for the audit
=================  ===============================================================================
"""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.files import write_atomically, write_json, write_text
from spikecast.evaluation.score_table import Scores
from spikecast.evaluation.search import Search, found
from spikecast.evaluation.verdict import SOURCES, UNITS
from spikecast.models.spaces import Between
from spikecast.runs import config as configs
from spikecast.runs import provenance as protocol
from spikecast.runs.config import model_names
from spikecast.runs.experiment import read_scores
from spikecast.runs.provenance import Claim
from spikecast.runs.sweep.journal import Journal
from spikecast.runs.sweep.plan import NULLS, TUNED, Plan, Quest

FILE = "sweep.json"
RANDOM = 10  # trials that the sampler draws at random before it learns from them
SMALL = 0.01  # of a score: a gain below it is not worth settings of one's own
EDGE = 0.02  # of a range's length: nearer to an end is at the end

Searches = dict[str, Search]


def write(plan: Plan, journal: Journal, fingerprint: str) -> None:
    """Score the outer folds and write what the sweep found.

    Parameters
    ----------
    plan : Plan
    journal : Journal
        All of whose studies are closed.
    fingerprint : str
        Hash of the data, by which a later run can tell that they chose its settings.
    """
    searches = {
        quest.name: found(journal.study(quest.name), quest.objective(plan.part))
        for quest in plan.quests
    }
    names = [name for label in plan.labels for name in (label + TUNED, label)]
    scores = read_scores(plan.part, [*names, *NULLS], plan.session, plan.config)
    facts: dict[str, Any] = {
        "target": plan.part.problem.target,
        "source": plan.part.problem.source,
        "metric": scores.metric,
        "trials": plan.search.trials,
        "models": [_of_model(plan, label, searches, scores) for label in plan.labels],
        "null": asdict(scores.interval("psth")),
        "notes": [*plan.part.problem.notes, *scores.warnings],
    }
    facts["said"] = [line for model in facts["models"] for line in in_words(model, facts)]
    protocol.write(list(_claims(plan, searches, scores)), plan.folder)
    for name, table in (
        ("trials", _trials(plan, searches)),
        ("scores", scores.table),
        ("summary", scores.summary()),
    ):
        with write_atomically(plan.folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    write_text(plan.folder / "best.yaml", _best(plan, facts, fingerprint))
    write_json(plan.folder / FILE, facts)


def _of_model(plan: Plan, label: str, searches: Searches, scores: Scores) -> dict[str, Any]:
    """What the sweep says of one model, in numbers."""
    quests = [quest for quest in plan.quests if quest.label == label]
    outer = [(quest, searches[quest.name]) for quest in quests if quest.fold is not None]
    ((last, over_all),) = [(quest, searches[quest.name]) for quest in quests if quest.fold is None]
    tuned = label + TUNED
    return {
        "label": label,
        "model": model_names(plan.config.models)[label],
        "space": {name: _spelt(values) for name, values in last.space.items()},
        "own": _plain({name: last.model.get_params()[name] for name in last.space}),
        "best": _plain(over_all.best),
        "importance": over_all.importance,
        "selected": float(np.mean([search.score for _, search in outer])),
        "promised": float(np.mean([search.score - search.own_score for _, search in outer])),
        "nested": asdict(scores.interval(tuned)),
        "default": asdict(scores.interval(label)),
        "gain": asdict(scores.interval(tuned, minus=label)),
        "beyond_psth": _beyond_psth(scores, tuned),
        "folds": [
            {
                "fold": quest.fold,
                "best": _plain(search.best),
                "selected": search.score,
                "nested": _of_fold(scores, tuned, quest),
                "default": _of_fold(scores, label, quest),
            }
            for quest, search in outer
        ],
        "warnings": _warnings(plan, quests, searches),
    }


def _of_fold(scores: Scores, model: str, quest: Quest) -> float:
    table = scores.table
    found = table[
        (table["model"] == model)
        & (table["fold"] == quest.fold)
        & (table["metric"] == scores.metric)
        & (table["null"] == "train_mean")
        & (table["aggregate"] == scores.aggregate)
    ]
    return float(found["value"].iloc[0])


def _beyond_psth(scores: Scores, model: str) -> bool | None:
    """Whether the nested score lies above the PSTH; None for continuous targets."""
    if (model, scores.metric, "psth") not in scores.terms:
        return None
    return bool(scores.interval(model, null="psth").low > 0)


def in_words(model: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    """The answer in words: was anything predicted, did tuning pay, which score to quote."""
    label, target, unit = model["label"], facts["target"], UNITS[facts["metric"]]
    source = SOURCES.get(facts["source"], facts["source"])
    nested, default, gain = (_interval(model[key]) for key in ("nested", "default", "gain"))
    kept = all(fold["best"] == model["own"] for fold in model["folds"])
    if not model["nested"]["low"] > 0:
        first = (
            f"Even tuned, {label} does not predict {target} from {source} better than each "
            f"target's mean: {nested} {unit} on trials that no search saw."
        )
    elif kept:
        first = f"The search kept the defaults of {label} in every fold: {nested} {unit}."
    elif model["gain"]["low"] > 0 and model["gain"]["value"] < SMALL * model["nested"]["value"]:
        first = (
            f"Tuning {label} gains next to nothing on {target}: {gain} {unit}, less than "
            f"{SMALL:.0%} of its score, on trials that no search saw. The defaults will do."
        )
    elif model["gain"]["low"] > 0:
        first = (
            f"Tuning {label} pays on {target}: {gain} {unit} more than its defaults on trials that "
            "no search saw."
        )
    elif model["gain"]["high"] < 0:
        first = (
            f"Tuning {label} made it worse on {target}: {gain} {unit} against its defaults on "
            "trials that no search saw. Keep the defaults."
        )
    else:
        first = (
            f"Tuning {label} does not measurably pay on {target}: {gain} {unit} against its "
            "defaults on trials that no search saw. Keep the defaults."
        )
    second = (
        f"Quote the nested score of {label}: {nested} {unit} (with its defaults {default}). Do not "
        f"quote the selected score, {model['selected']:.3f}: it is the best of {facts['trials']} "
        "on the inner folds that chose it, hence optimistic"
        + (
            ", though lower here: its fits had fewer trials to learn from."
            if model["selected"] < model["nested"]["value"]
            else "."
        )
    )
    if math.isfinite(model["promised"]):
        second += (
            f" By that score tuning gained {model['promised']:.3f}, on held-out trials "
            f"{model['gain']['value']:.3f}."
        )
    if model["beyond_psth"] is False and model["nested"]["low"] > 0:
        second += (
            f" As tuned it does not measurably beat the PSTH, the average response of {target}."
        )
    return [first, second]


def _interval(limits: dict[str, float]) -> str:
    return f"{limits['value']:.3f} [{limits['low']:.3f}, {limits['high']:.3f}]"


def _warnings(plan: Plan, quests: list[Quest], searches: Searches) -> list[str]:
    """What a reader should know before believing in the settings."""
    tables = [searches[quest.name].table for quest in quests]
    wanted, fewest = plan.search.trials, min(len(table) for table in tables)
    said = []
    if fewest < wanted:
        said.append(
            f"Time ran out: a study tried {fewest} of {wanted} settings. Go on with --resume."
        )
    if fewest <= RANDOM:
        said.append(
            f"The first {RANDOM} settings of a study are drawn at random; with {fewest} tried, "
            "nothing was learnt from them."
        )
    failed = pd.concat(tables).query("state == 'failed'")
    if len(failed):
        said.append(
            f"{len(failed)} of {sum(map(len, tables))} settings could not be fitted, most often: "
            f"{failed['reason'].mode().iloc[0]}"
        )
    best = searches[quests[-1].name].best
    for name, values in quests[-1].space.items():
        if isinstance(values, Between) and (end := _end(values, best[name])):
            said.append(
                f"The best {name}, {best[name]:.3g}, lies at the {end} end of what was searched: "
                "widen it in search.space."
            )
    return said


def _end(values: Between, value: float) -> str:
    """Which end of a range a value is at, if any."""
    if values.whole and values.high - values.low < 10:
        return ""  # a choice of few
    low, high, at = (
        (math.log(number) if values.log else number) for number in (values.low, values.high, value)
    )
    place = (at - low) / (high - low)
    return "lower" if place < EDGE else "upper" if place > 1 - EDGE else ""


def _trials(plan: Plan, searches: Searches) -> pd.DataFrame:
    """Every trial of every study, one per row; a setting that a model lacks is empty."""
    tables = []
    for quest in plan.quests:
        table = searches[quest.name].table
        fold = "all" if quest.fold is None else str(quest.fold)
        place = pd.DataFrame({"model": quest.label, "fold": fold, "trial": range(len(table))})
        tables.append(pd.concat([place, table], axis=1))
    whole = pd.concat(tables, ignore_index=True)
    facts = ["model", "fold", "trial", "score", "state", "so_far", "n_folds", "seconds", "reason"]
    return whole[[*facts, *(name for name in whole if name not in facts)]]


def _best(plan: Plan, facts: dict[str, Any], fingerprint: str) -> str:
    """The config with the settings found, and what may not be concluded from running it."""
    chosen = {model["label"]: model["best"] for model in facts["models"]}
    names = model_names(plan.config.models)
    entries: list[Any] = []
    for entry in plan.config.models:
        given = {entry: {}} if isinstance(entry, str) else entry
        for label, settings in given.items():
            if label in chosen:
                named = {} if names[label] == label else {"model": names[label]}
                entries.append({label: named | (settings or {}) | chosen[label]})
            else:
                entries.append(label if not settings else {label: settings})
    config = plan.config.model_copy(
        update={"models": entries, "search": None, "tuned_on": fingerprint}
    )
    unpaid = [
        f"Tuning {model['label']} did not measurably pay: its defaults do as well."
        for model in facts["models"]
        if not model["gain"]["low"] > 0
    ]
    scores = "; ".join(f"{m['label']} {_interval(m['nested'])}" for m in facts["models"])
    return (
        f"# Settings chosen by spikecast sweep on all trials of the recording. On this recording\n"
        f"# quote the nested score ({scores} {UNITS[facts['metric']]}):\n"
        "# a run of this config on it scores trials that chose the settings.\n"
        + "".join(f"# {line}\n" for line in unpaid)
        + configs.write(config)
    )


def _claims(plan: Plan, searches: Searches, scores: Scores) -> Any:
    for quest in plan.quests:
        if quest.fold is None:
            continue
        fold, table = plan.part.folds[quest.fold], searches[quest.name].table
        numbers = table[list(searches[quest.name].best)].select_dtypes("number")
        yield Claim(
            name=f"{quest.label} as tuned, fold {quest.fold}",
            metric=scores.metric,
            value=_of_fold(scores, quest.label + TUNED, quest),
            target=plan.part.problem.target,
            unit="windows" if plan.part.problem.windows else "trials",
            train=fold.train,
            test=fold.test,
            fitted_on={"preprocessing": fold.train},
            chosen_on={"settings": quest.trials},
            swept={str(name): numbers[name].tolist() for name in numbers},
            null="the training mean",
            baselines=[quest.label, *NULLS],
            repeats=len(plan.part.folds),
        )


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as JSON gives them back: lists, no tuples."""
    return json.loads(json.dumps(settings))


def _spelt(values: Any) -> str:
    """Where a setting was searched, for a reader."""
    if isinstance(values, Between):
        return f"{values.low:g} to {values.high:g}{', logarithmic' if values.log else ''}"
    return "one of " + ", ".join(json.dumps(value) for value in values.values)
