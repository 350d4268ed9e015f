"""Numbers of sound runs, read from their files."""

import pytest

from spikecast.core.errors import RunError
from spikecast.runs.studies import findings

SUMMARY = """model,r2,low,high,target,source
gru,0.25,0.2,0.3,b,a
mean_rate,-1e-9,-1e-9,1e-9,b,a
"""


def test_scores_are_spelt_and_a_model_that_was_left_out_is_explained(tmp_path):
    (tmp_path / "summary.csv").write_text(SUMMARY)
    found = findings.scores(tmp_path)
    assert found["gru"].text == "0.250 R² (0.200 to 0.300)"
    assert found["mean_rate"].text == "0.000 R² (0.000 to 0.000)"
    assert findings.several(found, "lstm", "gru").text == "gru 0.250 R² (0.200 to 0.300)"
    for read in (lambda: found["lstm"], lambda: findings.several(found, "lstm")):
        with pytest.raises(RunError, match=r"needs 'lstm', which could not be fitted: see .*log"):
            read()
