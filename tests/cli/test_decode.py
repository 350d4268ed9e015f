"""decode from the command line."""

from functools import partial
from pathlib import Path

from spikecast.cli import predict
from spikecast.report.questions.catalog import make_headlines
from spikecast.runs.questions.decode import Decode
from spikecast.runs.reader import Run

PREDICT = ("--session", "0", "--target", "MOs", "--models", "mean_rate,pca_ridge", "--folds", "3")


def features(run):
    return {(answer["column"], answer["features"]) for answer in Run(run).answers}


def test_decode_answers_from_data_and_adds_to_a_run(data, spikecast, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "Decode", partial(Decode, permutations=20))
    quick = ("--label", "response", "--folds", 3, "--permutations", 20, "--quiet")
    done = spikecast("decode", data, "--session", 0, *quick, "--areas", "VISp,MOs", "--over-time")
    assert done.status == 0, done.errors
    answers = Run(Path("runs/task-0_response")).answers
    assert {(answer.kind, answer["area"]) for answer in answers} >= {
        ("decode", "VISp"), ("decode", "MOs"), ("over_time", None)
    }  # fmt: skip
    assert set(make_headlines(answers)) <= set(done.output.splitlines())
    within = spikecast(
        "decode",
        data,
        "--session",
        0,
        *quick,
        "--strata",
        "contrast_left,contrast_right",
        "--source",
        "counts",
        "--out",
        "within",
    )
    (answer,) = Run(Path("within")).answers
    assert answer["strata"] == ["contrast_left", "contrast_right"]
    assert answer["label"] in within.output
    assert done.output.strip().endswith("report: runs/task-0_response/report.html")
    predicted = spikecast("predict", data, *PREDICT, "--label", "feedback", "--workers", 1)
    run = tmp_path / "runs" / "task-0_MOs"
    assert ("feedback", "latents of pca_ridge") in features(run), predicted.errors
    added = spikecast("decode", run, *quick)
    assert added.status == 0, added.errors
    assert ("response", "latents of pca_ridge") in features(run)
    page = (run / "report.html").read_text()
    assert "&#39;feedback&#39;" in page
    assert "&#39;response&#39;" in page
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for arguments, message in (
        ((run, "--label", "respons"), "Did you mean 'response'"),
        ((run, "--label", "response", "--seed", 1), "leave out --session, --seed"),
        ((data, "--label", "response", "--seed", 10**400), "Invalid value for '--seed'"),
    ):
        wrong = spikecast("decode", *arguments)
        assert wrong.status == 2, arguments
        (line,) = wrong.errors.strip().splitlines()
        assert message in line
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_a_model_whose_latents_data_do_not_have_is_one_line(data, spikecast):
    done = spikecast("decode", data, "--session", 0, "--label", "response", "--model", "pca_ridge")
    assert done.status == 2
    assert "--model pca_ridge says whose latents" in done.errors
