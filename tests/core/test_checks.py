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
