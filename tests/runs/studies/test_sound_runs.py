"""Numbers of sound runs, read from their files."""

import pytest

from spikecast.core.errors import RunError
from spikecast.runs.studies.sound_runs import read_scores

SUMMARY = """model,r2,low,high,target,source
gru,0.25,0.2,0.3,b,a
mean_rate,-1e-9,-1e-9,1e-9,b,a
"""


def test_scores_have_intervals_and_a_model_that_was_left_out_is_explained(tmp_path):
    (tmp_path / "summary.csv").write_text(SUMMARY)
    scores = read_scores(tmp_path)
    gru = {"name": "GRU", "value": 0.25, "unit": "r2", "low": 0.2, "high": 0.3}
    assert scores["gru"].to_json() == gru
    assert scores.choose("lstm", "gru") == [scores["gru"]]
    assert read_scores(tmp_path, {"gru": "our GRU"})["gru"].name == "our GRU"
    # best first, as in the chart beside the table
    assert scores.choose("mean_rate", "gru") == [scores["gru"], scores["mean_rate"]]
    for read in (lambda: scores["lstm"], lambda: scores.choose("lstm")):
        with pytest.raises(RunError, match=r"needs 'lstm', which could not be fitted: see .*log"):
            read()
