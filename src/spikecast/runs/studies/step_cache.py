"""Parts of a study: what each computes is kept in a file, so that a killed study can go on."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spikecast.core.files import write_atomically
from spikecast.models.networks.checkpoint import keep_checkpoints
from spikecast.runs.layout import CHECKPOINTS

Arrays = dict[str, np.ndarray]
Compute = Callable[[], Mapping[str, ArrayLike]]


@dataclass(frozen=True)
class Parts:
    """Computes parts, each once.

    A part is a function of the recording, the settings and the seed: it shares no generator with
    another part, so it does not matter which of them were computed before a kill.

    Parameters
    ----------
    folder : Path
        Gets one ``.npz`` for each part.
    say : callable
        Told the name of a part that has to be computed.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> Parts(folder, print)("the mean", lambda: {"mean": np.mean([1.0, 2.0])})
    the mean
    {'mean': array(1.5)}
    >>> Parts(folder, print)("the mean", lambda: {"mean": 0.0})
    {'mean': array(1.5)}
    """

    folder: Path
    say: Callable[[str], None] = lambda name: None

    def __call__(self, name: str, compute: Compute) -> Arrays:
        """Return the arrays of a part by its name; numbers and words are arrays of no axis."""
        path = self.folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.npz"
        if not path.exists():
            self.say(name)
            with keep_checkpoints(path.with_suffix(CHECKPOINTS)):
                save(path, compute())
        return load(path)


def save(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays, text as numpy's own, which is read back without a pickle."""
    plain: dict[str, Any] = {}
    for key, array in arrays.items():
        array = np.asarray(array)
        plain[key] = array.astype(str) if array.dtype.kind == "O" else array
    with write_atomically(path) as temporary:
        np.savez_compressed(temporary, **plain)


def load(path: Path) -> Arrays:
    """Return what :func:`save` wrote."""
    with np.load(path) as kept:
        return dict(kept)
