"""What two areas share is said with what it is above; where the test does not pass, nothing is."""

import pandas as pd
import pytest

from spikecast.report.questions import claims, granger, lagged_cca, subspace
from spikecast.runs.layout import RunLayout
from spikecast.runs.reader import StoredAnswer

FACTS = {
    granger: {"asymmetry": [0.01, 0.005, 0.015], "leader": "A", "n_neurons": 9, "n_trials": 99},
    lagged_cca: {"covarying": [0.01, 0.02], "leader": None, "lead": [0.0, -0.1, 0.1]},
    subspace: {"rank": 2, "rank_within": 4},
}
TABLES = {
    granger: (
        "past",
        pd.DataFrame(
            {"source": ["A", "B"], "target": ["B", "A"], "lag": 1, "gain": 0.02, "low": 0.01,
             "high": 0.03, "p": [0.02, 0.3], "stands": [True, False]}
        ),
    ),
    lagged_cca: ("course", pd.DataFrame({"time": [0.0, 0.01, 0.02]})),
    subspace: ("ranks", pd.DataFrame({"to": ["B", "A (rest)"], "r2": [0.2, 0.3]})),
}  # fmt: skip


def make_answer(tmp_path, page, p=0.02, above="source_free", untested=None):
    claim = {"above": above, "p": p, "n_shifts": 40, "untested": untested}
    claim["stands"] = p is not None and p <= 0.05
    layout, (name, table) = RunLayout(tmp_path), TABLES[page]
    path = layout.answer_table("one", name)
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False)
    facts = {"source": "A", "target": "B", "claim": claim, "tables": [name], **FACTS[page]}
    return StoredAnswer(layout, "one", facts)


@pytest.mark.parametrize("page", list(FACTS))
def test_a_finding_says_what_it_is_above(tmp_path, page):
    text = " ".join(page.headlines([make_answer(tmp_path, page)]))
    assert "the task and the session's drift" in text
    assert "behaviour" not in text
    assert "shift test p ≤ 0.024" in text
    moved = " ".join(page.headlines([make_answer(tmp_path, page, above="behavior")]))
    assert "the task, the session's drift and the recorded behaviour" in moved


@pytest.mark.parametrize("page", list(FACTS))
def test_what_does_not_pass_is_not_said(tmp_path, page):
    (silent,) = page.headlines([make_answer(tmp_path, page, p=0.3)])
    assert "than the task and the session's drift explain" in silent
    assert "= 0.300" in silent
    for word in ("leads", "enough", "ahead", "0.020", "beyond"):
        assert word not in silent


@pytest.mark.parametrize("untested", list(claims.UNTESTED))
def test_what_was_not_tested_is_not_claimed(tmp_path, untested):
    for page in FACTS:
        (silent,) = page.headlines([make_answer(tmp_path, page, None, untested=untested)])
        assert silent == f"A and B: nothing is claimed, as {claims.UNTESTED[untested]}."


def test_a_direction_that_does_not_stand_is_marked(tmp_path):
    gains, lead = granger.headlines([make_answer(tmp_path, granger)])
    first = gains.index("A → B 0.020 (0.010 to 0.030) (shift test p ≤ 0.024);")
    assert first < gains.index("B → A 0.020 (0.010 to 0.030) (shift test p = 0.300), which")
    assert gains.count("does not stand") == 1
    assert "A leads" in lead
