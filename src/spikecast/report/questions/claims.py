"""Sentences on what two areas share: what it is above, and why nothing is claimed."""

from collections.abc import Sequence

from spikecast.report.shared.formatting import format_p, join_names, name_rung
from spikecast.runs.reader import StoredAnswer

RUNGS = {
    "psth": ["psth"],
    "source_free": ["psth", "drift"],
    "behavior": ["psth", "drift", "behavior"],
}
"""What each null that is taken out of both areas is made of."""
UNTESTED = {
    "turned off": "the shift test was turned off",
    "order unknown": "the order in which the trials were recorded is not known, or some are there "
    "twice",
    "behaviour not recorded": "the behaviour that was recorded in some trials is missing in others",
    "too few trials": "there are too few trials to shift them against each other",
    "too few trials of a condition": "nearly every trial has a condition of its own",
}
"""Reasons of :class:`spikecast.analysis.interareal.shift_claims.Claim`."""


def name_explained(answer: StoredAnswer) -> str:
    """Return what was taken out of both areas, "the task and the session's drift"."""
    return name_rung(RUNGS[answer["claim"]["above"]])


def describe_test(answer: StoredAnswer) -> str:
    """Return the p of the shift test in brackets, or why there is none."""
    claim = answer["claim"]
    if claim["p"] is None:
        return f"(not tested: {UNTESTED[claim['untested']]})"
    return f"(shift test p {format_p(claim['p'], claim['n_shifts'])})"


def describe_silence(answer: StoredAnswer, no_more_than: str) -> str | None:
    """Return the headline where nothing may be claimed of a pair of areas; None where it may.

    `no_more_than` says what was found, "they covary no more than".
    """
    claim, pair = answer["claim"], f"{answer['source']} and {answer['target']}"
    if claim["stands"]:
        return None
    if claim["p"] is None:
        return f"{pair}: nothing is claimed, as {UNTESTED[claim['untested']]}."
    return f"{pair}: {no_more_than} {name_explained(answer)} explain {describe_test(answer)}."


def describe_control(answers: Sequence[StoredAnswer]) -> str:
    """Return how the answers were cleared and tested, for the methods of a section."""
    explained = join_names((name_explained(answer) for answer in answers), " or ")
    number = max(answer["claim"]["n_shifts"] for answer in answers)
    cleared = f"What is owed to {explained} is taken out of each area first."
    if not number:
        return cleared
    return (
        f"{cleared} Something is claimed only where the true pairing of trials does better than "
        f"{number} in which one area's trials are paired with later or earlier trials of the other "
        "(p at most .05): these keep what changes slowly and lose what belongs to the single trial."
    )
