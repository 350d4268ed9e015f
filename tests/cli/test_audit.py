"""audit from the command line."""

import pytest

import spikecast as sc


def test_audit_prints_every_hazard_with_its_fix_and_the_rules_that_are_silent(
    data, spikecast, tmp_path
):
    quick = ("--label", "response", "--folds", 3, "--permutations", 20, "--quiet")
    done = spikecast("decode", data, "--session", 0, *quick, "--out", "run")
    assert done.status == 0, done.errors
    sound = sc.audit(tmp_path / "run")
    assert (sound.hazards, "evaluated on training data" in sound.silent) == ((), True)
    printed = spikecast("audit", tmp_path / "run").output
    assert all(rule in printed for rule in sound.silent)
    (tmp_path / "run" / "protocol.json").write_text(
        '[{"name": "accuracy", "metric": "accuracy", "value": 0.9, "train": [1], "test": [1]}]'
    )
    flawed = sc.audit(tmp_path / "run").hazards
    assert "evaluated on training data" in [hazard.rule for hazard in flawed]
    printed = spikecast("audit", tmp_path / "run").output
    assert spikecast("report", tmp_path / "run").status == 0
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for hazard in flawed:
        assert f"{hazard.severity}: {hazard.rule} ({hazard.places})" in printed
        assert f"fix: {hazard.fix}" in printed
        assert hazard.rule in page.casefold()
    assert spikecast("audit", tmp_path).status == 2


@pytest.mark.parametrize(
    ("marker", "kind", "commands"),
    [
        ("atlas.yaml", "an atlas", [("audit", "it"), ("compare", "it", ".")]),
        ("sweep.json", "a sweep", [("compare", "it", ".")]),
    ],
)
def test_what_is_no_run_is_refused_in_a_line(spikecast, tmp_path, marker, kind, commands):
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / marker).touch()
    for command in commands:
        done = spikecast(*command)
        assert done.status == 2
        (line,) = done.errors.strip().splitlines()
        assert f"'it' is {kind}" in line
