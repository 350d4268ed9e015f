"""What an atlas says, in sentences."""

from typing import Any

import pandas as pd
from scipy import stats

from spikecast.report.atlas.reading import Atlas
from spikecast.runs.atlas.settings import RIDGE
from spikecast.runs.atlas.tables import RATE
from spikecast.tasks.tasks import REST


def title(atlas: Atlas) -> str:
    """The question."""
    return "Which area predicts which?"


def facts(atlas: Atlas) -> str:
    """One line on what was looked at."""
    sessions = atlas.sessions
    n_cells = len(atlas.cells[["session", "source", "target"]].drop_duplicates())
    models = ", ".join(atlas.settings.build_models())
    trials = [about["n_trials"] for about in sessions.values()]
    span = f"{min(trials)}" if min(trials) == max(trials) else f"{min(trials)} to {max(trials)}"
    return (
        f"{_many(len(sessions), 'session')}, {n_cells} pairs, {span} trials; models: {models}; "
        f"{atlas.settings.folds} folds"
    )


def verdict(atlas: Atlas) -> list[str]:
    """What the table says, the first sentence first."""
    said = []
    for model in atlas.settings.build_models():
        mine = between(atlas, model).dropna(subset=["value"])
        if mine.empty:
            continue
        share = f"{int(mine['clear'].sum())} of {len(mine)}"
        said.append(
            f"{model}: {share} predictions of one area from another are above the null (the "
            f"training trials' mean), median {mine['value'].median():z.3f} {atlas.unit}."
        )
        clear = mine[mine["clear"]]
        if len(clear):
            best = clear.sort_values("value").iloc[-1]
            said.append(
                f"The best: {best['target']} from {best['source']}, {best['value']:.3f} "
                f"[{best['low']:.3f}, {best['high']:.3f}] in {best['session']}."
            )
            said += _control(clear)
    return [*said, *_compared(atlas)] or ["No prediction could be made; see what failed."]


def _control(clear: pd.DataFrame) -> list[str]:
    """How much of the scores the condition alone explains."""
    known = clear.dropna(subset=["beyond"])
    if known.empty:
        return []
    shuffled = float((known["value"] - known["beyond"]).mean())
    if shuffled <= 0:
        return [
            "With the source's trials swapped within a condition the same predictions fall below "
            f"the null ({shuffled:.3f} on average): they tell of single trials, not of the "
            "stimulus."
        ]
    share = shuffled / float(known["value"].mean())
    return [
        f"With the source's trials swapped within a condition {share:.0%} of the score is left: "
        "that part is the condition's, the rest single trials'."
    ]


def _compared(atlas: Atlas) -> list[str]:
    """Models against the first one, on the pairs that either predicts; noise is not compared."""
    models = list(atlas.settings.build_models())
    keys = ["session", "source", "target"]
    columns = ["value", "clear"]
    first = between(atlas, models[0]).set_index(keys)[columns].dropna()
    said = []
    for model in models[1:]:
        other = between(atlas, model).set_index(keys)[columns].dropna()
        both = first.join(other.add_suffix("_other"), how="inner")
        both = both[both["clear"] | both["clear_other"]]
        if both.empty:
            continue
        difference = both["value_other"] - both["value"]
        said.append(
            f"{model} is above {models[0]} on {(difference > 0).mean():.0%} of {len(both)} pairs "
            f"that either predicts, by {difference.mean():+.3f} {atlas.unit} on average."
        )
    return said


def limits(atlas: Atlas) -> list[str]:
    """What the data cannot show."""
    settings, said = atlas.settings, []
    said.append(
        "That one area predicts another does not say that they are connected, nor in which "
        "direction anything flows: arousal and movement reach all areas at once."
    )
    if settings.matched is None:
        cells = between(atlas, next(iter(settings.build_models()))).dropna(subset=["value"])
        sizes = cells["n_source"]
        line = f"Areas have {sizes.min()} to {sizes.max()} neurons, and more neurons predict better"
        if len(cells) > 3 and sizes.nunique() > 1:
            rank = float(stats.spearmanr(sizes, cells["value"]).statistic)
            line += f" (rank correlation of score and size of the source: {rank:.2f})"
        if settings.sources != REST:
            said.append(f"{line}. Compare areas with equal numbers: --matched N.")
    else:
        said.append(
            f"{settings.matched} neurons of every area were drawn {settings.draws} times: the "
            "scores say what so many neurons tell, not what the area knows."
        )
    if len(atlas.sessions) > 1:
        # of any model
        counts = atlas.pooled.groupby(["source", "target"])["n_sessions"].max()
        said.append(
            f"{int((counts == 1).sum())} of {len(counts)} pairs were recorded in one session "
            "only; they have no interval over sessions. Sessions of one animal count as separate."
        )
    said.append(
        "Intervals are over scored trials and hold the fitted models fixed; “above the "
        f"null” is corrected for all pairs of a session (false discoveries {RATE:.0%})."
    )
    left_out = sum(len(about["left_out"]) for about in atlas.sessions.values())
    if left_out:
        least = max(settings.min_neurons, settings.matched or 0)
        said.append(f"{_many(left_out, 'area')} with fewer than {least} active neurons left out.")
    return said


def protocol(atlas: Atlas) -> list[str]:
    """How the numbers came about."""
    settings = atlas.settings
    cut = "random trials" if settings.split == "trial" else "contiguous blocks of trials"
    said = [
        f"Score: {atlas.unit} of held-out activity, "
        + ("pooled over" if atlas.unit != "R²" else "mean over")
        + f" the target's neurons, against each neuron's mean in the training trials; "
        f"{settings.folds} folds of {cut}, the same for every pair of a session; seed "
        f"{settings.seed}."
    ]
    if RIDGE in settings.models:
        said.append(
            "ridge: the source's square-rooted activity, smoothed by a Gaussian of 3 bins (both "
            "sides: it sees the future), to the target's activity; one penalty of ten per pair "
            "and fold, by squared error on inner folds."
        )
    said.append(
        "Shuffled within condition: the prediction made from another trial of the same fold and "
        "condition, the mean over all such trials."
    )
    if settings.within and settings.sources != REST:
        said.append(
            "On the diagonal, one random half of an area's neurons predicts the other half: "
            "fewer neurons on both sides than elsewhere."
        )
    if len(atlas.sessions) > 1:
        said.append("Pooled: mean over sessions, with Student's interval over sessions.")
    return said


def ranking(atlas: Atlas) -> list[dict[str, Any]]:
    """A row per session and target, best predicted first: its best sources."""
    model = list(atlas.settings.build_models())[-1]
    rows: list[dict[str, Any]] = []
    cells = between(atlas, model).dropna(subset=["value"])
    for (session, target), part in cells.groupby(["session", "target"], sort=False):
        best = part.sort_values("value", ascending=False).head(3)
        top = best.iloc[0]
        rows.append(
            {
                "session": session,
                "target": target,
                "value": float(top["value"]),
                "score": f"{top['value']:.3f} [{top['low']:.3f}, {top['high']:.3f}]",
                "best": ", ".join(
                    f"{row.source} {row.value:.3f}" for row in best.itertuples(index=False)
                ),
                "above": "yes" if top["clear"] else "not clearly",
                "model": model,
            }
        )
    return sorted(rows, key=lambda row: -row["value"])


def between(atlas: Atlas, model: str) -> pd.DataFrame:
    """The cells of a model off the diagonal."""
    cells = atlas.cells
    return cells[(cells["model"] == model) & (cells["source"] != cells["target"])]


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
