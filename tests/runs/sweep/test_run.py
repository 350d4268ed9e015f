"""A sweep finds planted settings, claims nothing on noise, and survives whatever ends it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import optuna
import pandas as pd
import pytest
from planted_sweep import maker

from spikecast.core.errors import ConfigError, InputError, RunError
from spikecast.core.schema import to_yaml
from spikecast.evaluation.search_trials import list_ended, silence_optuna
from spikecast.runs import audit, config, experiment
from spikecast.runs.sweep import run as sweep_run
from spikecast.runs.sweep.journal import (
    SILENCE,
    SweepJournal,
    Worker,
    register_worker,
    remove_dead_workers,
)
from spikecast.runs.sweep.plan import plan_sweep
from spikecast.runs.sweep.results import judge_gain
from spikecast.runs.sweep.run import run_sweep


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    return maker(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def swept(make, tmp_path_factory):
    """A finished sweep that was never interrupted."""
    return run_sweep(make(), tmp_path_factory.mktemp("sweep") / "whole", workers=1)


def facts(folder):
    return json.loads((folder / "sweep.json").read_text())


def notices(model):
    return {notice["code"]: notice["values"] for notice in model["notices"]}


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
    assert model["outcome"] == "gain"
    assert model["space"]["n_components"] == {"low": 1, "high": 6, "log": False}
    table = trials(swept)
    assert table.groupby("fold").size().to_dict() == {"0": 6, "1": 6, "all": 6}
    assert (table.query("trial == 0")["n_components"] == 1).all()  # the config's own come first
    assert set(table["state"]) <= {"complete", "pruned"}


@pytest.mark.parametrize(
    ("gain", "outcome"),
    [
        ((0.001, 0.0004, 0.0016), "negligible"),
        ((0.004, 0.0004, 0.0076), "gain"),
        ((0.004, -0.0004, 0.0084), "no_difference"),
        ((-0.004, -0.0076, -0.0004), "loss"),
    ],
)
def test_a_gain_is_judged_by_its_interval_and_its_size(swept, gain, outcome):
    (model,) = facts(swept)["models"]
    model["gain"] = dict(zip(("value", "low", "high"), gain, strict=True))
    model["nested"] = {"value": 0.3, "low": 0.2, "high": 0.4}
    assert judge_gain(model) == outcome


def test_on_noise_nothing_is_claimed_and_what_was_promised_is_not_delivered(make, tmp_path):
    overfits = {"pca_ridge": {"widths": [1.0], "n_components": 3, "penalties": [1e-3]}}
    widths = {"space": {"n_components": None}, "trials": 8}
    noise = make("noise", search=widths, models=[overfits])
    folder = run_sweep(noise, tmp_path / "noise", workers=1)
    (model,) = facts(folder)["models"]
    assert model["nested"]["low"] <= 0
    assert model["promised"] > max(model["gain"]["value"], 0)
    assert model["outcome"] == "not_predicted"


def test_the_searched_trials_are_not_the_scored_ones_and_the_audit_agrees(swept, make):
    laid, _ = plan_sweep(make(), swept)
    for search in laid.searches:
        if search.fold is not None:
            assert not set(search.trials) & set(laid.target.folds[search.fold].test)
    assert audit.audit(swept).hazards == ()


def test_a_search_of_a_setting_that_never_changed_is_flagged(make, tmp_path):
    space = {"widths": None, "n_components": {"values": [1]}}
    folder = run_sweep(make(search={"space": space, "trials": 2}), tmp_path / "one", workers=1)
    (hazard,) = audit.audit(folder).hazards
    assert hazard.rule == "setting never swept"
    assert "all 2 trials of the search used n_components = 1" in hazard.evidence


def test_best_yaml_runs_and_the_audit_says_that_its_score_is_selected(swept, tmp_path):
    text = (swept / "best.yaml").read_text()
    assert "quote the nested score" in text
    best = config.read_config(swept / "best.yaml")
    run = experiment.run(best, tmp_path / "run", workers=1)
    assert [hazard.rule for hazard in audit.audit(run).hazards] == ["chosen on test data"]
    elsewhere = best.model_copy(update={"tuned_on": "another recording"})
    other = experiment.run(elsewhere, tmp_path / "other", workers=1)
    assert audit.audit(other).hazards == ()


def test_a_sweep_that_is_stopped_goes_on_to_the_same_numbers(make, swept, tmp_path, monkeypatch):
    run_trial, begun = sweep_run.run_trial, []

    def stopped(study, trial, objective):
        begun.append(trial)
        if len(begun) in (4, 9):
            raise KeyboardInterrupt
        run_trial(study, trial, objective)

    monkeypatch.setattr(sweep_run, "run_trial", stopped)
    out = tmp_path / "out"
    for resume in (False, True):
        with pytest.raises(KeyboardInterrupt):
            run_sweep(make(), out, workers=1, resume=resume)
    assert not (out / "sweep.json").exists()
    with pytest.raises(RunError, match="resume it"):
        run_sweep(make(), out)
    run_sweep(make(), out, workers=1, resume=True)
    same(out, swept)


def test_a_process_that_is_killed_leaves_its_trial_to_the_next(make, swept, tmp_path):
    out, written = tmp_path / "out", tmp_path / "sweep.yaml"
    written.write_text(to_yaml(make()))
    code = (
        "import sys, time\n"
        "from spikecast.runs import config\n"
        "from spikecast.runs.sweep import run\n"
        "run_trial = run.run_trial\n"
        "def slow(study, trial, objective):\n"
        "    if trial.number == 3: time.sleep(600)\n"
        "    run_trial(study, trial, objective)\n"
        "run.run_trial = slow\n"
        "run.run_sweep(config.read_config(sys.argv[1]), sys.argv[2], workers=1)\n"
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
    (out / ".spikecast-0aadc0e8.csv").write_text("half")
    run_sweep(make(), out, workers=1, resume=True)
    same(out, swept)
    assert not list(out.rglob(".spikecast-*"))


def test_two_processes_give_the_numbers_of_one(make, swept, tmp_path):
    same(run_sweep(make(), tmp_path / "out", workers=2), swept)


def test_processes_that_share_a_study_make_each_trial_once(make, tmp_path):
    laid, _ = plan_sweep(make(search={"trials": 8}), tmp_path / "out")
    (tmp_path / "out").mkdir()
    failed = []

    def work():
        try:
            sweep_run.run_open_searches(laid, time.time(), share=True)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    journal = SweepJournal(tmp_path / "out")
    for search in laid.searches:
        ended = list_ended(journal.study(search.name))
        assert [trial.user_attrs["slot"] for trial in ended] == list(range(8))


def test_time_that_runs_out_is_said_and_more_can_be_asked_for_later(make, swept, tmp_path):
    out = run_sweep(make(search={"timeout": 1e-6}), tmp_path / "out", workers=1)
    assert trials(out).groupby("fold").size().tolist() == [1, 1, 1]
    (model,) = facts(out)["models"]
    assert notices(model)["out_of_time"] == {"n_tried": 1, "n_planned": 6}
    assert model["outcome"] == "defaults_chosen"
    run_sweep(make(search={"trials": 3}), out, workers=1, resume=True)
    run_sweep(make(), out, workers=1, resume=True)
    same(out, swept)


def test_fits_that_fail_are_trials_that_failed(make, tmp_path):
    penalties = {"penalties": {"values": [[1e-3, 1e-2, 1e-1, 1.0], []]}}
    some = make(search={"space": penalties, "trials": 8})
    folder = run_sweep(some, tmp_path / "some", workers=1)
    failed = trials(folder).query("state == 'failed'")
    assert len(failed)
    assert failed["reason"].str.contains("Error: ").all()
    (model,) = facts(folder)["models"]
    assert notices(model)["settings_failed"]["n_failed"] == len(failed)
    none = make(search={"space": {"penalties": {"values": [[]]}}, "trials": 2})
    with pytest.raises(
        InputError, match=r"none of 2 settings of PCARidge could be fitted; .*Error"
    ):
        run_sweep(none, tmp_path / "none", workers=1)


def test_a_fit_that_failed_counts_though_it_was_stopped_before_it_ended(
    make, tmp_path, monkeypatch
):
    tell, told = optuna.Study.tell, []

    def stopped(study, number, value=None, **how):
        told.append(how["state"].name)
        if told.count("FAIL") == 1 and told[-1] == "FAIL":
            raise KeyboardInterrupt
        return tell(study, number, value, **how)

    some = make(search={"space": {"penalties": {"values": [[1.0], []]}}, "trials": 4})
    monkeypatch.setattr("optuna.Study.tell", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(some, tmp_path / "out", workers=1)
    out = run_sweep(some, tmp_path / "out", workers=1, resume=True)
    table = trials(out)
    assert table.groupby("fold").size().tolist() == [4, 4, 4]
    assert "failed" in set(table["state"])


def test_a_journal_that_cannot_be_written_ends_the_sweep(make, tmp_path, monkeypatch):
    def full(trial, value, step):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("optuna.trial.Trial.report", full)
    with pytest.raises(OSError, match="No space left"):
        run_sweep(make(), tmp_path / "out", workers=1)


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

        with silence_optuna():
            journal = SweepJournal(folder)
            journals.append(journal)  # else it is deleted, and unlocks, during the next one
            journal.study("one")
            sys.settrace(follow)
            try:
                journal.write_fact("one", "key", 1)
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
        run_sweep(make(task={"target": ["MOs", "VISp"]}), out)
    with pytest.raises(RunError, match="no run in"):
        run_sweep(make(), out, resume=True)
    assert not out.exists()
    with pytest.raises(RunError, match="made with another config"):
        run_sweep(make(seed=1), swept, resume=True)


def test_the_dead_are_told_from_the_living(tmp_path):
    with register_worker(tmp_path) as me, register_worker(tmp_path) as other:
        assert me.is_alive(other.name)
        assert me.count_alive() == 2
        host, _, _ = me.name.rsplit("-", 2)
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        (tmp_path / f"{host}-{gone.pid}-killed").touch()
        assert not me.is_alive(f"{host}-{gone.pid}-killed")
        far = tmp_path / f"far.example-{os.getpid()}-node"
        far.touch()
        assert me.is_alive(far.name)
        long_ago = time.time() - 2 * SILENCE
        os.utime(far, (long_ago, long_ago))
        assert not me.is_alive(far.name)
        killed, mine = tmp_path / f"{host}-{gone.pid}-0aadc0e8", tmp_path / "notes.txt"
        killed.touch()
        mine.touch()
        folder = tmp_path / f"{host}-{gone.pid}-0aadc0e9"
        folder.mkdir()
        remove_dead_workers(tmp_path)
        assert mine.exists()
        assert not killed.exists()
        assert folder.exists()  # no sign of a process
        assert me.is_alive(other.name)
    assert not Worker(tmp_path, me.name).is_alive(other.name)
