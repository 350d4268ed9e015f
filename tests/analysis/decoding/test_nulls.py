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
