"""Whether one area leads another in study A: which pairs are asked, and what was found of each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.dataset import is_simulated
from spikecast.data.recording import Recording
from spikecast.data.simulate.decision import DRIVES
from spikecast.runs.reader import StoredAnswer
from spikecast.runs.studies.study import Column, Measure
from spikecast.scoring.ratio_scores import holds_zero

FEWEST = 10  # neurons of an area
NO_FLOW = NoticeKind("no_flow", "minor", "no other area has the 10 neurons that this needs")
PAIRS = NoticeKind(
    "pairs", "minor",
    "Asked of {target} and {largest}, of the other areas {rank}{planted}. A lead needs an "
    "asymmetry whose interval does not hold 0, and a past of the leading area that adds to the "
    "other by its interval and by its shift test.",
)  # fmt: skip
LEAD = NoticeKind(
    "lead",
    "minor",
    "{source} and {target}{planted}: the asymmetry, corrected by reversed time, is {value:.4f} "
    "bits/spike ({low:.4f} to {high:.4f}; above 0: {source} first), so {what}. Beyond the other's "
    "own past, {gains}.",
)


def choose_pairs(
    recording: Recording, target: str
) -> tuple[list[list[str]], dict[str, float] | None]:
    """Return the pairs to ask, and on simulated data which areas drive the target.

    The first pair is the target and the largest other area; on simulated data the next is the
    target and the largest area that drives it, where that is another.

    Returns
    -------
    list of [str, str]
        Source and target.
    dict or None
        Area -> seconds after which it reaches the target; None on recorded data.
    """
    others = {area: n for area, n in recording.areas.items()
              if area not in (target, "root") and n >= FEWEST}  # fmt: skip
    simulated = is_simulated(recording.dataset.attrs)
    planted = {source: lag for (source, to), lag in DRIVES.items()
               if to == target and source in others}  # fmt: skip
    asked = (others, planted if simulated else {})
    chosen = [max(part, key=lambda area: others[area]) for part in asked if part]
    return [[area, target] for area in dict.fromkeys(chosen)], planted if simulated else None


def fill_flow(
    column: Column, answers: list[StoredAnswer], areas: Mapping[str, int],
    planted: Mapping[str, float] | None,
) -> None:  # fmt: skip
    """Fill in what was found of each pair, or why none was asked.

    Parameters
    ----------
    column : Column
    answers : list of StoredAnswer
        One per pair, the largest area's first.
    areas : mapping
        Area -> its number of neurons.
    planted : mapping, optional
        Area -> seconds after which it drives the target; None where that is not known.
    """
    if not answers:
        column.lacks["flow"] = NO_FLOW()
        return
    measures = []
    for answer in answers:
        pair = f"{answer['source']} and {answer['target']}"
        value, low, high = answer["asymmetry"]
        asymmetry = f"asymmetry of {pair}, above 0: {answer['source']} first"
        measures += [
            Measure(pair, answer["leader"] or None, "leader"),
            Measure(asymmetry, value, "bits_per_spike", low, high),
        ]
    column.add("flow", *measures)
    column.because["flow"] = [
        _describe_pairs(answers, areas, planted),
        *(describe_lead(answer, planted) for answer in answers),
    ]


def _describe_pairs(
    answers: list[StoredAnswer], areas: Mapping[str, int], planted: Mapping[str, float] | None
) -> Notice:
    """Return which pairs were asked and why these."""
    first, target = answers[0]["source"], answers[0]["target"]
    alike = [area for area, n in areas.items() if n == areas[first] and area not in (first, target)]
    rank = f"the one with most neurons ({areas[first]})"
    if alike:
        rank = f"one of those with most neurons ({areas[first]}, as many as {' and '.join(alike)})"
    further = [answer["source"] for answer in answers[1:]]
    beside = f", and of {target} and {further[0]}, as a lead was planted there" if further else ""
    return PAIRS(target=target, largest=first, rank=rank, planted=beside)


def describe_lead(answer: StoredAnswer, planted: Mapping[str, float] | None = None) -> Notice:
    """Return the numbers behind a lead, or behind none, beside what was planted."""
    past = answer.table("past")
    gains = [
        f"{row['source']} adds {row['gain']:.4f} bits/spike ({row['low']:.4f} to "
        f"{row['high']:.4f}{', which holds 0' if holds_zero(row['low'], row['high']) else ''}) "
        f"to {row['target']} (shift test p "
        f"{_write_p(row, answer)})"
        for _, row in past[past["lag"] > 0].iterrows()
    ]
    source, target, leader = answer["source"], answer["target"], answer["leader"]
    value, low, high = answer["asymmetry"]
    what = f"{leader} leads" if leader else "no lead was found"
    said = ""
    if planted is not None:
        said = ", where no drive was planted"
        if source in planted:
            said = (
                f", where {source} was made to drive {target} after {1000 * planted[source]:.0f} ms"
            )
            what += {source: ", as planted", None: ": the planted one is missed"}.get(
                leader, ", against what was planted"
            )
        elif leader:
            what += ", though none was planted: a third area that reaches both can look so"
    values = {"source": source, "target": target, "value": value, "low": low, "high": high}
    return LEAD(gains=gains, what=what, planted=said, **values)


def _write_p(row: Any, answer: StoredAnswer) -> str:
    if not np.isfinite(row["p"]):
        return "not known"
    least = 1 / (1 + answer["claim"]["n_shifts"])
    return f"{'≤' if row['p'] <= 1.001 * least else '='} {row['p']:.2g}"
