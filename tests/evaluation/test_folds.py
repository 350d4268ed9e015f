"""Folds of the user's own: what is learnt from, what is scored, and what is refused."""

from itertools import cycle

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from spikecast import AreaToArea, Behavior, cross_validate, evaluate
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.data.recording import Recording
from spikecast.evaluation.beyond import plan_beyond, run_shift_test
from spikecast.evaluation.folds import cut_trials, make_folds, name_split, read_folds
from spikecast.models.base import Model
from spikecast.scoring.scorers import SCORERS
from spikecast.tasks.splits import Fold, Split


def make_recording(n_trials=60, n_bins=12, coupling=1.0, trials=None, seed=0):
    """Two areas of six neurons each, the rates of which share a number per trial and bin."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_trials, n_bins, 1))
    rate = np.exp(coupling * shared * rng.uniform(0.5, 1, 12))
    return Recording.from_arrays(
        rng.poisson(rate), 0.05 * np.arange(n_bins), ["A"] * 6 + ["B"] * 6, trials=trials
    )


class Spy(Model):
    """Notes which trials it is fitted on; the first bin of the source is their number."""

    seen: list = []  # noqa: RUF012

    def _fit(self, x, y):
        Spy.seen.append(x[:, 0, 0].astype(int).tolist())
        self.mean_ = y.mean(axis=(0, 1))

    def _predict(self, x):
        return np.broadcast_to(self.mean_, (*x.shape[:2], self.n_targets_))


PARTS = ["train"] * 30 + ["valid"] * 10 + ["test"] * 20


class TestColumn:
    def test_train_and_test_are_one_fold_and_other_values_are_not_used(self):
        recording = make_recording(trials={"fold": PARTS})
        activity = recording.activity.copy()
        activity[:, 0, 6] = np.arange(60)  # a source neuron that carries the trial's number
        recording = Recording.from_arrays(
            activity, recording.time, recording.area, trials=recording.trials
        )
        Spy.seen.clear()
        scores = cross_validate([Spy()], AreaToArea("A"), recording, "fold", shifts=0)
        assert Spy.seen == [list(range(30))]
        assert set(scores.table["n_test_trials"]) == {20}
        assert np.isfinite(scores.table["value"]).all()

    def test_unused_trials_change_nothing(self):
        recording = make_recording(trials={"fold": PARTS})
        other = recording.dataset.copy(deep=True)
        other["activity"][30:40] = 7
        one, two = (
            cross_validate(["pca_ridge"], AreaToArea("A"), this, "fold", shifts=0)
            for this in (recording, Recording(other))
        )
        values = [
            scores.table.query("model == 'pca_ridge'")["value"].to_numpy() for scores in (one, two)
        ]
        np.testing.assert_array_equal(*values)

    def test_numbers_are_parts(self):
        folds = read_folds(pd.Series([0, 1, 2, 0, 1, 2, None]))
        assert [fold.test.tolist() for fold in folds] == [[0, 3], [1, 4], [2, 5]]
        assert folds[0].train.tolist() == [1, 2, 4, 5]
        problem = AreaToArea("A").problem(make_recording(6, trials={"part": [0, 1, 2] * 2}))
        by_name = make_folds(problem, "part")
        assert len(by_name) == 3
        for given in (problem.trials["part"], problem.trials[["part"]].to_numpy()):
            again = make_folds(problem, given)
            assert [fold.test.tolist() for fold in again] == [
                fold.test.tolist() for fold in by_name
            ]
        with pytest.raises(InputError, match="folds has length 4 but the trial axis has 6"):
            make_folds(problem, np.array([0, 1, 0, 1]))

    def test_a_column_that_is_no_split_is_refused(self):
        recording = make_recording(trials={"one": ["x"] * 60})
        with pytest.raises(NotEnoughDataError, match="names 1 part"):
            cross_validate(["psth"], AreaToArea("A"), recording, "one")
        with pytest.raises(UnknownNameError, match="Did you mean 'one'"):
            cross_validate(["psth"], AreaToArea("A"), recording, "ones")


def test_splitters_of_scikit_learn_and_pairs_are_folds():
    problem = AreaToArea("A").problem(make_recording(trials={"block": np.repeat(range(6), 10)}))
    cut = make_folds(problem, KFold(3))
    assert [fold.test.tolist() for fold in cut] == np.arange(60).reshape(3, 20).tolist()
    grouped = make_folds(problem, GroupKFold(3), strata="block")
    blocks = problem.trials["block"].to_numpy()
    assert all(not set(blocks[fold.train]) & set(blocks[fold.test]) for fold in grouped)
    mask = np.arange(60) < 45
    (pair,) = make_folds(problem, [(mask, ~mask)])
    assert (pair.train.size, pair.test.tolist()) == (45, list(range(45, 60)))


def test_a_rule_is_a_split():
    problem = AreaToArea("A").problem(make_recording())
    cut = cut_trials(problem, Split(4, by="block", gap=2))
    assert (cut.split, cut.gap, len(cut.folds)) == ("block", 2, 4)
    with pytest.raises(InputError, match="n_repeats must be 1"):
        make_folds(problem, Split(4, n_repeats=3))
    with pytest.raises(InputError, match="n_repeats must be 1"):
        make_folds(problem, Split(4, n_repeats=0))
    with pytest.raises(InputError, match="or a splitter"):  # of strata, and none are named
        make_folds(problem, StratifiedKFold(3))


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([(range(31), range(30, 60))], "1 of its test trials were learnt from"),
        ([(range(30), range(30, 40))] * 2, "more than one test part"),
        ([(range(30), range(50, 70))], "there are 60 trials"),
        ([(range(30), [])], "30 trials to learn from and 0 to score"),
        ([], "no folds"),
        (2.5, "folds must be"),
        (None, "folds must be"),
        ({"train": range(9)}, "folds must be"),
        ([(range(9), range(9, 20), range(20, 30))], "folds must be"),
        ([(["a", "b"], ["c"])], "must be indices or a mask"),
        ([([0, 0, 1, 2], [3])], "1 trials to learn from are given twice"),
        ([([0, 1.5], [3])], "whole numbers"),
        ([(np.arange(60) < 30, (np.arange(60) >= 30).astype(int))], "what a mask looks like"),
        (cycle([(range(30), range(30, 60))]), "more folds than trials"),
        (pd.Series(np.arange(60) % 5, index=np.arange(60)[::-1]), "not in the order"),
        (np.array(["train", "valid"] * 30), "no 'test'"),
        (Split(3, by="block", gap=-5), "gap is -5"),
    ],
)
def test_folds_that_cannot_be_scored_are_refused(folds, message):
    problem = AreaToArea("A").problem(make_recording())
    with pytest.raises(InputError, match=message):
        make_folds(problem, folds)


def test_inner_folds_are_cut_as_the_given_ones():
    order = np.random.default_rng(0).permutation(60)
    assert name_split([Fold(order[:40], order[40:])]) == "trial"
    assert name_split([Fold(np.arange(40), np.arange(40, 60))]) == "block"


class TestShifts:
    """The shift test of a single split learns from the trials that are not scored."""

    def find_p(self, coupling, fold, seed):
        recording = make_recording(120, coupling=coupling, seed=seed)
        return cross_validate([], AreaToArea("A"), recording, [fold]).beyond.shift_test.p

    def test_a_planted_coupling_is_found_and_noise_is_not(self):
        train = np.arange(0, 120, 2)
        fold = (train, train + 1)
        assert self.find_p(1.0, fold, 0) < 0.05
        null = [self.find_p(0.0, fold, seed) for seed in range(6)]
        assert np.mean(null) > 0.2

    def test_two_folds_and_their_two_halves_are_tested_alike(self):
        problem = AreaToArea("A").problem(make_recording(120))
        even = np.arange(0, 120, 2)
        both = [Fold(even, even + 1), Fold(even + 1, even)]
        base = np.full(problem.y.shape, problem.y.mean(), dtype=np.float32)

        def run(folds):
            job = plan_beyond(problem, folds)
            scorer = SCORERS["counts"](problem.y, folds, np.zeros(120))
            return run_shift_test(job, problem.x, problem.y, base, scorer)[0]

        halves = [run([fold]) for fold in both]
        assert np.mean([half.true for half in halves]) == pytest.approx(run(both).true, rel=0.05)


class TestEvaluate:
    def test_it_is_the_single_fold_of_the_joined_trials(self):
        recording = make_recording(trials={"fold": ["train"] * 40 + ["test"] * 20})
        task = AreaToArea("A", min_rate=0)
        train, test = (
            task.problem(recording.select(trials=rows)) for rows in (range(40), range(40, 60))
        )
        apart = evaluate("pca_ridge", train, test, shifts=0)
        within = cross_validate(["pca_ridge"], task, recording, "fold", shifts=0)
        assert apart.interval("pca_ridge") == within.interval("pca_ridge")
        assert "drift" in within.models
        assert "drift" not in apart.models
        assert [notice.code for notice in apart.notices][-1] == "train_and_test_apart"

    def test_neurons_of_one_part_only_are_left_out(self):
        recording = make_recording()
        silent = recording.dataset.copy(deep=True)
        silent["activity"][:40, :, 1] = 0
        task = AreaToArea("A")
        train, test = (
            task.problem(Recording(silent).select(trials=rows))
            for rows in (range(40), range(40, 60))
        )
        scores = evaluate(["psth"], train, test, shifts=0)
        assert scores.neurons["neuron"].unique().tolist() == [0, 2, 3, 4, 5]
        (notice,) = [one for one in scores.notices if one.code == "neurons_in_one_part_only"]
        assert notice.values["n_targets"] == 1

    def test_other_neurons_are_refused(self):
        recording = make_recording()
        named = recording.dataset.assign_coords(cluster=("neuron", np.arange(12)))
        other = named.assign_coords(cluster=("neuron", np.arange(12) + 1))
        task = AreaToArea("A")
        with pytest.raises(InputError, match="ManySessions"):
            evaluate(["psth"], task.problem(Recording(named)), task.problem(Recording(other)))
        fewer = recording.select(neurons=range(11))
        for given in (task, Behavior("speed")):
            parts = [
                given.problem(
                    Recording(one.dataset.assign(speed=one.dataset["activity"].mean("neuron")))
                )
                for one in (recording, fewer)
            ]
            with pytest.raises(InputError, match="different neurons, 12 and 11; for days"):
                evaluate(["psth"], *parts)
        with pytest.raises(InputError, match="differ in task"):
            evaluate(
                ["psth"], task.problem(recording),
                AreaToArea("A").problem(recording).__class__(
                    **{**vars(task.problem(recording)), "task": "forecast"}
                ),
            )  # fmt: skip

    def test_other_sessions_are_said(self):
        recording = make_recording()
        other = Recording(recording.dataset.assign_attrs(session="the next day"))
        task = AreaToArea("A")
        train, test = recording.select(trials=range(30)), other.select(trials=range(30, 60))
        scores = evaluate("psth", task.problem(train), task.problem(test), shifts=0)
        assert "train_and_test_sessions" in [notice.code for notice in scores.notices]

    def test_trials_that_were_learnt_from_are_refused(self):
        task, recording = AreaToArea("A"), make_recording()
        train = task.problem(recording.select(trials=range(35)))
        test = task.problem(recording.select(trials=range(30, 60)))
        with pytest.raises(InputError, match="5 of the 30 trials of test are trials of train"):
            evaluate("psth", train, test, shifts=0)


def test_progress_counts_every_fit():
    seen = []
    cross_validate(
        ["mean_rate"], AreaToArea("A"), make_recording(), 2, shifts=0,
        progress=lambda what, done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(done, 8) for done in range(1, 9)]


def test_a_bar_is_drawn_on_standard_error(capsys):
    cross_validate(["mean_rate"], AreaToArea("A"), make_recording(), 2, shifts=0, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "8/8" in shown.err
