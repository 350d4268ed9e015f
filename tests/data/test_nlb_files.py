"""The files of the Neural Latents Benchmark: read in exactly their layout, refused in any other."""

import h5py
import numpy as np
import pytest
from nlb_files import N_BINS, N_EVAL, N_FORWARD, N_IN, N_OUT, N_TRAIN, draw_arrays, save

from spikecast.core.errors import FormatError, InputError, UnknownNameError
from spikecast.data import nlb_files
from spikecast.data.nlb_files import (
    INPUT,
    REQUIRED_INPUT,
    REQUIRED_TARGET,
    SUBMISSION,
    TARGET,
    check_arrays,
    pick_group,
    read_groups,
    read_submission,
    write_submission,
)


def test_arrays_come_back_by_group(tmp_path):
    _, _, target, _ = draw_arrays()
    path = save(tmp_path / "target.h5", {"mc_rtt_20": target, "mc_rtt": target})
    groups = read_groups(path)
    assert sorted(groups) == ["mc_rtt", "mc_rtt_20"]
    name, arrays = pick_group(path, groups, "mc_rtt_20")
    assert name == "mc_rtt_20"
    assert arrays["psth"].dtype == np.float32
    assert [one.tolist() for one in arrays["eval_cond_idx"]] == [
        one.tolist() for one in target["eval_cond_idx"]
    ]
    sizes = {"held-in": N_IN}
    check_arrays(arrays, TARGET, REQUIRED_TARGET, sizes)
    assert sizes["forward bin"] == N_FORWARD
    assert (sizes["train"], sizes["eval"], sizes["neuron"]) == (N_TRAIN, N_EVAL, N_IN + N_OUT)


def test_conditions_of_equally_many_trials_are_lists_too(tmp_path):
    path = save(tmp_path / "target.h5", {"mc_maze": {"eval_cond_idx": np.arange(6).reshape(2, 3)}})
    lists = read_groups(path)["mc_maze"]["eval_cond_idx"]
    assert [one.tolist() for one in lists] == [[0, 1, 2], [3, 4, 5]]


def test_one_of_several_data_sets_has_to_be_named(tmp_path):
    _, _, target, _ = draw_arrays()
    path = save(tmp_path / "target.h5", {"mc_rtt": target, "mc_maze": target})
    with pytest.raises(InputError, match=r"holds 2 data sets: mc_maze, mc_rtt; say which"):
        pick_group(path, read_groups(path))
    with pytest.raises(UnknownNameError, match="Did you mean 'mc_rtt'"):
        pick_group(path, read_groups(path), "mc_rrt")


def change(arrays, name, value):
    return {one: values for one, values in arrays.items() if one != name} | (
        {} if value is None else {name: value}
    )


SPIKES = "train_spikes_heldout"
SHAPE = (N_TRAIN, N_BINS, N_OUT)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (SPIKES, None, "the array 'train_spikes_heldout' is missing; there are"),
        ("train_spike_heldin", np.zeros(SHAPE), "unknown array .* mean 'train_spikes_heldin'"),
        (SPIKES, np.zeros(SHAPE[:2]), r"has the shape .*must be train x bin x held-out"),
        (SPIKES, np.zeros((N_TRAIN, N_BINS + 1, N_OUT)), "has 31 along the axis bin, but there"),
        (SPIKES, np.zeros((N_TRAIN, N_BINS, 0)), "is empty"),
        (SPIKES, np.full(SHAPE, 0.5), "negative or broken numbers"),
        (SPIKES, np.full(SHAPE, -1.0), "negative or broken numbers"),
        (SPIKES, np.full(SHAPE, -1), "goes down to -1; it must hold counts"),
        (SPIKES, np.full(SHAPE, np.nan), "holds NaN or infinite values"),
        (SPIKES, np.full(SHAPE, True), "holds bool; it must hold counts"),
    ],
)
def test_inputs_of_another_layout_are_refused(name, value, message):
    train, given, _, _ = draw_arrays()
    arrays = change(train | given, name, value)
    with pytest.raises(FormatError, match=message) as caught:
        check_arrays(arrays, INPUT, REQUIRED_INPUT, {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("psth", np.zeros((3, N_BINS, N_IN)), "'psth' has 10 neurons, but 10 are held in and 4"),
        ("psth", np.zeros((2, N_BINS, N_IN + N_OUT)), "has 3 conditions, but there are 2|along"),
        ("eval_cond_idx", [np.array([0, N_EVAL])] * 3, "has trials 0 to 12; there are 12"),
        ("eval_cond_idx", [np.array([[0]])] * 3, "a list of whole numbers"),
        ("eval_jitter", np.zeros(N_EVAL), "must hold whole numbers"),
        ("eval_decode_mask", np.zeros((N_EVAL, 1)), "must hold truth values"),
        ("eval_behavior", np.full((N_EVAL, N_BINS, 2), np.inf), "holds infinite values"),
    ],
)
def test_targets_of_another_layout_are_refused(name, value, message):
    _, _, target, _ = draw_arrays()
    lists = {one: list(target[one]) for one in ("train_cond_idx", "eval_cond_idx")}
    arrays = change(target | lists, name, value)
    with pytest.raises(FormatError, match=message):
        check_arrays(arrays, TARGET, REQUIRED_TARGET, {"held-in": N_IN})


def test_files_that_are_none_end_in_one_line(tmp_path):
    with pytest.raises(FormatError, match="there is no file"):
        read_groups(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(FormatError, match="damaged or not an HDF5 file"):
        read_groups(tmp_path / "text.h5")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(FormatError, match="holds no array"):
        read_groups(tmp_path / "empty.h5")
    save(tmp_path / "deep.h5", {"mc_maze": {"deeper": {"psth": np.zeros(3)}}})
    with pytest.raises(FormatError, match="'deeper' is a group"):
        read_groups(tmp_path / "deep.h5")


def test_a_file_cut_short_ends_in_one_line(tmp_path):
    _, _, target, _ = draw_arrays()
    path = save(tmp_path / "target.h5", {"mc_maze": target})
    whole = path.read_bytes()
    for share in (0.3, 0.6, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(FormatError) as caught:
            read_groups(path)
        assert "\n" not in str(caught.value)


def test_a_size_is_looked_at_before_memory_is_taken(tmp_path):
    path = tmp_path / "huge.h5"
    with h5py.File(path, "w") as opened:  # states 4 TB, holds a few bytes
        opened.create_dataset(
            SPIKES, shape=(10**6, 10**6), dtype="float32", chunks=(100, 100), compression="gzip"
        )
    assert path.stat().st_size < 10_000
    with pytest.raises(FormatError, match=r"its arrays take 4000\.0 GB, and the file"):
        read_groups(path)


def test_a_submission_is_written_whole_and_compressed(tmp_path):
    *_, rates = draw_arrays()
    path = tmp_path / "submission.h5"
    path.write_text("an older file")
    write_submission(path, {"mc_maze_small_20": rates, "mc_rtt": rates})
    with h5py.File(path, "r") as opened:
        assert sorted(opened) == ["mc_maze_small_20", "mc_rtt"]
        assert set(opened["mc_rtt"]) == set(rates) <= set(SUBMISSION)
        assert opened["mc_rtt/eval_rates_heldout"].compression == "gzip"
    back = read_submission(path, "mc_rtt")
    assert all(back[name].dtype == np.float32 for name in rates)
    np.testing.assert_allclose(back["eval_rates_heldout"], rates["eval_rates_heldout"], rtol=1e-6)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["submission.h5"]


def test_what_the_benchmark_would_not_score_is_not_written(tmp_path):
    *_, rates = draw_arrays()
    path = tmp_path / "submission.h5"
    with pytest.raises(UnknownNameError, match="data set of the benchmark 'mc_maze_10'"):
        write_submission(path, {"mc_maze_10": rates})
    with pytest.raises(InputError, match=r"must end in \.h5"):
        write_submission(tmp_path / "submission.nwb", {"mc_maze": rates})
    lacking = {name: one for name, one in rates.items() if name != "train_rates_heldin"}
    with pytest.raises(FormatError, match="'train_rates_heldin' is missing"):
        write_submission(path, {"mc_maze": lacking})
    wrong = rates | {"eval_rates_heldout": rates["eval_rates_heldout"][:, :-1]}
    with pytest.raises(FormatError, match="along the axis bin"):
        write_submission(path, {"mc_maze": wrong})
    assert list(tmp_path.iterdir()) == []


def test_names_are_those_that_the_benchmark_evaluates():
    assert len(nlb_files.NAMES) == 14
    assert {"mc_maze_large_20", "area2_bump", "dmfc_rsg_20"} <= set(nlb_files.NAMES)


def test_numbers_beyond_all_counts_and_places_are_damage():
    arrays = {"psth": np.full((1, 2, 2), 1e300)}
    with pytest.raises(FormatError, match="'psth' reaches 1e"):
        check_arrays(arrays, TARGET, (), {})
