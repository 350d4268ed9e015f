"""The comparison with other packages: what a peer is given, and what becomes of one that fails."""

import resource
import subprocess
from functools import partial

import numpy as np
import pandas as pd
import pytest
from benchmarks.peers import run

import spikecast as sc

NO_SUCH = "WARNING: slow\nERROR: No matching distribution found for lfads-torch\n"
MEAN_RATE = """
def predict_rates(source, target, source_test):
    return target.mean(axis=(0, 1)) + 0 * source_test[..., :1]
"""


@pytest.fixture
def task():
    rng = np.random.default_rng(0)
    given = {
        "source_train": rng.poisson(1.0, (6, 5, 3)),
        "target_train": rng.poisson(1.0, (6, 5, 2)),
        "source_test": rng.poisson(1.0, (2, 5, 3)),
    }
    return run.Task(given, rng.poisson(1.0, (2, 5, 2)))


def make_peer(folder, code, name="peer", requirements=None):
    folder.mkdir(parents=True)
    (folder / "fit.py").write_text(code)
    if requirements:
        (folder / "requirements.txt").write_text(requirements)
    return run.Peer(name, str(folder))


def test_the_file_that_peers_are_given_holds_no_test_target(tmp_path):
    recording = sc.load("simulated")
    task = run.make_task(recording, "MOs")
    task.write(tmp_path / "task.npz")
    with np.load(tmp_path / "task.npz") as file:
        given = dict(file)
    assert set(given) == {"source_train", "target_train", "source_test", "bin_size"}
    n_trials = len(given["source_train"]) + len(given["source_test"])
    assert n_trials == recording.n_trials
    assert len(given["target_train"]) == len(given["source_train"])
    trials = {trial.tobytes() for trial in given["target_train"]}
    assert not trials & {trial.tobytes() for trial in task.target_test}
    assert given["target_train"].dtype == task.target_test.dtype


def test_a_fit_is_scored_against_the_mean_of_training_trials(tmp_path, task):
    row = run.measure(make_peer(tmp_path / "mean", MEAN_RATE), task)
    assert row["bits_per_spike"] == 0
    assert row["cpu_seconds"] > 0
    # that of the fit, not of this process, which has torch and pandas in memory
    assert 5 < row["memory_mb"] < resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("def predict_rates(*given):\n    raise ValueError('no rates')", "ValueError: no rates"),
        ("import no_such_package", "No module named 'no_such_package'"),
    ],
)
def test_a_fit_that_fails_is_a_row_that_says_why(tmp_path, task, code, problem):
    row = run.measure(make_peer(tmp_path / "bad", code), task)
    assert row["problem"].startswith("fails: ")
    assert problem in row["problem"]


def test_a_fit_that_takes_too_long_is_ended(tmp_path, task, monkeypatch):
    monkeypatch.setattr(run, "LONGEST", 0.1)
    row = run.measure(make_peer(tmp_path / "slow", "import time\ntime.sleep(600)"), task)
    assert row["problem"].startswith("fails: ")


def test_a_peer_that_cannot_be_installed_is_a_row_and_stops_no_other(
    tmp_path, task, monkeypatch, capsys
):
    def refuse(command):
        return subprocess.CompletedProcess(command, "pip" in command, NO_SUCH)

    monkeypatch.setattr(
        run, "make_environment", partial(run.make_environment, kept=tmp_path / "kept", run=refuse)
    )
    monkeypatch.setattr(run, "make_task", lambda recording, target: task)
    peers = [
        make_peer(tmp_path / "absent", MEAN_RATE, "lfads-torch", "lfads-torch==1.0\n"),
        make_peer(tmp_path / "mean", MEAN_RATE, "mean"),
    ]
    table = tmp_path / "peers.csv"
    run.add_rows(table, "simulated:MOs", peers, again=False)
    rows = pd.read_csv(table).set_index("peer")
    reason = "cannot be installed: No matching distribution found for lfads-torch"
    assert rows.loc["lfads-torch", "problem"] == reason
    assert rows.loc["mean", "bits_per_spike"] == 0
    lines = run.summarize(pd.read_csv(table)).splitlines()
    assert lines[2].startswith("| mean | ")
    assert lines[3].startswith("| lfads-torch | 1.0 | – | cannot be installed: ")
    capsys.readouterr()

    run.add_rows(table, "simulated:MOs", peers, again=False)
    tried_again = capsys.readouterr().out
    assert "lfads-torch" in tried_again
    assert "mean" not in tried_again


def test_an_environment_is_made_once_for_the_same_requirements(tmp_path):
    commands = []

    def note(command):
        commands.append(command)
        (tmp_path / "kept" / "nemos").mkdir(parents=True, exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "")

    make = partial(run.make_environment, "nemos", kept=tmp_path / "kept", run=note)
    assert make() == make()
    assert len(commands) == 2
    (tmp_path / "kept" / "nemos" / "installed.txt").write_text("nemos==0.0.1")
    make()
    assert len(commands) == 4


def test_the_reason_is_that_of_another_python_where_there_is_one():
    other = "ERROR: Ignored the following versions: 0.1.0 Requires-Python >=3.12\n"
    assert run.find_reason(other + NO_SUCH).endswith("0.1.0 Requires-Python >=3.12")
    assert run.find_reason(NO_SUCH) == "No matching distribution found for lfads-torch"
    assert run.find_reason("ValueError: error: no\n") == "ValueError: error: no"


def test_lines_of_code_leave_out_what_explains_them_and_count_what_is_shared(tmp_path):
    script = tmp_path / "fit.py"
    script.write_text(
        '"""Says\n\nwhat."""\n\nx = 1  # one\n# two\n\ndef f():\n    """Do."""\n    return x\n'
    )
    assert run.count_lines(script) == 3
    script.write_text("from latent_readout import regress_on_latents\n")
    assert run.count_lines(script) == 1 + run.count_lines(run.HERE / "latent_readout.py")


@pytest.mark.parametrize("peer", run.PEERS, ids=lambda peer: peer.folder)
def test_every_peer_has_pinned_requirements_or_is_our_own(peer):
    if peer.is_own:
        assert peer.folder == "spikecast"
        return
    lines = (run.HERE / peer.folder / "requirements.txt").read_text(encoding="utf-8").split("\n")
    wanted = [line for line in lines if line and not line.startswith("-c ")]
    assert all("==" in line or "@ git+" in line for line in wanted)
