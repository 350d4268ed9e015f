"""Decoding of labels: strata, the baseline, bins combined, classes balanced."""

import pytest
from planted_questions import make_alone, read_facts

from spikecast import report
from spikecast.core.errors import InputError
from spikecast.data.recording import Recording
from spikecast.runs import experiment
from spikecast.runs.questions.catalog import Analysis, expand_questions


def test_decoding_within_strata_stands_beside_decoding(task_file, tmp_path):
    block = {"labels": ["response"], "sources": ["counts"], "folds": 3, "permutations": 40}
    block |= {"null_labels": "label_shuffle"}
    within = block | {"strata": ["contrast_left", "contrast_right"]}
    questions = {
        "decode": [block, within],
        "over_time": [block | {"areas": ["MOs"]}, within | {"areas": ["MOs"]}],
    }
    run = experiment.run(make_alone(task_file, questions), tmp_path / "run")
    facts = read_facts(run)
    strata = "within_contrast_left_contrast_right"
    assert [name for name in facts if name.startswith(("decode", "time"))] == [
        "decode-response-counts", f"decode-response-counts-{strata}",
        "time-response-counts", f"time-response-counts-{strata}",
    ]  # fmt: skip
    plain, beyond = (facts[name] for name in facts if name.startswith("decode"))
    assert beyond["label"] == "response beyond contrast left and contrast right"
    # within strata classes are not spread evenly over folds: drawn labels would not be either
    assert beyond["score"] == pytest.approx(plain["score"], abs=0.1)
    assert beyond["chance"] > plain["chance"] + 0.05
    codes = [notice["code"] for notice in facts["time-response-counts"]["notices"]]
    assert "follows_stimulus" in codes
    page = report.build(run).read_text()
    for phrase in (
        "&#39;response beyond contrast left and contrast right&#39;",
        "shuffled over trials of equal contrast left and contrast right",
        "shuffled labels within trials of equal contrast left and contrast right: as was asked",
        "name contrast_left, contrast_right as strata",
    ):
        assert phrase in page, phrase


def test_a_baseline_leaves_out_what_the_label_is_made_of(recording):
    analysis = Analysis(decode=[{"labels": ["contrast_left>0"], "sources": ["behavior"]}])
    (question,) = expand_questions(analysis, recording, {}, 0)
    features = question.answer.args[2].features.name
    assert "contrast_right" in features
    assert "contrast_left" not in features
    bare = recording.select(trials=range(40)).dataset.drop_vars(
        [*recording.behavior, "contrast_left", "contrast_right"]
    )
    alone = Analysis(decode=[{"labels": ["response"], "sources": ["behavior"], "folds": 2}])
    with pytest.raises(InputError, match="neither behaviour nor a stimulus"):
        expand_questions(alone, Recording(bare), {}, 0)


@pytest.mark.parametrize("values", [float("nan"), 0.25, ["low", "high"]])
def test_contrasts_that_are_missing_constant_or_text_end_no_decoding(recording, values):
    few = recording.select(trials=range(40)).dataset.drop_vars(recording.behavior)
    told = values * 20 if isinstance(values, list) else [values] * 40
    changed = few.assign_coords(
        contrast_left=("trial", told),
        contrast_right=("trial", [0.0] * 40),
        feedback=("trial", [0.0, 1.0] * 20),
    )
    block = {"labels": ["feedback"], "folds": 2, "sources": ["counts", "behavior"]}
    questions = expand_questions(Analysis(decode=[block]), Recording(changed), {}, 0)
    assert len(questions) == (2 if isinstance(values, list) else 1)


def test_the_page_names_how_bins_are_combined_and_classes_balanced(task_file, tmp_path):
    questions = {"labels": ["response"], "sources": ["counts"], "folds": 3, "permutations": 20}
    blocks = [
        questions,
        {**questions, "areas": ["MOs"], "combine": "vote", "balance": "subsample"},
        {**questions, "areas": ["VISp"], "decoder": "linear_classifier"},
    ]
    run = experiment.run(make_alone(task_file, {"decode": blocks}), tmp_path / "r")
    answers = read_facts(run)
    assert [answer["combine"] for answer in answers.values()] == ["mean", "vote", "mean"]
    page = report.build(run).read_text(encoding="utf-8")
    for phrase in ("averaged over its bins", "most of its bins", "at random over the session"):
        assert page.count(phrase) == 1
    assert "linear_classifier reads a trial" in page
