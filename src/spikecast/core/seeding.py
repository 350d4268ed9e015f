"""An independent random generator for every job, all from one seed.

A job is named by words and numbers (``"fold", 3, "timescales"``). Its generator depends on the
seed and the name alone, not on the order in which jobs run, nor on the number of workers.
"""

import zlib

import numpy as np

from spikecast.core.checks import quote
from spikecast.core.errors import InputError

LARGEST_SEED = 2**63 - 1
"""Of settings: what a whole number of 64 bits holds, in tables as in torch."""


def make_rng(seed: int, *name: object) -> np.random.Generator:
    """Return the random generator of the job called `name`; its parts become strings.

    Examples
    --------
    >>> a = make_rng(0, "fold", 1).integers(1000, size=3)
    >>> b = make_rng(0, "fold", 1).integers(1000, size=3)
    >>> bool((a == b).all())
    True
    """
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is {quote(seed)}; it must be a whole number from 0 on")
    words = [zlib.crc32(str(part).encode()) for part in name]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def derive_seed(seed: int, *name: object) -> int:
    """Return the seed of the job called `name` as an integer (31 bits), for other libraries."""
    return int(make_rng(seed, *name).integers(2**31 - 1))
