"""Questions are answered stage by stage: interrupted or not, the numbers are the same."""

import json

import numpy as np
import pandas as pd
import pytest
from planted_questions import TASK_QUESTIONS, make_alone, make_task_config, read_facts

from spikecast import report
from spikecast.core.errors import InputError, RunError
from spikecast.data.recording import Recording
from spikecast.runs import config, experiment
from spikecast.runs.layout import RunLayout
from spikecast.runs.questions.catalog import Analysis, expand_questions
from spikecast.runs.questions.question import Answer, Question
from spikecast.runs.questions.store import answer_questions


def read_numbers(run):
    """Return the facts and tables of all answers, without how long they took."""
    answers = read_facts(run)
    facts = {name: {**kept, "seconds": 0} for name, kept in answers.items()}
    tables = {p.name: p.read_text() for p in sorted(RunLayout(run).answers.glob("*.csv"))}
    return facts, tables


def test_every_question_has_its_files(task_run):
    answers = read_facts(task_run)
    assert list(answers) == [
        "decode-response-counts", "decode-response-latents-pca_ridge", "decode-response-behavior",
        "time-contrast_right_above_0-counts", "generalization-contrast_right_above_0-counts-VISp",
        "generalization-contrast_right_above_0-counts-MOs", "flow-VISp-MOs", "dimensions-VISp",
        "embed-response-pca", "embed-response-tsne", "trajectories-response-latents-pca_ridge",
    ]  # fmt: skip
    first = answers["decode-response-counts"]
    assert (first["n_trials"], first["n_left_out"]) == (58, 2)
    assert first["score"] > first["chance"]
    confusion = pd.read_csv(task_run / "analysis/decode-response-counts-confusion.csv")
    assert confusion.drop(columns="truth").to_numpy().sum() == 58
    (notice,) = answers["trajectories-response-latents-pca_ridge"]["notices"]
    assert notice["code"] == "acausal_latents"
    assert notice["values"] == {"model": "pca_ridge"}
    assert not list(RunLayout(task_run).answers.glob(".*"))


def test_a_resumed_run_answers_to_the_same_numbers(task_file, task_run, tmp_path):
    def interrupt(what, done, total):
        if what.startswith("does VISp lead"):
            raise KeyboardInterrupt

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        experiment.run(
            make_task_config(task_file, TASK_QUESTIONS), out, workers=1, progress=interrupt
        )
    assert not (out / "analysis/index.json").exists()
    kept = (out / "analysis/decode-response-counts.json").stat().st_mtime_ns
    experiment.run(make_task_config(task_file, TASK_QUESTIONS), out, workers=1, resume=True)
    assert (out / "analysis/decode-response-counts.json").stat().st_mtime_ns == kept
    assert read_numbers(out) == read_numbers(task_run)


def test_an_answer_about_other_data_is_replaced(tmp_path):
    answers = iter([1, 2, 3])
    question = Question("decode", "one", "one", {}, lambda: Answer({"n": next(answers)}))
    for response, expected in (("a", 1), ("a", 1), ("b", 2)):
        identity = {"activity": "0", "trial column 'response'": response}
        answer_questions([question], RunLayout(tmp_path), identity, lambda *what: None)
        assert read_facts(tmp_path)["one"]["n"] == expected


def test_questions_are_added_to_a_run_and_to_its_config(task_file, tmp_path):
    out = tmp_path / "run"
    experiment.run(make_task_config(task_file, {}), out, workers=1)
    more = {"labels": ["response"], "sources": ["counts"], "folds": 3, "permutations": 20}
    experiment.add_answers(out, Analysis(decode=[more]))
    kept = (out / "analysis/decode-response-counts.json").stat().st_mtime_ns
    experiment.add_answers(out, Analysis(decode=[more | {"labels": ["feedback"]}]))
    assert list(read_facts(out)) == [
        "decode-response-counts", "decode-feedback-counts"
    ]  # fmt: skip
    assert (out / "analysis/decode-response-counts.json").stat().st_mtime_ns == kept
    assert config.read_config(out / "config.yaml").analysis.labels == ["response", "feedback"]
    experiment.add_answers(out, Analysis(decode=[more | {"permutations": 30}]))
    assert read_facts(out)["decode-response-counts"]["permutations"] == 30
    before = sorted(p.name for p in RunLayout(out).answers.iterdir())
    with pytest.raises(InputError, match="Did you mean 'response'"):
        experiment.add_answers(out, Analysis(decode=[more | {"labels": ["respons"]}]))
    assert sorted(p.name for p in RunLayout(out).answers.iterdir()) == before
    with pytest.raises(RunError, match="not a run directory"):
        experiment.add_answers(tmp_path, Analysis())


def test_one_more_area_asks_anew_only_what_compares_areas(recording):
    label = {"labels": ["response"], "sources": ["counts", "behavior"]}
    curves = label | {"generalization": False}
    blocks = {"decode": label, "over_time": curves, "dimensions": {}, "tuning": {}}
    one, more = (
        {
            question.name: question.settings
            for name, block in blocks.items()
            for question in expand_questions(
                Analysis(**{name: block | {"areas": areas}}), recording, {}, seed=0
            )
        }
        for areas in (["VISp"], ["VISp", "MOs"])
    )
    assert len(more) > len(one)
    assert {name for name in one if one[name] != more[name]} == {
        "time-response-counts", "time-response-behavior"
    }  # fmt: skip
    assert one["time-response-counts"]["areas"] == ["VISp"]


def test_the_page_shows_every_answer(task_run):
    page = report.build(task_run).read_text()
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
    assert report.build(task_run).read_text() == page


def test_questions_alone_make_a_page(task_file, tmp_path):
    questions = {"decode": {"labels": ["response"], "folds": 3, "permutations": 20}}
    out = experiment.run(make_alone(task_file, questions), tmp_path / "run")
    page = report.build(out).read_text()
    assert "Can response be read from the activity?" in page
    assert "can be decoded from counts of all neurons" in page
    assert 'id="scores"' not in page
    assert json.loads((out / "manifest.json").read_text())["finished"]


def test_questions_whose_files_would_be_called_the_same_are_kept_apart():
    counts = np.random.default_rng(0).poisson(0.5, (40, 10, 4))
    columns = {name: np.tile(["left", "right"], 20) for name in ("a b", "a_b", "a:b")}
    recording = Recording.from_arrays(counts, 0.1 * np.arange(10), "A", trials=columns)
    asked = Analysis(decode={"labels": ["a b", "a_b"]}).merge(Analysis(decode={"labels": ["a:b"]}))
    questions = expand_questions(asked, recording, {}, 0)
    assert len({question.name for question in questions}) == len(questions)
    of_counts = [one for one in questions if one.settings["question"][-1] == "counts"]
    assert [one.settings["question"][1] for one in of_counts] == ["a b", "a_b", "a:b"]
    again = expand_questions(asked, recording, {}, 0)
    assert [one.name for one in again] == [one.name for one in questions]
