"""The sentences of an atlas, made from its tables: for the page and the command line."""

from typing import Any

import pandas as pd
from scipy import stats

from spikecast.analysis.interareal.shift_claims import (
    ORDER_UNKNOWN,
    TOO_FEW_ALIKE,
    TOO_FEW_TRIALS,
    TURNED_OFF,
    UNRECORDED,
)
from spikecast.evaluation.ladder import ONE_CONDITION
from spikecast.report.atlas.reading import Atlas
from spikecast.report.shared.formatting import format_count, format_estimate, join_names
from spikecast.runs.atlas.claims import RATE, count_needed
from spikecast.runs.atlas.settings import RIDGE
from spikecast.tasks.problem import WINDOW
from spikecast.tasks.tasks import REST

TITLE = "Which area predicts which?"
MOST_NAMED = 3  # pairs beside the best
MOSTLY = 0.6  # of the pairs: so many that to pass distinguishes none
UNTESTED = {
    TURNED_OFF: "the shift test was turned off",
    ORDER_UNKNOWN: "trials are not in the order in which they were recorded, or some are there "
    "twice, so that slow drift, or the copies, cannot be told from what a source tells",
    UNRECORDED: "the behaviour that was recorded in some trials is missing in others (select those "
    "in which it was recorded)",
    TOO_FEW_TRIALS: "there are too few trials for a shift test (40 are needed)",
    TOO_FEW_ALIKE: "nearly every trial is a condition of its own (name others: conditions)",
}


def recording_line(atlas: Atlas) -> str:
    """Return one line on sessions, pairs, trials and models."""
    sessions = atlas.sessions
    n_cells = len(atlas.cells[["session", "source", "target"]].drop_duplicates())
    models = ", ".join(atlas.settings.labels)
    trials = [about["n_trials"] for about in sessions.values()]
    span = f"{min(trials)}" if min(trials) == max(trials) else f"{min(trials)} to {max(trials)}"
    what = "windows" if all(about.get("windows") for about in sessions.values()) else "trials"
    return (
        f"{format_count(len(sessions), 'session')}, {n_cells} pairs, {span} {what}; "
        f"models: {models}; {atlas.settings.folds} folds"
    )


def name_rungs(atlas: Atlas) -> str:
    """Return in words what scores are above."""
    rungs, sessions = set(atlas.cells["rung"]), atlas.sessions.values()
    ordered = any(about["ordered"] for about in sessions)
    parts = ["the task" if _count_conditions(atlas) > 1 else "the average trial"]
    parts += ["the session's drift"] if ordered else []
    parts += ["recorded movement"] if rungs == {"behavior"} else []
    named = join_names(parts, last=" and ")
    if not ordered:
        return f"{named} (there is no drift where the order of trials is not known)"
    partly = "behavior" in rungs and len(rungs) > 1
    return f"{named} (and movement, where it was recorded)" if partly else named


def _count_conditions(atlas: Atlas) -> int:
    """Return the most conditions of any session."""
    return max(about["n_conditions"] for about in atlas.sessions.values())


def _warn_of_conditions(atlas: Atlas) -> list[str]:
    """Return a sentence where no trial column names the condition."""
    sentence = str(ONE_CONDITION())
    return [] if _count_conditions(atlas) > 1 else [f"{sentence[0].upper()}{sentence[1:]}."]


def _warn_of_bins(atlas: Atlas) -> list[str]:
    """Return a sentence where sessions that are averaged have bins of other widths."""
    widths = sorted({round(1000 * about["bin_size"], 3) for about in atlas.sessions.values()})
    if len(widths) < 2:
        return []
    named = join_names((f"{width:g}" for width in widths), last=" and ")
    return [
        f"Sessions have bins of {named} ms, and wider bins score higher: compare and average those "
        "of one width only."
    ]


def verdict(atlas: Atlas) -> list[str]:
    """Return what the table says, model by model."""
    sentences = []
    for model in atlas.settings.labels:
        cells = select_between(atlas, model).dropna(subset=["value"])
        if cells.empty:
            continue
        sentences += _count_passing(atlas, model, cells)
        if atlas.settings.above == "train_mean":
            above = int((cells["train_mean_low"] > 0).sum())
            sentences.append(
                f"Above the training mean, where task and drift count too, {above} of {len(cells)} "
                f"are above 0; median {cells['train_mean'].median():z.3f} {atlas.metric.label}."
            )
    sentences += _count_in_all_sessions(atlas) + _explain_untested(atlas) + _compare_models(atlas)
    if not sentences:
        return ["No prediction could be made; see what failed."]
    return sentences + _warn_of_conditions(atlas) + _warn_of_bins(atlas)


def _count_passing(atlas: Atlas, model: str, cells: pd.DataFrame) -> list[str]:
    """Return what stands out, by how much, and how many pairs pass of those that were tested."""
    tested, passing = cells[cells["p"].notna()], cells[cells["passes"]]
    if tested.empty:
        return [f"{model}: {len(cells)} pairs of areas were scored, and nothing is claimed of any."]
    count = f"{len(passing)} of {len(tested)} pairs of areas"
    if passing.empty:
        return [f"{model}: {count} tell something beyond {name_rungs(atlas)}."]
    best, *others = (row for _, row in passing.sort_values("value", ascending=False).iterrows())
    sentences = [
        f"Most is told about {best['target']} by {best['source']}: "
        f"{format_estimate(*best[['value', 'low', 'high']])} {atlas.metric.label} more than "
        f"{name_rungs(atlas)} explain{_name_session(atlas, best)} ({model})."
    ]
    if others:
        named = [
            f"{row['target']} from {row['source']} {row['value']:z.3f}{_name_session(atlas, row)}"
            for row in others[:MOST_NAMED]
        ]
        sentences.append(f"Next: {'; '.join(named)}.")
    sentence = f"In all, {count} pass, by a median of {passing['value'].median():z.3f}."
    if len(passing) > MOSTLY * len(tested):
        sentence += (
            " So many do in most recordings: areas share arousal and movement that was not "
            "recorded. How much a pair shares says more than that it does."
        )
    return [*sentences, sentence]


def _name_session(atlas: Atlas, row: pd.Series) -> str:
    return f" in {row['session']}" if len(atlas.sessions) > 1 else ""


def _count_in_all_sessions(atlas: Atlas) -> list[str]:
    """Return how pairs that several sessions hold do in each, and on average."""
    pooled = atlas.pooled[atlas.pooled["model"] == atlas.settings.labels[0]]
    pooled = pooled[(pooled["source"] != pooled["target"]) & (pooled["n_tested"] > 1)]
    if pooled.empty:
        return []
    in_all = int((pooled["passes"] == pooled["n_sessions"]).sum())
    return [
        f"Of {format_count(len(pooled), 'pair')} that two sessions or more hold, {in_all} pass in "
        f"each. Over so few sessions little can be said of the group: the interval of the mean, "
        f"over sessions and trials, lies above 0 in {int((pooled['low'] > 0).sum())}."
    ]


def _explain_untested(atlas: Atlas) -> list[str]:
    """Return why sessions were not tested."""
    cells = atlas.cells[atlas.cells["p"].isna() & atlas.cells["value"].notna()]
    sentences = []
    for reason, part in cells.groupby("untested", sort=False):
        sessions = join_names(dict.fromkeys(part["session"]))
        why = UNTESTED.get(str(reason), "its shift test is missing")
        sentences.append(f"Nothing is claimed of {sessions}: {why}.")
    return sentences


def _compare_models(atlas: Atlas) -> list[str]:
    """Return how models compare with the first, on pairs that pass with either: not on noise."""
    models = atlas.settings.labels
    tables = {
        model: select_between(atlas, model)
        .set_index(["session", "source", "target"])[["value", "passes"]]
        .dropna()
        for model in models
    }
    sentences = []
    for model in models[1:]:
        other = tables[model]
        both = tables[models[0]].join(other.add_suffix("_other"), how="inner")
        both = both[both["passes"] | both["passes_other"]]
        if both.empty:
            continue
        difference = both["value_other"] - both["value"]
        sentences.append(
            f"{model} is above {models[0]} on {(difference > 0).mean():.0%} of {len(both)} pairs "
            f"that pass with either, by {difference.mean():+.3f} {atlas.metric.label} on average."
        )
    return sentences


def limits(atlas: Atlas) -> list[str]:
    """Return what the data cannot show."""
    settings = atlas.settings
    sentences = [
        "That one area predicts another does not say that they are connected, nor in which "
        "direction anything flows: arousal, and movement that was not recorded, reach all areas at "
        "once.",
        "Areas on one probe share its movement in the tissue, its noise, and now and then a "
        "neuron that both seem to hold. Which areas shared a probe is not known here: look at "
        "pairs on two probes first.",
    ]
    if settings.matched is None:
        cells = select_between(atlas, settings.labels[0]).dropna(subset=["value"])
        sizes = cells["n_source"]
        line = f"Areas have {sizes.min()} to {sizes.max()} neurons, and more neurons predict better"
        if len(cells) > 3 and sizes.nunique() > 1:
            rank = float(stats.spearmanr(sizes, cells["value"]).statistic)
            line += f" (rank correlation of score and size of the source: {rank:.2f})"
        if settings.sources != REST:
            sentences.append(f"{line}. Compare equal numbers of neurons (setting matched).")
    else:
        sentences.append(
            f"{settings.matched} neurons of every area were drawn {settings.draws} times: the "
            "scores say what so many neurons tell, not what the area knows."
        )
    if len(atlas.sessions) > 1:
        # of any model
        counts = atlas.pooled.groupby(["source", "target"])["n_sessions"].max()
        sentences.append(
            f"{int((counts == 1).sum())} of {len(counts)} pairs were recorded in one session "
            "only; they have no interval over sessions. Sessions of one animal count as separate."
        )
    sentences.append(
        "Intervals are over scored trials and hold the fitted models fixed; p is corrected for all "
        f"pairs of areas of a session (false discoveries {RATE:.0%}), and for the halves of areas "
        "by themselves."
    )
    sentences += _describe_resolution(atlas)
    left_out = sum(len(about["left_out"]) for about in atlas.sessions.values())
    if left_out:
        least = max(settings.min_neurons, settings.matched or 0)
        areas = format_count(left_out, "area")
        sentences.append(f"{areas} with fewer than {least} active neurons left out.")
    copies = [
        f"{name}: {first} and {second}"
        for name, about in atlas.sessions.items()
        for first, second in about.get("coincident", [])
    ]
    if copies:
        sentences.append(
            "Neurons that look like one recorded twice, by their spikes in the same bins, were "
            f"left out of the source of each other's area ({'; '.join(copies)})."
        )
    return sentences


def _describe_resolution(atlas: Atlas) -> list[str]:
    """Return in which sessions one pair alone cannot pass: there are too few trials to shift."""
    cells = select_between(atlas, atlas.settings.labels[0]).dropna(subset=["p"])
    short = []
    for session, part in cells.groupby("session", sort=False):
        n_shifts = int(part["n_shifts"].max())
        needed = count_needed(len(part), n_shifts)
        if needed > 1:
            some = "none can" if needed > len(part) else f"{needed} of {len(part)}"
            short.append(f"{session}: {some} (p at least {1 / (n_shifts + 1):.4f})")
    if not short:
        return []
    return [
        "Too few trials to be shifted for one pair to pass by itself: p has a floor, and with the "
        "correction so many pairs of a session have to beat all shifts before any of them passes: "
        f"{'; '.join(short)}."
    ]


def protocol(atlas: Atlas) -> list[str]:
    """Return how the numbers came about."""
    settings = atlas.settings
    windows = [bool(about.get("windows")) for about in atlas.sessions.values()]
    cut = "random trials" if settings.split == "trial" else "contiguous blocks of trials"
    blocks = f"contiguous blocks of windows of {WINDOW} bins, with a gap"
    cut = blocks if all(windows) else f"{cut} (of one long trial {blocks})" if any(windows) else cut
    sentences = [
        f"Score: {atlas.metric.label} of held-out activity, "
        + ("pooled over" if atlas.metric.aggregate == "pooled" else "mean over")
        + f" the target's neurons, above {name_rungs(atlas)}: what each neuron does on average in "
        "trials of the condition and, where their order is known, in trials nearby, fitted "
        "without any source in the same "
        f"folds. The source is fitted on top of it. {settings.folds} folds of {cut}, the same for "
        f"every pair of a session; seed {settings.seed}."
    ]
    if RIDGE in settings.models:
        sentences.append(
            "ridge: the source's square-rooted activity, smoothed by a Gaussian of 3 bins (both "
            "sides: it sees the future), to the target's activity; one penalty of ten per pair "
            "and fold, by squared error on inner folds. On top of task and drift it is fitted to "
            "what these leave."
        )
    if others := [label for label in settings.labels if label != RIDGE]:
        sentences.append(
            f"{join_names(others)}: fitted on top of task and drift where the model can be (then "
            "its score above the training mean is of both together), else scored against them."
        )
    sentences.append(
        "Shift test: what task, drift and recorded movement explain is taken out of both "
        "areas; the source of trial i + k is paired with the target of trial i, a ridge "
        "regression in 20 components refitted for each k, and p is the rank of the true pairing "
        "(k = 0; linear shifts, Harris 2021). Whatever the model, p is the ridge's. A cell passes "
        "if its interval lies above 0 and its corrected p is at most .05."
    )
    sentences.append(
        "Swapped within condition: the prediction made by the source alone from another trial of "
        "the same fold and condition, the mean over all such trials."
    )
    if settings.within and settings.sources != REST:
        sentences.append(
            "On the diagonal, one random half of an area's neurons predicts the other half: "
            "fewer neurons on both sides than elsewhere."
        )
    if len(atlas.sessions) > 1:
        sentences.append(
            "All sessions: mean over sessions; its interval is from a bootstrap over sessions and "
            "trials, widened to Student's for so few sessions. A pair recorded in one session is "
            "that one session, without an interval."
        )
    for name, about in atlas.sessions.items():
        if taken := about.get("taken"):
            sentences.append(f"Taken of {name}: {'; '.join(taken)}.")
    return sentences


def ranking(atlas: Atlas) -> list[dict[str, Any]]:
    """Return a row per session and target, best predicted first: its best sources."""
    model = atlas.settings.labels[-1]
    rows: list[dict[str, Any]] = []
    cells = select_between(atlas, model).dropna(subset=["value"])
    for (session, target), part in cells.groupby(["session", "target"], sort=False):
        best = part[part["passes"]].sort_values("value", ascending=False).head(3)
        if best.empty:
            continue
        top = best.iloc[0]
        rows.append(
            {
                "session": session,
                "target": target,
                "value": float(top["value"]),
                "score": format_estimate(*top[["value", "low", "high"]]),
                "best": ", ".join(
                    f"{row.source} {row.value:.3f}" for row in best.itertuples(index=False)
                ),
                "n_passing": int(part["passes"].sum()),
                "n_sources": len(part),
                "model": model,
            }
        )
    return sorted(rows, key=lambda row: -row["value"])


def select_between(atlas: Atlas, model: str) -> pd.DataFrame:
    """Return the cells of a model off the diagonal."""
    cells = atlas.cells
    return cells[(cells["model"] == model) & (cells["source"] != cells["target"])]
