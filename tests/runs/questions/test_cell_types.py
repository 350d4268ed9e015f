"""Areas cut into narrow and wide spikes."""

import pandas as pd
from planted_questions import make_alone, read_facts

from spikecast import report
from spikecast.runs import experiment


def test_each_cell_type_has_an_answer(pairs_facts):
    assert pairs_facts["decode-side-counts-A_narrow"]["p"] < 0.05
    assert pairs_facts["decode-side-counts-A_narrow"]["score"] > 0.9
    assert pairs_facts["decode-side-counts-A_wide"]["p"] > 0.05
    assert pairs_facts["decode-side-counts-A_wide"]["area"] == "A wide"


def test_every_block_with_areas_can_be_split(pairs_file, tmp_path):
    questions = {
        "over_time": {"labels": ["side"], "areas": ["A"], "folds": 3, "permutations": 40,
                      "generalization": False, "cell_types": True},
        "dimensions": {"areas": ["A"], "components": 4, "cell_types": True},
        "tuning": {"permutations": 100, "cell_types": True},
        "subspace": {"pairs": [["A", "A"]], "folds": 2, "cell_types": True},
    }  # fmt: skip
    alone = make_alone(pairs_file, questions)
    out = experiment.run(alone, tmp_path / "run")
    facts = read_facts(out)
    assert list(facts) == [
        "time-side-counts", "subspace-A_narrow-A_wide", "subspace-A_wide-A_narrow",
        "dimensions-A_narrow", "dimensions-A_wide", "tuning-counts-narrow_cells",
            "tuning-counts-wide_cells",
    ]  # fmt: skip
    onsets = pd.read_csv(out / "analysis/time-side-counts-onsets.csv")
    assert list(onsets["area"]) == ["A narrow", "A wide"]
    assert facts["tuning-counts-wide_cells"]["n_units"] == 25
    assert "elsewhere narrow does not mean inhibitory" in report.build(out).read_text()
