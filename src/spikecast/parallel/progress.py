"""Progress of many jobs: a bar on standard error, a function of the caller's, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from spikecast.core.checks import check_method
from spikecast.parallel.executors import Progress


def ignore_progress(what: str, done: int, total: int) -> None:
    """Show nothing."""


@contextmanager
def open_progress(progress: bool | Progress) -> Iterator[Progress]:
    """Yield a progress function: the given one, or one that draws a bar, or one that does nothing.

    Examples
    --------
    >>> with open_progress(print) as report:
    ...     report("ridge, fold 0", 1, 2)
    ridge, fold 0 1 2
    """
    if callable(progress):
        yield progress
        return
    if not isinstance(progress, bool):
        check_method("progress", progress, "__call__", "True, False, or a function")
    if not progress:
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        bar = bars.add_task("starting", total=None)
        yield lambda what, done, total: bars.update(
            bar, description=what, completed=done, total=total
        )
