from dataclasses import dataclass, replace

import numpy as np
import pytest

from spikecast.core.errors import InputError
from spikecast.data import simulate
from spikecast.data.recording import Recording
from spikecast.evaluation.many_sessions import cross_validate_sessions
from spikecast.models.lfads import LFADS
from spikecast.models.mean_rate import MeanRate
from spikecast.models.sessions import ManySessions
from spikecast.scoring.scorers import RUNGS
from spikecast.tasks.splits import split_by_trial
from spikecast.tasks.tasks import AreaToArea

QUICK = {
    "n_factors": 4,
    "n_generator": 6,
    "n_encoder": 4,
    "n_inputs": 0,
    "n_components": 8,
    "n_members": 1,
    "epochs": 1,
    "min_steps": 4,
}
MANY = ManySessions("lfads", QUICK, n_shared=2)
TASK = AreaToArea("MOs")


@pytest.fixture(scope="module")
def recordings():
    return [
        simulate.decision_task(
            24, {"VISp": 14, "MOs": 8}, n_bins=30, stim_onset=0.2, median_rate=15.0, seed=seed
        ).recording
        for seed in (1, 2)
    ]


def test_every_session_has_its_scores_in_the_same_folds(recordings):
    scores = cross_validate_sessions(
        {"mean_rate": MeanRate(), "lfads": LFADS(**QUICK)},
        {"lfads": MANY},
        TASK,
        recordings,
        folds=2,
        condition="contrast_left",
    )
    assert len(scores) == 2
    for found, recording in zip(scores, recordings, strict=True):
        own = ["mean_rate", "lfads", "joint lfads", "adapted lfads"]
        assert [name for name in found.models if name not in RUNGS] == own
        assert "source_free" in found.models
        assert set(found.table["session"]) == {recording.session}
        assert set(found.table["fold"]) == {0, 1, "all"}
        assert np.isfinite(found.table["value"]).all()
        assert found.interval("joint lfads", minus="lfads").value < 1


@dataclass(frozen=True)
class Changed:
    """The task, with other counts in some trials."""

    trials: np.ndarray
    name = "changed"

    def problem(self, recording):
        problem = TASK.problem(recording)
        y = problem.y.copy()
        y[self.trials] = y[self.trials][::-1]
        return replace(problem, y=y)


def test_test_trials_are_never_learnt_from(recordings):
    """In fold 0 the changed trials are only tested, so the other sessions cannot notice."""
    test = split_by_trial(24, 2)[0].test

    def others(trials, way):
        tasks = [Changed(trials), TASK]
        found = cross_validate_sessions([], {"m": MANY}, tasks, recordings, 2, ways=[way])
        rows = found[1].table.query(f"metric == 'poisson_nll' and model == '{way} m'")
        rows = rows.set_index("fold")["value"]
        return rows[0], rows[1]

    before, after = (others(trials, "joint") for trials in (test[:0], test))
    assert before[0] == after[0]
    assert before[1] != after[1]  # where they were learnt from
    # to another session, all trials of this one are there to learn a core from
    before, after = (others(trials, "adapted") for trials in (test[:0], test))
    assert before[0] != after[0]


def test_short_sessions_are_drawn_from_the_training_trials(recordings):
    def run(n_train):
        (first, *_) = cross_validate_sessions(
            ["mean_rate"], {"m": MANY}, TASK, recordings, 2, ways=["joint"], n_train=n_train
        )
        return first.table

    few, all_ = run(6), run(100)
    assert few["n_test_trials"].tolist() == all_["n_test_trials"].tolist()
    assert not np.allclose(few["value"], all_["value"])
    np.testing.assert_array_equal(few["value"], run(6)["value"])


def test_bad_arguments_are_refused(recordings):
    with pytest.raises(InputError, match="at least 2"):
        cross_validate_sessions([], {"m": MANY}, TASK, recordings[:1])
    with pytest.raises(InputError, match="unknown way"):
        cross_validate_sessions([], {"m": MANY}, TASK, recordings, ways=["join"])
    with pytest.raises(InputError, match="unknown trial column"):
        cross_validate_sessions([], {"m": MANY}, TASK, recordings, condition="contrast")


def test_a_session_that_is_given_twice_is_refused(recordings):
    """Adapted to one, the core would have been learnt from the very trials that are scored."""
    twice = [recordings[0], recordings[1], recordings[0].select(time=(-10, 10))]
    with pytest.raises(InputError, match="recordings 0 and 2 hold the same activity"):
        cross_validate_sessions([], {"m": MANY}, TASK, twice, 2)


def test_sessions_with_other_bins_are_refused(recordings):
    first, second = recordings[:2]
    wide = Recording.from_arrays(second.activity, 5 * second.time, second.area)
    with pytest.raises(InputError, match="bin them alike"):
        cross_validate_sessions([], {"m": MANY}, TASK, [first, wide], 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_train": -1}, "n_train is -1"),
        ({"n_train": 2.5}, "whole number"),
        ({"shared": [MANY]}, "Mapping is needed"),
        ({"shared": {"m": "timescales"}}, "ManySessions is needed"),
    ],
)
def test_what_is_no_number_and_no_model_of_sessions_is_refused(recordings, change, message):
    given = {"shared": {"m": MANY}, "tasks": TASK, "recordings": recordings, "folds": 2} | change
    with pytest.raises(InputError, match=message):
        cross_validate_sessions([], **given)
