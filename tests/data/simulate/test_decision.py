"""The planted truth is where the simulator says it is."""

import numpy as np
import pytest

from spikecast import simulate
from spikecast.core.errors import UnknownNameError
from spikecast.scoring.metrics import bits_per_spike, null_rate


def condition_difference(simulated, area, first, second):
    """Mean absolute difference of true log rates between two groups of trials, (time,)."""
    rate = np.log(simulated.truth.rate[:, :, simulated.recording.area == area])
    return np.abs(rate[first].mean(axis=0) - rate[second].mean(axis=0)).mean(axis=1)


NONE = dict.fromkeys(["shared", "own", "drive", "stimulus", "movement", "drift"], 0.0)


def quiet(effects, **settings):
    """A task with no other effects, but for the choice."""
    return simulate.decision_task(effects=NONE | effects, **settings)


def test_rates_are_realistic():
    rate = simulate.decision_task().recording.firing_rate
    assert 2 < np.median(rate) < 5
    assert rate.mean() > 1.2 * np.median(rate)  # skewed
    assert rate.max() < 80


def test_the_truth_is_the_best_prediction(simulated):
    y, rate = simulated.recording.activity, simulated.truth.rate
    oracle = bits_per_spike(y, rate, null_rate(y, y))
    assert oracle > 0.2
    for wrong in (rate[::-1], rate[:, ::-1], 1.3 * rate):
        assert bits_per_spike(y, wrong, null_rate(y, y)) < oracle


def test_expected_counts_are_expected():
    simulated = simulate.decision_task(n_trials=300, areas={"A": 30}, n_bins=100)
    y, rate = simulated.recording.activity, simulated.truth.rate
    total, expected = y.sum(axis=(0, 1)), rate.sum(axis=(0, 1))
    np.testing.assert_array_less(np.abs(total - expected), 5 * np.sqrt(expected))


@pytest.mark.parametrize(("area", "onset"), [("A", 0.12), ("B", 0.18)])
def test_choice_information_starts_at_its_onset(area, onset):
    simulated = quiet(
        {"evidence": 0}, n_trials=60, areas={"A": 20, "B": 20}, choice_onset={"A": 0.12, "B": 0.18}
    )
    response = simulated.recording.trials["response"].to_numpy()
    apart = condition_difference(simulated, area, response == 1, response == -1)
    time = simulated.recording.time
    assert apart[time < onset].max() < 1e-9
    assert apart[time > onset + 0.005].min() > 1e-3


@pytest.mark.parametrize("even", [1.0, 0.0])
def test_choices_are_equally_frequent_where_that_is_asked(even):
    effects = {"history": 3.0, "even": even}
    simulated = simulate.decision_task(160, {"MOs": 2}, n_bins=4, effects=effects)
    choices = simulated.recording.trials["response"].to_numpy()
    shares = np.unique(choices, return_counts=True)[1] / choices.size
    assert (np.abs(shares - 1 / 3).max() < 0.03) == bool(even)
    assert (np.diff(choices) == 0).mean() > 0.6  # they still come in runs


def test_without_evidence_the_choice_is_independent_of_the_stimulus():
    trials = simulate.decision_task(
        n_trials=3000, areas={"A": 2}, n_bins=2, effects={"evidence": 0}
    )
    table = trials.recording.trials
    side = table["contrast_left"] - table["contrast_right"]
    assert abs(np.corrcoef(side, table["response"])[0, 1]) < 0.06
    informed = simulate.decision_task(n_trials=3000, areas={"A": 2}, n_bins=2).recording.trials
    side = informed["contrast_left"] - informed["contrast_right"]
    assert np.corrcoef(side, informed["response"])[0, 1] > 0.5


def test_a_driven_area_follows_with_the_planted_lag():
    simulated = quiet(
        {"choice": 0.0, "own": 0.5, "drive": 0.5},
        n_trials=200,
        areas={"A": 30, "B": 30},
        drives={("A", "B"): 0.05},
        n_bins=100,
    )
    assert simulated.truth.drives.to_dict("records") == [
        {"source": "A", "target": "B", "lag": 0.05}
    ]
    log_rate = np.log(simulated.truth.rate)
    in_a = simulated.recording.area == "A"
    # A's own latents are lag 0 in A; B holds them, and its own, 5 bins later
    first = simulated.truth.latents.sel(latent="A_0").values

    def strength(lag):
        past = first[:, : 100 - lag]
        return np.abs(
            [
                np.corrcoef(past.ravel(), log_rate[:, lag:, n].ravel())[0, 1]
                for n in np.flatnonzero(~in_a)
            ]
        ).mean()

    assert max(range(10), key=strength) == 5


def test_shared_latents_reach_every_area_and_own_ones_only_theirs(simulated):
    loadings = simulated.truth.loadings
    for name, owner in zip(loadings["latent"].values, loadings["owner"].values, strict=True):
        reached = set(loadings["area"].values[np.abs(loadings.sel(latent=name).values) > 0])
        if owner == "shared":
            assert reached == {"VISp", "MOs", "CA1"}
        elif owner == "CA1":
            assert reached == {"CA1"}
        elif owner == "VISp":
            assert reached == {"VISp", "MOs"}  # the default drive


def test_removing_a_part_leaves_the_others_as_they_were():
    one, two = (
        quiet({"own": 0.3, "choice": size}, areas={"A": 5}, n_trials=10) for size in (0.0, 0.5)
    )
    np.testing.assert_array_equal(
        one.truth.loadings.sel(latent="A_0"), two.truth.loadings.sel(latent="A_0")
    )


def test_noise_holds_nothing():
    simulated = simulate.poisson_noise(n_trials=50)
    assert np.ptp(simulated.truth.rate, axis=(0, 1)).max() < 1e-12


def test_the_seed_decides():
    one, same, other = (
        simulate.decision_task(n_trials=5, areas={"A": 4}, seed=s).recording for s in (1, 1, 2)
    )
    assert one.identical(same)
    assert not one.identical(other)


def test_unknown_areas_are_explained():
    with pytest.raises(UnknownNameError, match="Did you mean 'MOs'"):
        simulate.decision_task(areas={"MOs": 3}, choice_onset={"MOS": 0.1}, drives={})
    with pytest.raises(UnknownNameError, match="Did you mean 'choice'"):
        simulate.decision_task(areas={"MOs": 3}, effects={"choise": 1.0})


class TestSpontaneous:
    def test_activity_follows_the_latents_and_running_is_one_of_them(self):
        simulated = simulate.spontaneous(n_neurons=200, n_bins=1000, seed=2)
        latents = simulated.truth.latents.values[0]
        running = simulated.recording.dataset["running"].values[0]
        assert np.corrcoef(latents[:, 0], running)[0, 1] > 0.999
        rate, activity = simulated.truth.rate[0], simulated.recording.activity[0]
        explained = [np.corrcoef(rate[:, n], activity[:, n])[0, 1] for n in range(200)]
        assert np.median(explained) > 0.4
        assert activity.min() >= 0

    def test_planes_own_latents_and_the_recording_agrees_which(self):
        simulated = simulate.spontaneous(n_neurons=90, n_bins=100)
        loadings = simulated.truth.loadings
        np.testing.assert_array_equal(
            loadings["plane"].values, simulated.recording.neurons["plane"]
        )
        for name, owner in zip(loadings["latent"].values, loadings["owner"].values, strict=True):
            reached = set(loadings["plane"].values[loadings.sel(latent=name).values != 0])
            expected = set(range(9)) if owner == "shared" else {int(owner.split()[1])}
            assert reached == expected

    def test_planes_share_latents_within_their_group_only(self):
        simulated = simulate.spontaneous(40, 100, planes=[0, 1, 0, 1], n_latents=3, n_own=1)
        loadings = simulated.truth.loadings
        reached = {
            str(owner): {tuple(np.unique(loadings["plane"].values[row != 0])) for row in rows}
            for owner, rows in loadings.groupby("owner")
        }
        assert reached["shared"] == {(0, 2)}
        assert reached["group 1"] == {(1, 3)}
        assert reached["plane 3"] == {(3,)}
        assert len(loadings) == 3 + 3 + 4

    def test_without_noise_it_is_the_drive_itself(self):
        simulated = simulate.spontaneous(n_neurons=20, n_bins=50, noise=0)
        np.testing.assert_array_equal(simulated.recording.activity, simulated.truth.rate)


class TestRunningMouse:
    def test_by_default_it_is_spontaneous_activity(self):
        one = simulate.spontaneous(20, 80, planes=2, seed=3).recording.dataset
        other = simulate.running_mouse(n_neurons=20, n_bins=80, planes=2, seed=3).recording.dataset
        assert one.identical(other)

    def test_running_grows_and_neurons_follow_it_only_if_told(self):
        settings = {"n_neurons": 60, "n_bins": 3000, "planes": 1, "growth": 4.0, "n_face": 3}
        follow, ignore = (
            simulate.running_mouse(**settings, tuning=tuning).recording for tuning in (1.0, 0.0)
        )
        speed = follow.dataset["running"].values[0]
        assert speed[-1000:].mean() > 2 * speed[:1000].mean()

        def find_strongest(recording):
            activity = recording.activity[0]
            return max(abs(np.corrcoef(activity[:, n], speed)[0, 1]) for n in range(60))

        assert find_strongest(follow) > 0.5
        assert find_strongest(ignore) < 0.2
        face = follow.dataset["face_svd"].values[0]
        assert np.corrcoef(face[:, 0], speed)[0, 1] > 0.8
        assert abs(np.corrcoef(face[:, 2], speed)[0, 1]) < 0.2


def test_neurons_answer_to_the_outcome_from_the_feedback_on():
    settings = {"n_trials": 300, "areas": {"A": 6}, "n_bins": 150, "choice_onset": {}, "seed": 3}
    silent, answering = (quiet({"outcome": size}, **settings) for size in (0.0, 1.5))
    trials = answering.recording.trials
    ratio = np.log(answering.truth.rate / silent.truth.rate)
    time = answering.recording.time
    after = time > trials["feedback_time"].to_numpy()[:, np.newaxis] + 0.2
    before = time < trials["feedback_time"].to_numpy()[:, np.newaxis]
    offset = np.median(ratio[before], axis=0)  # rates keep their mean
    np.testing.assert_allclose(ratio[before], np.broadcast_to(offset, ratio[before].shape))
    rewarded = (trials["feedback"] > 0).to_numpy()[:, np.newaxis]
    up, down = (ratio[after & part].mean(axis=0) - offset for part in (rewarded, ~rewarded))
    assert np.abs(up).max() > 0.5
    np.testing.assert_allclose(up, -down, rtol=0.1)


def test_no_neuron_fires_faster_than_it_is_allowed_to():
    areas, wild = {"VISp": 30, "MOs": 30}, {"state": 1.5}
    free = simulate.decision_task(40, areas, n_bins=50, effects=wild, seed=1)
    held = simulate.decision_task(40, areas, n_bins=50, effects=wild | {"max_rate": 150.0}, seed=1)
    assert free.truth.rate.max() > 1.5
    assert held.truth.rate.max() == pytest.approx(1.5)
    slow = free.truth.rate <= 1.5
    np.testing.assert_array_equal(held.truth.rate[slow], free.truth.rate[slow])
