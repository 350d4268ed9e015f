import errno
import os
from contextlib import contextmanager

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from spikecast.core.errors import (
    FormatError,
    InputError,
    NotEnoughDataError,
    ShapeError,
    UnknownNameError,
)
from spikecast.data import load
from spikecast.data.cuts.taken import read_taken
from spikecast.data.identity import identify
from spikecast.data.recording import Recording
from spikecast.models import MeanRate, storage

TIME = 0.01 * np.arange(5)


def counts(n_trials=4, n_neurons=3):
    return np.random.default_rng(0).poisson(1.0, (n_trials, 5, n_neurons))


def test_selecting_keeps_axes_and_tables_aligned():
    activity = counts()
    recording = Recording.from_arrays(
        activity,
        TIME,
        ["A", "B", "A"],
        trials=pd.DataFrame({"response": [1, 0, -1, 1]}),
        neurons={"depth": np.array([10.0, 20.0, 30.0])},
        behavior={"wheel": np.arange(20.0).reshape(4, 5)},
    )
    part = recording.select(area="A", trials=[2, 0], time=(0.01, 0.03))
    assert part.shape == (2, 2, 2)
    np.testing.assert_array_equal(part.activity, activity[[2, 0], 1:3][:, :, [0, 2]])
    assert part.trials["response"].tolist() == [-1, 1]
    assert part.neurons["depth"].tolist() == [10.0, 30.0]
    np.testing.assert_array_equal(part.dataset["wheel"], [[11, 12], [1, 2]])


def test_a_part_has_attributes_of_its_own():
    recording = Recording.from_arrays(counts(), TIME, "A")
    for part in (recording.select(), recording.select(trials=[1])):
        part.dataset.attrs["subject"] = "another"
    assert recording.dataset.attrs["subject"] != "another"


def test_selecting_one_neuron_or_trial_drops_no_axis():
    recording = Recording.from_arrays(counts(), TIME, "A")
    assert recording.select(neurons=[1], trials=[3]).shape == (1, 5, 1)
    assert recording.select(neurons=np.array([False, True, False])).shape == (4, 5, 1)


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (np.array([1, 0, 0, 1]), "what a mask looks like"),
        (np.array([1.0, 0.0, 0.0, 1.0]), "what a mask looks like"),
        ([0.5, 1.0], "whole numbers"),
        ([[0, 1], [2, 3]], "one axis"),
        (pd.Series([True, False, True, True], index=[3, 2, 1, 0]), "not in the order"),
    ],
)
def test_an_unclear_selection_is_refused(trials, message):
    with pytest.raises(InputError, match=message):
        Recording.from_arrays(counts(), TIME, "A").select(trials=trials)


def test_columns_with_spaces_in_their_names_are_kept(tmp_path, recwarn):
    recording = Recording.from_arrays(
        counts(), TIME, "A", trials={"stim side": list("LRLR")}, neurons={"depth um": [1, 2, 3]},
        behavior={"wheel speed": np.zeros((4, 5))},
    )  # fmt: skip
    recording.save(tmp_path / "recording.nc")
    read = load(tmp_path / "recording.nc")
    assert read.identical(recording)
    assert (list(read.trials), read.behavior) == (["stim side"], ["wheel speed"])
    assert not [one for one in recwarn.list if one.category is not ResourceWarning]


@pytest.mark.parametrize(
    "trials", [{"a/b": [1, 2, 3, 4]}, {"a": ["x\0y", "x", "x", "x"]}, {"a": ["\ud800"] * 4}]
)
def test_what_no_file_can_hold_is_refused_and_leaves_nothing(tmp_path, trials):
    with pytest.raises(InputError, match=r"cannot be kept in a \.nc file"):
        Recording.from_arrays(counts(), TIME, "A", trials=trials).save(tmp_path / "recording.nc")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("column", [[[1], [1, 2], [], [3]], [b"\xff", "a", "b", "c"]])
def test_columns_of_lists_or_of_bytes_that_are_no_text_are_refused(column):
    column = np.array([*column, None], dtype=object)[:-1]
    with pytest.raises(InputError, match="trial column 'a' must hold numbers or text"):
        Recording.from_arrays(counts(), TIME, "A", trials={"a": column})


@pytest.mark.parametrize("kind", [">i4", ">f8", "f2", "longdouble"])
def test_columns_are_held_in_types_that_pandas_works_with(tmp_path, kind):
    column = np.arange(4).astype(kind)
    recording = Recording.from_arrays(
        counts().astype(">i4"),
        TIME,
        "A",
        trials={"a": column},
        neurons={"b": column[:3]},
        behavior={"wheel": np.arange(20).astype(kind).reshape(4, 5)},
    )
    turned = recording.dataset.copy(deep=True)
    for name in ("a", "wheel"):  # as another program may write them
        turned[name] = (turned[name].dims, turned[name].values.astype(kind))
    if kind != "longdouble":  # no file has such
        turned.to_netcdf(tmp_path / "turned.nc", engine="h5netcdf")
        assert load(tmp_path / "turned.nc").identical(recording)
    assert recording.trials.groupby("a").size().eq(1).all()
    assert recording.neurons.sort_values("b").groupby("b").size().eq(1).all()
    assert recording.dataset["wheel"].dtype.isnative


@pytest.mark.parametrize("given", [{"trials": {"": np.arange(4)}}, {"neurons": {" ": np.arange(3)}},
                                   {"behavior": {"": np.zeros((4, 5))}}])  # fmt: skip
def test_blank_names_are_refused(given):
    with pytest.raises(InputError, match="has a blank name"):
        Recording.from_arrays(counts(), TIME, "A", **given)


def test_columns_of_complex_numbers_are_refused():
    column = np.arange(4) + 1j
    with pytest.raises(InputError, match="column 'a' of trials holds complex numbers"):
        Recording.from_arrays(counts(), TIME, "A", trials={"a": column})


def test_what_is_no_dataset_and_areas_that_are_no_names_are_refused():
    with pytest.raises(InputError, match=r"made of an xarray\.Dataset"):
        Recording({"activity": counts()})
    dataset = Recording.from_arrays(counts(), TIME, "A").dataset
    with pytest.raises(InputError, match="areas must be text"):
        Recording(dataset.assign_coords(area=("neuron", [1, 2, 3])))
    with pytest.raises(InputError, match="has 301 characters"):
        Recording.from_arrays(counts(), TIME, "A" * 301)


def test_selecting_by_rate_uses_hz():
    activity = np.zeros((2, 5, 2), dtype=int)
    activity[0, 0, 1] = 1  # one spike in 100 ms: 10 Hz
    recording = Recording.from_arrays(activity, TIME, "A")
    np.testing.assert_allclose(recording.firing_rate, [0, 10])
    assert recording.select(min_rate=9.9).n_neurons == 1


def test_counts_are_stored_small_and_continuous_values_as_float32():
    assert Recording.from_arrays(counts().astype(float), TIME, "A").activity.dtype == np.uint8
    continuous = Recording.from_arrays(counts() - 0.5, TIME, "A", kind="continuous")
    assert continuous.activity.dtype == np.float32


@pytest.mark.parametrize(
    ("activity", "message"),
    [
        (np.where(np.eye(5)[None, :, :3] > 0, np.nan, 1.0), "NaN"),
        (np.full((2, 5, 3), -1), "negative"),
        (np.full((2, 5, 3), 0.5), "whole numbers"),
        (np.zeros((0, 5, 3)), "empty"),
        (np.full((2, 5, 3), np.inf, dtype=np.float16), "infinite|NaN"),
        (np.ma.masked_equal(np.eye(5)[None, :, :3].astype(int), 1), "masked in 3 places"),
    ],
)
def test_bad_counts_are_refused(activity, message):
    with pytest.raises(InputError, match=message):
        Recording.from_arrays(activity, TIME, "A")


def test_mismatched_lengths_are_named_with_both_sizes():
    with pytest.raises(ShapeError, match=r"area has length 2 .* has 3"):
        Recording.from_arrays(counts(), TIME, ["A", "B"])
    with pytest.raises(ShapeError, match=r"'response' has length 3 .* has 4"):
        Recording.from_arrays(counts(), TIME, "A", trials={"response": np.zeros(3)})
    with pytest.raises(ShapeError, match=r"behaviour 'wheel' has shape \(4, 6\)"):
        Recording.from_arrays(counts(), TIME, "A", behavior={"wheel": np.zeros((4, 6))})
    with pytest.raises(ShapeError, match="trial x time x neuron"):
        Recording.from_arrays(counts()[0], TIME, "A")
    with pytest.raises(ShapeError, match="area must have one axis"):
        Recording.from_arrays(counts(n_neurons=4), TIME, np.array([["A", "B"], ["A", "B"]]))
    with pytest.raises(InputError, match="trial column 'cue' must have one axis: "):
        Recording.from_arrays(counts(), TIME, "A", trials={"cue": [[1, 2], [1], [], []]})
    with pytest.raises(InputError, match="area must be one name per neuron"):
        Recording.from_arrays(counts(), TIME, ["A", ("B",), ["C", "D"]])


@pytest.mark.parametrize(
    "values", [np.full((4, 5), "a"), np.full((4, 5), None), np.ones((4, 5)) * 1j]
)
def test_behaviour_that_is_no_numbers_is_refused(values):
    with pytest.raises(InputError, match=f"'wheel' holds {values.dtype}; it must hold numbers"):
        Recording.from_arrays(counts(), TIME, "A", behavior={"wheel": values})


def test_uneven_time_is_refused():
    with pytest.raises(InputError, match="equal steps"):
        Recording.from_arrays(counts(), np.array([0, 1, 2, 4, 5.0]), "A")


def test_unknown_area_names_the_nearest():
    recording = Recording.from_arrays(counts(), TIME, ["VISp", "MOs", "MOs"])
    with pytest.raises(UnknownNameError, match="Did you mean 'VISp'"):
        recording.select(area="VSIp")


def test_an_empty_selection_is_refused():
    recording = Recording.from_arrays(counts(), TIME, "A")
    with pytest.raises(NotEnoughDataError, match="nothing is left"):
        recording.select(time=(5, 6))
    with pytest.raises(InputError, match="there are 4"):
        recording.select(trials=[7])


def test_it_cannot_be_changed():
    recording = Recording.from_arrays(counts(), TIME, "A")
    with pytest.raises(AttributeError):
        recording.dataset = None


class TestSpikeTimes:
    def test_every_spike_lands_in_its_bin(self):
        rng = np.random.default_rng(1)
        events = np.arange(10.0) * 5 + 1
        times = rng.uniform(0, 55, 4000)
        clusters = rng.choice([3, 8, 21], 4000)
        recording = Recording.from_spike_times(
            times, clusters, events, (-0.5, 1.0), 0.05, area={3: "A", 8: "B", 21: "A"}
        )
        assert recording.shape == (10, 30, 3)
        for neuron, cluster in enumerate([3, 8, 21]):
            for trial, event in enumerate(events):
                expected, _ = np.histogram(
                    times[clusters == cluster] - event, np.linspace(-0.5, 1.0, 31)
                )
                np.testing.assert_array_equal(recording.activity[trial, :, neuron], expected)

    def test_silent_neurons_of_the_area_table_stay(self):
        recording = Recording.from_spike_times(
            [0.05], [1], [0.0], (0.0, 0.2), 0.1, area={1: "A", 2: "B"}
        )
        assert recording.areas == {"A": 1, "B": 1}
        assert recording.neurons["cluster"].tolist() == [1, 2]

    def test_a_window_that_is_no_whole_number_of_bins_is_refused(self):
        with pytest.raises(InputError, match="whole number of bins"):
            Recording.from_spike_times([0.1], [1], [0.0], (0, 0.25), 0.1, area="A")

    def test_clusters_without_an_area_are_left_out_and_said(self):
        recording = Recording.from_spike_times(
            [0.1, 0.1, 0.15], [1, 9, 4], [0.0], (0, 0.2), 0.1, area=pd.Series({1: "A"})
        )
        assert recording.activity.ravel().tolist() == [0, 1]
        (note,) = read_taken(recording.dataset)
        assert (note.code, note.values["n"], note.values["first"]) == ("clusters_left_out", 2, "4")

    def test_columns_as_matlab_keeps_them_are_vectors_and_tables_are_not(self):
        column = np.array([[0.05], [0.11], [1.02]])
        numbers = np.array([[7], [9], [7]])
        recording = Recording.from_spike_times(
            column, numbers, [[0.0, 1.0]], (0, 0.2), 0.1, area={7: "A", 9: "B"}
        )
        assert recording.activity[:, :, 0].tolist() == [[1, 0], [1, 0]]
        with pytest.raises(ShapeError, match=r"spike_times must have one axis.*\(2, 3\)"):
            Recording.from_spike_times(np.zeros((2, 3)), numbers, [0.0], (0, 0.2), 0.1, area="A")

    def test_times_in_other_units_are_refused(self):
        rng = np.random.default_rng(0)
        times, clusters = rng.uniform(0, 600, 60_000), rng.integers(0, 10, 60_000)
        events = np.arange(5.0, 595, 5)
        settings = {"window": (-0.5, 1.0), "bin_size": 0.05, "area": "A"}
        with pytest.raises(InputError, match="118 of 118 events lie outside the recording"):
            Recording.from_spike_times(times, clusters, events * 1000, **settings)
        for factor in (1000, 30_000):
            with pytest.raises(InputError, match="look like milliseconds or samples"):
                Recording.from_spike_times(times * factor, clusters, events, **settings)


def test_activity_that_cannot_be_computed_with_is_refused():
    continuous = {"time": TIME, "area": "A", "kind": "continuous"}
    for size in (1e30, 1e-30, np.inf):
        with pytest.raises(InputError, match="largest activity is"):
            Recording.from_arrays(size * (1 + counts()), **continuous)
    with pytest.raises(InputError, match="must be numbers"):
        Recording.from_arrays(counts().astype(str), **continuous)
    with pytest.raises(InputError, match="no neuron fires"):
        Recording.from_arrays(counts() + 2**40, TIME, "A")
    with pytest.raises(InputError, match="time must be numbers"):
        Recording.from_arrays(counts(), ["A"] * 5, "A")
    with pytest.raises(InputError, match="give time in seconds"):
        Recording.from_arrays(counts(), TIME * 1e-300, "A")
    assert Recording.from_arrays(counts(), TIME + 1.7e9, "A").n_trials == 4  # since 1970
    for size in (1e12, 1e300):
        with pytest.raises(InputError, match="time goes up to"):
            Recording.from_arrays(counts(), TIME * size, "A")
    assert Recording.from_arrays(0.0 * counts(), **continuous).activity.max() == 0


def test_a_notebook_shows_what_is_in_it_and_what_is_odd():
    recording = Recording.from_arrays(
        counts(), TIME, ["A", "A", "B<"], trials={"side": [0, 1, 0, 1]},
        behavior={"wheel": np.arange(20.0).reshape(4, 5)}, session="one",
    )  # fmt: skip
    assert repr(recording) == "<Recording one: 4 trials x 5 bins of 10 ms x 3 neurons (A 2, B< 1)>"
    html = recording._repr_html_()
    for part in ("<th>A</th>", "trial columns: side", "behaviour: wheel", "odd: ", "B&lt;"):
        assert part in html


@contextmanager
def no_room():
    """Let no file become larger than 1000 bytes, as long as nothing else is written."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_where_there_is_no_room_writing_ends_in_an_error_and_leaves_nothing(tmp_path):
    """The HDF5 library would end the interpreter, safetensors raises errors of its own."""
    activity = np.random.default_rng(0).poisson(1.0, (20, 30, 400))
    recording = Recording.from_arrays(activity, 0.01 * np.arange(30), "A")
    model = MeanRate().fit(activity, activity)
    for write, name in (
        (lambda: recording.save(tmp_path / "a.nc"), "a.nc"),
        (lambda: storage.save(model, tmp_path / "model"), "model.safetensors"),
    ):
        refused = rf"\[Errno {errno.EFBIG}\] {os.strerror(errno.EFBIG)}: '.*{name}'$"
        with pytest.raises(OSError, match=refused), no_room():
            write()
    assert not list(tmp_path.iterdir())


def test_axes_that_an_array_names_in_another_order_are_refused():
    cube = np.random.default_rng(0).poisson(1.0, (5, 5, 5))
    turned = xr.DataArray(cube, dims=("neuron", "time", "trial"))
    with pytest.raises(ShapeError, match="axes neuron, time, trial; they must be trial, time"):
        Recording.from_arrays(turned, TIME, "A")
    wheel = xr.DataArray(cube[0], dims=("time", "trial"))
    with pytest.raises(ShapeError, match="behaviour 'wheel' has the axes time, trial"):
        Recording.from_arrays(cube, TIME, "A", behavior={"wheel": wheel})
    named = xr.DataArray(cube, dims=("trial", "time", "cell"))
    np.testing.assert_array_equal(Recording.from_arrays(named, TIME, "A").activity, cube)


def test_masked_behaviour_and_columns_are_not_taken():
    masked = np.ma.masked_less(np.arange(20.0).reshape(4, 5), 3)
    with pytest.raises(InputError, match="behaviour 'wheel' is masked in 3 places"):
        Recording.from_arrays(counts(), TIME, "A", behavior={"wheel": masked})
    with pytest.raises(InputError, match="trial column 'side' is masked in 1 places"):
        Recording.from_arrays(counts(), TIME, "A", trials={"side": np.ma.masked_less(range(4), 1)})


def test_activity_that_single_precision_cannot_tell_apart_is_refused():
    activity = counts().astype(float)
    with pytest.raises(InputError, match="too little for float32; subtract each neuron's baseline"):
        Recording.from_arrays(activity + 1e9, TIME, "A", kind="continuous")
    assert Recording.from_arrays(activity + 1e3, TIME, "A", kind="continuous").shape == (4, 5, 3)


def test_an_area_in_units_whose_squares_are_no_numbers_is_refused():
    activity = np.random.default_rng(0).normal(size=(4, 5, 3))
    with pytest.raises(InputError, match=r"of 1 neurons \(the first is 2\) goes up to"):
        Recording.from_arrays(activity * [1, 1, 1e-16], TIME, "A", kind="continuous")
    assert Recording.from_arrays(activity * [1, 1, 0], TIME, "A", kind="continuous").shape


def test_a_baseline_that_rounds_scores_is_refused():
    activity = np.random.default_rng(0).normal(size=(4, 5, 3))
    with pytest.raises(InputError, match="too little for float32"):
        Recording.from_arrays(activity + 1e6, TIME, "A", kind="continuous")


def test_masked_areas_times_and_indices_are_not_taken():
    hidden = np.ma.masked_equal(np.arange(5), 2)
    with pytest.raises(InputError, match="area is masked in 1 places"):
        Recording.from_arrays(counts(), TIME, np.ma.masked_equal(np.array(["A", "B", "B"]), "A"))
    with pytest.raises(InputError, match="time is masked in 1 places"):
        Recording.from_arrays(counts(), hidden, "A")
    with pytest.raises(InputError, match="trials is masked in 1 places"):
        Recording.from_arrays(counts(), TIME, "A").select(trials=hidden[:3])
    for x, y in ((np.ma.masked_equal(counts(), 1), counts()), (counts(), counts() * hidden[:3])):
        with pytest.raises(InputError, match="is masked in"):
            MeanRate().fit(x, y)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"trials": pd.DataFrame({"side": [0, 1, 0, 1]})[::-1]}, "trials"),
        ({"trials": {"side": pd.Series([0, 1, 0, 1])[::-1]}}, "trial column 'side'"),
        ({"neurons": pd.DataFrame({"depth": [3, 1, 2]}).sort_values("depth")}, "neurons"),
        ({"behavior": {"wheel": pd.DataFrame(np.zeros((4, 5)))[::-1]}}, "behaviour 'wheel'"),
    ],
)
def test_tables_whose_rows_are_in_another_order_are_not_taken_by_place(given, what):
    with pytest.raises(InputError, match=f"{what}: the rows of this .* not in the order"):
        Recording.from_arrays(counts(), TIME, "A", **given)
    ((name, table),) = given.items()
    if isinstance(table, pd.DataFrame):
        Recording.from_arrays(counts(), TIME, "A", **{name: table.reset_index(drop=True)})
        Recording.from_arrays(counts(), TIME, "A", **{name: table.sort_index()})


def test_rows_with_names_or_numbers_of_their_own_are_taken():
    kept = pd.DataFrame({"side": [0, 1, 0, 1]}, index=[9, 4, 7, 12])  # of a longer table
    named = pd.DataFrame({"depth": [1, 2, 3]}, index=["u3", "u1", "u2"])
    made = Recording.from_arrays(counts(), TIME, "A", trials=kept, neurons=named)
    assert made.trials["side"].tolist() == [0, 1, 0, 1]
    assert made.neurons["depth"].tolist() == [1, 2, 3]


def test_areas_beside_a_column_of_areas_must_be_the_same():
    recording = Recording.from_arrays(counts(), TIME, ["A", "B", "A"], neurons={"depth": [1, 2, 3]})
    again = Recording.from_arrays(counts(), TIME, recording.area, neurons=recording.neurons)
    assert again.identical(recording)
    with pytest.raises(InputError, match=r"about 1 neurons .the first in row 1: 'A' and 'B'"):
        Recording.from_arrays(counts(), TIME, "A", neurons=recording.neurons)


def test_trials_in_another_order_are_no_longer_in_the_order_of_the_recording(tmp_path):
    recording = Recording.from_arrays(counts(), TIME, "A")
    assert recording.select(trials=[0, 2, 3]).ordered
    assert recording.select(neurons=[2, 0]).ordered
    drawn = recording.select(trials=[2, 0, -1])
    assert not drawn.ordered
    np.testing.assert_array_equal(drawn.activity, counts()[[2, 0, 3]])
    drawn.save(tmp_path / "drawn.nc")
    assert not load(tmp_path / "drawn.nc").ordered


@pytest.mark.parametrize("chosen", [{"trials": [0, 2, -2]}, {"neurons": [1, 1]}])
def test_nothing_is_taken_twice(chosen):
    """A copy of a trial that is held out would be learnt from."""
    with pytest.raises(InputError, match="is taken 2 times"):
        Recording.from_arrays(counts(), TIME, "A").select(**chosen)


@pytest.mark.parametrize("start", [-0.2, -0.5, 0.0])
@pytest.mark.parametrize("first", range(0, 50, 7))
def test_bins_at_the_end_of_a_selection_do_not_depend_on_rounding(start, first):
    time = start + 0.01 * np.arange(60)
    recording = Recording.from_arrays(np.ones((2, 60, 2), dtype=int), time, "A")
    ends = round(start + 0.01 * first, 6), round(start + 0.01 * (first + 5), 6)
    np.testing.assert_allclose(recording.select(time=ends).time, time[first : first + 5])


@pytest.mark.parametrize(
    "values",
    [
        pd.array([True, pd.NA, False, True], dtype="boolean"),
        pd.array(["go", pd.NA, "no", "go"], dtype="string"),
        pd.Categorical(["go", None, "no", "go"]),
        np.array([True, None, False, True], dtype=object),
        np.array(["go", np.nan, "no", "go"], dtype=object),
    ],
    ids=["boolean", "string", "categorical", "None", "NaN"],
)
def test_text_that_is_missing_is_empty_however_it_was_missing(values):
    trials = pd.DataFrame({"label": values})
    recording = Recording.from_arrays(counts(), TIME, "A", trials=trials)
    assert recording.trials["label"].tolist()[1] == ""
    assert "" not in recording.trials["label"].drop(1).tolist()


@pytest.mark.parametrize("name", ["go\tcue", "go\ncue", "go\u00a0cue"])
def test_columns_with_other_white_space_in_their_names_are_kept(tmp_path, name):
    made = Recording.from_arrays(
        np.ones((3, 2, 2), dtype=int),
        [0.0, 0.1],
        ["A", "B"],
        trials={name: ["a", "b", "a"], "side": [1, 2, 3]},
        neurons={f"{name}s": [4, 5]},
    )
    made.save(tmp_path / "white.nc")
    loaded = load(tmp_path / "white.nc")
    pd.testing.assert_frame_equal(loaded.trials, made.trials, check_like=True)
    pd.testing.assert_frame_equal(loaded.neurons, made.neurons, check_like=True)


def test_a_file_whose_time_is_a_date_is_refused_in_a_line(tmp_path):
    path = tmp_path / "mine.nc"
    Recording.from_arrays(np.ones((3, 4, 2), int), 0.01 * np.arange(4), "A").save(path)
    with h5py.File(path, "r+") as file:
        file["time"].attrs["units"] = "seconds since 2020-01-01"
    with pytest.raises(FormatError, match="time must be numbers, in seconds, not datetime64"):
        load(path)


def test_names_are_short_and_tables_narrow():
    counts, time = np.ones((2, 2, 2)), [0.0, 0.1]
    with pytest.raises(InputError, match="session has 400 characters; it can have up to 300"):
        Recording.from_arrays(counts, time, "A", session="x" * 400)
    with pytest.raises(InputError, match="trial column 'side' holds a text of 200000 characters"):
        Recording.from_arrays(counts, time, "A", trials={"side": ["x" * 200_000, "r"]})
    wide = {f"c{i}": [0, 1] for i in range(1001)}
    with pytest.raises(InputError, match="the table of trials has 1001 columns"):
        Recording.from_arrays(counts, time, "A", trials=wide)


def test_dates_that_nanoseconds_do_not_reach_are_saved_as_text(tmp_path):
    dates = {
        "end": np.array(["9999-12-31", "2026-01-01", "NaT", "0001-01-01"], dtype="datetime64[D]"),
        "due": np.array(["2300-01-01T10:30", "NaT"] * 2, dtype="datetime64[s]"),
        "all": np.array(["1700-01-01", "2200-01-01"] * 2, dtype="datetime64[D]"),
        "day": np.array(["1971-01-01", "2261-12-31"] * 2, dtype="datetime64[D]"),
    }
    recording = Recording.from_arrays(counts(), TIME, "A", trials=dates)
    recording.save(tmp_path / "a.nc")
    again = load(tmp_path / "a.nc")
    assert again.trials["end"].str[:10].tolist() == ["9999-12-31", "2026-01-01", "", "0001-01-01"]
    assert again.trials["due"].tolist() == ["2300-01-01T10:30:00", ""] * 2
    assert again.trials["day"].dt.year.tolist() == [1971, 2261] * 2
    assert again.trials["all"].str[:10].tolist() == ["1700-01-01", "2200-01-01"] * 2
    assert identify(again) == identify(recording)
