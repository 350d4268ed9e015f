"""What is decoded from: held-out latents, causal windows, behaviour alone."""

import numpy as np
import pytest

from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.sources import Baseline, Counts, Latents, Precomputed
from spikecast.core.errors import InputError
from spikecast.data.recording import Recording
from spikecast.models.linear import PCARidge
from spikecast.tasks.splits import split_by_trial
from spikecast.tasks.tasks import AreaToArea


def test_a_causal_window_never_sees_the_future(strong):
    recording = strong.select(trials=range(30))
    late = recording.activity.copy()
    late[:, 20:] = 0
    changed = Recording.from_arrays(late, recording.time, recording.area)
    before, after = (Counts(0.05).compute_features(r)[:, :20] for r in (recording, changed))
    np.testing.assert_array_equal(before, after)


def test_latents_come_from_models_that_never_saw_the_test_trials(strong, monkeypatch):
    label = strong.trials["contrast_right"].to_numpy() > 0
    seen = []
    fit, transform = PCARidge.fit, PCARidge.transform

    def recorded_fit(self, x, y):
        self.seen_rows = {row.tobytes() for row in x}
        return fit(self, x, y)

    def recorded_transform(self, x):
        seen.append([row.tobytes() in self.seen_rows for row in x])
        return transform(self, x)

    monkeypatch.setattr(PCARidge, "fit", recorded_fit)
    monkeypatch.setattr(PCARidge, "transform", recorded_transform)
    task = AreaToArea("MOs", "VISp")
    found = decode(strong, label, source=Latents("pca_ridge", task), n_permutations=20)
    assert found.score > 0.7
    assert all(all(part) for part in seen[0::2])  # the decoder's training trials
    assert not any(any(part) for part in seen[1::2])
    seen.clear()
    decode(strong, label, source=Latents("pca_ridge", task, held_back=0.5), n_permutations=0)
    assert not any(any(part) for part in seen)


def test_the_result_records_what_the_fits_of_each_fold_were_given(strong):
    label = strong.trials["response"].to_numpy().astype(float)
    label[:4] = np.nan
    source = Latents("pca_ridge", AreaToArea("MOs", "VISp"), held_back=0.25)
    found = decode(strong, label, source=source, n_permutations=0)
    assert len(found.folds) == 5
    tested = np.concatenate([fold.test_trials for fold in found.folds])
    assert sorted(tested) == list(range(4, 80))
    for fold in found.folds:
        parts = (fold.fitted_on["latents"], fold.train_trials, fold.test_trials)
        assert sum(map(len, parts)) == len(np.unique(np.concatenate(parts))) == 76
        np.testing.assert_array_equal(fold.train_labels, label[fold.train_trials])
        np.testing.assert_array_equal(fold.test_labels, label[fold.test_trials])
    counts = decode(strong, label, source=Counts(), n_permutations=0).folds
    assert not any(fold.fitted_on for fold in counts)


def test_latents_without_folds_need_an_explicit_word_and_are_flagged(strong):
    rng = np.random.default_rng(0)
    label = strong.trials["contrast_right"].to_numpy() > 0
    latents = rng.normal(size=(80, 40, 3)) + label[:, None, None]
    with pytest.raises(InputError, match="unchecked=True"):
        Precomputed(latents)
    found = decode(strong, label, source=Precomputed(latents, unchecked=True), n_permutations=0)
    assert [notice.code for notice in found.notices] == ["latents_without_folds"]


def test_latents_of_different_folds_are_never_mixed(strong):
    rng = np.random.default_rng(0)
    label = strong.trials["contrast_right"].to_numpy() > 0
    fold = np.empty(80, dtype=int)
    for index, (_, test) in enumerate(split_by_trial(80, 2)):
        fold[test] = index
    # the second model's latent has the opposite sign: mixing them would leave nothing
    sign = np.where(fold == 0, 1.0, -1.0) * (2 * label - 1)
    latents = rng.normal(size=(80, 40, 3)) + sign[:, None, None]
    found = decode(strong, label, source=Precomputed(latents, fold=fold), folds=3, n_permutations=0)
    assert found.score > 0.9
    assert {notice.code for notice in found.notices} <= {"labels_come_in_runs"}


def test_the_baseline_uses_no_neuron(strong):
    found = decode(
        strong, "feedback", source=Baseline(["wheel"], ["contrast_left", "contrast_right"]),
        n_permutations=0,
    )  # fmt: skip
    assert found.source == "wheel + contrast_left + contrast_right"
    with pytest.raises(InputError, match="from itself"):
        decode(strong, "feedback", source=Baseline(columns=["feedback"]))
