"""What a page says of the null that a label is held against."""

from pathlib import Path

from spikecast.report.questions.null_choice import NULLS, SHORT_NULLS, describe_null, phrase_null
from spikecast.runs.layout import RunLayout
from spikecast.runs.reader import StoredAnswer


def test_an_answer_of_an_earlier_version_shuffled_the_labels():
    answer = StoredAnswer(RunLayout(Path("run")), "time-side-counts", {"label": "side"})
    assert describe_null([answer]) == NULLS["label_shuffle"]
    assert phrase_null(answer) == SHORT_NULLS["label_shuffle"]
