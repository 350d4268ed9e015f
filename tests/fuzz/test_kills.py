"""What is killed at any time ends, resumed, with the tables of what was not, and leaves nothing."""

import pytest
from fuzz.kills import COMMANDS, kill_often

N = 10  # tries of each command


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_killed_resumes_to_the_same_tables(small_data, small_run, tmp_path, name):
    assert kill_often(name, small_data, small_run, tmp_path, N) == []
