"""``spikecast sweep`` as a user meets it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from planted_sweep import maker

from spikecast.core.schema import to_yaml
from spikecast.report.sweep import text
from spikecast.report.sweep.reading import SweepRun
from spikecast.runs import config

ARGUMENTS = ("--out", "out", "--workers", "1", "--quiet")


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    return maker(tmp_path_factory.mktemp("recordings"))


@pytest.fixture
def written(make, tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(to_yaml(make()))
    return path


def test_a_sweep_answers_writes_and_is_drawn_again(written, spikecast, tmp_path):
    status, said, errors = spikecast("sweep", written, "--trials", 3, *ARGUMENTS)
    assert (status, errors) == (0, "")
    facts = SweepRun(tmp_path / "out").facts
    for sentence in text.headlines(facts):
        assert sentence in said
    for warning in text.warnings(facts):
        assert f"warning: {warning}" in said
    assert said.endswith("settings: out/best.yaml\nreport: out/report.html\n")
    assert config.read_config(tmp_path / "out" / "config.yaml").search.trials == 3
    (tmp_path / "out" / "report.html").unlink()
    assert spikecast("report", "out")[0] == 0
    assert (tmp_path / "out" / "report.html").exists()
    status, said, _ = spikecast("audit", "out")
    assert status == 0
    assert "setting never swept" in said  # a rule that could find something, and did not


@pytest.mark.parametrize(
    ("search", "arguments", "message"),
    [
        ("", ("--trials", 0), "--trials 0: "),
        ("", ("--timeout", -1), "--timeout -1"),
        ("", ("--model", "pca_rige"), "Did you mean 'pca_ridge'"),
        ("", ("--model", "mean_rate"), "has no search space (a null has nothing to tune)"),
        ("space: {n_component: {low: 1, high: 4}}", (), "Did you mean 'n_components'"),
        ("space: {n_components: {low: 4, high: 1}}", (), "low must be below high"),
        ("space: {n_components: {lo: 4}}", (), "n_components.lo'. Did you mean 'low'"),
        ("space: {n_components: {low: 4}}", (), "give either low and high, or values"),
        ("trails: 5", (), "Did you mean 'trials'"),
        ("", ("--resume",), "no run in 'out' to resume"),
    ],
)
def test_mistakes_get_one_line_and_status_2(make, spikecast, tmp_path, search, arguments, message):
    written = to_yaml(make().model_copy(update={"search": None}))
    (tmp_path / "c.yaml").write_text(written.replace("search: null", f"search: {{{search}}}"))
    status, said, errors = spikecast("sweep", "c.yaml", *ARGUMENTS, *arguments)
    assert (status, said) == (2, "")
    (line,) = errors.strip().splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not (tmp_path / "out").exists()


def test_a_missing_config_and_models_without_a_space_are_explained(make, spikecast, tmp_path):
    status, _, errors = spikecast("sweep", "none.yaml")
    assert (status, errors) == (2, "error: there is no file 'none.yaml'\n")
    nulls = make().model_copy(update={"search": None, "models": ["mean_rate", "psth"]})
    (tmp_path / "nulls.yaml").write_text(to_yaml(nulls))
    status, _, errors = spikecast("sweep", "nulls.yaml")
    assert status == 2
    assert "none of the models (mean_rate, psth) has a search space" in errors


def test_ctrl_c_leaves_a_sweep_that_resumes(written, spikecast, tmp_path):
    command = [sys.executable, "-m", "spikecast.cli", "sweep", str(written), "--trials", "500"]
    process = subprocess.Popen(
        [*command, *ARGUMENTS], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env={**os.environ},
        # a shell that puts the tests in the background has them, and theirs, ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    log = tmp_path / "out" / "study.log"
    deadline = time.time() + 300
    while time.time() < deadline and not (log.exists() and '"seconds"' in log.read_text()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert errors == "interrupted; go on with the same command and --resume --out out\n"
    assert not (tmp_path / "out" / "sweep.json").exists()
    assert list((tmp_path / "out" / "workers").iterdir()) == []
    status, said, _ = spikecast("sweep", written, "--trials", 2, *ARGUMENTS, "--resume")
    assert status == 0
    assert said.endswith("report: out/report.html\n")
