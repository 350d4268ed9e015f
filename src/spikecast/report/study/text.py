"""The sentences and table cells of a study, made from its facts: for page and command line."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from spikecast.core.notices import Notice
from spikecast.runs.studies.preset import Preset

SPACE = "\N{NO-BREAK SPACE}"


class Unit(NamedTuple):
    """How measures of one unit are written."""

    number: str  # format of the value and of its limits
    phrase: str = "{}"  # what stands around the value
    none: str = "none"  # what is written where there is no value


UNITS: dict[str, Unit] = {
    "bits_per_spike": Unit("{:z.3f}", "{} bits/spike"),
    "r2": Unit("{:z.3f}", "{} R²"),
    "mse": Unit("{:.4g}", "MSE {}"),
    "rmse": Unit("{:.4g}", "RMSE {}"),
    "poisson_nll": Unit("{:.4f}", "Poisson loss {}"),
    "cost": Unit("{:.4f}"),
    "accuracy": Unit("{:.0%}"),
    "share": Unit("{:.0%}", none="there are none in this recording"),
    "variance": Unit("{:.2f}", "{} of the variance"),
    "correlation": Unit("{:.2f}", "mean correlation {}"),
    "onset": Unit("{:.0f}", "{} ms after the stimulus", "no onset found"),
    "count": Unit("{:.0f}"),
    "at_least": Unit("{:.0f}", "at least {}"),
    "name": Unit("{}", none="not told apart: the intervals overlap"),
    "leader": Unit("{}", "{} leads", "no lead was found"),
    "picture": Unit("{}", none="shown, without a score"),
    "refused": Unit("{}", none="an error: the shapes must be equal"),
}
"""The units of measures, see :class:`spikecast.runs.studies.study.Measure`."""

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
    sentences = [ORIGINS[facts["origin"]].format(**words), *_write_notices(facts["notices"])]
    if facts["quick"]:
        smaller = ", and a smaller simulation" if facts["origin"] == "simulated" else ""
        sentences.append(f"A quick run: fewer iterations, folds and permutations{smaller}.")
    return sentences


def conclusions(facts: dict[str, Any]) -> list[str]:
    """Return how much of the numbers was the protocol."""
    mark = "Simulated data. " if facts["origin"] == "simulated" else ""
    return [mark + sentence for sentence in _write_notices(facts["conclusions"])]


def _write_notices(notices: Sequence[dict[str, Any]]) -> list[str]:
    return [str(Notice.from_json(notice)) for notice in notices]


def cell(measures: Sequence[dict[str, Any]], facts: dict[str, Any]) -> list[str]:
    """Return the lines of a table cell; simulated numbers carry the word."""
    lines = [describe_measure(measure) for measure in measures] or ["–"]
    if measures and facts["origin"] == "simulated":
        lines[-1] += " (simulated)"
    return lines


def describe_measure(measure: dict[str, Any]) -> str:
    """Return a measure with its name, interval, chance and p.

    Examples
    --------
    >>> describe_measure({"name": "lstm", "value": 0.2, "unit": "r2", "low": 0.1, "high": 0.3})
    'lstm: 0.200 R² (0.100 to 0.300)'
    >>> describe_measure({"name": "test trials", "value": 0.75, "unit": "accuracy", "n": 8})
    'test trials: 75.0% (6/8)'
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
    if measure["unit"] == "onset" and not isinstance(value, str):
        value = 1000 * value
    return UNITS[measure["unit"]].number.format(value)


def summary(facts: dict[str, Any], preset: Preset) -> list[str]:
    """Return the lines that the command line prints: origin, three columns, conclusions."""
    lines = [" ".join(origin(facts, preset))]
    for row in facts["columns"]:
        described, sound = cell(row["described"], facts), cell(row["sound"], facts)
        columns = {"reported": [row["reported"]], "as described": described, "sound": sound}
        if row["flaws"]:
            columns["flaws"] = [", ".join(row["flaws"])]
        lines.append(row["quantity"])
        for title, texts in columns.items():
            heads = [title, *[""] * (len(texts) - 1)]
            lines += [f"  {head:<13} {text}" for head, text in zip(heads, texts, strict=True)]
    return [*lines, *conclusions(facts)]


def format_number(value: Any) -> str:
    """Return a number of a deck's table; a dash where there is none."""
    if value is None or value != value:
        return "–"
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() and value > 1 else f"{value:.2f}"
