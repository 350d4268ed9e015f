"""A sweep does not go on with a journal that it would not write, and says where and what to do."""

import json
import math
import shutil

import pytest
from planted_sweep import maker

from spikecast.core.errors import DamagedFileError
from spikecast.core.schema import to_yaml
from spikecast.runs.sweep import run as sweep_run
from spikecast.runs.sweep.journal_check import check_journal
from spikecast.runs.sweep.journal_entries import Operation, State
from spikecast.runs.sweep.journal_file import KEY, compute_sum
from spikecast.runs.sweep.plan import plan_sweep
from spikecast.runs.sweep.run import run_sweep

OTHER_RANGE = json.dumps(
    {"name": "IntDistribution", "attributes": {"log": False, "step": 1, "low": 2, "high": 3}}
)


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    return maker(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def stopped(make, tmp_path_factory):
    """A sweep that was stopped when two searches of three were closed, and one trial was begun."""
    out, fit = tmp_path_factory.mktemp("sweep") / "out", sweep_run.run_trial
    fitted = []

    def stop(study, trial, objective):
        fitted.append(trial)
        if len(fitted) == 26:
            raise KeyboardInterrupt
        fit(study, trial, objective)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_run, "run_trial", stop)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(make(search={"trials": 12}), out, workers=1)
    return out


@pytest.fixture
def change(stopped, tmp_path):
    """Return what changes the lines of a copy's journal, with checksums that fit again."""

    def rewrite(edit):
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        path = shutil.copytree(stopped, out) / "study.log"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            del line[KEY]
        before, written = "", ""
        for line in edit(lines):
            before = compute_sum(before, line)
            written += json.dumps(line | {KEY: before}) + "\n"
        path.write_text(written)
        return out

    return rewrite


def all_of(operation, key, value, fact=None):
    """Return what sets a key of all lines of an operation, or of a fact in them."""

    def edit(lines):
        for line in lines:
            holder = line.get(fact, {}) if fact else line
            if line["op_code"] == operation and holder.get(key) is not None:
                holder[key] = value
        return lines

    return edit


def without(chosen):
    """Return what removes the first line that is chosen."""

    def edit(lines):
        at = next(number for number, line in enumerate(lines) if chosen(line))
        return lines[:at] + lines[at + 1 :]

    return edit


def say_at_once(fact):
    """Return what says a fact of a search before any of its trials."""

    def edit(lines):
        opened = [line for line in lines if line["op_code"] == Operation.CREATE_SEARCH]
        said = {"op_code": 2, "worker_id": "a", "study_id": 0, "user_attr": {fact: True}}
        return [*opened, said]

    return edit


def lose_an_operation(lines):
    del lines[20]["op_code"]
    return lines


def repeat_all_drawn(lines):
    twice = {Operation.SET_VALUE: 2}
    return [one for line in lines for one in [line] * twice.get(line["op_code"], 1)]


def score_a_slot_twice(lines):
    for line in lines:
        if "slot" in line.get("user_attr", {}):
            line["user_attr"]["slot"] = 0
    return lines


def stop_early_after(n):
    """Return what stops all trials early but the first `n`."""

    def edit(lines):
        complete = [line for line in lines if line.get("state") == State.COMPLETE]
        for line in complete[n:]:
            line["state"] = int(State.PRUNED)
        return lines

    return edit


STATE, FACT = Operation.SET_STATE, Operation.SET_TRIAL_FACT
CHANGES = {
    "no slot": (without(lambda line: "slot" in line.get("user_attr", {})), "has no slot"),
    "slot": (all_of(FACT, "slot", "x", "user_attr"), "at user_attr.slot a whole number"),
    "slot twice": (score_a_slot_twice, "slot 0 of 'pca_ridge/fold-0' is scored twice"),
    "not drawn": (without(lambda line: line["op_code"] == 5), "'n_components' .* was not drawn"),
    "drawn twice": (repeat_all_drawn, "is drawn twice"),
    "owner": (all_of(2, "worker", 5, "user_attr"), "at user_attr.worker a text"),
    "odd owner": (all_of(FACT, "worker", "../a", "user_attr"), "the name of a process"),
    "direction": (all_of(0, "directions", [-2]), "at directions.0 2 is expected, not -2"),
    "minimized": (all_of(0, "directions", [1]), "at directions.0 2 is expected, not 1"),
    "no operation": (lose_an_operation, "at op_code one of 0, 2, .* is expected, not None"),
    "score": (all_of(STATE, "values", ["x"]), "at values.0 a number"),
    "large score": (all_of(STATE, "values", [1e308]), "at values.0 a score .* not 1e.308"),
    "no score": (all_of(STATE, "values", [math.nan]), "at values.0 a finite number"),
    "other score": (all_of(STATE, "values", [0.5]), "not the mean over its inner folds"),
    "report": (all_of(Operation.REPORT, "intermediate_value", "x"), "at intermediate_value"),
    "all stopped": (stop_early_after(0), "stopped early, and 0 before it are complete; 5 are"),
    "most stopped": (stop_early_after(4), "stopped early, and 4 before it are complete; 5 are"),
    "fold": (all_of(Operation.REPORT, "step", 7), "inner fold 7"),
    "range": (all_of(5, "distribution", OTHER_RANGE), "from other values than planned"),
    "value": (all_of(5, "param_value_internal", 1e300), "a value that is not searched"),
    "part": (all_of(5, "param_value_internal", 1.5), "a value that is not searched"),
    "date": (all_of(STATE, "datetime_start", "yesterday"), "a date with its time"),
    "first day": (all_of(4, "datetime_start", "0001-01-01T00:00:00+23:59"), "a date with its"),
    "closed": (say_at_once("closed"), "is closed, and none of its trials is complete"),
    "stopped": (say_at_once("stopped"), "is stopped, and none of its trials has ended"),
    "search": (without(lambda line: True), "'pca_ridge/fold-1' is not the search .* next"),
    "trial": (without(lambda line: line["op_code"] == 4), "has not begun in the lines above"),
    "own values": (all_of(4, "fixed_params", {}, "system_attrs"), "other values than the model's"),
    "note": (all_of(9, "tpe:relative_params:0", "[]", "system_attr"), "no values of the settings"),
    "noted": (all_of(9, "tpe:relative_params:0", '{"n_components": 99}', "system_attr"), "not sea"),
}


@pytest.mark.parametrize(("edit", "message"), CHANGES.values(), ids=CHANGES)
def test_a_line_that_a_sweep_does_not_write_is_refused(make, change, edit, message):
    out = change(edit)
    said = rf"study.log' is damaged in line \d+, .*{message}.* \(head -n \d+\), and resume"
    with pytest.raises(DamagedFileError, match=said) as caught:
        run_sweep(make(search={"trials": 12}), out, workers=1, resume=True)
    assert str(caught.value).isprintable()
    # as the message says
    kept = int(str(caught.value).partition("head -n ")[2].partition(")")[0])
    path = out / "study.log"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:kept]))
    check_journal(plan_sweep(make(search={"trials": 12}), out)[0])


def test_every_beginning_of_a_journal_passes(make, change):
    lines = []
    out = change(lambda whole: lines.extend(whole) or whole)
    plan, _ = plan_sweep(make(search={"trials": 12}), out)
    assert {line["op_code"] for line in lines} == set(Operation)  # those of a longer search, too
    path = out / "study.log"
    content = path.read_bytes()
    for end in [*range(0, len(content), 997), len(content)]:
        path.write_bytes(content[:end])
        check_journal(plan)


def test_what_a_process_believed_dead_wrote_later_counts_for_nothing(make, change):
    def edit(lines):
        ended = next(i for i, line in enumerate(lines) if line.get("state") in (1, 2))
        failed = lines[ended] | {"state": 3, "values": None}
        return [*lines[:ended], failed, *lines[ended - 1 : ended + 1]]

    check_journal(plan_sweep(make(search={"trials": 12}), change(edit))[0])


def test_the_command_says_it_in_a_line(make, change, spikecast, tmp_path):
    out = change(all_of(STATE, "values", ["x"]))
    (tmp_path / "c.yaml").write_text(to_yaml(make(search={"trials": 12})))
    status, said, errors = spikecast(
        "sweep", "c.yaml", "--out", out.name, "--workers", 1, "-q", "--resume"
    )
    assert (status, said) == (2, "")
    (line,) = errors.strip().splitlines()
    assert line.startswith("error: 'out/study.log' is damaged in line ")
