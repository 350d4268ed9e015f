"""Decoding of labels: planted truth found, nothing found where there is nothing, clear refusals."""

import numpy as np
import pandas as pd
import pytest

from spikecast.analysis.comparisons import add_comparisons
from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.nulls import LabelNull
from spikecast.analysis.decoding.over_time import decode_over_time
from spikecast.analysis.decoding.problem import Draws
from spikecast.analysis.decoding.sources import Baseline, Counts
from spikecast.analysis.geometry.tuning import tuning
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.data.recording import Recording
from spikecast.models.classifiers import CLASSIFIERS

TRIAL_DECODERS = [name for name, entry in CLASSIFIERS.items() if entry.reads_trials]
SAMPLE_DECODERS = [name for name in CLASSIFIERS if name not in {*TRIAL_DECODERS, "ridge"}]
SLOW_DECODERS = {"mlp", "rnn_classifier"}  # ten seconds each


def made(x, **trials) -> Recording:
    x = np.asarray(x, dtype=float)
    return Recording.from_arrays(
        x, 0.01 * np.arange(x.shape[1]), "A", trials=trials, kind="continuous"
    )


def notices(found):
    """The notices of a result, by code."""
    return {notice.code: notice for notice in found.notices}


def mark_slow(decoders):
    """Names of decoders as parameters of a test, the slow ones in the slow lane."""
    return [
        pytest.param(name, marks=pytest.mark.slow) if name in SLOW_DECODERS else name
        for name in decoders
    ]


@pytest.mark.parametrize("decoder", mark_slow(SAMPLE_DECODERS))
def test_every_classifier_finds_what_is_there_and_nothing_in_noise(decoder):
    rng = np.random.default_rng(0)
    y = rng.choice(["go", "no", "stay"], 90, p=[0.5, 0.25, 0.25])
    noise = rng.normal(size=(90, 3, 6))
    signal = noise + 1.5 * (y[:, None, None] == np.array(["go", "no", "stay"] * 2))
    for balance in ("weights", "subsample"):
        found = decode(
            made(signal, y=y), "y", source=Counts(0.01), decoder=decoder, balance=balance,
            n_permutations=0,
        )  # fmt: skip
        assert found.score > 0.75
    nothing = decode(made(noise, y=y), "y", source=Counts(0.01), decoder=decoder, n_permutations=0)
    assert nothing.score < 0.5


@pytest.mark.parametrize("decoder", mark_slow(TRIAL_DECODERS))
def test_decoders_that_read_whole_trials_find_an_order_and_nothing_in_noise(decoder):
    rng = np.random.default_rng(0)
    y = rng.choice(["early", "late"], 160, p=[0.6, 0.4])
    x = rng.normal(size=(160, 12, 4))
    signal = x.copy()
    signal[y == "early", 2:5] += 2.0  # the mean over bins is the same in both classes
    signal[y == "late", 7:10] += 2.0
    given = {"source": Counts(0.01), "decoder": decoder, "folds": 3}
    found = decode(made(signal, y=y), "y", **given, n_permutations=2)
    assert found.score > 0.8
    assert found.null.shape == (2,)
    shuffled = [rng.permutation(y) for _ in range(3)]
    nothing = [decode(made(x, y=z), "y", **given, n_permutations=0).score for z in shuffled]
    assert np.mean(nothing) < 0.62


def test_the_result_has_every_number_twice_over(strong):
    label = strong.trials["response"].to_numpy().copy()
    label[:7] = np.nan
    found = decode(strong, label, n_permutations=30)
    assert found.n_left_out == 7
    assert notices(found)["trials_left_out"].values == {"n_trials": 7, "label": "label"}
    assert found.confusion.to_numpy().sum() == 73
    assert list(found.confusion.index) == ["-1", "0", "1"]
    assert found.per_class["support_test"].sum() == 73
    assert found.per_class["support_train"].sum() == 4 * 73
    assert found.per_class["recall_test"].mean() == pytest.approx(found.score)
    assert set(found.predictions["trial"]) == set(range(7, 80))
    truth, guess = found.predictions["truth"], found.predictions["prediction"]
    assert found.scores["accuracy"] == pytest.approx((truth == guess).mean())
    assert found.interval.low < found.score < found.interval.high
    assert found.score > 0.5
    assert found.p == pytest.approx(1 / 31)
    assert 0.2 < found.chance < 0.45
    assert len(found.table) == 1


def test_bins_vote(strong):
    label = strong.trials["contrast_right"].to_numpy() > 0
    voted = decode(strong, label, over_time="vote", n_permutations=0)
    assert voted.score > 0.7
    with pytest.raises(InputError, match="vote on a number"):
        decode(strong, "contrast_right", over_time="vote", decoder="ridge")


def test_numbers_are_decoded_by_ridge(strong):
    found = decode(strong, "contrast_right", decoder="ridge", n_permutations=20)
    assert found.metric == "r2"
    assert found.score > 0.2
    assert found.p == pytest.approx(1 / 21)
    assert found.scores["pearson"] > 0.5
    assert found.confusion.empty


def test_labels_are_shuffled_within_strata():
    overall, within = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        stratum = rng.permutation(np.repeat([0, 1], 60))
        y = (rng.random(120) < np.where(stratum, 0.9, 0.1)).astype(int)
        x = rng.normal(size=(120, 2, 3)) + stratum[:, None, None]
        recording = made(x, y=y, stratum=stratum)
        for strata, into in ((None, overall), ("stratum", within)):
            into.append(decode(recording, "y", n_permutations=39, null=LabelNull(strata=strata)).p)
    assert max(overall) < 0.05  # through the stratum
    assert np.mean(within) > 0.2  # and through nothing else


@pytest.mark.parametrize(
    ("label", "error", "message"),
    [
        ("respons", UnknownNameError, "Did you mean 'response'"),
        (np.ones(20), NotEnoughDataError, "on every one of 20 trials"),
        (np.full(20, np.nan), NotEnoughDataError, "missing on all"),
        (np.r_[np.zeros(17), np.ones(3)], NotEnoughDataError, "fewer than the 5 folds"),
        (np.linspace(0, 1, 20), NotEnoughDataError, "decoder='ridge'"),
        (np.zeros(19), InputError, "length 19"),
        (np.array([1, "1"] * 10, dtype=object), InputError, "numbers and text"),
        (pd.Series(np.arange(20) % 2, index=range(19, -1, -1)), InputError, "not in the order"),
    ],
)
def test_labels_that_cannot_be_decoded_are_refused(label, error, message):
    recording = made(np.random.default_rng(0).normal(size=(20, 4, 3)), response=np.arange(20))
    with pytest.raises(error, match=message):
        decode(recording, label)


def test_trials_that_are_there_twice_are_refused():
    """Of numbers drawn at random: a copy that is held out is known, and labels that are drawn
    anew differ between copies, so that p would be small.
    """
    rng = np.random.default_rng(0)
    x, y, twice = (
        rng.normal(size=(40, 10, 3)),
        rng.integers(2, size=40),
        np.repeat(np.arange(40), 2),
    )
    assert decode(made(x, y=y), "y", n_permutations=39).p > 0.05
    with pytest.raises(InputError, match="40 of 80 trials are exact copies"):
        decode(made(x[twice], y=y[twice]), "y", n_permutations=39)


def test_as_many_classes_as_trials_to_learn_from_are_refused():
    with pytest.raises(NotEnoughDataError, match="2 classes on 4 trials: too few"):
        decode(made(np.random.default_rng(0).normal(size=(4, 4, 3)), y=[0, 1, 0, 1]), "y", folds=2)


def test_constant_features_are_refused_or_counted():
    y = np.tile([0, 1], 20)
    x = np.random.default_rng(0).normal(size=(40, 4, 3))
    with pytest.raises(InputError, match="none of the 3 features varies"):
        decode(made(np.ones((40, 4, 3)), y=y), "y", source=Counts(0.01))
    x[..., 0] = 1.0
    found = decode(made(x, y=y), "y", source=Counts(0.01), n_permutations=0)
    assert notices(found)["constant_features"].values == {"n_constant": 1, "n_features": 3}


def test_slow_drift_fools_shuffled_labels_but_not_pseudo_sessions():
    """Harris 2021: blocks and drift, both slow, neither knowing of the other."""
    naive, ours, scores = [], [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        blocks = np.concatenate([np.full(rng.integers(25, 60), i % 2) for i in range(20)])[:200]
        drift = rng.normal(size=(200, 1, 10)).cumsum(axis=0) / 5
        recording = made(drift + 0.3 * rng.normal(size=(200, 3, 10)), block=blocks)
        fooled, right = (
            decode(recording, "block", source=Counts(0.01), null=null, n_permutations=30)
            for null in ("label_shuffle", "auto")
        )
        assert right.null_used.kind == "pseudo_session"
        naive.append(fooled.p)
        ours.append(right.p)
        scores.append(right.score - right.chance)
        assert "labels_come_in_runs" in notices(fooled)
        assert "labels_come_in_runs" not in notices(right)
    assert np.mean(np.array(naive) < 0.05) == 1.0
    assert np.mean(np.array(ours) < 0.05) == 0.0
    assert abs(np.mean(scores)) < 0.1


def test_same_seed_same_numbers(strong):
    first, second = (decode(strong, "response", n_permutations=5, seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, second.table)
    few = decode(strong, "response", n_permutations=Draws(5, n_resamples=20), seed=4)
    assert (few.score, few.p) == (first.score, first.p)
    assert few.interval != first.interval


def test_what_has_no_null_prints_why():
    activity = np.random.default_rng(0).poisson(0.5, (120, 5, 6))
    label = pd.DataFrame({"label": np.repeat([0, 1], 60)})
    recording = Recording.from_arrays(activity, 0.01 * np.arange(5), ["A"] * 6, trials=label)
    assert "no p (runs_too_long)" in str(decode(recording, "label"))


class TestComparisons:
    """Labels such as ``"contrast>0"`` are what the command line makes of them."""

    def make(self):
        rng = np.random.default_rng(0)
        contrast = rng.choice([0.0, 0.25, 1.0, np.nan], 60, p=[0.45, 0.25, 0.25, 0.05])
        x = rng.normal(size=(60, 4, 3)) + 2 * (contrast > 0)[:, None, None]
        return made(x, contrast=contrast), contrast

    def test_they_are_decoded_as_the_column_that_they_stand_for(self):
        recording, contrast = self.make()
        found = decode(recording, "contrast > 0", n_permutations=20)
        column = add_comparisons(recording, ["contrast > 0"])
        assert found.score == decode(column, "contrast > 0", n_permutations=20).score > 0.9
        assert found.n_left_out == np.isnan(contrast).sum()
        truth = found.predictions.sort_values("trial")["truth"]
        expected = np.where(contrast > 0, "yes", "no")[~np.isnan(contrast)]
        assert truth.tolist() == expected.tolist()

    @pytest.mark.parametrize("number", ["1.2.3", "...", "-"])
    def test_what_is_no_number_is_no_comparison(self, number):
        with pytest.raises(UnknownNameError, match="unknown trial column"):
            decode(self.make()[0], f"contrast>{number}")

    def test_over_time_and_for_tuning_too(self):
        recording, _ = self.make()
        over_time = decode_over_time(recording, "contrast>0", n_permutations=20)
        assert over_time.table["score"].min() > 0.8
        tuned = tuning(recording.activity, recording.trials, variables=["contrast>0"])
        assert set(tuned.significant()["variable"]) == {"contrast>0"}
        assert tuned.table["n_trials"].unique() == recording.trials["contrast"].notna().sum()

    def test_what_they_compare_cannot_be_what_they_are_decoded_from(self):
        recording, _ = self.make()
        known = recording.select(trials=recording.trials["contrast"].notna())
        with pytest.raises(InputError, match="cannot be decoded from itself"):
            decode(known, "contrast>0", source=Baseline(columns=["contrast"]))

    @pytest.mark.parametrize(
        ("label", "message"), [("contrst>0", "Did you mean 'contrast'"), ("side>0", "not a number")]
    )
    def test_mistakes_are_named(self, label, message):
        recording, contrast = self.make()
        recording = made(recording.activity, contrast=contrast, side=["left"] * 60)
        with pytest.raises(InputError, match=message):
            decode(recording, label)


@pytest.mark.parametrize("folds", [0, 2.5, True])
def test_folds_that_are_no_number_of_parts_are_refused(folds):
    recording = Recording.from_arrays(np.ones((20, 5, 3), dtype=int), np.arange(5) / 100, "A")
    with pytest.raises(InputError, match="folds is "):
        decode(recording, np.arange(20) % 2, folds=folds)
    with pytest.raises(InputError, match="label 'label' is masked in 10 places"):
        decode(recording, np.ma.masked_equal(np.arange(20) % 2, 0))
    with pytest.raises(InputError, match="n_permutations is 1e"):
        decode(recording, np.arange(20) % 2, n_permutations=10**9)


@pytest.mark.parametrize(("large", "message"), [(np.inf, "infinite"), (1e200, "in other units")])
def test_a_number_that_is_too_large_cannot_be_decoded(strong, large, message):
    values = np.where(np.arange(strong.n_trials) < 3, large, np.arange(strong.n_trials))
    with pytest.raises(InputError, match=message):
        decode(strong, values, decoder="ridge", n_permutations=5)
    small = strong.trials["contrast_right"].to_numpy()
    for values, message in (
        (1e-200 * small, "in other units"),
        (1e16 + np.round(8 * small), "too little for float64: subtract the first value"),
    ):
        with pytest.raises(InputError, match=message):
            decode(strong, values, decoder="ridge", n_permutations=5)


@pytest.mark.parametrize(
    ("unit", "offset"),
    [(1e15, 3e15), (1e-14, 0), (6e5, 1.6e12), (6e11, 1.6e18), (1e95, 0), (1e-95, 0)],
    ids=["photons", "amperes", "Unix ms", "Unix ns", "huge", "tiny"],
)
def test_the_unit_and_the_zero_of_a_number_are_no_matter(strong, unit, offset):
    plain = strong.trials["contrast_right"].to_numpy()
    asked = {"decoder": "ridge", "n_permutations": 20}
    expected, found = decode(strong, plain, **asked), decode(strong, offset + unit * plain, **asked)
    assert found.score == pytest.approx(expected.score, abs=1e-4)
    assert found.p == expected.p
    predicted = (found.predictions["prediction"] - offset) / unit
    np.testing.assert_allclose(predicted, expected.predictions["prediction"], atol=1e-3)


def test_classes_that_differ_by_rounding_are_refused_and_large_ones_keep_their_names():
    half = np.arange(40) % 2 == 0
    recording = made(np.random.default_rng(0).normal(size=(40, 2, 3)))
    with pytest.raises(InputError, match="differ by rounding only"):
        decode(recording, np.where(half, 0.1 + 0.2, 0.3))
    decoded = decode(recording, np.where(half, 20240101.0, 20240102.0), n_permutations=20)
    assert list(decoded.confusion.index) == ["20240101", "20240102"]
