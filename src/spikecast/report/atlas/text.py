"""The sentences of an atlas, made from its tables: for the page and the command line."""

from typing import Any

import pandas as pd
from scipy import stats

from spikecast.report.atlas.reading import Atlas
from spikecast.report.shared.formatting import format_count, format_estimate
from spikecast.runs.atlas.settings import RIDGE
from spikecast.runs.atlas.tables import RATE
from spikecast.tasks.tasks import REST

TITLE = "Which area predicts which?"


def recording_line(atlas: Atlas) -> str:
    """Return one line on sessions, pairs, trials and models."""
    sessions = atlas.sessions
    n_cells = len(atlas.cells[["session", "source", "target"]].drop_duplicates())
    models = ", ".join(atlas.settings.labels)
    trials = [about["n_trials"] for about in sessions.values()]
    span = f"{min(trials)}" if min(trials) == max(trials) else f"{min(trials)} to {max(trials)}"
    return (
        f"{format_count(len(sessions), 'session')}, {n_cells} pairs, {span} trials; "
        f"models: {models}; {atlas.settings.folds} folds"
    )


def verdict(atlas: Atlas) -> list[str]:
    """Return what the table says, model by model."""
    sentences = []
    for model in atlas.settings.labels:
        cells = select_between(atlas, model).dropna(subset=["value"])
        if cells.empty:
            continue
        share = f"{int(cells['clear'].sum())} of {len(cells)}"
        sentences.append(
            f"{model}: {share} predictions of one area from another are above the null (the "
            f"training trials' mean), median {cells['value'].median():z.3f} {atlas.metric.label}."
        )
        clear = cells[cells["clear"]]
        if len(clear):
            best = clear.sort_values("value").iloc[-1]
            sentences.append(
                f"The best: {best['target']} from {best['source']}, "
                f"{format_estimate(*best[['value', 'low', 'high']])} in {best['session']}."
            )
            sentences += _describe_control(clear)
    sentences += _compare_models(atlas)
    return sentences or ["No prediction could be made; see what failed."]


def _describe_control(clear: pd.DataFrame) -> list[str]:
    """Return how much of the scores the condition alone explains."""
    cells = clear.dropna(subset=["beyond"])
    if cells.empty:
        return []
    shuffled = float((cells["value"] - cells["beyond"]).mean())
    if shuffled <= 0:
        return [
            "With the source's trials swapped within a condition the same predictions fall below "
            f"the null ({shuffled:.3f} on average): they tell of single trials, not of the "
            "stimulus."
        ]
    share = shuffled / float(cells["value"].mean())
    return [
        f"With the source's trials swapped within a condition {share:.0%} of the score is left: "
        "that part is the condition's, the rest single trials'."
    ]


def _compare_models(atlas: Atlas) -> list[str]:
    """Return how models compare with the first, on pairs that either predicts: not on noise."""
    models = atlas.settings.labels
    tables = {
        model: select_between(atlas, model)
        .set_index(["session", "source", "target"])[["value", "clear"]]
        .dropna()
        for model in models
    }
    sentences = []
    for model in models[1:]:
        other = tables[model]
        both = tables[models[0]].join(other.add_suffix("_other"), how="inner")
        both = both[both["clear"] | both["clear_other"]]
        if both.empty:
            continue
        difference = both["value_other"] - both["value"]
        sentences.append(
            f"{model} is above {models[0]} on {(difference > 0).mean():.0%} of {len(both)} pairs "
            f"that either predicts, by {difference.mean():+.3f} {atlas.metric.label} on average."
        )
    return sentences


def limits(atlas: Atlas) -> list[str]:
    """Return what the data cannot show."""
    settings = atlas.settings
    sentences = [
        "That one area predicts another does not say that they are connected, nor in which "
        "direction anything flows: arousal and movement reach all areas at once."
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
        "Intervals are over scored trials and hold the fitted models fixed; “above the "
        f"null” is corrected for all pairs of a session (false discoveries {RATE:.0%})."
    )
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


def protocol(atlas: Atlas) -> list[str]:
    """Return how the numbers came about."""
    settings = atlas.settings
    cut = "random trials" if settings.split == "trial" else "contiguous blocks of trials"
    sentences = [
        f"Score: {atlas.metric.label} of held-out activity, "
        + ("pooled over" if atlas.metric.aggregate == "pooled" else "mean over")
        + f" the target's neurons, against each neuron's mean in the training trials; "
        f"{settings.folds} folds of {cut}, the same for every pair of a session; seed "
        f"{settings.seed}."
    ]
    if RIDGE in settings.models:
        sentences.append(
            "ridge: the source's square-rooted activity, smoothed by a Gaussian of 3 bins (both "
            "sides: it sees the future), to the target's activity; one penalty of ten per pair "
            "and fold, by squared error on inner folds."
        )
    sentences.append(
        "Shuffled within condition: the prediction made from another trial of the same fold and "
        "condition, the mean over all such trials."
    )
    if settings.within and settings.sources != REST:
        sentences.append(
            "On the diagonal, one random half of an area's neurons predicts the other half: "
            "fewer neurons on both sides than elsewhere."
        )
    if len(atlas.sessions) > 1:
        sentences.append("Pooled: mean over sessions, with Student's interval over sessions.")
    return sentences


def ranking(atlas: Atlas) -> list[dict[str, Any]]:
    """Return a row per session and target, best predicted first: its best sources."""
    model = atlas.settings.labels[-1]
    rows: list[dict[str, Any]] = []
    cells = select_between(atlas, model).dropna(subset=["value"])
    for (session, target), part in cells.groupby(["session", "target"], sort=False):
        best = part.sort_values("value", ascending=False).head(3)
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
                "above": "yes" if top["clear"] else "not clearly",
                "model": model,
            }
        )
    return sorted(rows, key=lambda row: -row["value"])


def select_between(atlas: Atlas, model: str) -> pd.DataFrame:
    """Return the cells of a model off the diagonal."""
    cells = atlas.cells
    return cells[(cells["model"] == model) & (cells["source"] != cells["target"])]
