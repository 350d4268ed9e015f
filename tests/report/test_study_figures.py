"""Figures of studies show all of what they are given."""

import numpy as np
import pytest

from spikecast.report.study_figures import DRAW


@pytest.mark.parametrize("n_planes", [9, 12])
def test_every_plane_is_in_the_map_and_among_the_curves(n_planes):
    rng = np.random.default_rng(0)
    plane = np.repeat([f"plane {index}" for index in range(n_planes)], 4)
    (panel,) = DRAW["maps"]({"place": rng.normal(size=(len(plane), 2)), "label_plane": plane}).axes
    assert [line.get_label() for line in panel.lines] == list(np.unique(plane))
    assert sum(len(line.get_xdata()) for line in panel.lines) == len(plane)
    shares = {f"share_plane {index}": np.linspace(0, 1, 5) for index in range(n_planes)}
    (axes,) = DRAW["explained"](shares).axes
    assert len(axes.lines) == n_planes
