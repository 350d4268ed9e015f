"""A sweep finds planted settings, claims nothing on noise, and survives whatever ends it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
from planted_sweep import maker

from spikecast.core.errors import ConfigError, InputError, RunError
from spikecast.evaluation.search_trials import decided, quiet
from spikecast.runs import audit, config, experiment
from spikecast.runs.sweep import plan, results
from spikecast.runs.sweep import run as running
from spikecast.runs.sweep.journal import SILENCE, Journal, Presence, present


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    return maker(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def swept(make, tmp_path_factory):
    """A finished sweep that was never interrupted."""
    return running.execute(make(), tmp_path_factory.mktemp("sweep") / "whole", workers=1)


def facts(folder):
    return json.loads((folder / "sweep.json").read_text())


def trials(folder):
    table = pd.read_csv(folder / "trials.csv", dtype={"fold": str})
    return table.drop(columns="seconds").sort_values(["fold", "trial"], ignore_index=True)


def same(one, other):
    pd.testing.assert_frame_equal(trials(one), trials(other))
    assert facts(one) == facts(other)


def test_planted_settings_are_found_and_pay_on_trials_that_no_search_saw(swept):
    (model,) = facts(swept)["models"]
    tried = trials(swept).query("fold == 'all'")["n_components"]
    assert model["best"]["n_components"] == tried.max() >= 4  # six drives: the more the better
    assert model["gain"]["low"] > 0
    assert model["nested"]["low"] > model["default"]["value"]
    assert facts(swept)["said"][0].startswith("Tuning pca_ridge pays on MOs")
    assert "Do not quote the selected score" in facts(swept)["said"][1]
    table = trials(swept)
    assert table.groupby("fold").size().to_dict() == {"0": 6, "1": 6, "all": 6}
    assert (table.query("trial == 0")["n_components"] == 1).all()  # the config's own come first
    assert set(table["state"]) <= {"complete", "pruned"}


def test_a_tiny_gain_is_not_said_to_pay(swept):
    found = facts(swept)
    (model,) = found["models"]
    model["gain"] = {"value": 0.001, "low": 0.0004, "high": 0.0016}
    model["nested"] = {"value": 0.3, "low": 0.2, "high": 0.4}
    assert "gains next to nothing on MOs" in results.in_words(model, found)[0]
    model["gain"] = {"value": 0.004, "low": 0.0004, "high": 0.0076}
    assert "pays on MOs" in results.in_words(model, found)[0]


def test_on_noise_nothing_is_claimed_and_what_was_promised_is_not_delivered(make, tmp_path):
    overfits = {"pca_ridge": {"widths": [1.0], "n_components": 3, "penalties": [1e-3]}}
    widths = {"space": {"n_components": None}, "trials": 8}
    noise = make("noise", search=widths, models=[overfits])
    folder = running.execute(noise, tmp_path / "noise", workers=1)
    (model,) = facts(folder)["models"]
    assert model["nested"]["low"] <= 0
    assert model["promised"] > max(model["gain"]["value"], 0)
    assert facts(folder)["said"][0].startswith("Even tuned, pca_ridge does not predict MOs")


def test_the_searched_trials_are_not_the_scored_ones_and_the_audit_agrees(swept, make):
    laid, _ = plan.make(make(), swept)
    for quest in laid.quests:
        if quest.fold is not None:
            assert not set(quest.trials) & set(laid.part.folds[quest.fold].test)
    assert audit.audit(swept) == []


def test_best_yaml_runs_and_the_audit_says_that_its_score_is_selected(swept, tmp_path):
    text = (swept / "best.yaml").read_text()
    assert "quote the nested score" in text
    best = config.read(swept / "best.yaml")
    run = experiment.execute(best, tmp_path / "run", workers=1)
    assert [hazard.rule for hazard in audit.audit(run)] == ["chosen on test data"]
    elsewhere = best.model_copy(update={"tuned_on": "another recording"})
    assert audit.audit(experiment.execute(elsewhere, tmp_path / "other", workers=1)) == []


def test_a_sweep_that_is_stopped_goes_on_to_the_same_numbers(make, swept, tmp_path, monkeypatch):
    attempt, begun = running.attempt, []

    def stopped(study, trial, objective):
        begun.append(trial)
        if len(begun) in (4, 9):
            raise KeyboardInterrupt
        attempt(study, trial, objective)

    monkeypatch.setattr(running, "attempt", stopped)
    out = tmp_path / "out"
    for resume in (False, True):
        with pytest.raises(KeyboardInterrupt):
            running.execute(make(), out, workers=1, resume=resume)
    assert not (out / "sweep.json").exists()
    with pytest.raises(RunError, match="use --resume"):
        running.execute(make(), out)
    running.execute(make(), out, workers=1, resume=True)
    same(out, swept)


def test_a_process_that_is_killed_leaves_its_trial_to_the_next(make, swept, tmp_path):
    out, written = tmp_path / "out", tmp_path / "sweep.yaml"
    written.write_text(config.write(make()))
    code = (
        "import sys, time\n"
        "from spikecast import config\n"
        "from spikecast.runs.sweep import running\n"
        "attempt = running.attempt\n"
        "def slow(study, trial, objective):\n"
        "    if trial.number == 3: time.sleep(600)\n"
        "    attempt(study, trial, objective)\n"
        "running.attempt = slow\n"
        "running.execute(config.read(sys.argv[1]), sys.argv[2], workers=1)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(written), str(out)])
    deadline = time.time() + 300
    log = out / "study.log"
    while time.time() < deadline and not (
        log.exists() and log.read_text().count('"user_attr":{"worker"') >= 4  # of trials
    ):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with log.open("a") as half:
        half.write('{"op_code": 8, "half a li')
    running.execute(make(), out, workers=1, resume=True)
    same(out, swept)


def test_two_processes_give_the_numbers_of_one(make, swept, tmp_path):
    same(running.execute(make(), tmp_path / "out", workers=2), swept)


def test_processes_that_share_a_study_make_each_trial_once(make, tmp_path):
    laid, _ = plan.make(make(search={"trials": 8}), tmp_path / "out")
    (tmp_path / "out").mkdir()
    failed = []

    def work():
        try:
            running.take_part(laid, time.time(), share=True)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    journal = Journal(tmp_path / "out")
    for quest in laid.quests:
        ended = decided(journal.study(quest.name))
        assert [trial.user_attrs["slot"] for trial in ended] == list(range(8))


def test_time_that_runs_out_is_said_and_more_can_be_asked_for_later(make, swept, tmp_path):
    out = running.execute(make(search={"timeout": 1e-6}), tmp_path / "out", workers=1)
    assert trials(out).groupby("fold").size().tolist() == [1, 1, 1]
    (model,) = facts(out)["models"]
    assert model["warnings"][0].startswith("Time ran out: a study tried 1 of 6 settings")
    assert facts(out)["said"][0].startswith("The search kept the defaults of pca_ridge")
    running.execute(make(search={"trials": 3}), out, workers=1, resume=True)
    running.execute(make(), out, workers=1, resume=True)
    same(out, swept)


def test_fits_that_fail_are_trials_that_failed(make, tmp_path):
    penalties = {"penalties": {"values": [[1e-3, 1e-2, 1e-1, 1.0], []]}}
    some = make(search={"space": penalties, "trials": 8})
    folder = running.execute(some, tmp_path / "some", workers=1)
    failed = trials(folder).query("state == 'failed'")
    assert len(failed)
    assert failed["reason"].str.contains("Error: ").all()
    assert "could not be fitted" in " ".join(facts(folder)["models"][0]["warnings"])
    none = make(search={"space": {"penalties": {"values": [[]]}}, "trials": 2})
    with pytest.raises(
        InputError, match=r"none of 2 settings of PCARidge could be fitted; .*Error"
    ):
        running.execute(none, tmp_path / "none", workers=1)


def test_a_journal_that_cannot_be_written_ends_the_sweep(make, tmp_path, monkeypatch):
    def full(trial, value, step):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("optuna.trial.Trial.report", full)
    with pytest.raises(OSError, match="No space left"):
        running.execute(make(), tmp_path / "out", workers=1)


def test_ctrl_c_is_ctrl_c_wherever_it_falls_in_a_lock(tmp_path):
    # Optuna's own lock makes other errors of it on three of its lines, and the sweep goes on
    before, journals = sys.gettrace(), []

    def note(folder, interrupted):
        """Write a fact; Ctrl-C on line `interrupted` of those that lock and let go."""
        folder.mkdir()
        lines = 0

        def follow(frame, event, argument):
            nonlocal lines
            if event == "line" and "lock" in frame.f_code.co_qualname.lower():
                lines += 1
                if lines == interrupted:
                    raise KeyboardInterrupt
            return follow

        with quiet():
            journal = Journal(folder)
            journals.append(journal)  # else it is deleted, and unlocks, during the next one
            journal.study("one")
            sys.settrace(follow)
            try:
                journal.note("one", "key", 1)
            finally:
                sys.settrace(before)
        return lines

    whole = note(tmp_path / "whole", 0)
    assert whole
    for line in range(1, whole + 1):
        with pytest.raises(KeyboardInterrupt):
            note(tmp_path / str(line), line)


def test_mistakes_are_found_before_anything_is_written(make, swept, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="tunes for one target, and the config has 2"):
        running.execute(make(task={"target": ["MOs", "VISp"]}), out)
    with pytest.raises(RunError, match="no run in"):
        running.execute(make(), out, resume=True)
    assert not out.exists()
    with pytest.raises(RunError, match="made with another config"):
        running.execute(make(seed=1), swept, resume=True)


def test_the_dead_are_told_from_the_living(tmp_path):
    with present(tmp_path) as me, present(tmp_path) as other:
        assert me.sees(other.name)
        assert me.n_living() == 2
        host, _, _ = me.name.rsplit("-", 2)
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        (tmp_path / f"{host}-{gone.pid}-killed").touch()
        assert not me.sees(f"{host}-{gone.pid}-killed")
        far = tmp_path / f"far.example-{os.getpid()}-node"
        far.touch()
        assert me.sees(far.name)
        long_ago = time.time() - 2 * SILENCE
        os.utime(far, (long_ago, long_ago))
        assert not me.sees(far.name)
    assert not Presence(tmp_path, me.name).sees(other.name)
