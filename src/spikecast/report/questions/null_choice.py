"""Which null a label was held against, and why, in words."""

from collections.abc import Sequence
from typing import Any

from spikecast.analysis.decoding.null_choice import NONE, OWN
from spikecast.report.questions.phrases import name_columns
from spikecast.report.shared.formatting import join_names
from spikecast.runs.reader import StoredAnswer

NULLS = {
    "label_shuffle": "shuffled over trials",
    "circular_shift": "shifted in time",
    "pseudo_session": "pseudo-sessions that change as slowly as the observed ones",
    OWN: "drawn by a function that was passed",
    NONE: "none",
}
SHORT_NULLS = {
    "label_shuffle": "shuffled labels",
    "circular_shift": "labels shifted in time",
    "pseudo_session": "pseudo-sessions",
    OWN: "labels of a function that was passed",
}
REASONS = {
    "asked": "as was asked",
    "no_runs": "it does not change slowly over the session (p {runs_p:.3f})",
    "runs": "it changes slowly over the session (p {runs_p:.3f}), which slow drift alone predicts",
    "order_unknown": "trials are not in recorded order, so slow drift cannot be allowed for",
}
SHORT_REASONS = {
    "runs": "since it changes slowly over the session",
    "order_unknown": "slow drift not allowed for: trials are not in recorded order",
}
STRATA_REASONS = {
    "asked": "",
    "stimulus_explains": "the stimulus explains it in part, p {strata_p:.3f}",
    "not_explained": "The stimulus does not explain it (p {strata_p:.3f}), so it is drawn over all "
    "trials",
    "stimulus_itself": "It is part of the stimulus, so it is drawn over all trials",
    "too_small": "The stimulus explains it (p {strata_p:.3f}), but leaves too few trials of equal "
    "stimulus that differ in it: what is decoded may be the stimulus",
    "no_stimulus": "",
}
TOO_LONG = (
    "its runs are too long for this session to be told from slow drift, so there is no p and "
    "nothing is claimed"
)


def is_tested(answer: StoredAnswer) -> bool:
    """Return whether there was a null to hold the label against."""
    return bool(answer.facts.get("null") != NONE)


def _name_null(answer: StoredAnswer) -> str:
    return str(answer.facts.get("null", "label_shuffle"))  # of earlier versions, which had no other


def describe_null(answers: Sequence[StoredAnswer]) -> str:
    """Return how the labels of the null were drawn."""
    return join_names(
        NULLS.get(_name_null(answer), _name_null(answer))
        + (f" of equal {name_columns(strata)}" if (strata := answer.facts.get("strata")) else "")
        for answer in answers
        if is_tested(answer)
    )


def phrase_null(answer: StoredAnswer) -> str:
    """Return in a few words what a p is against, and why it is no plain shuffle."""
    choice = _read_choice(answer)
    words = SHORT_NULLS.get(_name_null(answer), _name_null(answer))
    if choice.get("strata"):
        words += f" within trials of equal {name_columns(choice['strata'])}"
    reason = SHORT_REASONS.get(choice.get("reason", ""))
    return f"{words}, {reason}" if reason else words


def describe_choices(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per label: which null it was held against, and why."""
    sentences = (_describe_choice(answer) for answer in answers if "null_choice" in answer.facts)
    return list(dict.fromkeys(sentences))


def _describe_choice(answer: StoredAnswer) -> str:
    choice, label = _read_choice(answer), answer.facts.get("column", answer["label"])
    if not is_tested(answer):
        return f"'{label}' was held against no null: {TOO_LONG}."
    known = {name: choice[name] for name in ("runs_p", "strata_p") if choice[name] is not None}
    within = choice["strata"]
    why_strata = STRATA_REASONS[choice["strata_reason"]].format(**known)
    sentence = f"'{label}' was held against {SHORT_NULLS[choice['kind']]}"
    if within:
        reason = f" ({why_strata})" if why_strata else ""
        sentence += f" within trials of equal {name_columns(within)}{reason}"
    sentence += f": {REASONS[choice['reason']].format(**known)}."
    return f"{sentence} {why_strata}." if why_strata and not within else sentence


def _read_choice(answer: StoredAnswer) -> dict[str, Any]:
    return dict(answer.facts.get("null_choice", {}))
