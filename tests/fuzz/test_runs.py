"""A damaged run directory is read, or refused in one line that is an error of ours."""

import pytest
from fuzz.readings import RUN_READINGS, check_damaged

FAST = {"index": 100, "targets": 60, "audit": 12, "compare": 8, "decode": 8, "report": 6}


@pytest.mark.usefixtures("quick_pages")
@pytest.mark.parametrize(("name", "n"), FAST.items())
def test_a_damaged_run_is_refused_in_a_line(small_run, tmp_path, name, n):
    assert check_damaged(RUN_READINGS[name], small_run, tmp_path, range(n), name)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_pages")
@pytest.mark.parametrize("name", FAST)
def test_so_are_ten_thousand(small_run, tmp_path, name):
    n = 10_000 // len(FAST)
    check_damaged(RUN_READINGS[name], small_run, tmp_path, range(10_000, 10_000 + n), name)
