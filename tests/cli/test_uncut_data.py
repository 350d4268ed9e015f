"""Data that are not cut into trials yet, from the listing to the report, on the command line."""

import shlex

import numpy as np
import pandas as pd
import pytest

from spikecast.data import load

pytest.importorskip("pynwb", reason="the extra nwb is not installed")
import nwb_files as planted

CUT = ["--align", "onset", "--window", "-0.5", "1", "--bin", "0.1"]
QUICK = ["--models", "mean_rate", "--folds", "2", "--workers", "1", "--quiet"]


@pytest.fixture
def file(tmp_path):
    nwb = planted.make_file()
    planted.add_units(
        nwb,
        planted.spike_times() * 2,
        ids=range(20, 26),
        electrodes=False,
        brain_area=planted.AREAS * 2,
        quality=["good"] * 6,
    )
    planted.add_trials(nwb)
    return planted.write_file(nwb, tmp_path / "planted.nwb")


def test_the_listing_names_all_choices_and_its_last_line_can_be_typed(spikecast, file):
    listed = spikecast("inspect", file)
    assert listed.status == 0, listed.errors
    for said in (
        "trial table trials: 30 trials",
        "events: start_time, stop_time, onset",
        "other columns: side",
        "area (column brain_area): MOs 4, CA1 2",
        "quality (column quality): good 6",
        "behaviour: none",
    ):
        assert said in listed.output
    line = listed.output.strip().splitlines()[-1].removeprefix("  next: ")
    assert "--align onset --window -0.5 1 --bin 0.01 --target MOs" in line
    command, *arguments = shlex.split(line)
    assert command == "spikecast"
    done = spikecast(*arguments, *QUICK, "--min-rate", "0", "--out", "run")
    assert done.status == 0, done.errors
    assert "taken: 6 of 6 units taken: 'quality' is good" in done.output
    assert "taken: time 0 is 'onset' of the table 'trials': 30 of 30 trials" in done.output


def test_data_that_are_cut_get_a_line_to_type_too(spikecast, file):
    cut = ["--align", "onset", "--window", "0", "0.5", "--bin", "0.05", "--units", "good"]
    listed = spikecast("inspect", file, *cut)
    assert listed.status == 0, listed.errors
    line = listed.output.strip().splitlines()[-1].removeprefix("  next: ")
    command, *arguments = shlex.split(line)
    assert command == "spikecast"
    assert arguments[-2:] == ["--target", "MOs"]
    done = spikecast(*arguments, *QUICK, "--min-rate", "0", "--out", "run")
    assert done.status == 0, done.errors


def test_what_was_taken_stands_on_the_page_and_in_the_config(spikecast, file, tmp_path):
    done = spikecast(
        "decode", file, *CUT, "--units", "all", "--label", "side", "--permutations", "20", "--out",
        "run", "--quiet",
    )  # fmt: skip
    assert done.status == 0, done.errors
    page = (tmp_path / "run" / "report.html").read_text()
    assert "What was taken of the file" in page
    assert "all 6 units taken" in page
    again = spikecast("run", "run/config.yaml", "--out", "again", "--quiet")
    assert again.status == 0, again.errors
    wrong = spikecast("decode", "run", "--label", "side", "--align", "onset")
    assert wrong.status == 2
    assert "--align with what goes with it" in wrong.errors


def test_convert_keeps_the_cut(spikecast, file, tmp_path):
    done = spikecast("convert", file, *CUT, "--units", "all", "--out", "mine.nc")
    assert done.status == 0, done.errors
    recording = load(tmp_path / "mine.nc")
    expected = np.tile(planted.expected_counts(), 2)
    np.testing.assert_array_equal(recording.activity, expected)
    listed = spikecast("inspect", "mine.nc")
    assert "taken: area of each unit: column 'brain_area'" in listed.output
    refused = spikecast("convert", file, *CUT, "--out", "mine.nc")
    assert refused.status == 2
    assert "--overwrite" in refused.errors
    assert spikecast("convert", file, *CUT, "--out", "mine.nc", "--overwrite").status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "For example --align onset --window -0.5 1 --bin 0.01"),
        (["--align", "onst", "--window", "0", "1", "--bin", "0.1"], "Did you mean 'onset'"),
        (["--align", "onset"], "bin_size is missing"),
        (["--align", "onset", "--window", "0", "1", "--bin", "-1"], "greater than 0"),
        ([*CUT, "--frame-rate", "30"], "leave out the frame rate"),
        ([*CUT, "--units", "best"], "not a label of 'quality'"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line_and_nothing_is_written(
    spikecast, file, tmp_path, arguments, said
):
    before = sorted(tmp_path.iterdir())
    for command in (["convert", file, "--out", "x.nc"], ["predict", file, "--target", "MOs"]):
        refused = spikecast(*command, *arguments)
        assert refused.status == 2
        (line,) = refused.errors.strip().splitlines()
        assert said in line
    assert sorted(tmp_path.iterdir()) == before


def test_an_atlas_cuts_all_its_files(spikecast, file):
    done = spikecast(
        "atlas", file, *CUT, "--units", "all", "--min-neurons", "5", "--shifts", "0", "--folds",
        "3", "--workers", "1", "--quiet", "--out", "atlas",
    )  # fmt: skip
    assert "no session has two areas of 5 active neurons" in done.errors


def test_data_that_are_cut_already_take_no_cut(spikecast):
    refused = spikecast("predict", "simulated", *CUT, "--target", "MOs")
    assert refused.status == 2
    assert "cut into trials already" in refused.errors


def test_without_areas_the_line_predicts_neurons_that_are_held_out(spikecast, tmp_path):
    rng = np.random.default_rng(0)
    rows = [(time, unit) for unit in range(8) for time in np.sort(rng.uniform(0, 60, 600))]
    table = pd.DataFrame(rows, columns=["time", "unit"])
    table.to_csv(tmp_path / "mine.csv", index=False)
    listed = spikecast("inspect", tmp_path / "mine.csv")
    line = listed.output.strip().splitlines()[-1].removeprefix("  next: ")
    assert "--align none --bin 0.01 --target unknown --task held_out_neurons" in line
    arguments = shlex.split(line.replace("--bin 0.01", "--bin 0.03"))[1:]
    done = spikecast(*arguments, *QUICK, "--out", "run")
    assert done.status == 0, done.errors


def test_an_interrupted_convert_is_one_line_and_leaves_nothing(
    spikecast, file, tmp_path, monkeypatch
):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("spikecast.data.recording.write_dataset", interrupt)
    done = spikecast("convert", file, *CUT, "--units", "all", "--out", "later.nc")
    assert done.status == 130
    assert "interrupted; go on with the same command" in done.errors
    assert not list(tmp_path.glob("later*")) + list(tmp_path.glob(".spikecast-*"))
