"""The sentences and table cells of a study, made from its facts: for page and command line."""

from collections.abc import Sequence
from typing import Any

from spikecast.core.notices import Notice
from spikecast.report.study.planted import describe_planted
from spikecast.report.study.steps import staircase
from spikecast.report.study.units import ALIKE, UNITS, format_size
from spikecast.runs.studies.preset import Preset

SPACE = "\N{NO-BREAK SPACE}"


SMALL = 0.005  # bits/spike; an interval of smaller numbers would end in a 0 that it does not hold
UNEXPLAINED = "this run does not say why"

ORIGINS = {
    "deck": "The deck's own recording: {session}, {shape}.",
    "reduced": (
        "The deck's own session, but only a part of each trial: {session}, {shape} (theirs: "
        "{theirs})."
    ),
    "real": "A real recording, but not the deck's: {session}, {shape} (theirs: {theirs}).",
    "simulated": (
        "A simulated recording: {shape} (theirs: {theirs}). Its numbers show what the protocols do "
        "to a number; they say nothing about a brain."
    ),
}
COMPARABLE = {
    "deck": "",
    "reduced": (
        "Reported figures are from all of each trial, the other two columns from a part of it."
    ),
    "real": "Reported figures are from another recording than the other two columns.",
    "simulated": (
        "Reported figures are from the deck's recording, the other two columns from a simulated "
        "one: compare the columns' pattern, not their numbers."
    ),
}
"""What to bear in mind when the three columns are compared, by origin of the data."""


def origin(facts: dict[str, Any], preset: Preset) -> list[str]:
    """Return where the data are from, and what they lack."""
    n_trials = facts["n_trials"]
    trials = "" if n_trials == 1 else f"{n_trials} trials of "
    shape = f"{facts['n_neurons']:,} neurons, {trials}{facts['n_bins']:,} bins"
    words = {"session": facts["session"], "shape": shape, "theirs": preset.data.shape}
    sentences = [ORIGINS[facts["origin"]].format(**words)]
    if facts["origin"] == "simulated" and preset.data.absent:
        sentences += [
            preset.data.absent,
            describe_planted(preset.data.simulator, preset.data.simulation),
        ]
    sentences += _write_notices(facts["notices"])
    if facts["quick"]:
        smaller = ", and a smaller simulation" if facts["origin"] == "simulated" else ""
        sentences.append(f"A quick run: fewer iterations, folds and permutations{smaller}.")
    return sentences


def conclusions(facts: dict[str, Any], answer: str = "") -> list[str]:
    """Return the answer to the deck's question, and how much of the numbers was the protocol.

    `answer` is a sentence, or the code of the conclusion that is the answer.
    """
    mark = "Simulated data. " if facts["origin"] == "simulated" else ""
    # studies of before have none
    stairs = [" ".join(staircase(one, each=False)) for one in facts.get("staircases", ())]
    notices = facts["conclusions"]
    answers = _write_notices([one for one in notices if one.code == answer])
    others = _write_notices([one for one in notices if one.code != answer])
    first = answers or ([answer] if " " in answer else [])
    return [mark + sentence for sentence in [*first, *stairs, *others]]


def _write_notices(notices: Sequence[Notice]) -> list[str]:
    return [str(notice) for notice in notices]


def cell(measures: Sequence[dict[str, Any]], facts: dict[str, Any], lack: str = "") -> list[str]:
    """Return the lines of a table cell, or why it is empty; simulated numbers carry the word."""
    lines = [describe_measure(measure) for measure in measures]
    if measures and facts["origin"] == "simulated":
        lines[-1] += " (simulated)"
    return lines or [f"None: {lack or UNEXPLAINED}"]


def because(row: dict[str, Any], staircases: Sequence[dict[str, Any]] = ()) -> list[str]:
    """Return what this run's numbers show of a row, and what can make its columns differ.

    A row that a staircase takes apart has that staircase's sentences.

    Examples
    --------
    >>> row = {"described": [{"name": "", "value": 0.9, "unit": "accuracy"}], "because": [],
    ...        "sound": [{"name": "", "value": 0.6, "unit": "accuracy", "low": 0.5, "high": 0.7}],
    ...        "key": "test", "mechanism": "Training trials are remembered."}
    >>> because(row)[0]
    'In this run: 90% as described against 60% (50% to 70%), 30 points less.'
    """
    taken_apart = [one for one in staircases if one["row"] == row["key"]]
    sentences = [sentence for one in taken_apart for sentence in staircase(one)]
    sentences += _write_notices(row["because"])
    if not sentences and row["described"] and row["sound"]:
        sentences = _compare_cells(row)
    elif sentences and have_unlike_units(row):
        sentences.append(row["unlike_units"] or UNEXPLAINED)
    compared = row["described"] and row["sound"]
    head = "What can make a difference" if compared or taken_apart else "What it means"
    return [*sentences, f"{head}: {row['mechanism']}"]


def have_unlike_units(row: dict[str, Any]) -> bool:
    """Return whether the numbers of a row that are compared have unlike units."""
    if not (row["described"] and row["sound"]):
        return False
    first, second = (ALIKE.get(cell[0]["unit"], cell[0]["unit"])
                     for cell in (row["described"], row["sound"]))  # fmt: skip
    return first != second


def _compare_cells(row: dict[str, Any]) -> list[str]:
    """Return what lies between the first numbers of the two columns of a row."""
    described, sound = row["described"][0], row["sound"][0]
    if have_unlike_units(row):
        return [row.get("unlike_units") or UNEXPLAINED]
    if any(not isinstance(one["value"], int | float) for one in (described, sound)):
        first, second = (describe_measure(one | {"name": ""}) for one in (described, sound))
        return [f"In this run: {first} as described, {second} soundly."]
    plain = {key: sound[key] for key in ("value", "unit", "low", "high") if key in sound}
    words = (
        f"In this run: {describe_measure(described | {'name': ''})} as described against "
        f"{describe_measure(plain | {'name': ''})}"
    )
    if "low" not in sound or "high" not in sound:
        return [f"{words}, {_format_difference(sound['value'] - described['value'], sound)}."]
    if sound["low"] <= described["value"] <= sound["high"]:
        return [f"{words}: within the interval, so here the flaws cost nothing that can be told."]
    return [f"{words}, {_format_difference(sound['value'] - described['value'], sound)}."]


def _format_difference(difference: float, measure: dict[str, Any]) -> str:
    """Return a difference in points, or in the unit, and its direction.

    Examples
    --------
    >>> _format_difference(-0.31, {"unit": "accuracy"})
    '31 points less'
    """
    size = abs(difference)
    if measure["unit"] == "onset":
        return f"{1000 * size:.0f} ms {'earlier' if difference < 0 else 'later'}"
    sign = "less" if difference < 0 else "more"
    return f"{format_size(size, measure['unit'])} {sign}"


def describe_measure(measure: dict[str, Any]) -> str:
    """Return a measure with its name, interval, chance and p.

    Examples
    --------
    >>> describe_measure({"name": "lstm", "value": 0.2, "unit": "r2", "low": 0.1, "high": 0.3})
    'lstm: 0.200 R² (0.100 to 0.300)'
    >>> describe_measure({"name": "test trials", "value": 0.75, "unit": "accuracy", "n": 8})
    'test trials: 75.0% (6/8)'
    >>> small = {"value": -5e-4, "unit": "bits_per_spike", "low": -1e-3, "high": -1e-4}
    >>> describe_measure({"name": "", **small})
    '-0.00050 bits/spike (-0.00100 to -0.00010)'
    """
    unit, value = UNITS[measure["unit"]], measure["value"]
    if value is None:
        text = unit.none
    elif "n" in measure:
        text = f"{value:.1%} ({round(value * measure['n'])}/{measure['n']})"
    else:
        text = unit.phrase.format(_format_value(value, measure))
        if "low" in measure:
            high = _format_value(measure["high"], measure) if "high" in measure else "the end"
            text += f" ({_format_value(measure['low'], measure)} to {high})"
    if "chance" in measure:
        text += f", chance {_format_value(measure['chance'], measure)}"
    if "p" in measure:
        least = 1 / (1 + measure["n_permutations"])
        sign = "≤" if measure["p"] <= 1.001 * least else "="
        text += f", p{SPACE}{sign}{SPACE}{max(measure['p'], least):.2g}"
    return f"{measure['name']}: {text}" if measure["name"] else text


def _format_value(value: float | str, measure: dict[str, Any]) -> str:
    """Return a value, or a limit, in the unit of a measure; onsets in ms."""
    if measure["unit"] in ("onset", "duration") and not isinstance(value, str):
        value = 1000 * value
    limits = (measure["value"], measure.get("low"), measure.get("high"))
    sizes = [abs(one) for one in limits if isinstance(one, float)]
    if measure["unit"] == "bits_per_spike" and "low" in measure and max(sizes, default=1) < SMALL:
        return f"{value:.5f}"
    return UNITS[measure["unit"]].number.format(value)


def summary(facts: dict[str, Any], preset: Preset, answer: str = "") -> list[str]:
    """Return the lines that the command line prints: origin, three columns, conclusions.

    `answer` is as for :func:`conclusions`.
    """
    lines = [" ".join(origin(facts, preset))]
    for row in facts["columns"]:
        columns = {
            "reported": reported(row),
            "as described": cell(row["described"], facts, row["no_described"]),
            "sound": cell(row["sound"], facts, row["no_sound"]),
        }
        if row["flaws"]:
            columns["flaws"] = [", ".join(row["flaws"])]
        lines.append(row["quantity"])
        for title, texts in columns.items():
            heads = [title, *[""] * (len(texts) - 1)]
            lines += [f"  {head:<13} {text}" for head, text in zip(heads, texts, strict=True)]
    return [*lines, *conclusions(facts, answer)]


def reported(row: dict[str, Any]) -> list[str]:
    """Return what the deck reports, each line with where it stands."""
    return [f"{line['text']} ({line['stands']})" for line in row["reported"]]


def format_number(value: Any) -> str:
    """Return a number of a deck's table; a dash where there is none."""
    if value is None or value != value:
        return "–"
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() and value > 1 else f"{value:.2f}"
