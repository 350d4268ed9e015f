"""Whatever a simulation is asked for: a recording, or an error that names what is wrong."""

import inspect

import numpy as np
import pytest

from spikecast.core.errors import SpikecastError
from spikecast.data import simulate
from spikecast.data.simulate.lorenz import lorenz

SMALL = {
    simulate.decision_task: {"n_trials": 4, "areas": {"VISp": 2, "MOs": 2}, "n_bins": 12},
    simulate.poisson_noise: {"n_trials": 4, "areas": {"VISp": 2}, "n_bins": 12},
    simulate.spontaneous: {"n_neurons": 10, "n_bins": 30},
    simulate.running_mouse: {"n_neurons": 10, "n_bins": 30, "planes": 1},
    simulate.raw_session: {"areas": {"VISp": 1}, "n_trials": 3},
    simulate.unrelated_areas: {"n_trials": 8, "n_neurons": (3, 3), "n_bins": 12},
    lorenz: {"n_trials": 3, "n_neurons": 2, "n_conditions": 2, "n_bins": 8},
}
ODD = [
    None, "a", b"x", -1, 0, 1.5, np.nan, np.inf, 1e30, True, [1], {}, {"VISp": "x"}, {"MOs": 2.5},
    {1: 2}, {("VISp", "MOs"): -1}, {("VISp",): 1}, {"choice": np.nan}, np.zeros(3), 1j, (2, 1, 0),
]  # fmt: skip


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(one, marks=[pytest.mark.slow] * (one is lorenz), id=one.__name__)
        for one in SMALL
    ],
)
def test_an_argument_of_another_kind_is_named(function):
    small = SMALL[function]
    taken = 0
    for name in {*inspect.signature(function).parameters, *small} - {"imaging"}:
        for odd in ODD:
            try:
                function(**small | {name: odd})
                taken += 1
            except SpikecastError:
                pass
    assert taken >= 3  # a default that was given, a label of 0, ...
