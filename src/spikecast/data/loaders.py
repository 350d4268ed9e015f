"""Load recordings: by path, from objects in memory, or by the name of a data set."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from spikecast.core.checks import check_kind, quote, suggest_name
from spikecast.core.errors import FormatError, InputError, UnknownNameError, UnreadError
from spikecast.core.files import check_path, is_special
from spikecast.core.unforeseen import explain_unforeseen
from spikecast.data.catalog import DATASETS
from spikecast.data.cut import cut_session
from spikecast.data.download import find_data_set
from spikecast.data.readers import READERS, OpenSession, find_reader
from spikecast.data.recording import Recording
from spikecast.data.selection import Selection, make_selection
from spikecast.data.session import RawSession

MOST_FILES = 10_000
"""Of a folder that are looked at before it is read; there may be a whole disk in it."""

WHOLE = Selection()
"""Nothing is chosen: sessions that are cut into trials already."""

SIMULATED: dict[str, OpenSession] = {
    "simulated": lambda: _import_simulate().decision_task().recording,
    "simulated-spontaneous": lambda: _import_simulate().spontaneous().recording,
}


def _import_simulate() -> Any:
    """Return the simulators, imported where they are used: they need much of scipy."""
    from spikecast.data import simulate

    return simulate


def load(
    source: Any,
    session: int | None = None,
    *,
    align: str | None = None,
    window: tuple[float, float] | None = None,
    bin_size: float | None = None,
    units: str | Sequence[str] | None = None,
    area_column: str | None = None,
    trials: str | None = None,
    frame_rate: float | None = None,
) -> Recording:
    """Return one recording from a file, a folder, objects in memory, or a known data set.

    Parameters
    ----------
    source : str, Path or object
        A file or folder of a lab, which is cut around an event by the settings below, or one that
        is cut into trials already: ``.nc``, as :meth:`Recording.save` writes it; a Steinmetz
        ``.npz`` (or the folder of its parts) or a Stringer ``.npy`` in the Neuromatch packaging.
        Objects of other packages, by name: ``{"units": ..., "trials": ..., "wheel": ...}``. Or the
        name of a data set: one that was downloaded (``"steinmetz"``), ``"simulated"`` (a visual
        decision task) or ``"simulated-spontaneous"`` (two-photon imaging).
    session : int, optional
        The number of the session, from 0; needed where there are several.
    align : str, optional
        The event at time 0: a column of the trial table, the name of a list of events, or a file
        of times; ``"none"`` for one long trial. ``spikecast inspect`` lists what there is.
    window : (float, float), optional
        Start and stop around the event, in seconds.
    bin_size : float, optional
        In seconds; the window must hold a whole number of bins. By default the frames of imaging.
    units : str or sequence of str, optional
        Labels of the quality column that are taken (``"good"``, ``"group=good"``), or ``"all"``.
    area_column : str, optional
        Column of the units that names the area.
    trials : str, optional
        The trial table: its name in the file, or a file.
    frame_rate : float, optional
        Frames per second of imaging, where the folder does not say.

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
        When there are several sessions and `session` is not one of them; when an event, a table or
        a column must be chosen, or is not there.

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
    selection = make_selection(
        align=align,
        window=window,
        bin_size=bin_size,
        units=units,
        area_column=area_column,
        trials=trials,
        frame_rate=frame_rate,
    )
    return load_selection(source, session, selection)


def load_selection(source: Any, session: int | None, selection: Selection) -> Recording:
    """Return one recording, cut as a selection says; see :func:`load`."""
    sessions = open_sessions(source, selection)
    if session is None and len(sessions) > 1:
        raise InputError(
            f"{_name(source)} holds {len(sessions)} sessions; choose one: session 0 to "
            f"{len(sessions) - 1}"
        )
    number = 0 if session is None else session
    check_session(source, number, len(sessions))
    return sessions[number]()


def check_session(source: Any, session: int, n_sessions: int) -> None:
    """Raise where there is no session of this number."""
    if not isinstance(session, int | np.integer) or not 0 <= session < n_sessions:
        raise InputError(
            f"session {quote(session)} is not in {_name(source)}; it holds 0 to {n_sessions - 1}"
        )


def _name(source: Any) -> str:
    return f"'{source}'" if isinstance(source, str | Path) else "the object"


def load_all(source: Any, selection: Selection = WHOLE) -> Iterator[Recording]:
    """Yield the recordings of all sessions, one after the other.

    Parameters
    ----------
    source : str, Path or object
        As for :func:`load`, whose errors it raises.
    selection : Selection, optional
        How sessions that are not cut into trials are cut.

    Yields
    ------
    Recording

    Examples
    --------
    >>> [recording.n_trials for recording in load_all("simulated")]
    [200]
    """
    for open_session in open_sessions(source, selection):
        yield open_session()


def open_sessions(source: Any, selection: Selection = WHOLE) -> list[Callable[[], Recording]]:
    """Return one callable per session that returns its recording.

    The file is read once and stays in memory as long as one of the callables does; only the
    sessions that are called become recordings. Errors are those of :func:`load`.
    """
    check_kind(selection, Selection)
    return [partial(_cut, one, selection) for one in open_uncut(source)]


def _cut(open_session: OpenSession, selection: Selection) -> Recording:
    return cut_opened(open_session(), selection)


def cut_opened(opened: Recording | RawSession, selection: Selection) -> Recording:
    """Return the recording of a session, cut where it is not."""
    if isinstance(opened, RawSession):
        return cut_session(opened, selection)
    given = [name for name in Selection.model_fields if getattr(selection, name) is not None]
    if given:
        raise InputError(
            f"{opened.session or 'the recording'} is cut into trials already (around "
            f"'{opened.dataset.attrs['align_to']}'); leave out {', '.join(given)}"
        )
    return opened


def open_uncut(source: Any) -> list[OpenSession]:
    """Return one callable per session that returns it as it is: cut into trials already, or not.

    Errors are those of :func:`load`.
    """
    if isinstance(source, Recording | RawSession):
        return [lambda: source]
    if not isinstance(source, str | Path):
        return find_reader(source).open_sessions(source)
    path, name = Path(source), str(source)
    if name in SIMULATED:  # also beside a folder of this name, such as the run's
        return [SIMULATED[name]]
    if not name:
        raise FormatError("'' names no file; the folder in which you are is '.'")
    if "\0" in name:
        raise FormatError(f"{quote(name)} is no file: names hold no NUL")
    try:
        found = path.exists()
    except OSError as error:  # longer than a name may be
        raise FormatError(f"{quote(name)} is no file: {error.strerror}") from None
    if found:
        check_path(path)
    if is_special(path):
        raise FormatError(f"'{source}' is a pipe or a device; data must be a file or a folder")
    if path.is_dir():
        _refuse_pipes(path)
    readable = {key: data_set for key, data_set in DATASETS.items() if data_set.reader}
    if not found and name in readable:
        path = find_data_set(name)
    if found or name in readable:
        with _explain_failure(path):
            reader = find_reader(path) if found else READERS[readable[name].reader]
            opened = reader.open_sessions(path)
        return [partial(_open, session, path) for session in opened]
    if path.suffix or "/" in name:
        raise FormatError(f"there is no file '{source}'")
    raise UnknownNameError(
        f"'{name}' is neither a file nor a known data set."
        f"{suggest_name(name, [*readable, *SIMULATED])}"
    )


def _open(open_session: OpenSession, path: Path) -> Recording | RawSession:
    with _explain_failure(path):
        return open_session()


@contextmanager
def _explain_failure(path: Path) -> Iterator[None]:
    """Raise what a reader did not foresee, and files that may not be read, as a FormatError."""
    try:
        with explain_unforeseen(f"'{path}' is not read", UnreadError):
            yield
    except PermissionError as error:
        raise FormatError(f"'{error.filename or path}' is not read: permission denied") from None


def _refuse_pipes(folder: Path) -> None:
    """Raise where a folder of data holds a pipe: whoever opens one waits for who writes into it."""
    files = (Path(place) / name for place, _, names in os.walk(folder) for name in names)
    for path in islice(files, MOST_FILES):
        if is_special(path):
            raise FormatError(f"'{path}' is a pipe or a device; move it away from the data")
