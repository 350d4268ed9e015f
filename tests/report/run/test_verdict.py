"""Every outcome has a sentence that says what a score is above."""

from dataclasses import replace

import pytest

from spikecast.evaluation.beyond import Beyond, ShiftTest
from spikecast.evaluation.verdict import Comparison, Verdict
from spikecast.report.run.verdict import OUTCOMES, describe_verdict
from spikecast.scoring.ratio_scores import Interval

SCORE, GAIN = Interval(0.3, 0.2, 0.4), Interval(0.12, 0.1, 0.14)
RUNGS = ("psth", "drift", "source_free", "behavior")
TEST = ShiftTest(0.05, 0.1, tuple(range(1, 20)), (0.0,) * 19)
VERDICT = Verdict(
    "MOs", "rest", "bits_per_spike", "predicted", "lfads", SCORE, RUNGS, GAIN,
    Beyond("behavior", GAIN, TEST),
)  # fmt: skip


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_is_a_whole_sentence(outcome):
    first, *others = describe_verdict(replace(VERDICT, outcome=outcome))
    assert first.endswith(".")
    assert first[0].isupper()
    assert "{" not in first + "".join(others)


def test_a_claim_names_what_it_is_above_and_its_test():
    first = describe_verdict(VERDICT)[0]
    assert "beyond the task, the session's drift and the recorded behaviour" in first
    assert "0.120" in first
    assert "p \N{LESS-THAN OR EQUAL TO} 0.050" in first


def test_where_no_column_names_a_condition_the_task_is_not_claimed_to_be_taken_out():
    first = describe_verdict(replace(VERDICT, one_condition=True))[0]
    assert "beyond the average trial, the session's drift and the recorded behaviour" in first
    assert "the task" not in first


@pytest.mark.parametrize("gain", [Interval(0.01, -0.01, 0.02), GAIN])
def test_no_more_than_the_ladder_says_why(gain):
    """By the interval, or because shifted trials do as well."""
    test = replace(TEST, p=0.4)
    beyond = Beyond("behavior", gain, test)
    first = describe_verdict(replace(VERDICT, outcome="not_beyond", beyond=beyond))[0]
    assert "no more about MOs than" in first
    assert ("shifted" in first) == (gain.low > 0)


@pytest.mark.parametrize(
    ("why", "word"), [("unordered", "in no known order"), ("few_trials", "few trials")]
)
def test_without_a_test_nothing_is_called_predicted(why, word):
    beyond = Beyond("psth", GAIN, None, why)
    verdict = replace(VERDICT, outcome="untested", beyond=beyond, rungs=("psth", "source_free"))
    first = describe_verdict(verdict)[0]
    assert word in first
    assert "predicted" not in first
    assert "than the task by" in first


def test_a_run_from_before_there_was_a_ladder_claims_no_more_than_it_can():
    stored = replace(VERDICT, rungs=(), above_rung=None, beyond=None).to_json()
    for name in ("rungs", "above_rung", "beyond"):
        del stored[name]
    verdict = Verdict.from_json(stored)
    assert verdict.outcome == "untested"
    assert "not held against" in describe_verdict(verdict)[0]


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.1, 0.3, "beats"), (-0.3, -0.1, "loses"), (-0.1, 0.1, "told apart")]
)
def test_a_comparison_follows_its_interval(low, high, word):
    comparison = Comparison("gru", "pls", Interval((low + high) / 2, low, high))
    verdict = replace(VERDICT, leader="gru", comparison=comparison, below_null={"lstm": -1.0})
    _, best, compared, worse = describe_verdict(verdict)
    assert "gru" in best
    assert word in compared
    assert "lstm (-1.000)" in worse


def test_models_that_predict_nothing_are_not_ranked():
    comparison = Comparison("timescales", "poisson_glm", Interval(0.05, 0.02, 0.08))
    verdict = replace(
        VERDICT, outcome="not_predicted", score=Interval(-0.1, -0.2, -0.01),
        below_null={"timescales": -0.1, "poisson_glm": -0.15}, comparison=comparison,
    )  # fmt: skip
    sentences = " ".join(describe_verdict(verdict))
    assert "beats" not in sentences
    assert "Worse than predicting the mean: timescales (-0.100), poisson_glm (-0.150)" in sentences


@pytest.mark.parametrize("above", [Interval(-0.024, -0.04, -0.01), GAIN])
def test_a_leader_below_the_ladder_is_said_to_be(above):
    verdict = replace(VERDICT, outcome="not_beyond", above_rung=above)
    leader = describe_verdict(verdict)[1]
    assert "The best model that uses the rest, lfads, reaches 0.300" in leader
    assert ("0.024 less than the task" in leader) == (above.value < 0)


@pytest.mark.parametrize("outcome", ["not_beyond", "predicted"])
def test_a_ranking_of_models_is_no_evidence_where_nothing_is_claimed(outcome):
    comparison = Comparison("stack", "poisson_glm", Interval(0.009, 0.005, 0.014))
    verdict = replace(VERDICT, outcome=outcome, comparison=comparison)
    compared = describe_verdict(verdict)[2]
    assert ("no evidence for the rest" in compared) == (outcome == "not_beyond")
