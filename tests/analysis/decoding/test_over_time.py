"""Timing: onsets recovered, no onset where nothing is planted, causes before effects."""

import numpy as np
import pytest

from spikecast.analysis.decoding.generalization import temporal_generalization
from spikecast.analysis.decoding.nulls import LabelNull
from spikecast.analysis.decoding.over_time import MatchedAreas, OnsetRule, decode_over_time
from spikecast.analysis.decoding.problem import Draws
from spikecast.analysis.decoding.sources import Counts, Latents, Precomputed
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data import simulate
from spikecast.data.recording import Recording
from spikecast.models.linear import PCARidge
from spikecast.tasks.splits import Split
from spikecast.tasks.tasks import AreaToArea

ONSETS = {"A": 0.12, "B": 0.18}
TWICE = Split(n_repeats=2)


def planted(seed: int, n_trials: int = 250, n_neurons: int = 60) -> Recording:
    """Two areas with a strong choice signal from 120 and from 180 ms on; no-go trials left out."""
    recording = simulate.decision_task(
        n_trials, dict.fromkeys(ONSETS, n_neurons), n_bins=36, stim_onset=0.05,
        choice_onset=ONSETS, drives={}, effects={"choice": 2.0, "evidence": 0.0},
        median_rate=30.0, seed=seed,
    ).recording  # fmt: skip
    return recording.select(trials=(recording.trials["response"] != 0).to_numpy())


def nothing(seed: int) -> Recording:
    """Labels that the neurons know nothing of; shared fluctuations are there."""
    return simulate.decision_task(
        60,
        {"A": 20},
        n_bins=40,
        choice_onset={},
        effects={"evidence": 0.0, "movement": 0.0},
        seed=seed,
    ).recording


def test_onsets_are_recovered_and_told_apart():
    found = decode_over_time(
        planted(0, 150, 40), "response", areas=["A", "B"], source=Counts(0.01), folds=TWICE,
        n_permutations=200,
    )  # fmt: skip
    onsets = found.onsets.set_index("area")
    assert onsets.loc["A", "onset"] == pytest.approx(0.12, abs=0.015)
    assert onsets.loc["B", "onset"] == pytest.approx(0.18, abs=0.015)
    (difference,) = found.differences.to_dict("records")
    assert 0.02 < difference["low"] <= 0.06 <= difference["high"]
    assert not found.table.query("time < 0.1")["significant"].any()
    assert difference["difference"] == pytest.approx(0.06, abs=0.02)


STIMULUS = ["contrast_left", "contrast_right"]


def choosing(seed: int, choice_onset: dict[str, float], **effects: float) -> Recording:
    """One area that responds to the stimulus, of which the choice is made."""
    return simulate.decision_task(
        200, {"A": 40}, n_bins=50, stim_onset=0.1, drives={}, seed=seed,
        choice_onset=choice_onset, effects={"movement": 0.0, "stimulus": 1.5} | effects,
    ).recording  # fmt: skip


def test_the_onset_of_a_choice_is_not_that_of_its_stimulus():
    recording = choosing(0, {"A": 0.2}, choice=2.0)
    plain, beyond = (
        decode_over_time(
            recording,
            "response",
            null=LabelNull("label_shuffle", strata),
            n_permutations=200,
            folds=TWICE,
        )
        for strata in (None, STIMULUS)
    )
    assert plain.onsets.loc[0, "onset"] < 0.1  # the stimulus is known from 50 ms on
    (notice,) = [notice for notice in plain.notices if notice.code == "follows_stimulus"]
    assert notice.values == {"label": "response", "columns": STIMULUS}
    assert 0.2 < beyond.onsets.loc[0, "onset"] < 0.25  # the choice rises for 50 ms
    assert "follows_stimulus" not in [notice.code for notice in beyond.notices]
    np.testing.assert_array_equal(plain.table["score"], beyond.table["score"])
    late = plain.table["time"] > 0.2
    assert (beyond.table["chance"] > plain.table["chance"] + 0.05)[late].all()


@pytest.mark.slow
def test_beyond_the_stimulus_nothing_is_found_where_only_the_stimulus_is():
    plain, beyond = [], []
    for seed in range(40):
        recording = choosing(seed, choice_onset={})
        for strata, into in ((None, plain), (STIMULUS, beyond)):
            found = decode_over_time(
                recording,
                "response",
                null=LabelNull("label_shuffle", strata),
                n_permutations=199,
                folds=TWICE,
            )
            into.append(found.table["significant"].any())
    assert np.mean(plain) > 0.7
    assert np.mean(beyond) <= 0.125  # 5 of 40; more have a chance of 1 % at a rate of 5 %


def test_strata_that_fix_the_label_are_refused():
    recording = choosing(0, choice_onset={})
    with pytest.raises(NotEnoughDataError, match="nothing to find beyond"):
        decode_over_time(
            recording, recording.trials["contrast_left"] > 0, null=LabelNull(strata=STIMULUS)
        )
    with pytest.raises(NotEnoughDataError, match="same on all trials of equal contrast_left:"):
        temporal_generalization(
            recording, "contrast_left", folds=2, null=LabelNull(strata="contrast_left")
        )


@pytest.mark.slow
def test_onset_bias_and_coverage():
    errors, covered = [], []
    for seed in range(20):
        found = decode_over_time(
            planted(seed), "response", areas=list(ONSETS), source=Counts(0.01),
            n_permutations=500, seed=seed,
        )  # fmt: skip
        errors.append(found.onsets["onset"] - list(ONSETS.values()))
        (difference,) = found.differences.to_dict("records")
        covered.append(difference["low"] <= 0.06 <= difference["high"])
    assert np.all(np.abs(np.mean(errors, axis=0)) <= 0.01)
    assert np.mean(covered) >= 0.9


@pytest.mark.slow
def test_nothing_planted_nothing_found():
    hits = [
        decode_over_time(
            nothing(seed), "response", n_permutations=199, folds=TWICE, seed=seed
        ).table["significant"].any()
        for seed in range(200)
    ]  # fmt: skip
    assert np.mean(hits) <= 0.07


def test_none_is_an_answer():
    draws = Draws(99, n_resamples=50)
    found = decode_over_time(nothing(1), "response", n_permutations=draws, folds=TWICE)
    assert len(found.onset_resamples) == 50
    assert np.isnan(found.onsets.loc[0, "onset"])
    assert found.differences.empty


def test_acausal_features_are_refused_or_flagged():
    recording = planted(1, 60, 15)
    refused = [
        Counts(0.05, causal=False),
        Latents("pca_ridge", AreaToArea("A")),
        Latents(PCARidge(causal=True), AreaToArea("A", lag=-1)),
        Precomputed(recording.activity.astype(float), unchecked=True),
    ]
    for source in refused:
        with pytest.raises(InputError, match="allow_acausal"):
            decode_over_time(recording, "response", source=source)
    found = decode_over_time(
        recording, "response", source=refused[0], onset=OnsetRule(allow_acausal=True),
        n_permutations=30, folds=Split(n_repeats=1),
    )  # fmt: skip
    assert found.acausal
    assert "acausal_features" in [notice.code for notice in found.notices]
    causal = Latents(PCARidge(causal=True, n_components=5), AreaToArea("A"))
    found = decode_over_time(recording, "response", source=causal, n_permutations=30)
    assert not found.acausal
    assert found.table["score"].max() > 0.8


def test_matched_neurons_and_continuous_labels():
    recording = planted(2, 60, 12)
    found = decode_over_time(
        recording, "response", areas=MatchedAreas(6, ["A", "B"], n_subsamples=3),
        n_permutations=30,
    )  # fmt: skip
    assert found.onsets["n_neurons"].tolist() == [6, 6]
    assert [fold.area for fold in found.folds] == ["A"] * 25 + ["B"] * 25
    with pytest.raises(NotEnoughDataError, match="fewer than 13"):
        decode_over_time(recording, "response", areas=MatchedAreas(13, ["A"]))
    ridge = decode_over_time(recording, "response", decoder="ridge", n_permutations=30)
    assert ridge.metric == "r2"
    assert ridge.table["score"].max() > 0.3


@pytest.mark.parametrize("min_duration", [0, 0.001])
def test_an_onset_lasts_one_bin_at_least(min_duration):
    """Where nothing is significant nothing begins, however short it may be."""
    recording = simulate.decision_task(40, {"VISp": 6}, n_bins=12, stim_onset=0.05).recording
    label = np.arange(40) % 2
    rule = OnsetRule(min_duration=min_duration)
    onsets = decode_over_time(recording, label, n_permutations=40, onset=rule).onsets
    assert onsets["onset"].isna().all()
    assert onsets["found"].max() < 0.5


@pytest.mark.parametrize(
    "levels", [{"min_duration": -1}, {"min_duration": np.nan}, {"alpha": 0}, {"join": np.nan}]
)
def test_levels_that_are_none_are_refused(levels):
    with pytest.raises(InputError, match=f"{next(iter(levels))}.* must be"):
        OnsetRule(**levels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "counts"}, "Source is needed"),
        ({"source": Counts(window=np.inf)}, "window"),
        ({"onset": 0.05}, "OnsetRule is needed"),
        ({"null": 3}, "null is 3; give auto"),
        ({"folds": 2.5}, "whole number"),
    ],
)
def test_settings_of_another_class_are_refused(change, message):
    recording = simulate.decision_task(20, {"VISp": 4}, n_bins=10, stim_onset=0.05).recording
    with pytest.raises(InputError, match=message):
        decode_over_time(recording, np.arange(20) % 2, **{"n_permutations": 20} | change)
