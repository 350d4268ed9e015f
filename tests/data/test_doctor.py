"""Each check finds its planted fault, and is silent on a session that is in order."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spikecast.data import simulate
from spikecast.data.doctor import check_session, examine
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession, Samples, SpikesByUnit, SpikesInTime
from spikecast.data.simulate import faults


@pytest.fixture(scope="module")
def clean():
    return simulate.raw_session({"VISp": 8, "MOs": 8}, 150, median_rate=8.0, seed=2)


@pytest.fixture(scope="module")
def busy(clean):
    """Rows of the units that fire most, which show each fault."""
    rates = [len(clean.spikes.read_unit(row)) for row in range(len(clean.units))]
    return np.argsort(rates)[::-1].tolist()


def only(raw, code):
    """The one notice of a session, of this code."""
    (notice,) = examine(raw)
    assert notice.code == code
    assert str(notice)
    return notice.values


def test_a_session_in_order_is_silent(clean):
    assert examine(clean) == []


def test_spikes_in_one_list_give_what_spikes_by_unit_give(clean, busy, monkeypatch):
    monkeypatch.setattr("spikecast.data.session.PIECE", 10_000)
    raw = faults.add_foreign_spikes(clean, np.array(busy[:2]), 0.3)
    trains = [raw.spikes.read_unit(row) for row in range(len(raw.units))]
    times = np.concatenate(trains)
    ids = np.repeat(raw.units.index.to_numpy(), [len(one) for one in trains])
    order = np.argsort(times, kind="stable")
    listed = SpikesInTime(times[order], ids[order], raw.units.index.to_numpy())
    expected, found = (check_session(one).facts for one in (raw, replace(raw, spikes=listed)))
    np.testing.assert_array_equal(found.n_spikes, expected.n_spikes)
    np.testing.assert_array_equal(found.counts, expected.counts)
    # the pair that lies on either side of a border of two pieces is not seen
    assert np.abs(found.n_violations - expected.n_violations).max() <= 2


def test_foreign_spikes_show_in_the_refractory_period(clean, busy):
    values = only(faults.add_foreign_spikes(clean, np.array(busy[:2]), 0.35), "contaminated")
    assert sorted(values["rows"]) == sorted(busy[:2])
    assert values["median"] == pytest.approx(0.35, abs=0.1)


def test_a_unit_that_was_not_asked_for_is_not_looked_at(clean, busy):
    raw = faults.add_foreign_spikes(clean, np.array(busy[:1]), 0.35)
    assert examine(raw, np.array(busy[1:])) == []
    assert len(examine(raw, np.array(busy[:2]))) == 1


@pytest.mark.parametrize("at", ["start", "end"])
def test_units_that_are_lost_or_appear(clean, busy, at):
    values = only(faults.lose_units(clean, np.array(busy[:2]), 0.3, at), "lost_units")
    assert sorted(values["rows"]) == sorted(busy[:2])
    assert (values["n_lost"], values["n_appearing"]) == ((2, 0) if at == "end" else (0, 2))


def test_a_gap_in_all_units_is_no_loss_of_each(clean):
    values = only(faults.empty_stretch(clean, 300.0, 400.0), "gaps")
    ((first, last),) = values["starts_stops"]
    assert first == pytest.approx(300, abs=1.5)
    assert last == pytest.approx(400, abs=1.5)


def test_small_spikes_that_are_missing(clean):
    assert examine(faults.miss_small_spikes(clean, 0.0)) == []
    assert only(faults.miss_small_spikes(clean, 0.3), "amplitude_cutoff")["n"] >= 14


def test_the_column_of_amplitude_cutoffs_goes_before(clean):
    units = clean.units.assign(amplitude_cutoff=np.where(np.arange(16) == 3, 0.4, 0.01))
    assert only(replace(clean, units=units), "amplitude_cutoff")["rows"] == [3]


@pytest.mark.parametrize(("second", "n_between"), [(1, 0), (9, 1)])
def test_one_neuron_as_two_units(clean, second, n_between):
    values = only(faults.share_spikes(clean, 0, second, 0.6), "units_twice")
    assert (values["rows"], values["n_between"]) == ([[0, second]], n_between)


def change_column(raw, name, change):
    return faults.change_trials(raw, lambda trials: trials.assign(**{name: change(trials[name])}))


@pytest.mark.parametrize(
    ("factor", "unit"), [(1000.0, "milliseconds"), (1e6, "microseconds"), (30_000.0, "samples")]
)
def test_events_in_another_unit(clean, factor, unit):
    events = {"stimulus": np.round(clean.tables["trials"]["stim_on"].to_numpy() * factor)}
    values = only(replace(clean, events=events), "not_seconds")
    assert (values["name"], values["unit"], values["factor"]) == ("stimulus", unit, factor)


def test_spikes_in_milliseconds(clean):
    raw = replace(faults.scale_spikes(clean, 1000.0), tables={})
    assert only(raw, "spikes_not_seconds")


def test_spikes_that_were_divided_twice(clean):
    assert only(replace(faults.scale_spikes(clean, 1e-3), tables={}), "spikes_too_fast")


def test_events_outside_the_recording(clean):
    events = {"licks": np.array([-30.0, -20.0, 100.0, 200.0, 9e5])}
    values = only(replace(clean, events=events), "events_outside")
    assert (values["name"], values["n"]) == ("licks", 3)


def test_a_table_longer_than_the_recording(clean):
    trials = clean.tables["trials"]
    more = trials.tail(3).copy()
    more[["start_time", "stim_on", "stop_time"]] += 100.0
    values = only(replace(clean, tables={"trials": pd.concat([trials, more])}), "table_longer")
    assert (values["n"], values["n_trials"]) == (3, 153)


def test_rows_that_are_not_in_order_of_time(clean):
    raw = faults.change_trials(clean, lambda trials: trials.sort_values("stimulus"))
    assert {"events_out_of_order", "labels_in_runs"} == {one.code for one in examine(raw)}


def test_trials_that_overlap(clean):
    raw = change_column(clean, "stop_time", lambda times: times + np.where(times.index < 5, 9, 0))
    assert only(raw, "trials_overlap")["n"] == 5


def test_labels_in_runs(clean):
    raw = faults.change_trials(clean, lambda table: table.assign(side=faults.draw_runs(150, 6.0)))
    values = only(raw, "labels_in_runs")
    assert values["column"] == "side"
    assert values["mean"] > 4


def test_rows_sorted_by_a_measure(clean):
    times = np.sort(np.random.default_rng(0).gamma(2, 0.2, 150))
    raw = faults.change_trials(clean, lambda table: table.assign(reaction_time=times))
    assert only(raw, "sorted_rows")["column"] == "reaction_time"


@pytest.mark.parametrize("seconds", [0.1, -0.1])
def test_a_clock_that_drifts(clean, seconds):
    values = only(faults.drift_clock(clean, seconds), "clock_drift")
    assert values["shift"] == pytest.approx(seconds, abs=0.03)


def test_without_a_response_nothing_is_said_of_clocks():
    raw = simulate.raw_session({"A": 10}, 100, response=0.0, seed=4)
    assert examine(faults.drift_clock(raw, 0.2)) == []


@pytest.mark.parametrize("column", [[1.0, np.nan] * 75, ["a", None] * 75, [[1, 2]] * 150])
def test_odd_columns_of_a_table_do_no_harm(clean, column):
    odd = pd.Series(column, dtype=object if isinstance(column[0], list) else None).to_numpy()
    raw = faults.change_trials(clean, lambda table: table.assign(odd=list(odd)))
    assert examine(raw) == []


def test_sessions_of_little_content():
    nothing = RawSession("a test", pd.DataFrame(index=pd.Index([])))
    silent = RawSession(
        "a test", pd.DataFrame(index=[7]), SpikesByUnit(lambda row: np.array([])),
        tables={"trials": pd.DataFrame({"start_time": [1.0, 2.0]})}, duration=(0.0, 10.0),
    )  # fmt: skip
    imaging = RawSession(
        "a test", pd.DataFrame(index=[0]), traces=Samples(np.arange(5.0), np.ones((5, 1))),
        duration=(0.0, 5.0), in_frames=True, events={"on": np.array([3.0, 90.0])},
    )  # fmt: skip
    assert [examine(raw) for raw in (nothing, silent, imaging)] == [[], [], []]


# ---------------------------------------------------------------- recordings


@pytest.fixture(scope="module")
def recording():
    made = simulate.decision_task(
        120, {"A": 30, "B": 25}, n_bins=60, stim_onset=0.2, median_rate=12.0, seed=1
    )
    return made.recording


def change_activity(recording, change):
    return Recording(
        recording.dataset.assign(activity=recording.dataset["activity"].copy(data=change))
    )


def codes(recording):
    return {notice.code for notice in examine(recording)}


def test_a_recording_in_order_is_silent(recording):
    assert codes(recording) == set()


def test_neurons_that_are_lost(recording):
    activity = recording.activity.copy()
    fast = np.argsort(-recording.firing_rate)[:2]
    activity[80:, :, fast] = 0
    (notice, _) = sorted(
        examine(change_activity(recording, activity)), key=lambda one: one.code, reverse=True
    )
    assert notice.code == "lost_neurons"
    assert notice.values["neurons"] == sorted(fast.tolist())


def test_trials_sorted_by_activity(recording):
    order = np.argsort(recording.activity.sum(axis=(1, 2)), kind="stable")
    assert "trials_sorted_by_activity" in codes(recording.select(trials=order))


@pytest.mark.parametrize("by", ["rate", "peak", "rate in every area"])
def test_neurons_sorted_by_activity(recording, by):
    values = recording.firing_rate
    if by == "peak":
        values = recording.activity.mean(axis=0).argmax(axis=0)
    order = np.argsort(values, kind="stable")
    if by == "rate in every area":
        order = order[np.argsort(recording.area[order], kind="stable")]
    assert codes(recording.select(neurons=order)) == {"neurons_sorted"}


def test_a_recording_whose_clock_drifts():
    recording = simulate.decision_task(
        120, {"A": 30, "B": 25}, n_bins=60, stim_onset=0.2, median_rate=12.0, seed=1,
        effects={"stimulus": 1.5},
    ).recording  # fmt: skip
    assert codes(recording) == set()
    activity = recording.activity
    shifts = np.rint(np.linspace(-4, 4, len(activity))).astype(int)
    rolled = np.stack([np.roll(trial, shift, axis=0) for trial, shift in zip(activity, shifts)])
    moved = change_activity(recording, rolled).select(time=(-0.15, 0.35))
    (notice,) = examine(moved)
    assert notice.code == "clock_drift"
    assert notice.values["shift"] == pytest.approx(0.08, abs=0.03)


def test_a_time_axis_in_milliseconds(recording):
    wrong = Recording.from_arrays(
        recording.activity, 1000 * recording.time, recording.area, align_to="stimulus"
    )
    (notice,) = examine(wrong)
    assert (notice.code, notice.severity) == ("bins_not_seconds", "severe")


def test_labels_of_a_recording_in_runs(recording):
    runs = ("trial", faults.draw_runs(120, 8.0))
    assert codes(Recording(recording.dataset.assign_coords(side=runs))) == {"labels_in_runs"}


def test_what_is_not_in_recorded_order_says_nothing_of_time(recording):
    runs = ("trial", faults.draw_runs(120, 8.0))
    dataset = recording.dataset.assign_coords(side=runs).assign_attrs(ordered=False)
    assert codes(Recording(dataset)) == set()
