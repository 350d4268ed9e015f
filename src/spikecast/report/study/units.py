"""The units of a study's measures, and how they are written."""

from typing import NamedTuple


class Unit(NamedTuple):
    """How measures of one unit are written."""

    number: str  # format of the value and of its limits
    phrase: str = "{}"  # what stands around the value
    none: str = "none"  # what is written where there is no value


UNITS: dict[str, Unit] = {
    "bits_per_spike": Unit("{:z.3f}", "{} bits/spike"),
    "r2": Unit("{:z.3f}", "{} R²"),
    "mse": Unit("{:#.4g}", "MSE {}"),
    "rmse": Unit("{:#.4g}", "RMSE {}"),
    "poisson_nll": Unit("{:.4f}", "Poisson loss {}"),
    "cost": Unit("{:.4f}"),
    "accuracy": Unit("{:.0%}"),
    "balanced_accuracy": Unit("{:.0%}", "{} balanced over classes"),
    "psth_r2": Unit("{:z.2f}", "{} R² of averages"),
    "frequency": Unit("{:.1f}", "{} Hz"),
    "duration": Unit("{:.0f}", "{} ms", "none: it does not settle"),
    "share": Unit("{:.0%}", none="there are none in this recording"),
    "variance": Unit("{:.2f}", "{} of the variance"),
    "correlation": Unit("{:.2f}", "mean correlation {}"),
    "sd": Unit("{:+.2f}", "{} standard deviations"),
    "onset": Unit("{:.0f}", "{} ms after the stimulus", "no onset found"),
    "count": Unit("{:.0f}"),
    "at_least": Unit("{:.0f}", "at least {}"),
    "name": Unit("{}", none="not told apart: the intervals overlap"),
    "leader": Unit("{}", "{} leads", "no lead was found"),
    "picture": Unit("{}", none="shown, without a score"),
    "refused": Unit("{}", none="an error: the shapes must be equal"),
}
"""The units of measures, those of :data:`spikecast.runs.studies.contents.UnitName`."""

SHARES = ("accuracy", "balanced_accuracy", "share")
ALIKE = {"at_least": "count"}
"""Unit -> the unit that it is another form of."""


def format_size(size: float, unit: str, digits: int = 0) -> str:
    """Return a size in points with so many decimals, or in the unit."""
    if unit in SHARES:
        return f"{format_change(size, unit, digits)} points"
    return UNITS[unit].phrase.format(format_change(size, unit, digits))


def format_change(change: float, unit: str, digits: int) -> str:
    """Return a number in points, or in the unit, without its name."""
    scale = 1000 if unit in ("onset", "duration") else 1
    number = (
        f"{100 * change:z.{digits}f}"
        if unit in SHARES
        else (UNITS[unit].number.format(scale * change))
    )
    return number.replace("-", "−")
