"""Planes of one volume of imaging, whose frames are taken together."""

from collections.abc import Sequence

from spikecast.core.notices import Notice, NoticeKind

PLANES_TOGETHER = NoticeKind(
    "planes_together",
    "minor",
    "{n} planes, which the microscope scans one after the other, are taken as simultaneous: times "
    "are wrong by up to {apart}",
)
FRAMES_CUT = NoticeKind(
    "frames_cut", "minor", "planes have {shortest} to {longest} frames; the last ones are left out"
)


def cut_frames(lengths: Sequence[int]) -> tuple[int, list[Notice]]:
    """Return how many frames all planes have, and a notice where some have more.

    Examples
    --------
    >>> n_frames, notices = cut_frames([401, 400, 400])
    >>> n_frames, str(notices[0])
    (400, 'planes have 400 to 401 frames; the last ones are left out')
    """
    shortest, longest = min(lengths), max(lengths)
    notices = [FRAMES_CUT(shortest=shortest, longest=longest)] if shortest < longest else []
    return shortest, notices
