"""Say in a line what nobody foresaw, where a file that somebody else wrote is read or drawn."""

from collections.abc import Iterator
from contextlib import contextmanager

from spikecast.core.checks import describe_error
from spikecast.core.errors import SpikecastError, UnforeseenError


@contextmanager
def explain_unforeseen(what: str, error_type: type[UnforeseenError]) -> Iterator[None]:
    """Raise errors that are not spikecast's own as ``error_type``, with the error chained.

    `what` says what was not done.
    """
    try:
        yield
    except (SpikecastError, OSError, MemoryError, ImportError):
        raise
    except Exception as error:  # numpy, pandas, HDF5, matplotlib can fail in any way
        raise error_type(
            f"{what}: {describe_error(error)}. Where no file was damaged or edited, this is a "
            "fault of spikecast's: please report it"
        ) from error
