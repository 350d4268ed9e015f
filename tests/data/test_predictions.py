"""The file that brings predictions: what it holds, and one line for each thing wrong with it."""

import re
import zipfile

import numpy as np
import pytest

import spikecast as sc
from spikecast.core.errors import FormatError
from spikecast.data.predictions import KEYS, read_predictions

SHAPE = (12, 20, 3)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    rate = rng.gamma(4.0, 0.1, SHAPE)
    return {
        "truth": rng.poisson(rate), "predicted": rate, "fold": np.arange(12) % 3, "bin_size": 0.02,
    }  # fmt: skip


@pytest.fixture
def save(tmp_path):
    def write(arrays):
        path = tmp_path / "mine.npz"
        np.savez(path, **arrays)
        return path

    return write


def test_everything_that_the_file_may_hold_is_read(arrays, save):
    rate = arrays.pop("predicted")
    more = {
        "predicted_glm": rate, "predicted_lfads": 2 * rate, "train_predicted_glm": rate,
        "trial_response": np.array(["left", "right"] * 6), "trial_contrast_left": np.zeros(12),
        "behavior": np.zeros((12, 20, 2)), "source": np.ones((12, 20, 2)),
        "source_area": np.array(["CA1", "MD"]), "target": "MOs", "session": "one",
        "time": 0.02 * np.arange(20), "ordered": False,
    }  # fmt: skip
    read = read_predictions(save(arrays | more))
    assert list(read.predicted) == ["glm", "lfads"]
    assert list(read.train_predicted) == ["glm"]
    assert read.trials["response"].tolist() == ["left", "right"] * 6
    assert [test.tolist() for _, test in read.folds] == [[k, k + 3, k + 6, k + 9] for k in range(3)]
    assert (read.kind, read.target, read.session, read.ordered) == ("counts", "MOs", "one", False)
    recording = sc.load(save(arrays | more))  # every command that takes data reads it
    assert recording.areas == {"CA1": 1, "MD": 1, "MOs": 3}
    assert recording.behavior == ["behavior"] or "behavior" in recording.behavior
    assert not recording.ordered


def test_text_may_be_bytes_and_a_slash_in_a_column_becomes_a_line(arrays, save):
    more = {
        "target": np.array(b"MOs"), "session": np.array("é".encode()),
        "source": np.ones((12, 20, 1)), "source_area": np.array([b"CA1"]),
        "trial_L/R": np.array([b"left", b"right"] * 6), "trial_L_R": np.zeros(12),
    }  # fmt: skip
    read = read_predictions(save(arrays | more))
    assert (read.target, read.session, read.source_area.tolist()) == ("MOs", "é", ["CA1"])
    assert read.trials["L_R_2"].tolist() == ["left", "right"] * 6
    assert read.trials["L_R"].tolist() == [0] * 12
    assert read.make_recording().areas == {"CA1": 1, "MOs": 3}


def test_parts_are_given_by_number_or_as_masks(arrays, save):
    del arrays["fold"]
    mask = np.arange(12) < 8
    arrays |= {"train_0": mask, "test_0": ~mask, "train_1": [8, 9, 10], "test_1": [7, 6]}
    (train, test), (_, second) = read_predictions(save(arrays)).folds
    assert train.tolist() == list(range(8))
    assert test.tolist() == [8, 9, 10, 11]
    assert second.tolist() == [6, 7]


def test_trials_in_no_part_may_have_no_prediction(arrays, save):
    arrays["fold"][:2] = -1
    arrays["predicted"][:2] = np.nan
    assert sum(test.size for _, test in read_predictions(save(arrays)).folds) == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"truth": None}, "'truth' is missing"),
        ({"predicted": None}, "'predicted' is missing"),
        ({"fold": None}, "nothing says which trials were held out"),
        ({"bin_size": 0.0}, "above 0"),
        ({"bin_size": 1e300}, "'bin_size' is 1e+300; it must be above 0, and up to 1e+09"),
        ({"bin_size": [0.1, 0.2]}, "a single value"),
        ({"predictd_glm": np.zeros(SHAPE)}, "unknown array 'predictd_glm'"),
        ({"predicted": np.zeros((12, 20, 2))}, "'predicted' has 2 along target, but there are 3"),
        ({"predicted": np.zeros((20, 3))}, "trial x time x target"),
        ({"predicted": np.full(SHAPE, np.nan)}, "NaN"),
        ({"predicted": np.full(SHAPE, -1.0)}, "np.exp"),
        ({"predicted": np.full(SHAPE, 1e307)}, "goes up to 1e+307"),
        ({"fold": np.full(12, -1)}, "holds no trial out"),
        ({"fold": np.full(12, 0.5)}, "whole numbers"),
        ({"time": np.arange(10) > 4}, "'time' holds bool; it must hold seconds"),
        ({"fold": np.zeros(12, dtype=int)}, "0 training"),
        ({"test_0": [1]}, "both say what was held out"),
        ({"fold": None, "train_0": [0, 1], "test_0": [1, 2]}, "1 of its test trials"),
        ({"fold": None, "train_0": [0, 1], "test_0": [12]}, "0 to 11"),
        ({"fold": None, "test_0": [1, 2]}, "'train_0' is missing"),
        ({"trial_response": np.array([None] * 12, dtype=object)}, "Python objects"),
        ({"session": np.array([2**31], "u4").view("U1")[0:1].reshape(())}, "no Unicode"),
        ({"trial_response": np.full(12, 0xD800, "u4").view("U1")}, "no Unicode"),
        ({"trial_response": np.zeros(11)}, "11 along trial"),
        ({"train_predicted_glm": np.zeros(SHAPE)}, "has no 'predicted_glm'"),
        ({"time": np.arange(20.0)}, "'bin_size' is another"),
        ({"time": 1e308 * np.linspace(-1, 1, 20)}, "time goes up to 1e+308 s"),
        ({"source": np.zeros((12, 20))}, "trial x time x neuron"),
        ({"predicted_glm\n": np.ones(SHAPE)}, "'predicted_glm\\n': the name of a prediction"),
        ({"predicted_ ": np.ones(SHAPE)}, "'predicted_ ': the name of a prediction"),
        ({"trial_side": np.array([b"gr\xfcn"] * 12)}, "'trial_side' holds bytes that are no UTF-8"),
        ({"predicted_" + 250 * "g": np.ones(SHAPE)}, "has 250 characters; up to 100 are allowed"),
    ],
)
def test_what_does_not_fit_is_named_in_a_line(arrays, save, change, message):
    arrays = {name: value for name, value in (arrays | change).items() if value is not None}
    with pytest.raises(FormatError, match=re.escape(message)) as caught:
        read_predictions(save(arrays))
    assert "mine.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rates_in_hz_are_told_from_counts(arrays, save):
    arrays["predicted"] = arrays["predicted"] / arrays["bin_size"]
    with pytest.raises(FormatError, match="Hz"):
        read_predictions(save(arrays))


@pytest.mark.parametrize("content", [b"", b"PK nonsense", b"\x93NUMPY\x01"])
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"mine\.npz"):
        read_predictions(path)
    with pytest.raises(FormatError, match="no file"):
        read_predictions(tmp_path / "other.npz")


def test_the_page_names_every_array():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "own_predictions.md").read_text("utf-8")
    assert [name for name in KEYS if f"`{name}`" not in page] == []


def test_a_trial_or_an_array_is_not_there_twice(arrays, save):
    fold = arrays.pop("fold")
    parts = {"train_0": [0, 1, 2, 2], "test_0": [3]}
    with pytest.raises(FormatError, match="'train_0' has a trial twice"):
        read_predictions(save(arrays | parts))
    path = save(arrays | {"fold": fold})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("truth", archive.read("predicted.npy"))
    with pytest.raises(FormatError, match="'truth' is there twice"):
        read_predictions(path)
