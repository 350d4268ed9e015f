"""What the answers say in a sentence each, and what they cannot show."""

import numpy as np

from spikecast.report.questions.answer_figures import ALPHA, named
from spikecast.report.shared.formatting import by, limits, p_value
from spikecast.runs.reader import Run, StoredAnswer
from spikecast.scoring.metric_table import METRICS

NO_LESS = ", no less: the neurons need not tell more than what the animal saw and did."
LIMITS = (
    "Decodable is not used: that a decoder finds a label in the activity does not show that the "
    "animal's brain reads it there.",
    "What goes along with a label (movement, arousal, reward, time in the session) is decoded with "
    "it. Compare with behaviour and stimulus alone; what was not recorded cannot be ruled out.",
)


def headlines(run: Run) -> list[str]:
    """The decoding answers in a sentence per label."""
    decoded = [answer for answer in run.answers if answer.kind == "decode"]
    said = []
    for of in by(decoded, "label", "metric"):
        neural = [a for a in of if a["source"] != "behavior"]
        beside = [a for a in of if a["source"] == "behavior"]
        if not neural:
            continue
        best = max(neural, key=lambda answer: float(answer["score"]))
        among = f", the best of {len(neural)} sources" if len(neural) > 1 else ""
        found = best["p"] <= ALPHA
        can = "can be decoded" if found else "was not decoded above chance"
        in_runs = _has_notice(best, "labels_come_in_runs")
        said.append(
            f"'{best['label']}' {can} from {named(best)}{among}: {METRICS[best['metric']].label} "
            f"{limits(best)}, chance {best['chance']:.2f}, p {p_value(best)}"
            + (" (too small: labels come in runs, see below)." if in_runs else ".")
            + (
                f" From {named(beside[0])}: {limits(beside[0])}"
                + (NO_LESS if found and beside[0]["score"] >= best["low"] else ".")
                if beside
                else " Behaviour and stimulus were not decoded from, so what they explain of it is "
                "not known."
            )
        )
    return said + [_dated(a) for a in run.answers if a.kind == "time" and not a["acausal"]]


def _dated(answer: StoredAnswer) -> str:
    """The onsets, earliest first."""
    onsets = answer.table("onsets").sort_values("onset")
    found = onsets.dropna(subset=["onset"])
    if found.empty:
        return f"'{answer['label']}' has no onset in {answer['source']}."
    areas = [
        f"{row['area']} {1000 * row['onset']:.0f} ms ({1000 * row['low']:.0f} to "
        f"{'the end' if np.isinf(row['high']) else format(1000 * row['high'], '.0f')})"
        for _, row in found.iterrows()
    ]
    none = [str(area) for area in onsets[onsets["onset"].isna()]["area"]]
    doubt = ""
    if _has_notice(answer, "follows_stimulus"):
        doubt = " (perhaps through the stimulus, which it goes along with: see below)"
    return (
        f"'{answer['label']}' can be decoded from {answer['source']} from: {', '.join(areas)}"
        + (f"; no onset in {', '.join(none)}" if none else "")
        + f"{doubt}."
    )


def _has_notice(answer: StoredAnswer, code: str) -> bool:
    return any(notice["code"] == code for notice in answer["notices"])


def limits_of(run: Run) -> list[str]:
    """What these answers cannot show."""
    if not run.answers:
        return []
    said = list(LIMITS)
    if not run.targets:
        if not run.manifest["data"]["behavior"]:
            said.append(
                "No movement was recorded here, so how much of it is movement is not known."
            )
        n_trials = run.manifest["data"]["n_trials"]
        said.append(
            f"This is one recording ({n_trials} trials): the intervals do not speak for other "
            "animals."
        )
    return said
