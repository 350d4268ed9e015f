"""Phrases that sections and figures of several kinds of question share."""

from collections.abc import Iterable, Sequence

from spikecast.report.shared.formatting import format_count, join_names
from spikecast.runs.reader import StoredAnswer

ALPHA = 0.05


def group_answers(answers: Sequence[StoredAnswer], *keys: str) -> list[list[StoredAnswer]]:
    """Return the answers in groups with equal facts, in order."""
    groups: dict[tuple, list[StoredAnswer]] = {}
    for answer in answers:
        groups.setdefault(tuple(answer[key] for key in keys), []).append(answer)
    return list(groups.values())


def name_features(answer: StoredAnswer) -> str:
    """Return what was decoded from: counts of an area, latents of a model, behaviour alone."""
    if answer["source"] == "behavior":
        parts = str(answer["features"]).split(" + ")
        return f"{' and '.join(parts) if len(parts) < 3 else 'behaviour and stimulus'} alone"
    population = "all neurons" if answer["area"] is None else answer["area"]
    return f"counts of {population}" if answer["source"] == "counts" else str(answer["features"])


def name_columns(names: Iterable[str]) -> str:
    """Return columns of a table in words.

    Examples
    --------
    >>> name_columns(["wheel", "contrast_left", "contrast_right"])
    'wheel, contrast left and contrast right'
    """
    return join_names((name.replace("_", " ") for name in names), last=" and ")


def describe_left_out(number: int, label: str) -> str:
    """Return a sentence on trials without a value of the label; nothing where all have one."""
    return f" {format_count(number, 'trial')} without '{label}' not shown." if number else ""
