"""Recordings of spike times: tables of neurons, behaviour, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from spikecast.core.errors import InputError, ShapeError
from spikecast.data.cuts.taken import read_taken
from spikecast.data.recording import Recording

SPIKES = {
    "spike_times": [0.05, 0.11, 1.02, 1.15],
    "clusters": [7, 9, 7, 30],
    "events": [0.0, 1.0],
    "window": (0.0, 0.2),
    "bin_size": 0.1,
}
NEURONS = pd.DataFrame({"cluster_id": [9, 7], "region": ["MOs", "CA1"], "depth": [900, 200]})


def test_a_table_names_the_neurons_and_the_rest_is_left_out_and_said():
    recording = Recording.from_spike_times(**SPIKES, neurons=NEURONS, area="region")
    assert recording.neurons["cluster"].tolist() == [7, 9]
    assert recording.area.tolist() == ["CA1", "MOs"]
    assert recording.neurons["depth"].tolist() == [200, 900]
    (notice,) = read_taken(recording.dataset)
    assert (notice.code, notice.values["first"]) == ("clusters_left_out", "30")
    by_index = NEURONS.set_index("cluster_id").rename(columns={"region": "area"})
    again = Recording.from_spike_times(**SPIKES, neurons=by_index)
    np.testing.assert_array_equal(again.activity, recording.activity)
    one = Recording.from_spike_times(**SPIKES, neurons=NEURONS, area="cortex")
    assert one.areas == {"cortex": 2}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"neurons": NEURONS}, "no column 'area'"),
        ({"neurons": NEURONS["region"], "area": "A"}, "neurons is a Series"),
        ({"neurons": pd.concat([NEURONS, NEURONS]), "area": "A"}, "cluster 9 more than once"),
        ({"area": ["CA1", "MOs"]}, "which cluster is where"),
        ({}, "which cluster is where"),
        ({"area": {}}, "no neurons are listed"),
        ({"area": {"7": "CA1", "9": "MOs"}}, "are numbers, those that are listed are text"),
        ({"area": {7: "CA1", "x": "MOs"}}, "listed are numbers and text"),
        ({"area": pd.Series(["A", "B"], index=[7, 7])}, "lists cluster 7 more than once"),
        ({"area": {1: "CA1", 2: "MOs"}}, "none of the 3 clusters that fired"),
        ({"area": pd.Series(["A"] * 9)}, "area has rows 0 to 8, but clusters 7 to 30 fired"),
        ({"neurons": pd.DataFrame({"area": ["A"] * 9})}, "neurons has rows 0 to 8"),
        ({"area": "A", "behavior": pd.Series([1.0])}, "behavior is a Series"),
        ({"area": "A", "behavior": {"wheel": np.zeros(4)}}, "give \\(times in seconds"),
        ({"area": "A", "behavior": {"wheel": ([0, 1], [1.0])}}, "2 times and 1 values"),
        ({"area": "A", "behavior": {"wheel": ([9, 10], [1.0, 2.0])}}, "no samples in 100%"),
    ],
)
def test_what_is_not_clear_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Recording.from_spike_times(**SPIKES, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"events": ["a", "b"]}, "events must be numbers"),
        ({"events": [[0], [1, 2]], "trials": pd.DataFrame({"side": [0, 1]})}, "one axis"),
        ({"spike_times": [0.1, 0.2, 0.3, None]}, "NaN|numbers"),
        ({"clusters": np.array([None] * 4)}, "clusters must be numbers or text"),
        ({"window": (1,)}, "give start and stop"),
        ({"window": (0, 1, 2)}, "give start and stop"),
        ({"window": "ab"}, "give start and stop"),
        ({"window": (0, 1e9)}, "too many"),
        ({"bin_size": "x"}, "bin_size is 'x'"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Recording.from_spike_times(**SPIKES | {"area": "A"} | given)


def test_an_unknown_argument_is_an_error():
    with pytest.raises(TypeError, match="alignto"):
        Recording.from_spike_times(**SPIKES, area="A", alignto="go")


class TestBehavior:
    times = np.arange(-0.5, 2, 0.01)

    def bin(self, given):
        recording = Recording.from_spike_times(
            **SPIKES, area="A", behavior={"wheel": given}, align_to="go"
        )
        assert recording.dataset.attrs["align_to"] == "go"
        return recording.dataset["wheel"].values

    def test_bins_hold_the_mean_of_their_samples(self):
        values = np.sin(5 * self.times)
        expected = [
            [values[(self.times >= t - 1e-6) & (self.times < t + 0.1 - 1e-6)].mean()
             for t in (event, event + 0.1)]
            for event in (0.0, 1.0)
        ]  # fmt: skip
        found = self.bin((self.times, values))
        np.testing.assert_allclose(found, expected, atol=1e-6)
        np.testing.assert_allclose(self.bin(pd.Series(values, index=self.times)), found)

    def test_channels_and_columns_of_matlab(self):
        two = np.stack([self.times, -self.times], axis=1)
        found = self.bin((self.times[:, np.newaxis], two))
        assert found.shape == (2, 2, 2)
        np.testing.assert_allclose(found[..., 0], -found[..., 1])
        np.testing.assert_allclose(self.bin((self.times, two[:, :1])), found[..., 0])

    def test_sparse_samples_are_interpolated(self):
        found = self.bin(([-1.0, 0.0, 1.0, 2.0], [-10.0, 0.0, 10.0, 20.0]))
        np.testing.assert_allclose(found, [[0.5, 1.5], [10.5, 11.5]], atol=1e-5)


MINUTE = {
    "spike_times": np.arange(0, 60, 0.1),
    "clusters": np.arange(600) % 2,
    "events": np.arange(2.0, 58.0, 4.0),
    "window": (0.0, 2.0),
    "bin_size": 0.1,
    "area": "A",
}


def bin_minute(times, values=None, **given):
    wheel = (times, np.sin(times) if values is None else values)
    return Recording.from_spike_times(**MINUTE | given, behavior={"wheel": wheel})


@pytest.mark.parametrize("rate", [1, 30, 100, 1000])
@pytest.mark.parametrize("span", [(0, 60), (-1, 150), (5, 55)])
def test_behaviour_in_milliseconds_is_refused(rate, span):
    with pytest.raises(InputError, match=r"'wheel': its times look like milliseconds.* by 1000"):
        bin_minute(1000 * np.arange(*span, 1 / rate))


def test_behaviour_in_samples_is_refused():
    with pytest.raises(InputError, match="'wheel': its times look like samples"):
        bin_minute(30000 * np.arange(0, 60, 0.01))


@pytest.mark.parametrize("first", [0, 1, 5000])
@pytest.mark.parametrize("rate", [7, 30, 60, 200])
def test_behaviour_in_numbers_of_frames_is_refused(rate, first):
    frames = first + np.arange(60 * rate)
    frames = np.delete(frames, [3, 50])  # dropped
    with pytest.raises(InputError, match="'wheel': its times look like numbers of frames"):
        bin_minute(frames)


@pytest.mark.parametrize("rate", [1.6, 30, 1000])
def test_behaviour_that_goes_on_after_the_last_trial_is_taken(rate):
    times = np.arange(0, 3600, 1 / rate)
    assert bin_minute(times).behavior == ["wheel"]
    # three trials and their spikes out of an hour of video
    few = {"events": [1000.0, 1004.0], "spike_times": 1000 + np.arange(60) / 10}
    made = bin_minute(times, **few, clusters=np.arange(60) % 2)
    assert made.behavior == ["wheel"]


def test_single_columns_are_vectors_and_a_series_is_no_table():
    made = Recording.from_arrays(
        np.ones((3, 4, 2), dtype=int), 0.1 * np.arange(4), "A", trials={"side": [[0], [1], [0]]}
    )
    assert made.trials["side"].tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="trials is a Series"):
        Recording.from_arrays(
            np.ones((3, 4, 2), dtype=int), 0.1 * np.arange(4), "A", trials=pd.Series([0, 1, 0])
        )


def test_axes_that_were_swapped_are_named():
    frames = np.arange(300) / 30
    with pytest.raises(ShapeError, match=r"did you mean activity.T\[np.newaxis\]"):
        Recording.from_arrays(np.zeros((120, 300)), frames, "V1", kind="continuous")
    with pytest.raises(ShapeError, match=r"did you mean activity\.transpose"):
        Recording.from_arrays(np.zeros((1, 120, 300)), frames, "V1", kind="continuous")


def test_clusters_given_as_text_are_not_numbers():
    as_text = SPIKES | {"clusters": np.asarray(SPIKES["clusters"]).astype(str)}
    with pytest.raises(InputError, match="clusters are text, those that are listed are numbers"):
        Recording.from_spike_times(**as_text, area={7: "CA1", 9: "MOs"})
    numbers = Recording.from_spike_times(**SPIKES, area={7: "CA1", 9: "MOs"})
    texts = Recording.from_spike_times(**as_text, area={"7": "CA1", "9": "MOs"})
    np.testing.assert_array_equal(texts.activity, numbers.activity)


def test_spikes_without_a_cluster_are_no_neuron():
    clusters = np.asarray(SPIKES["clusters"], dtype=float)
    clusters[0] = np.nan
    with pytest.raises(InputError, match="clusters holds 1 NaN"):
        Recording.from_spike_times(**(SPIKES | {"clusters": clusters}), area="CA1")


@pytest.mark.parametrize("name", ["spike_times", "events"])
def test_times_too_coarse_for_the_bins_are_refused(name):
    day = 1e5  # seconds: single precision tells multiples of 8 ms apart there
    times = np.arange(0, 20, 0.05)
    given = {"spike_times": day + times, "clusters": np.arange(400) % 2, "events": [day + 5.0]}
    given |= {"window": (0.0, 1.0), "bin_size": 0.01, "area": "A"}
    assert Recording.from_spike_times(**given).activity.sum() == 20
    given[name] = np.asarray(given[name], dtype=np.float32)
    with pytest.raises(InputError, match=f"{name} are float32, whose values are 0.0078 s apart"):
        Recording.from_spike_times(**given)
    assert Recording.from_spike_times(**(given | {"bin_size": 0.1})).shape == (1, 10, 2)


def test_events_out_of_order_leave_no_order_of_trials_to_build_on():
    """As a trial table sorted by condition gives them: drift and shifts would mean nothing."""
    given = SPIKES | {"events": [1.0, 0.0]}
    recording = Recording.from_spike_times(**given, area="A")
    assert not recording.ordered
    assert "events_unordered" in [notice.code for notice in read_taken(recording.dataset)]
    assert Recording.from_spike_times(**SPIKES, area="A").ordered


def test_pandas_objects_whose_rows_are_in_different_orders_are_not_paired_by_place():
    times, clusters = (pd.Series(SPIKES[name]) for name in ("spike_times", "clusters"))
    with pytest.raises(InputError, match="spike_times and clusters have the same rows"):
        Recording.from_spike_times(
            **SPIKES | {"spike_times": times, "clusters": clusters[::-1]}, area="A"
        )
    trials = pd.DataFrame({"side": [0, 1]})
    events = pd.Series(SPIKES["events"])
    with pytest.raises(InputError, match="events and trials have the same rows"):
        Recording.from_spike_times(**SPIKES | {"events": events}, area="A", trials=trials[::-1])


@pytest.mark.parametrize("name", ["spike_times", "clusters", "events"])
def test_masked_values_are_not_taken(name):
    masked = np.ma.masked_equal(SPIKES[name], SPIKES[name][0])
    with pytest.raises(InputError, match=f"{name} is masked in"):
        Recording.from_spike_times(**SPIKES | {name: masked}, area="A")


@pytest.mark.parametrize("window", [None, 0.5])
def test_a_window_without_start_and_stop_is_refused(window):
    with pytest.raises(InputError, match="give start and stop"):
        Recording.from_spike_times(**SPIKES | {"window": window}, area="A")


def test_trials_in_another_order_than_events_are_refused_unless_events_are_theirs():
    trials = pd.DataFrame({"go": [1.0, 0.0], "side": ["R", "L"]}).sort_values("go")
    for events in (trials["go"], trials["go"].to_numpy()):
        made = Recording.from_spike_times(**SPIKES | {"events": events}, area="A", trials=trials)
        assert made.trials["side"].tolist() == ["L", "R"]
    with pytest.raises(InputError, match=r"trials: .* where this order is meant"):
        Recording.from_spike_times(**SPIKES, area="A", trials=trials[["side"]])


@pytest.mark.parametrize("area", ["CA1", {7: "CA1", 9: "CA1"}])
def test_an_area_that_a_column_of_areas_contradicts_is_refused(area):
    table = NEURONS.rename(columns={"region": "area"})
    with pytest.raises(InputError, match="area and the column 'area' of neurons disagree"):
        Recording.from_spike_times(**SPIKES, neurons=table, area=area)
    one = Recording.from_spike_times(**SPIKES, neurons=table.assign(area="CA1"), area=area)
    assert one.areas == {"CA1": 2}
    coarse = table.assign(coarse=["CTX", "HPC"])  # the name of a column chooses between the two
    chosen = Recording.from_spike_times(**SPIKES, neurons=coarse, area="coarse")
    assert chosen.area.tolist() == ["HPC", "CTX"]


def test_windows_that_share_spikes_are_said_and_an_event_given_twice_is_refused():
    settings = {**SPIKES, "area": "A", "events": [0.0, 0.1, 1.0]}
    (notice,) = read_taken(Recording.from_spike_times(**settings).dataset)
    assert (notice.code, notice.values["n"], notice.values["n_all"]) == ("overlap", 1, 3)
    with pytest.raises(InputError, match="1 of 2 events are there more than once"):
        Recording.from_spike_times(**{**settings, "events": [0.0, 1.0, 0.0]})


def test_a_window_in_milliseconds_is_refused():
    spikes, clusters = np.arange(0, 100, 0.1), np.arange(1000) % 5
    with pytest.raises(InputError, match="the window is 1000 s long"):
        Recording.from_spike_times(spikes, clusters, [20.0, 40.0], (-500, 500), 50, area="A")
