"""The number of threads that numerical libraries use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

from spikecast.parallel.memory import reuse_memory


@contextmanager
def limit_threads() -> Iterator[None]:
    """Keep numpy's and torch's libraries on one thread within the block.

    The number of threads changes the order of sums, hence the last digits of a result. Jobs run
    within this block, so that their numbers do not depend on how many run beside them; small
    networks are also fastest so.

    torch, which takes a second to import, may come within the block; see
    :func:`limit_imported_torch`.

    Examples
    --------
    >>> import numpy as np
    >>> with limit_threads():
    ...     product = np.ones((2, 3)) @ np.ones((3, 2))
    """
    reuse_memory()
    _before.append(None)
    limit_imported_torch()
    try:
        with _find_libraries(len(sys.modules)).limit(limits=1):
            yield
    finally:
        before = _before.pop()
        if before is not None:
            sys.modules["torch"].set_num_threads(before)


_before: list[int | None] = []
"""Of each block that is open, outermost first: torch's threads before, where it was imported."""


def limit_imported_torch() -> None:
    """Keep torch on one thread where a block is open and torch is imported.

    Networks call it when they are imported, as they bring torch. It stays so until the outermost
    block ends.
    """
    torch = sys.modules.get("torch")
    if torch and _before and _before[0] is None:
        _before[0] = torch.get_num_threads()
        torch.set_num_threads(1)


@lru_cache(maxsize=1)
def _find_libraries(n_modules: int) -> ThreadpoolController:
    """Return the numerical libraries that are loaded; more may come with every imported module.

    To look for them takes longer than many a fit.
    """
    return ThreadpoolController()
