"""audit from the command line."""


def test_audit_names_what_is_wrong_with_a_run_and_how_to_mend_it(data, spikecast, tmp_path):
    quick = ("--label", "response", "--folds", 3, "--permutations", 20, "--quiet")
    done = spikecast("decode", data, "--session", 0, *quick, "--out", "run")
    assert done.status == 0, done.errors
    sound = spikecast("audit", tmp_path / "run").output
    assert all(name in sound for name in ("labels out of step", "too few test trials"))
    assert "hazard" not in sound
    (tmp_path / "run" / "protocol.json").write_text(
        '[{"name": "accuracy", "metric": "accuracy", "value": 0.9, "train": [1], "test": [1]}]'
    )
    flawed = spikecast("audit", tmp_path / "run").output
    assert flawed.startswith("severe: evaluated on training data (accuracy)")
    assert "fix: score on trials that no step has seen" in flawed
    assert "hazards" in (spikecast("report", tmp_path / "run") and (
        tmp_path / "run" / "report.html").read_text())  # fmt: skip
    assert spikecast("audit", tmp_path).status == 2
