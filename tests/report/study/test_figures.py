"""Figures of studies show all of what they are given."""

import numpy as np
import pytest

from spikecast.report.shared.phone import WIDTH, draw_for_phone
from spikecast.report.shared.rows import ABOVE
from spikecast.report.study.figures import DRAW, NARROW
from spikecast.report.study.staircase import draw_staircase


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


def test_a_staircase_has_a_dot_per_step_and_says_what_each_won_or_lost():
    steps = [("start", 0.9, "their network"), ("protocol", 0.5, "new trials"), ("model", 0.6, "o")]
    before, facts = 0.9, []
    for kind, value, change in steps:
        measure = {"name": "", "value": value, "unit": "accuracy", "low": value - 0.1,
                   "high": value + 0.1}  # fmt: skip
        facts.append({"kind": kind, "change": change, "measure": measure,
                      "difference": value - before})  # fmt: skip
        before = value
    (axes,) = draw_staircase({"steps": facts}).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "o", "new trials", "their network"
    ]  # fmt: skip
    labels = ["90%", "50%  (-40, protocol)", "60%  (+10, model)"]
    assert [word.get_text() for word in axes.texts] == labels[::-1]
    narrow = draw_staircase({"steps": facts}, rows=ABOVE)
    (axes,) = narrow.axes
    assert narrow.get_figwidth() < 4
    assert len(axes.get_yticks()) == 0
    written = [f"{name}: {label}" for (_, _, name), label in zip(steps, labels, strict=True)]
    assert [word.get_text() for word in axes.texts] == written[::-1]


def test_a_network_has_a_dot_per_column_and_neurons_without_depth_are_seen_from_above():
    rng = np.random.default_rng(0)
    sound = np.array([[0.5, 0.4, 0.6], [0.3, 0.2, 0.4], [0.7, 0.6, 0.8]])
    given = {"names": np.array(["ReLU 10", "Tanh 10", "linear regression"]), "sound": sound,
             "described": np.zeros(2), "mended": np.ones(2)}  # fmt: skip
    (axes,) = DRAW["networks"](given).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Tanh 10", "ReLU 10"]
    (narrow,) = NARROW["networks"](given).axes
    assert [text.get_text() for text in narrow.texts] == ["Tanh 10", "ReLU 10"]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == [[0, 0], [1, 1], [0.5, 0.3]]
    places = {axis: rng.normal(size=20) for axis in "xyz"}
    assert len(DRAW["space"](places).axes) == 3  # from above, from the side, the colour bar
    del places["z"]
    assert len(DRAW["space"](places).axes) == 1


def test_a_heat_map_keeps_its_trace_on_the_same_time():
    given = {"heat": np.ones((5, 40)), "speed": np.arange(40.0), "seconds": 60 * np.arange(40.0),
             "n_neurons": np.array(50)}  # fmt: skip
    trace, heat, _ = DRAW["heat"](given).axes
    assert trace.get_xlim() == heat.get_xlim()
    assert list(trace.lines[0].get_xdata()) == list(range(40))
    assert heat.images[0].get_extent() == [0, 39, 50, 0]


@pytest.mark.parametrize("drawn", [True, False])
def test_a_curve_over_time_shows_the_chance_that_was_measured(drawn):
    time = np.linspace(-0.5, 1, 20)
    given = {"curve": time, "time": time, "balanced": time, "n_classes": np.array(3),
             "majority": np.array(0.4), "sound_time": time, "sound_curve": time}  # fmt: skip
    given |= {"sound_chance": np.full(20, 0.42)} if drawn else {}
    figure = DRAW["over_time"](given)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    label = "chance of the sound curve: labels drawn anew"
    assert (label in lines) == drawn
    if drawn:
        assert set(lines[label].get_ydata()) == {0.42}
    with draw_for_phone():
        narrow = DRAW["over_time"](given)
    (legend,) = narrow.legends
    assert legend._ncols == 1
    assert narrow.get_figwidth() == WIDTH
    assert legend.get_window_extent().width < narrow.bbox.width


@pytest.mark.parametrize(("p", "sign"), [(0.025, "≤"), (0.05, "=")])
def test_the_smallest_p_that_draws_can_give_is_a_limit_in_the_figure_too(p, sign):
    given = {"ways": np.array(["as described"]), "n_classes": np.array(2),
             "n_draws": np.array(39)}  # fmt: skip
    given |= {name: np.array([0.5]) for name in ("score", "low", "high")} | {"p": np.array([p])}
    (axes,) = DRAW["reasons"](given).axes
    assert f"p {sign} {p:.2g}" in [text.get_text() for text in axes.texts]
