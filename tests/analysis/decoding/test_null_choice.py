"""Which null a label gets by itself, and that nothing is claimed without one."""

import numpy as np
import pytest

from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.generalization import temporal_generalization
from spikecast.analysis.decoding.labels import resolve_label
from spikecast.analysis.decoding.null_choice import choose_null
from spikecast.analysis.decoding.nulls import LabelNull
from spikecast.analysis.decoding.over_time import decode_over_time
from spikecast.analysis.decoding.sources import Counts
from spikecast.data.recording import Recording

N = 120
AUTO = LabelNull()


def make(rng, attrs=(), **trials) -> Recording:
    x = rng.normal(size=(N, 4, 5))
    recording = Recording.from_arrays(x, 0.01 * np.arange(4), "A", trials=trials, kind="continuous")
    return Recording(recording.dataset.assign_attrs(dict(attrs)))


def choose(recording, label, null=AUTO):
    found = choose_null(recording, resolve_label(recording, label, 2, continuous=False), null, 0)
    return found.choice, [notice.code for notice in found.notices]


def test_the_label_decides():
    rng = np.random.default_rng(0)
    left = rng.choice([0.0, 0.5, 1.0], N)
    trials = {
        "afresh": rng.integers(2, size=N),
        "blocks": np.repeat([0, 1, 0, 1, 0, 1], 20),
        "once": np.repeat([0, 1], 60),
        "contrast_left": left,
        "follows": (left + 0.5 * rng.normal(size=N) > 0.5).astype(int),
        "hardly": np.where(np.arange(N) < 1, 1 - (left > 0), left > 0).astype(int),
    }
    recording = make(rng, **trials)
    kinds = {
        "afresh": ("label_shuffle", "no_runs", ()),
        "blocks": ("pseudo_session", "runs", ()),
        "once": ("none", "runs_too_long", ()),
        "contrast_left": ("label_shuffle", "no_runs", ()),
        "follows": ("label_shuffle", "no_runs", ("contrast_left",)),
        "hardly": ("label_shuffle", "no_runs", ()),
    }
    found = {name: choose(recording, name) for name in kinds}
    for name, expected in kinds.items():
        choice = found[name][0]
        assert (choice.kind, choice.reason, choice.strata) == expected, name
    assert found["contrast_left"][0].strata_reason == "stimulus_itself"
    assert found["follows"][0].strata_reason == "stimulus_explains"
    assert found["hardly"][0].strata_reason == "too_small"
    assert found["hardly"][1] == ["follows_stimulus"]
    assert found["once"][1] == ["runs_too_long"]


def test_what_is_asked_for_by_name_stands():
    rng = np.random.default_rng(0)
    recording = make(rng, blocks=np.repeat([0, 1, 0, 1, 0, 1], 20))
    choice, codes = choose(recording, "blocks", LabelNull("label_shuffle"))
    assert (choice.kind, choice.reason) == ("label_shuffle", "asked")
    assert codes == ["labels_come_in_runs"]
    unordered = make(rng, {"ordered": 0}, blocks=np.repeat([0, 1, 0, 1, 0, 1], 20))
    assert choose(unordered, "blocks")[0].reason == "order_unknown"


def test_runs_and_a_stimulus_that_explains_go_together():
    rng = np.random.default_rng(0)
    left = rng.choice([0.0, 1.0], N)
    bias = 1.2 * np.sin(np.arange(N) / 8) + 2 * (left - 0.5)
    recording = make(rng, contrast_left=left, y=(bias + 0.5 * rng.normal(size=N) > 0).astype(int))
    choice, _ = choose(recording, "y")
    assert (choice.kind, choice.strata) == ("pseudo_session", ("contrast_left",))
    found = decode(recording, "y", source=Counts(0.01), n_permutations=20)
    assert found.null_used == choice
    assert found.null.size == 20


@pytest.mark.parametrize("ask", [decode, decode_over_time, temporal_generalization])
def test_without_a_null_nothing_is_claimed(ask):
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 60)
    recording = make(rng, once=label)
    x = recording.activity + 2.0 * label[:, np.newaxis, np.newaxis]
    recording = Recording.from_arrays(
        x, recording.time, "A", trials={"once": label}, kind="continuous"
    )
    found = ask(recording, "once", source=Counts(0.01), n_permutations=30)
    assert found.null_used.kind == "none"
    if ask is decode:
        assert found.score > 0.9
        assert np.isnan(found.p)
    elif ask is decode_over_time:
        assert found.onsets["onset"].isna().all()
        assert found.table["p_cluster"].isna().all()
    else:
        assert found.reach is None
