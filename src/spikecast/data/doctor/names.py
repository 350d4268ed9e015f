"""How a notice names units: ids and areas, and what the quality column says of them."""

import numpy as np
import pandas as pd

from spikecast.data.session import RawSession

MOST_NAMED = 8


def name_units(raw: RawSession, rows: np.ndarray) -> list[str]:
    """Return the ids of some units with their areas, the first few of them."""
    named = [name_unit(raw, int(row)) for row in rows[:MOST_NAMED]]
    more = len(rows) - len(named)
    return [*named, f"and {more} more"] if more > 0 else named


def name_unit(raw: RawSession, row: int) -> str:
    """Return the id of a unit as in its file, with its area where there is one."""
    area = find_areas(raw)[row]
    return f"{raw.units.index[row]} ({area})" if area else str(raw.units.index[row])


def find_areas(raw: RawSession) -> np.ndarray:
    """Return the area of each unit by the best area column, (unit,); empty where none is known."""
    if not raw.area_columns:
        return np.full(len(raw.units), "", dtype=object)
    values = raw.units[raw.area_columns[0]]
    return values.astype(object).where(values.notna(), "").map(str).to_numpy(dtype=object)


def describe_labels(raw: RawSession, rows: np.ndarray) -> str:
    """Return how many of some units have which label of the best quality column, or nothing.

    Only a column of few labels (good, mua, noise) is told, none of numbers.
    """
    if not raw.quality_columns:
        return ""
    name = raw.quality_columns[0]
    labels = raw.units[name].iloc[rows]
    if pd.api.types.is_float_dtype(labels) or labels.nunique() > 5:
        return ""
    counts = labels.astype(str).value_counts()
    said = ", ".join(f"{number} {label}" for label, number in counts.items())
    return f" ({name}: {said})"
