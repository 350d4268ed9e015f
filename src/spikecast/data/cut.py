"""Cut a session, as labs have it, into a recording."""

from spikecast.data.cuts.dataset import cut_dataset
from spikecast.data.recording import Recording
from spikecast.data.selection import Selection
from spikecast.data.session import RawSession


def cut_session(raw: RawSession, selection: Selection) -> Recording:
    """Return the recording of a session around an event, and note in it what was taken.

    Parameters
    ----------
    raw : RawSession
        What a reader found.
    selection : Selection
        Its event, window, bins, units, area column and trial table. Nothing is guessed: where two
        columns or tables could be meant, an error names both.

    Returns
    -------
    Recording
        Units are those that the quality column calls good, where there is one and nothing else is
        asked for. Trials without an event, and those whose window reaches beyond the session, are
        left out. The trial column ``event_time`` holds the time of the event on the session's
        clock, the neuron column ``unit`` the id in the file. Behaviour is averaged in each bin
        where it is sampled twice as fast as bins or faster, else interpolated; times (licks) are
        counted; of positions also the speed is given, as ``NAME_speed``. Where samples lie more
        than five usual distances and a bin apart the line between them stands, and ``NAME_gap``
        is the share of each bin that this concerns; behaviour that lacks more than half is left
        out. ``read_taken(recording.dataset)`` returns all this as notices.

    Raises
    ------
    InputError
        For a choice that is not there, or must be made.
    NotEnoughDataError
        Where no unit or no trial is left.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spikecast.data.session import SpikesByUnit
    >>> raw = RawSession(
    ...     "notebook", pd.DataFrame({"area": ["CA1", "MOs"]}, index=[7, 9]),
    ...     SpikesByUnit([np.array([1.05, 2.01, 2.15]), np.array([2.11])].__getitem__),
    ...     tables={"trials": pd.DataFrame({"start": [1.0, 2.0, np.nan], "side": list("LRL")})},
    ...     area_columns=["area"], duration=(0.0, 3.0))
    >>> recording = cut_session(raw, Selection(align="start", window=(0, 0.2), bin_size=0.1))
    >>> recording.activity[:, :, 0]
    array([[1, 0],
           [1, 1]], dtype=uint8)
    >>> recording.trials["side"].tolist()
    ['L', 'R']
    """
    return Recording(cut_dataset(raw, selection))
