"""Questions of a config: checked first, answered stage by stage, to the same numbers."""

import json

import numpy as np
import pandas as pd
import pytest

from spikecast import report
from spikecast.core.errors import ConfigError, InputError, RunError, SpikecastError
from spikecast.data.recording import Recording
from spikecast.runs import config, experiment
from spikecast.runs.layout import RunLayout
from spikecast.runs.questions.catalog import Analysis, expand_questions
from spikecast.runs.questions.question import Answer, Question
from spikecast.runs.questions.store import answer_questions
from spikecast.runs.reader import read_answers

MODELS = ["mean_rate", "pca_ridge"]
QUESTIONS = {
    "decode": {"labels": ["response"], "sources": ["counts", "latents", "behavior"],
               "folds": 3, "permutations": 20},
    "over_time": {"labels": ["contrast_right>0"], "areas": ["VISp", "MOs"],
                  "folds": 3, "permutations": 40},
    "flow": {"pairs": [["VISp", "MOs"]], "lags": [1, 2], "folds": 2, "shuffles": 2},
    "dimensions": {"areas": ["VISp"], "components": 8},
    "embed": {"labels": ["response"], "methods": ["pca", "tsne"]},
    "trajectories": {"labels": ["response"], "source": "latents"},
}  # fmt: skip


@pytest.fixture(scope="module")
def data(recording, tmp_path_factory):
    """The task with two trials whose response is missing."""
    response = recording.trials["response"].to_numpy().astype(float)
    response[[3, 10]] = np.nan
    path = tmp_path_factory.mktemp("data") / "task.nc"
    Recording(recording.dataset.assign_coords(response=("trial", response))).save(path)
    return str(path)


def answers_of(run):
    """Facts of a run's answers by name, as they are stored."""
    return {answer.name: answer.facts for answer in read_answers(run)}


def make(path, analysis, **change):
    content = {
        "data": {"path": path}, "task": {"target": "MOs"}, "models": MODELS,
        "evaluation": {"folds": 3, "bootstrap": 200}, "analysis": analysis,
    }  # fmt: skip
    return config.parse_config(content | change)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "one"
    return experiment.run(make(data, QUESTIONS), out, workers=1)


def numbers(run):
    """Everything that was found, without how long it took."""
    answers = answers_of(run)
    facts = {name: {**kept, "seconds": 0} for name, kept in answers.items()}
    tables = {p.name: p.read_text() for p in sorted(RunLayout(run).answers.glob("*.csv"))}
    return facts, tables


def test_every_question_is_answered_in_files(run):
    answers = answers_of(run)
    assert list(answers) == [
        "decode-response-counts", "decode-response-latents-pca_ridge", "decode-response-behavior",
        "time-contrast_right_above_0-counts", "generalization-contrast_right_above_0-counts-VISp",
        "generalization-contrast_right_above_0-counts-MOs", "flow-VISp-MOs", "dimensions-VISp",
        "embed-response-pca", "embed-response-tsne", "trajectories-response-latents-pca_ridge",
    ]  # fmt: skip
    first = answers["decode-response-counts"]
    assert (first["n_trials"], first["n_left_out"]) == (58, 2)
    assert first["score"] > first["chance"]
    confusion = pd.read_csv(run / "analysis/decode-response-counts-confusion.csv")
    assert confusion.drop(columns="truth").to_numpy().sum() == 58
    (notice,) = answers["trajectories-response-latents-pca_ridge"]["notices"]
    assert notice["code"] == "acausal_latents"
    assert notice["values"] == {"model": "pca_ridge"}
    assert not list(RunLayout(run).answers.glob(".*"))


def test_an_interrupted_run_answers_on_to_the_same_numbers(data, run, tmp_path):
    def interrupt(what, done, total):
        if what.startswith("does VISp lead"):
            raise KeyboardInterrupt

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        experiment.run(make(data, QUESTIONS), out, workers=1, progress=interrupt)
    assert not (out / "analysis/index.json").exists()
    kept = (out / "analysis/decode-response-counts.json").stat().st_mtime_ns
    experiment.run(make(data, QUESTIONS), out, workers=1, resume=True)
    assert (out / "analysis/decode-response-counts.json").stat().st_mtime_ns == kept
    assert numbers(out) == numbers(run)


def test_an_answer_about_other_data_is_not_kept(tmp_path):
    answers = iter([1, 2, 3])
    question = Question("decode", "one", "one", {}, lambda: Answer({"n": next(answers)}))
    for response, expected in (("a", 1), ("a", 1), ("b", 2)):
        identity = {"activity": "0", "trial column 'response'": response}
        answer_questions([question], RunLayout(tmp_path), identity, lambda *what: None)
        assert answers_of(tmp_path)["one"]["n"] == expected


def test_more_can_be_asked_of_a_run_and_its_config_then_says_so(data, tmp_path):
    out = tmp_path / "run"
    experiment.run(make(data, {}), out, workers=1)
    more = {"labels": ["response"], "sources": ["counts"], "folds": 3, "permutations": 20}
    experiment.add_answers(out, Analysis(decode=[more]))
    kept = (out / "analysis/decode-response-counts.json").stat().st_mtime_ns
    experiment.add_answers(out, Analysis(decode=[more | {"labels": ["feedback"]}]))
    assert list(answers_of(out)) == [
        "decode-response-counts", "decode-feedback-counts"
    ]  # fmt: skip
    assert (out / "analysis/decode-response-counts.json").stat().st_mtime_ns == kept
    assert config.read_config(out / "config.yaml").analysis.labels == ["response", "feedback"]
    experiment.add_answers(out, Analysis(decode=[more | {"permutations": 30}]))
    assert answers_of(out)["decode-response-counts"]["permutations"] == 30
    before = sorted(p.name for p in RunLayout(out).answers.iterdir())
    with pytest.raises(InputError, match="Did you mean 'response'"):
        experiment.add_answers(out, Analysis(decode=[more | {"labels": ["respons"]}]))
    assert sorted(p.name for p in RunLayout(out).answers.iterdir()) == before
    with pytest.raises(RunError, match="not a run directory"):
        experiment.add_answers(tmp_path, Analysis())


def test_what_is_known_beyond_the_stimulus_stands_beside_what_is_known(data, tmp_path):
    block = {"labels": ["response"], "sources": ["counts"], "folds": 3, "permutations": 40}
    within = block | {"strata": ["contrast_left", "contrast_right"]}
    asked = {
        "decode": [block, within],
        "over_time": [block | {"areas": ["MOs"]}, within | {"areas": ["MOs"]}],
    }
    run = experiment.run(make(data, asked, task=None, models=[]), tmp_path / "run")
    found = answers_of(run)
    strata = "within_contrast_left_contrast_right"
    assert [name for name in found if name.startswith(("decode", "time"))] == [
        "decode-response-counts", f"decode-response-counts-{strata}",
        "time-response-counts", f"time-response-counts-{strata}",
    ]  # fmt: skip
    plain, beyond = (found[name] for name in found if name.startswith("decode"))
    assert beyond["label"] == "response beyond contrast_left and contrast_right"
    assert beyond["score"] == plain["score"]
    assert beyond["chance"] > plain["chance"] + 0.05
    codes = [notice["code"] for notice in found["time-response-counts"]["notices"]]
    assert "follows_stimulus" in codes
    page = report.build(run).read_text()
    for said in (
        "&#39;response beyond contrast_left and contrast_right&#39;",
        "shuffled over trials of equal contrast_left and contrast_right",
        "name contrast_left, contrast_right as strata",
    ):
        assert said in page, said


@pytest.mark.parametrize(
    ("analysis", "message"),
    [
        ({"decode": {"labels": ["respons"]}}, "Did you mean 'response'"),
        ({"decode": {"labels": ["contrast_rigt>0"]}}, "Did you mean 'contrast_right'"),
        ({"decode": {"labels": ["response"], "areas": ["VSIp"]}}, "Did you mean 'VISp'"),
        ({"decode": {"labels": ["response"], "folds": 40}}, "fewer than the 40 folds"),
        ({"decode": {"labels": ["contrast_right>5"]}}, "at least two classes"),
        ({"decode": {"labels": ["response"], "sources": ["latents"], "model": "psth"}},
         "unknown model with latents"),
        ({"over_time": {"labels": ["response"], "sources": ["latents"]}}, "acausal"),
        ({"over_time": {"labels": ["response"], "strata": ["contrast"]}}, "Did you mean"),
        ({"decode": {"labels": ["contrast_left>0"], "strata": ["contrast_left"]}},
         "nothing to find beyond"),
        ({"flow": {"pairs": [["VISp", "VISp"]]}}, "choose two areas"),
        ({"flow": {"pairs": [["VISp", "MOs"]], "conditions": ["contrast"]}}, "Did you mean"),
        ({"dimensions": {"areas": ["V1"]}}, "unknown area"),
        ({"trajectories": {"labels": ["respons"]}}, "Did you mean 'response'"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_before_anything_is_written(data, tmp_path, analysis, message):
    with pytest.raises(SpikecastError, match=message):
        experiment.run(make(data, analysis), tmp_path / "run", workers=1)
    assert not (tmp_path / "run").exists()


def test_mistakes_in_a_block_name_its_place(data):
    with pytest.raises(ConfigError, match=r"'analysis.decode.0.lables'. Did you mean 'labels'"):
        make(data, {"decode": {"lables": ["response"]}})
    with pytest.raises(ConfigError, match=r"'analysis.decode.0.folds'"):
        make(data, {"decode": [{"labels": ["response"], "folds": 1}]})
    with pytest.raises(ConfigError, match=r"'analysis.flo'. Did you mean 'flow'"):
        make(data, {"flo": {}})
    with pytest.raises(ConfigError, match="Did you mean 'lda'"):
        make(data, {"decode": {"labels": ["response"], "decoder": "ldaa"}})
    within = {"labels": ["response"], "strata": ["contrast_left"]}
    with pytest.raises(ConfigError, match="strata go with null_labels: label_shuffle"):
        make(data, {"decode": within | {"null_labels": "pseudo_session"}})
    with pytest.raises(ConfigError, match="neither a task"):
        config.parse_config({"data": {"path": data}})


def test_latents_need_a_model_and_a_failure_leaves_no_folder(data, tmp_path):
    alone = {"task": None, "models": []}
    with pytest.raises(InputError, match="latents are those of a fitted model"):
        experiment.run(
            make(data, {"decode": {"labels": ["response"], "sources": ["latents"]}}, **alone),
            tmp_path / "run",
        )
    # pseudo-sessions of a label that never repeats cannot be drawn: found out only while at it
    recording = Recording.from_arrays(
        np.ones((20, 4, 3), dtype=int), [0.0, 0.1, 0.2, 0.3], "VISp",
        trials={"side": np.tile(["left", "right"], 10)},
    )  # fmt: skip
    recording.save(tmp_path / "still.nc")
    with pytest.raises(InputError, match="none of the 3 features varies"):
        experiment.run(
            make(str(tmp_path / "still.nc"), {"decode": {"labels": ["side"]}}, **alone),
            tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()


def test_a_baseline_leaves_out_what_the_label_is_made_of(recording):
    wanted = Analysis(decode=[{"labels": ["contrast_left>0"], "sources": ["behavior"]}])
    (question,) = expand_questions(wanted, recording, {}, 0)
    features = question.answer.args[2].features.name
    assert "contrast_right" in features
    assert "contrast_left" not in features
    bare = recording.select(trials=range(40)).dataset.drop_vars(
        [*recording.behavior, "contrast_left", "contrast_right"]
    )
    alone = Analysis(decode=[{"labels": ["response"], "sources": ["behavior"], "folds": 2}])
    with pytest.raises(InputError, match="neither behaviour nor a stimulus"):
        expand_questions(alone, Recording(bare), {}, 0)


def test_the_page_shows_every_answer(run):
    page = report.build(run).read_text()
    for phrase in (
        "What the activity encodes, and when", "Which labels can be decoded", "From when",
        "Does the code change", "Does one area lead another", "How many dimensions",
        "Maps of the trials", "Paths by condition", "(2 left out)", "precision", "fitted anew",
        "2 trials without &#39;response&#39; were left out", "paths part before", "Decodable is",
    ):  # fmt: skip
        assert phrase in page, phrase
    captions = page.split("<figcaption>")[1:]
    about_answers = [text for text in captions if "It does not show" in text.split("</")[0]]
    assert len(about_answers) >= 8
    assert report.build(run).read_text() == page


def test_questions_alone_make_a_page(data, tmp_path):
    asked = {"decode": {"labels": ["response"], "folds": 3, "permutations": 20}}
    out = experiment.run(make(data, asked, task=None, models=[]), tmp_path / "run")
    page = report.build(out).read_text()
    assert "Can response be read from the activity?" in page
    assert "can be decoded from counts of all neurons" in page
    assert 'id="scores"' not in page
    assert json.loads((out / "manifest.json").read_text())["finished"]


def test_how_bins_are_combined_and_classes_balanced_is_done_and_said(data, tmp_path):
    asked = {"labels": ["response"], "sources": ["counts"], "folds": 3, "permutations": 20}
    blocks = [
        asked,
        {**asked, "areas": ["MOs"], "combine": "vote", "balance": "subsample"},
        {**asked, "areas": ["VISp"], "decoder": "linear_classifier"},
    ]
    run = experiment.run(make(data, {"decode": blocks}, task=None, models=[]), tmp_path / "r")
    answers = answers_of(run)
    assert [answer["combine"] for answer in answers.values()] == ["mean", "vote", "mean"]
    page = report.build(run).read_text(encoding="utf-8")
    for said in ("averaged over its bins", "most of its bins", "at random over the session"):
        assert page.count(said) == 1
    assert "linear_classifier reads a trial" in page
