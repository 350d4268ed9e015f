"""Steps of a study: what each computes is kept in a file, so that a killed study can go on."""

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


@dataclass(frozen=True)
class StepCache:
    """Computes steps, each once, and keeps each in an ``.npz`` of `folder`.

    A step is a function of the recording, the settings and the seed: it shares no random generator
    with another step, so it does not matter which of them were computed before a kill. `report` is
    called with the name of a step that has to be computed.

    Examples
    --------
    >>> import tempfile
    >>> steps = StepCache(Path(tempfile.mkdtemp()), print)
    >>> steps.compute("the mean", lambda values: {"mean": np.mean(values)}, [1.0, 2.0])
    the mean
    {'mean': array(1.5)}
    >>> steps.compute("the mean", lambda values: {"mean": np.mean(values)}, [0.0])
    {'mean': array(1.5)}
    """

    folder: Path
    report: Callable[[str], None] = lambda name: None

    def compute(
        self, name: str, step: Callable[..., Mapping[str, ArrayLike]], *arguments: Any
    ) -> Arrays:
        """Return the arrays of a step; numbers and words are arrays of no axis."""
        path = self.folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.npz"
        if not path.exists():
            self.report(name)
            with keep_checkpoints(path.with_suffix(CHECKPOINTS)):
                save_arrays(path, step(*arguments))
        return load_arrays(path)


def save_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays, text as numpy's own, which is read back without a pickle."""
    plain: dict[str, Any] = {}
    for key, array in arrays.items():
        array = np.asarray(array)
        plain[key] = array.astype(str) if array.dtype.kind == "O" else array
    with write_atomically(path) as temporary:
        np.savez_compressed(temporary, **plain)


def load_arrays(path: Path) -> Arrays:
    """Return what :func:`save_arrays` wrote."""
    with np.load(path) as arrays:
        return dict(arrays)
