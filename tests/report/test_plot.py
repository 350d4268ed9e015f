"""Figures for a notebook show what they are given."""

import inspect

import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure

import spikecast as sc
from spikecast.analysis.results import Result
from spikecast.core.drawing import Drawable
from spikecast.core.errors import InputError, ShapeError
from spikecast.report import plot
from spikecast.report.shared.populations import draw_rates
from spikecast.runs.atlas.atlas import AtlasResult


def test_a_raster_shows_each_area_once_and_every_neuron(recording):
    (axes,) = sc.plot.raster(recording, trial=2).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == sorted(recording.areas)
    image = axes.images[0].get_array()
    assert image.shape == (recording.n_neurons, recording.n_bins)
    assert image.sum() == np.asarray(recording.activity[2]).sum()


def test_a_raster_of_a_trial_that_is_not_there_is_refused(recording):
    with pytest.raises(sc.errors.InputError, match="trial is 99"):
        sc.plot.raster(recording, trial=99)


def test_scores_are_drawn_best_on_top_with_their_intervals(recording):
    scores = sc.cross_validate(["mean_rate", "pca_ridge"], sc.AreaToArea("MOs"), recording, folds=3)
    (axes,) = sc.plot.scores(scores).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert {"mean_rate", "source_free", "pca_ridge"} <= set(names)
    assert names == scores.summary()["model"].tolist()[::-1]
    drawn = [line.get_xdata() for line in axes.lines]
    best = scores.interval("pca_ridge")
    assert any(np.allclose(x, [best.low, best.high]) for x in drawn if len(x) == 2)


def test_onsets_are_drawn_area_by_area(recording):
    result = sc.decode_over_time(recording, "response", areas=["VISp", "MOs"], n_permutations=20)
    curves, onsets = sc.plot.onsets(result).axes
    assert sum(len(line.get_xdata()) == recording.n_bins for line in curves.lines) == 3  # chance
    assert [label.get_text() for label in onsets.get_yticklabels()] == ["MOs (20)", "VISp (20)"]


def test_what_has_a_figure_draws_itself(recording):
    axes = recording.plot(trial=2).axes[0]
    image = sc.plot.raster(recording, trial=2).axes[0].images[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), image.get_array())
    classes = [one for one in Drawable.__subclasses__() if one is not Result]
    classes += Result.__subclasses__()
    assert {one.figure for one in classes} == {
        name for name in vars(plot) if name in sc.plot.__all__ and name != "latents"
    }
    for one in classes:  # the function draws this class
        (first, *_) = inspect.signature(getattr(plot, one.figure)).parameters.values()
        assert first.annotation in (one, one.__name__)


def test_every_public_result_has_a_figure_a_table_and_a_line():
    results = [
        one for name in sc.analysis.__all__
        if isinstance(one := getattr(sc.analysis, name), type) and issubclass(one, Result)
    ]  # fmt: skip
    assert len(results) == 14
    for one in results:
        assert one.figure in sc.plot.__all__
        assert one.__str__ is not object.__str__


def test_tables_of_results_are_tidy_and_know_their_units():
    recording = sc.simulate.unrelated_areas(40, (12, 12), n_bins=30, coupling=0.3).recording
    flow = sc.information_flow(recording, "A", "B", (1, 2), folds=2, n_shifts=0)
    frame = flow.to_frame()
    assert frame.attrs["units"] == {"lag": "bins", "lag_seconds": "s"}
    assert flow.to_html().startswith("<p>InformationFlow: A and B, ")
    assert flow.to_html() == flow._repr_html_()
    assert len(repr(flow)) < 250


def test_every_test_of_tuning_is_drawn(recording):
    result = sc.tuning(recording.activity, recording.trials, variables=["response"])
    axes = result.plot().axes[0]
    assert axes.get_title(loc="left") == "What each follows"
    largest = max(
        float(image.get_array().max()) for image in axes.images if image.get_array().count()
    )
    assert largest == pytest.approx(100 * result.table["effect"].max())


def test_groups_that_share_are_marked():
    table = [("x", "y", 0.3, True), ("y", "x", 0.2, True), ("x", "z", 0.0, False)]
    rows = pd.DataFrame(table, columns=["source", "target", "r2", "shared"])
    axes = sc.analysis.SharedDynamics(rows, ("x", "y", "z")).plot().axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[1, 0], [0, 1]]


def test_pairs_of_areas_that_stand_everywhere_are_marked():
    rows = [("A", "B", 0.1, 2, 2), ("B", "A", 0.05, 1, 2), ("A", "C", 0.2, 0, 0)]
    pooled = pd.DataFrame(rows, columns=["source", "target", "value", "passes", "n_tested"])
    pooled.insert(0, "model", "ridge")
    axes = AtlasResult(pooled, pooled, pooled).plot().axes[0]
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["A", "B", "C"]
    assert axes.collections[0].get_offsets().tolist() == [[names.index("B"), 0]]


def test_a_figure_of_one_panel_is_drawn_on_the_axes_that_are_given(recording):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert recording.plot(ax=right) is figure
    assert figure.axes == [left, right]
    assert right.images
    assert not left.has_data()
    rng = np.random.default_rng(0)
    tests = sc.tuning(rng.normal(size=(20, 5, 3)), pd.DataFrame({"side": np.arange(20) % 2}))
    tests.plot(ax=left)
    assert left.images
    assert figure.axes[:2] == [left, right]  # and a colour scale


def test_a_figure_of_several_panels_takes_the_place_of_the_axes(recording):
    figure = Figure(layout="constrained")
    top, bottom = figure.subplots(2, 1)
    rng = np.random.default_rng(0)
    latents, time = rng.normal(size=(20, 30, 4)), np.arange(30) / 100
    labels = np.arange(20) % 2
    assert sc.plot.latents(latents, time, labels, ax=bottom) is figure
    panels = [axes for axes in figure.axes if axes is not top and axes.axison]
    assert len(panels) == 4
    assert bottom not in figure.axes
    figure.draw_without_rendering()
    assert all(one.get_window_extent().y1 < top.get_window_extent().y0 for one in panels)
    with pytest.raises(InputError, match="no place in a grid"):
        sc.plot.latents(latents, time, labels, ax=Figure().add_axes((0, 0, 1, 1)))
    with pytest.raises(InputError, match="one matplotlib Axes"):
        recording.plot(ax=figure.subplots(1, 2))
    with pytest.raises(ShapeError, match="time has length 29"):
        sc.plot.latents(latents, time[1:], labels)


def test_every_figure_takes_axes():
    for name in sc.plot.__all__:
        assert "ax" in inspect.signature(getattr(plot, name)).parameters, name


@pytest.mark.parametrize("name", sorted(set(plot.__all__) - {"latents"}))
def test_a_result_of_another_kind_is_refused_in_a_line(name):
    with pytest.raises(InputError, match="dict was given;"):
        getattr(plot, name)({})


def test_axes_of_three_dimensions_are_refused(recording):
    with pytest.raises(InputError, match="three-dimensional"):
        sc.plot.raster(recording, ax=Figure().add_subplot(projection="3d"))


def test_names_are_not_given_to_a_users_latex(recording):
    with rc_context({"text.usetex": True}):
        (axes,) = sc.plot.raster(recording, trial=2).axes
    assert not any(label.get_usetex() for label in axes.get_yticklabels())


def test_names_that_begin_with_an_underscore_are_in_the_legend():
    axes = Figure().subplots()
    colors = {"_a": "black", "b": "grey"}
    draw_rates(axes, np.arange(1.0, 5), np.array(["_a", "b", "_a", "b"]), colors)
    shown = [text.get_text().strip("\N{ZERO WIDTH SPACE}") for text in axes.get_legend().texts]
    assert shown == ["_a", "b"]
