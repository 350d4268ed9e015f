from pathlib import Path

import pytest

from spikecast.core.errors import RunError
from spikecast.runs.manifest import check_data_unchanged

OLD = {"activity": "1", "trial column 'response'": "2", "behaviour 'wheel'": "3"}


def test_the_same_data_pass():
    check_data_unchanged(Path("run"), OLD, dict(reversed(OLD.items())))
    check_data_unchanged(Path("atlas"), {"one": OLD, "two": OLD}, {"two": OLD, "one": OLD})


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (OLD | {"activity": "4"}, "the activity has changed since 'run'"),
        (
            OLD | {"activity": "4", "behaviour 'wheel'": "5"},
            "the activity and the behaviour 'wheel' have changed",
        ),
        (dict.fromkeys("abcde", "1"), r"\(and 5 more parts of the data\)"),
    ],
)
def test_what_has_changed_is_named(new, message):
    with pytest.raises(RunError, match=message):
        check_data_unchanged(Path("run"), OLD, new)


def test_so_is_the_session_in_which_it_has():
    new = {"one": OLD, "two": OLD | {"trial column 'response'": "4"}}
    with pytest.raises(RunError, match="the trial column 'response' of session 'two' has changed"):
        check_data_unchanged(Path("atlas"), {"one": OLD, "two": OLD}, new)
    with pytest.raises(RunError, match="of session 'two'"):
        check_data_unchanged(Path("atlas"), {"one": OLD}, new)


def test_one_hash_for_all_is_of_an_earlier_version():
    with pytest.raises(RunError, match="an earlier version of spikecast"):
        check_data_unchanged(Path("study"), "6b86b273ff34fce1", OLD)
