"""Load recordings by path or by the name of a data set."""

from collections.abc import Iterator
from pathlib import Path

from spikecast.core.checks import suggest_name
from spikecast.core.errors import FormatError, InputError, UnknownNameError
from spikecast.data import simulate
from spikecast.data.catalog import DATASETS
from spikecast.data.download import find_data_set
from spikecast.data.readers import READERS, OpenSession, find_reader
from spikecast.data.recording import Recording

SIMULATED: dict[str, OpenSession] = {
    "simulated": lambda: simulate.decision_task().recording,
    "simulated-spontaneous": lambda: simulate.spontaneous().recording,
}


def load(name_or_path: str | Path, session: int | None = None) -> Recording:
    """Return one recording from a file or a known data set.

    Parameters
    ----------
    name_or_path : str or Path
        A file: ``.nc``, as :meth:`Recording.save` writes it; a Steinmetz ``.npz`` (or the folder
        of its parts) or a Stringer ``.npy`` in the Neuromatch packaging. Or a name: a data set
        that was downloaded (``"steinmetz"``), ``"simulated"`` (a visual decision task) or
        ``"simulated-spontaneous"`` (two-photon imaging).
    session : int, optional
        The number of the session, from 0; needed where there are several.

    Returns
    -------
    Recording

    Raises
    ------
    FormatError
        When the file is missing, damaged or in no known format.
    UnknownNameError
        For a name that is neither a file nor a known data set.
    FetchError
        When the data set is known but not on this machine.
    InputError
        When there are several sessions and `session` is not one of them.

    See Also
    --------
    load_all : the sessions of a file, one after the other.
    Recording.from_arrays, Recording.from_spike_times : data in other formats.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.load("simulated")
    >>> recording.areas
    {'CA1': 60, 'MD': 50, 'MOs': 50, 'VISp': 80}
    """
    sessions = open_sessions(name_or_path)
    if session is None and len(sessions) > 1:
        raise InputError(
            f"'{name_or_path}' holds {len(sessions)} sessions; choose one: session 0 to "
            f"{len(sessions) - 1}"
        )
    index = session or 0
    if not 0 <= index < len(sessions):
        raise InputError(
            f"session {index} is not in '{name_or_path}'; it holds 0 to {len(sessions) - 1}"
        )
    return sessions[index]()


def load_all(name_or_path: str | Path) -> Iterator[Recording]:
    """Yield the recordings of all sessions, one after the other.

    Parameters
    ----------
    name_or_path : str or Path
        As for :func:`load`, whose errors it raises.

    Yields
    ------
    Recording

    Examples
    --------
    >>> [recording.n_trials for recording in load_all("simulated")]
    [200]
    """
    for open_session in open_sessions(name_or_path):
        yield open_session()


def open_sessions(name_or_path: str | Path) -> list[OpenSession]:
    """Return one callable per session that returns its recording.

    The file is read once and stays in memory as long as one of the callables does; only the
    sessions that are called become recordings. Errors are those of :func:`load`.
    """
    path, name = Path(name_or_path), str(name_or_path)
    if name in SIMULATED:  # also beside a folder of this name, such as the run's
        return [SIMULATED[name]]
    if path.exists():
        return find_reader(path).open_sessions(path)
    readable = {key: data_set for key, data_set in DATASETS.items() if data_set.reader}
    if name in readable:
        return READERS[readable[name].reader].open_sessions(find_data_set(name))
    if path.suffix or "/" in name:
        raise FormatError(f"there is no file '{name_or_path}'")
    raise UnknownNameError(
        f"'{name}' is neither a file nor a known data set."
        f"{suggest_name(name, [*readable, *SIMULATED])}"
    )
