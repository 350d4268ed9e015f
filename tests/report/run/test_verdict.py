"""Every outcome has a sentence, and a comparison says who is ahead."""

import pytest

from spikecast.evaluation.verdict import Comparison, Verdict
from spikecast.report.run.verdict import OUTCOMES, describe_verdict
from spikecast.scoring.ratio_scores import Interval

SCORE = Interval(0.3, 0.2, 0.4)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_is_one_whole_sentence(outcome):
    (sentence,) = describe_verdict(Verdict("MOs", "rest", "r2", outcome, "lfads", SCORE))
    assert sentence.endswith(".")
    assert "{" not in sentence


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.1, 0.3, "beats"), (-0.3, -0.1, "loses"), (-0.1, 0.1, "told apart")]
)
def test_a_comparison_follows_its_interval(low, high, word):
    comparison = Comparison("gru", "pls", Interval((low + high) / 2, low, high))
    verdict = Verdict("MOs", "rest", "r2", "predicted", "gru", SCORE, comparison, {"lstm": -1.0})
    _, compared, worse = describe_verdict(verdict)
    assert word in compared
    assert "lstm (-1.00)" in worse
