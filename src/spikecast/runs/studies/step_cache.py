"""Steps of a study: what each computes is kept in a file, so that a killed study can go on."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spikecast.core.checks import describe_error
from spikecast.core.checksums import check_checksum, has_checksum, write_checksum
from spikecast.core.errors import DamagedFileError, NotEnoughDataError, SpikecastError
from spikecast.core.files import write_atomically
from spikecast.core.stored_arrays import Array, check_numbers, read_arrays
from spikecast.models.networks.checkpoint import keep_checkpoints
from spikecast.parallel.executors import choose_n_workers, open_executor, run_jobs
from spikecast.parallel.threads import limit_threads
from spikecast.runs.layout import CHECKPOINTS
from spikecast.runs.studies.step_contents import SIZES, Schema, find_schema

Arrays = dict[str, np.ndarray]
Step = Callable[..., Mapping[str, ArrayLike]]
NO_ARRAY = Array("", ())


@dataclass(frozen=True)
class StepCache:
    """Computes steps, each once, and keeps each in an ``.npz`` of `folder`.

    A step is a function of the recording, the settings and the seed: it shares no random generator
    with another step, so it does not matter which of them were computed before a kill. `report` is
    called with the name of a step that has to be computed. `workers` are processes for steps that
    do not need each other; None is one per core. `made` names the steps that were computed here,
    `kept` those whose files were there.

    Examples
    --------
    >>> import tempfile
    >>> steps = StepCache(Path(tempfile.mkdtemp()), print)
    >>> steps.compute("the mean", dict, {"mean": 1.5})
    the mean
    {'mean': array(1.5)}
    >>> steps.compute("the mean", dict, {"mean": 0.0})
    {'mean': array(1.5)}
    """

    folder: Path
    report: Callable[[str], None] = lambda name: None
    workers: int | None = 1
    kept: set[str] = field(default_factory=set, init=False)
    made: set[str] = field(default_factory=set, init=False)

    def compute(self, name: str, step: Step, *arguments: Any) -> Arrays:
        """Return the arrays of a step; numbers and words are arrays of no axis."""
        path = self._find_file(name)
        if not has_checksum(path):
            self.report(name)
            _compute(path, step, *arguments)
            self.made.add(name)
        elif name not in self.made:
            self.kept.add(name)
        try:
            check_checksum(path)
            return _read_step(path, find_schema(step, arguments))
        except DamagedFileError as error:
            raise DamagedFileError(
                f"{error}. Remove it, and resume: it is computed again"
            ) from None

    @contextmanager
    def explain_misfits(self) -> Iterator[None]:
        """Raise a DamagedFileError where arrays do not fit each other and some are of kept steps.

        A step's file may be whole, and yet not of these data: then its arrays have other lengths.
        """
        try:
            yield
        except (LookupError, TypeError, ValueError) as error:  # not a full disk, or a lost process
            if isinstance(error, SpikecastError) or not self.kept:
                raise
            raise DamagedFileError(
                f"'{self.folder}' holds steps that do not go with the data or each other "
                f"({describe_error(error)}). Remove it, and resume: they are computed again"
            ) from error

    def prepare(self, steps: Mapping[str, tuple[Step, tuple]]) -> None:
        """Compute steps beside each other, where there is more than one worker.

        Each is then found by :meth:`compute`, which computes what is missing.

        Parameters
        ----------
        steps : mapping
            Name of a step -> a function that can be imported, and its arguments.
        """
        missing = {
            name: call for name, call in steps.items() if not has_checksum(self._find_file(name))
        }
        # each takes minutes: also a few are worth processes of their own
        workers = choose_n_workers(len(missing)) if self.workers is None else self.workers
        with open_executor(len(missing), workers) as executor:
            if executor is None:
                return
            calls = {
                name: (_compute, (self._find_file(name), step, *arguments))
                for name, (step, arguments) in missing.items()
            }
            for done in run_jobs(calls, executor):
                done.result()
                self.made.add(done.name)
                self.report(done.name)

    def _find_file(self, name: str) -> Path:
        return self.folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.npz"


def _compute(path: Path, step: Step, *arguments: Any) -> None:
    """Write what a step returns; what it trains goes on where it was interrupted."""
    with limit_threads(), keep_checkpoints(path.with_suffix(CHECKPOINTS)):
        arrays = step(*arguments)
        for name, expected in find_schema(step, arguments).items():
            if expected.finite and not np.isfinite(arrays[name]).all():
                raise NotEnoughDataError(
                    f"the step '{path.stem}' of this study finds NaN or infinity as its '{name}': "
                    "the recording has too few trials, or too little that varies, for it"
                )
        save_arrays(path, arrays)
    write_checksum(path)


def _read_step(path: Path, schema: Schema) -> Arrays:
    """Return what a step returned; raise a DamagedFileError where the file holds something else."""
    arrays = read_arrays(path, schema, SIZES)
    if "trial" in schema.get("latents", NO_ARRAY).axes:
        for name in {"train", "test"} & set(schema):
            check_numbers(path, name, arrays[name], len(arrays["latents"]))
    return arrays


def save_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays, text as numpy's own, which is read back without a pickle."""
    plain: dict[str, Any] = {}
    for key, array in arrays.items():
        array = np.asarray(array)
        plain[key] = array.astype(str) if array.dtype.kind == "O" else array
    with write_atomically(path) as temporary:
        np.savez_compressed(temporary, **plain)
