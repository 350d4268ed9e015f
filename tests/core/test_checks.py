import numpy as np
import pytest

from spikecast.core import checks
from spikecast.core.errors import InputError, ShapeError


def test_finite_finds_nan_and_infinities_that_cancel():
    checks.check_finite("x", np.array([1.0, 2.0]))
    checks.check_finite("x", np.array([1, 2]))
    for bad in ([np.nan, 1.0], [np.inf, 1.0], [np.inf, -np.inf]):
        with pytest.raises(InputError, match="NaN or infinite"):
            checks.check_finite("x", np.array(bad))


def test_shapes_are_never_broadcast():
    with pytest.raises(ShapeError, match=r"\(3,\).*\(3, 1\)"):
        checks.check_same_shape("a", np.zeros(3), "b", np.zeros((3, 1)))


def test_suggestions_ignore_case():
    assert "'VISp'" in checks.suggest_name("visp", ["VISp", "MOs"])
    assert checks.suggest_name("q", []) == ""


@pytest.mark.parametrize("given", [2.5, True, "3", float("nan"), -1, 11])
def test_a_number_of_things_is_a_whole_number_in_its_range(given):
    with pytest.raises(InputError, match=r"^folds is "):
        checks.check_count("folds", given, 0, 10)
    assert checks.check_count("folds", np.int64(3), 0, 10) == checks.check_count("f", 3.0, 0) == 3


def test_masked_values_are_named():
    with pytest.raises(InputError, match="x is masked in 2 places"):
        checks.check_finite("x", np.ma.masked_less(np.arange(5), 2))
    checks.check_unmasked("x", np.ma.masked_less(np.arange(5), 0))


def test_finite_values_whose_sum_is_not_are_finite(recwarn):
    checks.check_finite("rate", np.full(100, 1e307))
    assert not recwarn.list


def test_a_number_of_hundreds_of_digits_is_refused():
    with pytest.raises(InputError, match="folds is a number of hundreds of digits"):
        checks.check_count("folds", 10**400, 2)


def test_names_of_files_are_cut_in_messages():
    names = [one * 5000 for one in "abc"]
    assert len(checks.suggest_name("d", names)) < 600
    assert len(checks.suggest_name("aaaaa", names)) < 200
    assert checks.suggest_name(("a",), ["b"]) == " Allowed: b."
    assert checks.suggest_name("side", ["gr\noup"]) == " Allowed: gr oup."
