"""Nulls of labels keep what they promise."""

import numpy as np
import pytest

from spikecast.analysis.decoding.nulls import LabelNull, draw_pseudo_sessions, shift_labels
from spikecast.core.errors import InputError


def test_nulls_keep_what_they_promise():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, 0, 1], 12)
    shifted = shift_labels(labels, 50, rng)
    assert all(np.array_equal(np.bincount(row), np.bincount(labels)) for row in shifted)
    assert not (shifted == labels).all(axis=1).any()
    sessions = draw_pseudo_sessions(labels, 50, rng)
    changes = (sessions[:, 1:] != sessions[:, :-1]).sum(axis=1)
    assert changes.max() <= 5
    strata = np.repeat([0, 1], 30)
    (shuffled,) = LabelNull(strata="any").draw(np.arange(60), 1, 0, strata=strata)
    assert (strata[shuffled] == strata).all()
    assert not (shuffled == np.arange(60)).all()
    with pytest.raises(InputError, match="label_shuffle"):
        LabelNull("pseudo_session", strata=["side"])
