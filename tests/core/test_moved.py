"""Imports of before are refused by a line that says what to type now."""

from importlib import import_module
from operator import attrgetter

import pytest

import spikecast as sc
from spikecast.core.moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_a_module_of_before_names_what_took_its_place(old):
    with pytest.raises(ModuleNotFoundError, match=f"no module '{old}' any more") as raised:
        import_module(old)
    assert f"`{MOVED[old]}`" in str(raised.value)
    assert attrgetter(MOVED[old].removeprefix("spikecast."))(sc) is not None


def test_a_module_that_never_was_is_missing_as_any_other():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'spikecast\.nothing'"):
        import_module("spikecast.nothing")
