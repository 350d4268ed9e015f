"""A name or a path -> a Recording, and nothing else."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from spikecast.core.checks import suggest_name
from spikecast.core.errors import FormatError, InputError, UnknownNameError
from spikecast.data import download as fetch
from spikecast.data import simulate
from spikecast.data.catalog import DATASETS
from spikecast.data.readers import native, steinmetz, stringer
from spikecast.data.recording import Recording

SIMULATED = {
    "simulated": lambda: simulate.decision_task().recording,
    "simulated-spontaneous": lambda: simulate.spontaneous().recording,
}


def load(name_or_path: str | Path, session: int | None = None) -> Recording:
    """Load one recording.

    Parameters
    ----------
    name_or_path : str or Path
        A ``.nc`` file of ours; a Steinmetz ``.npz`` (or the folder of its parts) or a Stringer
        ``.npy`` in the Neuromatch packaging; a data set that was fetched (``"steinmetz"``); or
        ``"simulated"``, ``"simulated-spontaneous"``.
    session : int, optional
        Which session, where there are several.

    Returns
    -------
    Recording

    Raises
    ------
    FormatError
        When the file is missing, damaged or of no known kind.
    InputError
        When the data hold several sessions and `session` does not say which.

    Examples
    --------
    >>> import spikecast
    >>> spikecast.load("simulated").areas
    {'CA1': 60, 'MD': 50, 'MOs': 50, 'VISp': 80}
    """
    there = open_sessions(name_or_path)
    if session is None and len(there) > 1:
        raise InputError(
            f"'{name_or_path}' holds {len(there)} sessions; "
            f"choose one with --session 0 to {len(there) - 1} (in Python: session=...)"
        )
    index = session or 0
    if not 0 <= index < len(there):
        raise InputError(
            f"session {index} is not in '{name_or_path}'; it holds 0 to {len(there) - 1}"
        )
    return there[index]()


def load_all(name_or_path: str | Path) -> Iterator[Recording]:
    """Yield the sessions of a file or data set, one after the other.

    Parameters
    ----------
    name_or_path : str or Path
        As for :func:`load`.

    Yields
    ------
    Recording

    Examples
    --------
    >>> import spikecast
    >>> [recording.n_trials for recording in spikecast.load_all("simulated")]
    [200]
    """
    for loader in open_sessions(name_or_path):
        yield loader()


def open_sessions(name_or_path: str | Path) -> list[Callable[[], Recording]]:
    """Return one callable per session, so that only the session asked for becomes a Recording.

    The file is read once, here, and stays in memory as long as one of them does.
    """
    path = Path(name_or_path)
    if not path.exists():
        name = str(name_or_path)
        if name in SIMULATED:
            return [SIMULATED[name]]
        known = [key for key, data_set in DATASETS.items() if data_set.reader]
        if name in known:
            path = fetch.require(name)
        elif path.suffix or "/" in name:
            raise FormatError(f"there is no file '{name_or_path}'")
        else:
            names = [*known, *SIMULATED]
            raise UnknownNameError(
                f"'{name}' is neither a file nor a known data set.{suggest_name(name, names)}"
            )
    if path.suffix == ".nc":
        return [lambda: native.read(path)]
    if path.suffix == ".npy":
        return [lambda: stringer.read(path)]
    if path.suffix == ".npz" or path.is_dir():
        raw = steinmetz.sessions(path)
        return [
            partial(steinmetz.from_session, one, f"{path.stem}[{index}]")
            for index, one in enumerate(raw)
        ]
    raise FormatError(
        f"'{path}' ends in '{path.suffix}'; spikecast reads .nc (its own), .npz (Steinmetz) and "
        ".npy (Stringer). Other data: spikecast.Recording.from_arrays(...).save('mine.nc')"
    )
