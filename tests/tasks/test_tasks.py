import numpy as np
import pytest

import spikecast
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.data import simulate
from spikecast.data.recording import Recording
from spikecast.tasks.problem import cut_long_trial
from spikecast.tasks.tasks import AreaToArea, Behavior, Forecast, HeldOutNeurons, NeuronsToNeurons


def labelled(area, n_trials=6, n_bins=8, seed=0):
    activity = np.random.default_rng(seed).poisson(0.5, (n_trials, n_bins, len(area)))
    return Recording.from_arrays(activity, 0.01 * np.arange(n_bins), area)


class TestAreaToArea:
    def test_rest_leaves_out_the_target_and_neurons_without_an_area(self):
        recording = labelled(["A", "A", "B", "root", "C"])
        problem = AreaToArea("A").problem(recording)
        np.testing.assert_array_equal(problem.x, recording.activity[:, :, [2, 4]])
        np.testing.assert_array_equal(problem.y, recording.activity[:, :, [0, 1]])

    def test_slow_targets_are_left_out_and_counted(self):
        activity = np.ones((4, 100, 5), dtype=int)
        activity[:, :, 0] = 0
        activity[0, 0, 0] = 1  # 0.25 Hz
        recording = Recording.from_arrays(activity, 0.01 * np.arange(100), list("AAABB"))
        problem = AreaToArea("A").problem(recording)
        assert problem.y.shape[2] == 2
        (notice,) = problem.notices
        assert notice.code == "slow_targets"
        assert notice.values == {"n": 1, "n_targets": 3, "min_rate": 0.5, "neurons": [0]}

    def test_sources_that_are_targets_recorded_twice_are_left_out_and_named(self):
        recording = labelled(list("AAABBB"), n_trials=60, n_bins=30)
        activity = recording.activity.copy()
        activity[:, :, 4] = activity[:, :, 1]
        recording = Recording.from_arrays(activity, recording.time, recording.area)
        problem = AreaToArea("A").problem(recording)
        assert problem.source_neurons.tolist() == [3, 5]
        (notice,) = problem.notices
        assert notice.code == "coincident_sources"
        assert notice.values == {"n": 1, "n_sources": 3, "neurons": [4], "partners": [1]}
        kept = AreaToArea("A", drop_coincident=False).problem(recording)
        assert kept.source_neurons.tolist() == [3, 4, 5]
        pair = NeuronsToNeurons([0, 1, 2], [3, 4, 5]).problem(recording)
        assert pair.notices[0].values["neurons"] == [1]
        with pytest.raises(NotEnoughDataError, match="1 left out as recorded twice"):
            NeuronsToNeurons([0, 1], [3, 4, 5]).problem(recording)

    @pytest.mark.parametrize("lag", [2, -2])
    def test_a_lag_pairs_source_at_t_minus_lag_with_target_at_t(self, lag):
        recording = labelled(["A", "A", "B", "B"])
        problem = AreaToArea("A", "B", lag=lag).problem(recording)
        for column, time in enumerate(problem.time):
            now = round(time / 0.01)
            np.testing.assert_array_equal(problem.y[:, column], recording.activity[:, now, :2])
            np.testing.assert_array_equal(
                problem.x[:, column], recording.activity[:, now - lag, 2:]
            )

    def test_a_list_of_targets_is_refused(self):
        with pytest.raises(InputError, match="name of one area"):
            AreaToArea(["A", "B"]).problem(labelled(list("AABB")))

    def test_overlap_is_refused(self):
        with pytest.raises(InputError, match="overlap"):
            AreaToArea("A", ["A", "B"]).problem(labelled(list("AABB")))

    def test_too_few_neurons_are_refused(self):
        with pytest.raises(NotEnoughDataError, match="target 'A' has 1"):
            AreaToArea("A").problem(labelled(list("ABB")))
        with pytest.raises(NotEnoughDataError, match="source 'B' has 1"):
            AreaToArea("A", "B").problem(labelled(list("AAB")))

    def test_a_silent_target_is_refused(self):
        activity = np.ones((4, 10, 4), dtype=int)
        activity[..., :2] = 0
        recording = Recording.from_arrays(activity, 0.01 * np.arange(10), list("AABB"))
        with pytest.raises(NotEnoughDataError, match="single spike"):
            AreaToArea("A").problem(recording)

    def test_unknown_names_are_explained(self):
        with pytest.raises(UnknownNameError, match="Did you mean 'VISp'"):
            AreaToArea("VSIp").problem(labelled(["VISp", "VISp", "MOs", "MOs"]))
        with pytest.raises(UnknownNameError, match="Did you mean 'area'"):
            AreaToArea("A", by="aera").problem(labelled(list("AABB")))

    def test_planes_can_play_the_part_of_areas(self):
        recording = simulate.spontaneous(n_neurons=20, n_bins=500, planes=2).recording
        problem = AreaToArea("0", "1", by="plane").problem(recording)
        assert problem.x.shape == problem.y.shape == (5, 100, 10)
        assert problem.windows
        np.testing.assert_array_equal(problem.y[2, 7], recording.activity[0, 207, :10])


def test_held_out_neurons_are_disjoint_random_and_repeatable():
    recording = labelled(["A"] * 20)
    one, same, other = (HeldOutNeurons(0.25, seed=s).problem(recording) for s in (1, 1, 2))
    assert one.y.shape[2] == 5
    assert one.x.shape[2] == 15
    together = np.concatenate([one.x, one.y], axis=2)
    assert sorted(map(bytes, together.T.astype(np.uint8).copy())) == sorted(
        map(bytes, recording.activity.T.astype(np.uint8).copy())
    )
    np.testing.assert_array_equal(one.y, same.y)
    assert not np.array_equal(one.y, other.y)
    rate = float(np.median(recording.firing_rate))
    few = HeldOutNeurons(0.25, area="A", seed=1, min_rate=rate).problem(recording)
    assert 0 < few.y.shape[2] < 5
    assert few.target == f"{few.y.shape[2]} held-out neurons of A"  # those that are scored
    assert few.source == "the other neurons of A"


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (HeldOutNeurons(area="A"), "area 'A' has 1 neuron: .* of each .* take an area, or"),
        (HeldOutNeurons(0.1, area="B"), "area 'B' has 8 neurons: .* fraction from 0.25 to 0.75"),
        (HeldOutNeurons(0.9), "the recording has 9 neurons: .* holds out 8 and leaves 1"),
    ],
)
def test_two_neurons_are_held_out_and_two_are_left(task, message):
    with pytest.raises(NotEnoughDataError, match=message):
        task.problem(labelled(["A", *["B"] * 8]))


class TestBehavior:
    def test_a_continuous_recording_is_cut_into_windows(self):
        recording = simulate.spontaneous(n_neurons=10, n_bins=450).recording
        problem = Behavior("running").problem(recording)
        assert problem.x.shape == (4, 100, 10)
        np.testing.assert_array_equal(
            problem.y[3, :, 0], recording.dataset["running"].values[0, 300:400]
        )

    def test_unknown_variables_and_nan_are_refused(self, recording):
        with pytest.raises(UnknownNameError, match="Did you mean 'wheel'"):
            Behavior("weel").problem(recording)
        broken = recording.dataset.copy(deep=True)
        broken["wheel"][3, 4] = np.nan
        with pytest.raises(InputError, match="NaN"):
            Behavior("wheel").problem(Recording(broken))


def test_a_forecast_looks_only_at_what_came_before(recording):
    problem = Forecast(20).problem(recording)
    activity = recording.activity
    assert problem.y.shape[:2] == problem.x.shape[:2] == (60, 20)
    active = recording.firing_rate >= 0.5
    np.testing.assert_array_equal(problem.y, activity[:, 60:, active])
    # the bin just before the forecast comes first
    np.testing.assert_array_equal(problem.x[:, 0], activity[:, 59])
    np.testing.assert_array_equal(problem.x[:, -1], activity[:, 40])
    np.testing.assert_allclose(problem.time, recording.time[60:])


def test_a_slow_latent_can_be_forecast_and_noise_cannot(recording):
    scores = spikecast.cross_validate(["mean_rate", "pca_ridge"], Forecast(10), recording)
    assert scores.interval("pca_ridge").low > 0
    noise = simulate.poisson_noise(n_trials=40, n_bins=40, seed=1).recording
    scores = spikecast.cross_validate(["mean_rate", "pca_ridge"], Forecast(10), noise)
    assert not scores.interval("pca_ridge").low > 0


def test_a_forecast_longer_than_half_a_trial_is_refused(recording):
    with pytest.raises(InputError, match="horizon"):
        Forecast(41).problem(recording)


def test_behaviour_beyond_computing_and_conditions_that_are_no_names_are_refused(recording):
    dataset = recording.dataset.assign(huge=recording.dataset["wheel"] * 1e30)
    with pytest.raises(InputError, match="the largest value of 'huge' is"):
        Behavior("huge").problem(Recording(dataset))
    with pytest.raises(InputError, match="conditions is 3; it must be names of trial columns"):
        _ = Behavior("wheel", conditions=3).problem(recording).trial_facts


def test_a_long_trial_and_its_behavior_are_cut_alike(recording):
    long = Recording.from_arrays(
        np.arange(2 * 1050.0).reshape(1, 1050, 2),
        0.1 * np.arange(1050),
        ["CA1", "MOs"],
        neurons={"x": [3, 4]},
        behavior={"wheel": np.arange(1050.0)[np.newaxis], "pose": np.ones((1, 1050, 3))},
        kind="continuous",
        session="mine",
    )
    cut = cut_long_trial(long)
    assert cut.shape == (10, 100, 2)
    np.testing.assert_array_equal(cut.activity[3], long.activity[0, 300:400])
    np.testing.assert_array_equal(cut.dataset["wheel"][3], np.arange(300.0, 400))
    assert cut.dataset["pose"].shape == (10, 100, 3)
    assert list(cut.neurons["x"]) == [3, 4]
    assert (cut.session, cut.kind) == ("mine", "continuous")
    np.testing.assert_allclose(cut.trials["window_start"][3], 30)
    assert cut_long_trial(recording) is recording


@pytest.mark.parametrize(
    "task",
    [AreaToArea("A"), NeuronsToNeurons([0, 1], [2, 3]), HeldOutNeurons(), Forecast(2),
     Behavior("wheel")],
    ids=lambda task: task.name,
)  # fmt: skip
def test_what_is_no_recording_is_refused_by_its_kind(task):
    with pytest.raises(InputError, match="int was given; Recording is needed"):
        task.problem(5)


def test_behaviour_that_never_changes_is_refused(recording):
    still = recording.dataset.assign(still=(("trial", "time"), np.ones(recording.shape[:2])))
    with pytest.raises(NotEnoughDataError, match="'still' never changes"):
        Behavior("still").problem(Recording(still))


@pytest.mark.parametrize("whole", [3.0, np.int8(3), np.float32(3)])
def test_a_whole_number_of_any_type_is_a_number_of_bins(recording, whole):
    lagged, plain = (AreaToArea("MOs", lag=lag).problem(recording) for lag in (whole, 3))
    np.testing.assert_array_equal(lagged.x, plain.x)
    np.testing.assert_array_equal(
        Forecast(whole).problem(recording).x, Forecast(3).problem(recording).x
    )
    with pytest.raises(InputError, match="whole number"):
        Forecast(2.5).problem(recording)


def test_one_column_may_name_the_condition_by_itself(recording):
    one, listed = (
        AreaToArea("MOs", conditions=given).problem(recording).condition
        for given in ("contrast_left", ["contrast_left"])
    )
    np.testing.assert_array_equal(one, listed)
