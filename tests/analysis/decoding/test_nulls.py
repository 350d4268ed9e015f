"""Nulls of labels keep what they promise."""

import numpy as np
import pytest

from spikecast.analysis.decoding.nulls import LabelNull, draw_null, shift_labels
from spikecast.core.errors import InputError


def test_nulls_keep_what_they_promise():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, 0, 1], 12)
    shifted = shift_labels(labels, 50, rng)
    assert all(np.array_equal(np.bincount(row), np.bincount(labels)) for row in shifted)
    assert not (shifted == labels).all(axis=1).any()
    strata = np.repeat([0, 1], 30)
    (shuffled,) = draw_null("label_shuffle", np.arange(60), 1, 0, strata=strata)
    assert (strata[shuffled] == strata).all()
    assert not (shuffled == np.arange(60)).all()
    with pytest.raises(InputError, match="label_shuffle"):
        LabelNull("circular_shift", strata=["side"])


def test_a_null_of_ones_own_neither_changes_labels_nor_invents_any():
    labels = np.repeat([0, 1], 10)

    def draw(given, n, rng):
        given[:] = 0
        return np.tile(given, (n, 1))

    assert not draw_null(draw, labels, 3, seed=0).any()
    assert labels.sum() == 10
    with pytest.raises(InputError, match="labels that no trial has"):
        draw_null(lambda given, n, rng: np.full((n, len(given)), 2), labels, 3, seed=0)
    with pytest.raises(InputError, match="what the null returned holds 60 NaN"):
        draw_null(
            lambda given, n, rng: np.full((n, len(given)), np.nan), labels.astype(float), 3, seed=0
        )
