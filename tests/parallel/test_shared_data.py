from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from spikecast.parallel.process_pool import RetryingProcessPool
from spikecast.parallel.shared_data import SharedValue, share_value


def read(handle: SharedValue) -> tuple[float, bool, bool]:
    array = handle.get()["x"]
    return float(array.sum()), isinstance(array, np.memmap), array is handle.get()["x"]


def test_processes_map_one_file_and_leave_none(tmp_path):
    value = {"x": np.arange(1000.0), "name": "s"}
    with RetryingProcessPool(2) as pool, share_value(value, pool, tmp_path) as handle:
        results = [future.result() for future in [pool.submit(read, handle) for _ in range(4)]]
        assert list(tmp_path.iterdir())
    assert results == [(499500.0, True, True)] * 4
    assert not list(tmp_path.iterdir())


def test_any_executor_will_do():
    with ThreadPoolExecutor(1) as pool, share_value({"x": np.ones(3)}, pool) as handle:
        assert pool.submit(read, handle).result()[0] == 3


def test_in_this_process_it_is_the_very_object():
    value = {"x": np.ones(3)}
    with share_value(value, None) as handle:
        assert handle.get() is value
    with pytest.raises(LookupError, match="block has ended"):
        handle.get()
