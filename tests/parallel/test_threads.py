import os
import subprocess
import sys

from spikecast.parallel.threads import limit_threads

WITHOUT_TORCH = """
import sys
from spikecast.parallel.threads import limit_threads
with limit_threads():
    pass
print("torch" in sys.modules)
"""

IMPORTED_WITHIN = """
from spikecast.parallel.threads import limit_threads
with limit_threads():
    with limit_threads():
        from spikecast.models.networks import network
    import torch
    print(torch.get_num_threads())
print(torch.get_num_threads())
"""


def test_torch_is_limited_within_the_block_only():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with limit_threads():
            with limit_threads():
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_torch_is_limited_too_where_a_network_brings_it_within_the_block():
    # Dask leaves settings of other libraries' threads behind, in the same process
    others = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED_WITHIN], capture_output=True, text=True, check=True,
        env=others | {"OMP_NUM_THREADS": "2"},
    )  # fmt: skip
    within, after = map(int, done.stdout.split())
    assert within == 1
    assert after == min(2, os.cpu_count())


def test_torch_is_not_imported_for_it():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
