"""The sentences of a staircase: what its steps add up to, and whether that can be told."""

from collections.abc import Sequence
from math import hypot
from typing import Any, NamedTuple

from spikecast.report.study.units import SHARES, UNITS, format_change, format_size
from spikecast.scoring.ratio_scores import holds_zero


def count_digits(steps: Sequence[dict[str, Any]]) -> int:
    """Return with how many decimals points must be written for those of a staircase to add up.

    Examples
    --------
    >>> measures = [{"value": value, "unit": "accuracy"} for value in (1.0, 0.958, 0.974)]
    >>> changes = zip(measures, ("start", "protocol", "model"), (0, -0.042, 0.016))
    >>> count_digits([{"measure": one, "kind": kind, "difference": change}
    ...               for one, kind, change in changes])
    1
    """
    if steps[-1]["measure"]["unit"] not in SHARES:
        return 0
    begin, end = (round(100 * steps[index]["measure"]["value"]) for index in (0, -1))
    of_kinds = []
    for kind in {step["kind"] for step in steps}:
        changes = [100 * step["difference"] for step in steps if step["kind"] == kind]
        of_kinds.append(round(sum(changes)))
        if sum(map(round, changes)) != of_kinds[-1]:
            return 1
    return 0 if begin + sum(of_kinds) == end else 1


def staircase(facts: dict[str, Any], *, each: bool = True) -> list[str]:
    """Return what of a staircase was the protocol, the model and the data; see the figure.

    Parameters
    ----------
    facts : dict
        An entry of ``staircases`` in ``study.json``.
    each : bool
        Name each step of the protocol.
    """
    steps, sums = facts["steps"], facts["sums"]
    unit, digits = steps[-1]["measure"]["unit"], count_digits(steps)
    begin, end = (
        f"{one['value']:.{digits}%}" if digits else UNITS[one["unit"]].number.format(one["value"])
        for one in (steps[0]["measure"], steps[-1]["measure"])
    )
    begin, end = (UNITS[steps[index]["measure"]["unit"]].phrase.format(words)
                  for index, words in ((0, begin), (-1, end)))  # fmt: skip
    sentences = [f"{facts['title']}: from {begin} to {end}."]
    totals = {kind: _sum_up(steps, kind, total, unit, digits) for kind, total in sums.items()}
    if "protocol" in totals:
        sentences.append(_describe_protocol(totals["protocol"], each))
    return [*sentences, *(_describe_other(totals[kind], kind)
                          for kind in ("decoder", "model", "data") if kind in totals)]  # fmt: skip


class Total(NamedTuple):
    """What all steps of one kind add up to, and how it is written."""

    value: float
    limits: tuple[float, float] | None  # of the value; None where its ends have no interval
    parts: Sequence[dict[str, Any]]
    unit: str
    digits: int

    @property
    def told(self) -> bool:
        """Whether it can be told from none."""
        return self.limits is None or not holds_zero(*self.limits)

    @property
    def size(self) -> str:
        """Its size in points or in the unit."""
        return format_size(abs(self.value), self.unit, self.digits)

    @property
    def interval(self) -> str:
        """The limits of its size in brackets, or ""."""
        if self.limits is None:
            return ""
        low, high = self.limits if self.value >= 0 else (-self.limits[1], -self.limits[0])
        written = [format_change(one, self.unit, self.digits) for one in (low, high)]
        return f" ({' to '.join(written)})"

    @property
    def signed(self) -> str:
        """The value and its limits, with signs."""
        if self.limits is None:
            return f"{_sign(self.value)}{self.size}"
        low, high = (
            f"{_sign(one)}{format_change(abs(one), self.unit, self.digits)}" for one in self.limits
        )
        return f"{_sign(self.value)}{self.size} ({low} to {high})"

    def sign(self, step: dict[str, Any]) -> str:
        """Return what a step changed, with its sign."""
        size = format_change(abs(step["difference"]), self.unit, self.digits)
        return f"{_sign(step['difference'])}{size}"


def _sign(value: float) -> str:
    return "−" if value < 0 else "+"


def _sum_up(
    steps: Sequence[dict[str, Any]], kind: str, total: float, unit: str, digits: int
) -> Total:
    """Return the steps of a kind, with the interval of their sum.

    It combines the intervals of the number before the first of them and of that after the last, as
    of unlike trials: the squares of their arms add up (Zou & Donner 2008).
    """
    places = [place for place, step in enumerate(steps) if step["kind"] == kind]
    begin, end = steps[places[0] - 1]["measure"], steps[places[-1]]["measure"]
    limits = None
    if "low" in end and "high" in end:
        down = hypot(end["value"] - end["low"], begin.get("high", begin["value"]) - begin["value"])
        up = hypot(end["high"] - end["value"], begin["value"] - begin.get("low", begin["value"]))
        limits = total - down, total + up
    return Total(total, limits, [steps[place] for place in places], unit, digits)


def _describe_other(total: Total, kind: str) -> str:
    """Return what the steps of a kind that is not the protocol won or lost, and if it can be told.

    Examples
    --------
    >>> total = Total(-0.03, (-0.08, 0.02), [], "accuracy", 0)
    >>> _describe_other(total, "model")
    '3 points (−2 to 8) were lost by the model: that cannot be told from none.'
    """
    nothing = format_size(0.0, total.unit, total.digits)
    if total.size == nothing:
        single = [format_size(abs(step["difference"]), total.unit, total.digits)
                  for step in total.parts]  # fmt: skip
        if all(size == nothing for size in single):
            return f"The {kind} changed nothing at this precision."
        signed = ", ".join(total.sign(step) for step in total.parts)
        return f"The {kind}'s steps ({signed}) add up to none."
    won = "won" if total.value >= 0 else "lost"
    doubt = "" if total.told else ": that cannot be told from none"
    return f"{total.size}{total.interval} were {won} by the {kind}{doubt}."


def _describe_protocol(total: Total, each: bool) -> str:
    """Return how many points were the protocol, by its own steps only."""
    parts, size, interval = total.parts, total.size, total.interval
    named = ", ".join(f"{step['change']} {total.sign(step)}" for step in parts)
    of = f" ({named})" if each else ""
    if not total.told:
        largest = max(parts, key=lambda step: abs(step["difference"]))
        sentence = f"The protocol's steps add up to {total.signed}{of}: "
        bigger = abs(largest["difference"]) > abs(total.value)
        if bigger and format_size(abs(largest["difference"]), total.unit, total.digits) != size:
            return (
                f"{sentence}on balance no cost can be told from none, though single steps are "
                f"larger ({largest['change']}: {total.sign(largest)})."
            )
        return f"{sentence}here the protocol cost nothing that can be told from none."
    if total.value > 0 and any(step["difference"] < 0 for step in parts):
        return (
            f"The protocol's steps won {size}{interval} on balance: to mend some flaws raised the "
            f"score by more than to mend the others lowered it{of}."
        )
    if total.value > 0:
        return (
            f"The protocol's steps won {size}{interval}: here its flaws hid something, and added "
            "nothing."
        )
    return f"{size}{interval} were the protocol{of}."
