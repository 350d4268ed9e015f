"""Find stretches in which all neurons are silent together: nothing was recorded there.

Most files of spikes do not say when recording began, or paused; where an NWB file does,
`cuts/observed.py` has left it out. What lies before and between is 0, and areas that fall silent
together predict each other.
"""

from dataclasses import dataclass

import numpy as np

SHORTEST = 10.0  # seconds; under anaesthesia, or in sleep, a whole area is silent for some
MOST_PAUSES = 5  # more stretches so long are how few neurons fire, in bouts
FEWEST_EXPECTED = 50.0  # spikes of all neurons together, by their rate elsewhere


@dataclass(frozen=True)
class Silence:
    """Bins `start` to `stop`, counted through all trials, in which no neuron fires.

    `expected` is the number of spikes that would lie there by the rate elsewhere.
    """

    start: int
    stop: int
    expected: float


def find_silence(counts: np.ndarray, bin_size: float) -> list[Silence]:
    """Return the stretches of counts (trial, time, neuron) that can be no chance, in order.

    Trials follow one another; what was between them is not looked at.

    Examples
    --------
    >>> counts = np.ones((1, 500, 2), dtype=int)
    >>> counts[:, :150] = 0
    >>> find_silence(counts, bin_size=0.1)
    [Silence(start=0, stop=150, expected=300.0)]
    """
    fires = counts.any(axis=2).ravel()
    edges = np.flatnonzero(np.diff(np.r_[True, fires, True]))
    starts, stops = edges[::2], edges[1::2]
    long = (stops - starts) * bin_size >= SHORTEST
    starts, stops = starts[long], stops[long]
    lengths = stops - starts
    if not 0 < starts.size <= MOST_PAUSES or lengths.max() == fires.size:
        return []
    expected = counts.sum(dtype=float) / (fires.size - lengths) * lengths
    found = zip(starts.tolist(), stops.tolist(), expected.tolist(), strict=True)
    return [Silence(*one) for one in found if one[2] >= FEWEST_EXPECTED]
