import pytest

from spikecast.core.errors import InputError
from spikecast.core.seeding import make_rng


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(InputError, match="from 0 on"):
        make_rng(seed, "fold", 1)
