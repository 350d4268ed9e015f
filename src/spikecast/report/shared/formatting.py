"""How the page spells numbers and names of answers."""

from collections.abc import Iterable, Sequence

import numpy as np

from spikecast.runs.reader import StoredAnswer

NULLS = {
    "label_shuffle": "shuffled over trials",
    "circular_shift": "shifted in time",
    "pseudo_session": "pseudo-sessions with runs like the observed ones",
}


def by(answers: Sequence[StoredAnswer], *keys: str) -> list[list[StoredAnswer]]:
    """Answers with the same facts together, in order."""
    groups: dict[tuple, list[StoredAnswer]] = {}
    for answer in answers:
        groups.setdefault(tuple(answer[key] for key in keys), []).append(answer)
    return list(groups.values())


def limits(answer: StoredAnswer) -> str:
    """A score with its interval."""
    return f"{answer['score']:.2f} ({answer['low']:.2f} to {answer['high']:.2f})"


def p_value(answer: StoredAnswer) -> str:
    """A p, and whether it is the smallest there can be."""
    least = 1 / (1 + answer["permutations"])
    return f"≤ {least:.3f}" if answer["p"] <= least * 1.001 else f"= {answer['p']:.3f}"


def null_of(answers: Sequence[StoredAnswer]) -> str:
    """How the labels of the null came about."""
    return listed(
        NULLS.get(answer["null"], answer["null"])
        + (f" of equal {' and '.join(strata)}" if (strata := answer.facts.get("strata")) else "")
        for answer in answers
    )


def listed(names: Iterable[object]) -> str:
    """Each name once, with commas."""
    return ", ".join(dict.fromkeys(str(name) for name in names))


def milliseconds(seconds: float) -> str:
    """A difference; infinite where one of two onsets may be after the last bin."""
    if not np.isfinite(seconds):
        return "unbounded"
    return f"{1000 * seconds:.0f}"


def left_out(n: int, label: str) -> str:
    """How many trials have no value, as a sentence; nothing where all have."""
    if not n:
        return ""
    return f" {n} {'trial' if n == 1 else 'trials'} without '{label}' not shown."


def file_name(name: str) -> str:
    """A name as part of a file's."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
