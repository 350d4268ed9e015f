"""The doctor: what is unusual in a session or a recording, and matters for a score.

Each check is silent on what is in order; what each one finds, and at which size of the fault, is in
``docs/doctor.md``.
"""

import numpy as np

from spikecast.core.checks import check_kind
from spikecast.core.notices import Notice
from spikecast.data.doctor.amplitudes import estimate_missing_share
from spikecast.data.doctor.choice import choose_examined
from spikecast.data.doctor.recording_checks import check_whole_recording
from spikecast.data.doctor.session_checks import SessionFindings, check_session
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession

SEEN_BEFORE = ("recorded_twice", "duplicate", "lost_neurons", "clock_drift", "labels_in_runs",
               "sorted_rows")  # fmt: skip
"""Codes of what is looked for in a session before it is cut, with every spike."""


def examine(subject: RawSession | Recording, units: np.ndarray | None = None) -> list[Notice]:
    """Return notices of what is unusual in a session, or in a recording, and matters for a score.

    Parameters
    ----------
    subject : RawSession or Recording
        A session is looked at spike by spike; a recording by its counts, so that refractory
        violations, for example, cannot be seen.
    units : array of int, optional
        Rows of the units of a session to look at; by default all.

    Returns
    -------
    list of Notice
        Each has a ``code``, a ``severity`` ("severe", "serious", "minor") and ``values``; ``str``
        makes it a sentence. Empty where nothing was found.

    References
    ----------
    Hill, Mehta & Kleinfeld 2011; Llobet, Wyngaard & Barbour 2022 (refractory violations).

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.load("simulated")
    >>> spikecast.examine(recording)
    []
    >>> [notice.code for notice in spikecast.examine(recording.select(trials=range(40)))]
    ['few_trials']
    """
    check_kind(subject, Recording, RawSession)
    if isinstance(subject, Recording):
        return check_whole_recording(subject)
    return check_session(subject, units).notices


def examine_cut(recording: Recording) -> list[Notice]:
    """Return what the recording of a session shows beyond what the session itself does."""
    return [one for one in check_whole_recording(recording) if one.code not in SEEN_BEFORE]


__all__ = [
    "SessionFindings",
    "check_session",
    "check_whole_recording",
    "choose_examined",
    "estimate_missing_share",
    "examine",
    "examine_cut",
]  # fmt: skip
