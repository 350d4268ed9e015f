"""Which units of a session the doctor looks at."""

from collections.abc import Sequence

import numpy as np

from spikecast.core.errors import InputError
from spikecast.data.cuts.units import choose_units
from spikecast.data.session import RawSession


def choose_examined(raw: RawSession, wanted: Sequence[str] | None = None) -> tuple[np.ndarray, str]:
    """Return the rows of the units to look at, and how a sentence adds to "74 of 295 units".

    They are those that a recording would take; where that is not settled (two columns of qualities
    disagree, no unit is good), all.
    """
    try:
        rows, _ = choose_units(raw, wanted)
    except InputError:
        if wanted:
            raise
        return np.arange(len(raw.units)), " (the columns of quality do not settle which)"
    if len(rows) == len(raw.units):
        return rows, ""
    return rows, " (those that would be taken)"
