"""Figures of studies show all of what they are given."""

import numpy as np
import pytest

from spikecast.report.study.figures import DRAW


@pytest.mark.parametrize("n_planes", [9, 12])
def test_every_plane_is_in_the_map_and_among_the_curves(n_planes):
    rng = np.random.default_rng(0)
    plane = np.repeat([f"plane {index}" for index in range(n_planes)], 4)
    points = rng.normal(size=(len(plane), 2))
    held_out = np.arange(len(plane)) % 4 == 3
    given = {"place_umap": points, "label_plane": plane, "held_out": held_out}
    (panel,) = DRAW["maps"](given).axes
    assert [text.get_text() for text in panel.get_legend().get_texts()] == list(np.unique(plane))
    drawn = {line.get_markerfacecolor() == "none": 0 for line in panel.lines}
    for line in panel.lines:
        drawn[line.get_markerfacecolor() == "none"] += len(line.get_xdata())
    assert drawn == {False: 3 * n_planes, True: n_planes}
    shares = {f"share_plane {index}": np.linspace(0, 1, 5) for index in range(n_planes)}
    (axes,) = DRAW["explained"](shares).axes
    assert len(axes.lines) == n_planes
