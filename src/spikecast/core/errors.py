"""Errors whose message is one line for the user.

The command line prints the message of a :class:`SpikecastError` and exits with status 2; any
other exception is a bug in spikecast and shows its traceback.
"""

from pathlib import Path


class SpikecastError(Exception):
    """Base class: the message says what was given, what is allowed and the likely fix."""


class InputError(SpikecastError, ValueError):
    """An argument is outside what is allowed."""


class UnknownNameError(InputError):
    """A name (of an area, model, option, data set) is not among the allowed ones."""


class ShapeError(InputError):
    """Two arrays disagree about a length, or an array has the wrong axes."""


class NotEnoughDataError(InputError):
    """Too few trials, neurons or spikes."""


class FormatError(InputError):
    """A file is not in the layout its reader expects."""


class UnforeseenError(SpikecastError):
    """Something failed in a way nobody foresaw; the error is chained."""


class UnreadError(UnforeseenError, FormatError):
    """A file made its reader fail in a way nobody foresaw."""


class NotCutError(InputError):
    """A recording is not cut into trials yet.

    Attributes
    ----------
    problem : str
        What the recording offers.
    proposal : dict of str to object
        Settings that would cut it, by the names that `spikecast.load` knows.
    """

    def __init__(self, problem: str, proposal: dict[str, object]) -> None:
        given = ", ".join(f"{name}={value!r}" for name, value in proposal.items())
        super().__init__(f"{problem}. For example {given}")
        self.problem, self.proposal = problem, proposal

    def __reduce__(self) -> tuple:
        """Return how to rebuild the error in another process."""
        return type(self), (self.problem, self.proposal)


class UnsafeFileError(FormatError):
    """A pickle holds something other than numpy arrays and plain containers."""


class ConfigError(InputError):
    """A config has an unknown key or a value outside its range."""


class RunError(SpikecastError):
    """A run directory is missing, incomplete, or belongs to another config."""


class MissingFileError(RunError):
    """A file that belongs to a run directory is not there; `path` is where it should be."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"'{path.parent}' lacks {path.name}")
        self.path = path

    def __reduce__(self) -> tuple:
        """Return how to rebuild the error in another process: from its path."""
        return type(self), (self.path,)


class UnreadRunError(UnforeseenError, RunError):
    """The files of a run made its page, audit or comparison fail in a way nobody foresaw."""


class DamagedFileError(RunError):
    """A file of a run directory cannot be read."""


class WorkerLostError(SpikecastError, RuntimeError):
    """A process that a job, or a file, needs died at every attempt."""


class ClusterLostError(SpikecastError, RuntimeError):
    """The scheduler of a cluster is gone, and with it the jobs that it held."""


class FetchError(SpikecastError, OSError):
    """A data set is neither on this machine nor reachable."""


class DivergedError(SpikecastError, ArithmeticError):
    """Training produced NaN or infinity."""


class UnsavedModelError(InputError):
    """A fitted model holds something that cannot be written to disk."""
