"""explain from the command line."""

import pandas as pd
import pytest

import spikecast as sc


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "three.nc"
    simulated = sc.simulate.unrelated_areas(
        80, (20, 20, 20), n_bins=60, coupling={"C": 0.3}, seed=1
    )
    simulated.recording.save(path)
    return path


def test_it_answers_writes_and_draws(file, spikecast, tmp_path):
    done = spikecast("explain", file, "--target", "B", "--folds", 3, "--out", "why")
    assert done.status == 0, done.errors
    assert done.output.startswith("B: ")
    assert "only by C" in done.output
    assert "Nothing that only A would tell is found." in done.output
    table = pd.read_csv(tmp_path / "why" / "analysis" / "explain-B-parts.csv").set_index("part")
    assert table.loc["C", "stands"]
    assert not table.loc["A", "stands"]
    page = (tmp_path / "why" / "report.html").read_text("utf-8")
    assert "What explains B?" in page
    assert (tmp_path / "why" / "figures" / "explain-B.svg").exists()


def test_a_wrong_area_is_one_line_and_status_2(file, spikecast, tmp_path):
    for flag, name in (("--target", "BB"), ("--source", "D")):
        arguments = {"--target": "B", flag: name}
        done = spikecast("explain", file, *(word for pair in arguments.items() for word in pair))
        assert done.status == 2
        assert f"unknown area '{name}'" in done.errors
        assert len(done.errors.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_seed_below_zero_is_one_line(file, spikecast):
    for command in (("explain", file, "--target", "B"), ("decode", file, "--label", "side")):
        done = spikecast(*command, "--seed", -5)
        assert done.status == 2
        assert len(done.errors.splitlines()) == 1
        assert "--seed" in done.errors
