"""NWB files of the Neural Latents Benchmark, cut as it cuts them."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from spikecast.core.checks import check_one_of
from spikecast.core.errors import InputError
from spikecast.data.cuts.taken import read_taken
from spikecast.data.loaders import load, open_uncut
from spikecast.data.nlb_files import NAMES
from spikecast.data.session import RawSession
from spikecast.evaluation.nlb_data import NLBData, split_nlb

FORWARD = 0.2
"""Seconds after the observed bins that are predicted, too."""
MAZE = ("trial_type", "trial_version")


class Cut(NamedTuple):
    """How the benchmark cuts trials out of a session, and what it scores; times in seconds."""

    align: str
    window: tuple[float, float]
    behavior: str
    lag: float
    conditions: tuple[str, ...] | None = None
    width: float = 0.05
    decoders: str | None = None  # a trial column: its values have a regression to velocity each


CUTS = {
    "mc_maze": Cut("move_onset_time", (-0.25, 0.45), "hand_vel", 0.1, MAZE, 0.07),
    "mc_maze_large": Cut("move_onset_time", (-0.25, 0.45), "hand_vel", 0.12, MAZE),
    "mc_maze_medium": Cut("move_onset_time", (-0.25, 0.45), "hand_vel", 0.12, MAZE),
    "mc_maze_small": Cut("move_onset_time", (-0.25, 0.45), "hand_vel", 0.12, MAZE),
    "mc_rtt": Cut("start_time", (0.0, 0.6), "finger_vel", 0.14),
    "area2_bump": Cut(
        "move_onset_time", (-0.1, 0.5), "hand_vel", -0.02,
        ("cond_dir", "ctr_hold_bump"), 0.04, "ctr_hold_bump",
    ),
}  # fmt: skip
"""By data set, as ``nlb_tools`` cuts them. ``dmfc_rsg`` has trials of different lengths."""


def read_nlb_nwb(path: str | Path, dataset: str) -> NLBData:
    """Read an NWB file of the benchmark (of training and validation trials).

    Trials are cut, and behaviour is shifted, as the benchmark does; the columns of the file say
    which neurons are held out and which trials are scored. Details differ: bins begin at the event,
    not at the start of the session; behaviour is averaged in each bin, not filtered; counts are
    smoothed for the averages within a trial only.

    Parameters
    ----------
    path : str or Path
    dataset : str
        For example ``"mc_maze_small"`` for bins of 5 ms, ``"mc_maze_small_20"`` for 20 ms.

    Raises
    ------
    InputError
        Without the name of a data set, or for ``dmfc_rsg``.
    FormatError
        When the file is no NWB file.
    """
    if not dataset:
        raise InputError(
            f"'{path}' is an NWB file: say of which data set, dataset='mc_maze_small' for bins of "
            "5 ms, 'mc_maze_small_20' for 20 ms"
        )
    check_one_of("data set of the benchmark", dataset, NAMES)
    name = dataset.removesuffix("_20")
    if name not in CUTS:
        raise InputError(
            f"trials of '{name}' have different lengths; take the HDF5 files that nlb_tools makes "
            f"of it. From NWB files are read: {', '.join(CUTS)}"
        )
    cut = CUTS[name]
    recording = load(
        _open_whole(path),
        align=cut.align,
        window=(cut.window[0], cut.window[1] + FORWARD),
        bin_size=0.02 if dataset.endswith("_20") else 0.005,
        units="all",
    )
    data = split_nlb(
        recording,
        forward=FORWARD,
        behavior=cut.behavior,
        lag=cut.lag,
        decoders=cut.decoders,
        conditions=cut.conditions,
        width=cut.width,
        dataset=dataset,
    )
    return replace(data, notices=(*read_taken(recording.dataset), *data.notices))


def _open_whole(path: str | Path) -> str | Path | RawSession:
    """Return a session all trials of which are taken, whatever its file says of when it recorded.

    The benchmark's intervals are those of its trials, beyond which windows may reach.
    """
    opened = open_uncut(path)
    session = opened[0]() if len(opened) == 1 else None
    if not isinstance(session, RawSession):
        return path
    return replace(session, observed_units=None, invalid=None)
