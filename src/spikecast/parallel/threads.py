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

    torch is limited only if it is already imported, which it is wherever a network exists.

    Examples
    --------
    >>> import numpy as np
    >>> with limit_threads():
    ...     product = np.ones((2, 3)) @ np.ones((3, 2))
    """
    reuse_memory()
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 1
    if torch:
        torch.set_num_threads(1)
    try:
        with _find_libraries(len(sys.modules)).limit(limits=1):
            yield
    finally:
        if torch:
            torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _find_libraries(n_modules: int) -> ThreadpoolController:
    """Return the numerical libraries that are loaded; more may come with every imported module.

    To look for them takes longer than many a fit.
    """
    return ThreadpoolController()
