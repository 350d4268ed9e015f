import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from scipy.stats import kruskal, spearmanr

from spikecast.analysis.geometry.tuning import correct_p_values, tuning
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError


@pytest.fixture
def session():
    rng = np.random.default_rng(0)
    trials = pd.DataFrame(
        {
            "response": rng.choice([-1.0, 0.0, 1.0], 150),
            "reaction_time": rng.gamma(2, 0.1, 150),
            "feedback": rng.choice([-1.0, 1.0], 150),
            "side": rng.choice(["left", "right"], 150),
            "session": 3,
        }
    )
    trials.loc[:9, "reaction_time"] = np.nan
    latents = rng.normal(size=(150, 10, 6))
    latents[:, 5:, 1] += 0.6 * trials["response"].to_numpy()[:, np.newaxis]
    latents[:, :, 4] += 2 * trials["reaction_time"].fillna(0).to_numpy()[:, np.newaxis]
    return latents, trials


def test_planted_tuning_is_found_and_nothing_else(session):
    found = tuning(*session, correction="holm")
    pairs = set(zip(found.significant()["latent"], found.significant()["variable"]))
    assert pairs == {(1, "response"), (4, "reaction_time")}
    assert found.left_out == {"session": "it has a single value"}
    rows = found.table.set_index(["variable", "latent"])
    assert rows.loc[("reaction_time", 0), "n_trials"] == 140
    assert rows.loc[("reaction_time", 0), "kind"] == "continuous"


def test_the_window_is_where_the_latent_is_averaged(session):
    latents, trials = session
    time = np.arange(10) / 10
    early, late = (
        tuning(latents, trials, variables=["response"], time=time, window=window)
        for window in ((0.0, 0.45), (0.45, 1.0))
    )
    assert len(early.significant()) == 0
    assert late.significant()["latent"].tolist() == [1]


def test_statistics_and_p_agree_with_scipy(session):
    latents, trials = session
    found = tuning(latents, trials, n_permutations=4000).table.set_index(["variable", "latent"])
    values = latents.mean(axis=1)
    groups = [values[trials["response"] == level, 2] for level in (-1, 0, 1)]
    statistic, p = kruskal(*groups)
    assert found.loc[("response", 2), "effect"] == pytest.approx(statistic / 149)
    assert found.loc[("response", 2), "p"] == pytest.approx(p, abs=0.02)
    timed = trials["reaction_time"].notna()
    rho, p = spearmanr(values[timed, 3], trials["reaction_time"][timed])
    assert found.loc[("reaction_time", 3), "effect"] == pytest.approx(rho**2)
    assert found.loc[("reaction_time", 3), "p"] == pytest.approx(p, abs=0.02)


def test_nothing_is_significant_in_noise():
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(60):
        trials = pd.DataFrame({"a": rng.integers(2, size=60), "b": rng.normal(size=60)})
        latents = rng.normal(size=(60, 2, 5))
        hits += len(tuning(latents, trials, n_permutations=200, seed=seed).significant()) > 0
    assert hits <= 7  # 3 are expected; P(more than 7) is 1 %


def test_drift_fools_permutation_but_not_shifts():
    rng = np.random.default_rng(2)
    fooled = {"permutation": 0, "circular_shift": 0}
    for seed in range(40):
        # slow, but it comes back: a memory of 10 of the 200 trials
        walks = lfilter([1.0], [1.0, -0.9], rng.normal(size=(400, 2)), axis=0)[200:]
        trials = pd.DataFrame({"drifting": walks[:, 0]})
        for null in fooled:
            found = tuning(
                walks[:, np.newaxis, 1:], trials, null=null, n_permutations=200, seed=seed
            )
            fooled[null] += len(found.significant())
    assert fooled["permutation"] > 15
    assert fooled["circular_shift"] <= 6  # 2 are expected; P(more than 6) is 0.3 %


def test_corrections():
    p = np.array([0.04, 0.001, 0.2, 0.02])
    np.testing.assert_allclose(correct_p_values(p, "holm"), [0.08, 0.004, 0.2, 0.06])
    np.testing.assert_allclose(correct_p_values(p, "bh"), [0.16 / 3, 0.004, 0.2, 0.04])
    np.testing.assert_array_equal(correct_p_values(p, "none"), p)
    with pytest.raises(UnknownNameError):
        correct_p_values(p, "bonferoni")


def test_what_cannot_be_tested_is_said(session):
    latents, trials = session
    with pytest.raises(NotEnoughDataError, match="single value"):
        tuning(latents, trials, variables=["session"])
    with pytest.raises(UnknownNameError, match="Did you mean 'response'"):
        tuning(latents, trials, variables=["respons"])
    with pytest.raises(NotEnoughDataError, match="needs time"):
        tuning(latents, trials, window=(0, 1))
    latents = latents.copy()
    latents[..., 0] = 1.0
    constant = tuning(latents, trials).table.query("latent == 0")
    assert (constant["p"] == 1).all()


def test_a_window_needs_times_that_rise():
    latents = np.random.default_rng(0).normal(size=(30, 10, 2))
    with pytest.raises(InputError, match="time must rise"):
        tuning(
            latents,
            pd.DataFrame({"side": np.arange(30) % 2}),
            time=np.arange(10)[::-1] / 10,
            window=(0, 0.5),
        )
    with pytest.raises(InputError, match="window 'ab': give start and stop"):
        tuning(latents, pd.DataFrame({"side": np.arange(30) % 2}), time=np.arange(10), window="ab")


def test_complex_numbers_are_no_variable():
    trials = pd.DataFrame({"side": np.arange(30) % 2, "odd": np.arange(30) * 1j})
    found = tuning(np.random.default_rng(0).normal(size=(30, 4, 2)), trials, n_permutations=20)
    assert found.left_out == {"odd": "complex numbers have no order"}


def test_text_that_is_missing_is_no_class():
    rng = np.random.default_rng(0)
    side = np.array(["L", "R", ""])[np.arange(60) % 3]
    tuned = tuning(rng.normal(size=(60, 5, 2)), pd.DataFrame({"side": side}), n_permutations=20)
    assert tuned.table["n_trials"].tolist() == [40, 40]


def test_a_variable_that_changes_slowly_is_named():
    rng = np.random.default_rng(0)
    wandering = pd.DataFrame(
        {"block": np.repeat([0, 1, 0, 1], 20), "rt": rng.normal(size=80).cumsum()}
    )
    trials = wandering.assign(side=np.tile(["l", "r"], 40))
    latents = rng.normal(size=(80, 2, 3))
    tested = tuning(latents, trials, n_permutations=20)
    assert tested.slow == ("block", "rt")
    assert "Slow drift alone follows block, rt" in str(tested)
    assert tuning(latents, trials, null="circular_shift").slow == ()
