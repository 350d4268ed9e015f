"""The Neural Latents Benchmark from end to end: files in, true scores, a submission out."""

import h5py
import numpy as np
import pytest
from nlb_files import (
    N_BINS,
    N_EVAL,
    N_FORWARD,
    N_IN,
    N_OUT,
    check_submission,
    draw_arrays,
    save,
    write_files,
)

import spikecast as sc
from spikecast.core.errors import FormatError, InputError, NotEnoughDataError, UnknownNameError
from spikecast.data.recording import Recording
from spikecast.evaluation.nlb_data import NLBData
from spikecast.scoring.nlb_scores import compare_likelihoods, mean_of_scored

DATASET = "mc_maze_small"


def quick():
    return sc.models.TimescalesAutoencoder(epochs=2, n_latents=8)


def value(result, score, null=""):
    table = result.scores if hasattr(result, "scores") else result
    return table.set_index(["score", "null"])["value"][score, null]


# ------------------------------------------------------------------------------------ files


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("nlb"), f"{DATASET}_20")


@pytest.fixture(scope="module")
def result(files):
    return sc.benchmarks.nlb(files[:2], "pca_ridge", target=files[2], held_in=quick())


def test_files_in_their_layout_are_read_scored_and_submitted(result, files, tmp_path):
    assert result.dataset == f"{DATASET}_20"  # as the group of the targets is called
    assert set(result.scores["score"]) == {"co-bps", "fp-bps", "psth R2", "vel R2"}
    assert result.rates["eval_rates_heldin"].shape == (N_EVAL, N_BINS, N_IN)
    assert result.rates["eval_rates_heldout_forward"].shape == (N_EVAL, N_FORWARD, N_OUT)
    path = tmp_path / "submission.h5"
    result.write(path)
    check_submission(path, files[2], [f"{DATASET}_20"])


def test_a_submission_is_scored_like_the_rates_it_was_written_from(result, files, tmp_path):
    path = tmp_path / "submission.h5"
    result.write(path)
    data = sc.benchmarks.read_nlb(files[:2], files[2])
    again = sc.benchmarks.score_nlb(path, data)
    np.testing.assert_allclose(again["value"], result.scores["value"], rtol=1e-6)
    assert again["score"].tolist() == result.to_frame()["score"].tolist()


def test_the_same_seed_gives_the_same_rates(result, files):
    again = sc.benchmarks.nlb(files[:2], "pca_ridge", target=files[2], held_in=quick())
    for name, rates in result.rates.items():
        np.testing.assert_array_equal(again.rates[name], rates)


def test_a_result_is_shown_in_a_line(result):
    text = repr(result)
    assert text.startswith(f"<NLBResult {DATASET}_20, pca_ridge: co-bps ")
    assert "\n" not in text
    ours = value(result, "co-bps", "train_mean")
    assert f"co-bps {value(result, 'co-bps', 'eval_mean'):.3f} ({ours:.3f} above tr" in text
    assert "co-bps" in result._repr_html_()


def test_without_targets_there_are_rates_and_a_submission_but_no_scores(files, tmp_path):
    rates = sc.benchmarks.nlb(files[:2], "mean_rate", dataset="mc_rtt", held_in=quick())
    assert rates.scores.empty
    assert repr(rates) == "<NLBResult mc_rtt, mean_rate: no target>"
    rates.write(tmp_path / "submission.h5")
    with h5py.File(tmp_path / "submission.h5") as opened:
        assert list(opened) == ["mc_rtt"]


def test_data_sets_are_submitted_in_one_file(result, files, tmp_path):
    large = sc.benchmarks.nlb(files[:2], "mean_rate", dataset="mc_maze_large", held_in=quick())
    result.write(tmp_path / "both.h5", large)
    with h5py.File(tmp_path / "both.h5") as opened:
        assert sorted(opened) == ["mc_maze_large", f"{DATASET}_20"]
    with pytest.raises(InputError, match="two results are of the data set"):
        result.write(tmp_path / "twice.h5", result)
    unnamed = sc.benchmarks.nlb(files[:2], "mean_rate", held_in=quick())
    with pytest.raises(InputError, match="the name of the data set is not known"):
        unnamed.write(tmp_path / "unnamed.h5")


def test_inputs_without_forward_bins_give_none(tmp_path):
    paths = write_files(tmp_path, forward=False)
    rates = sc.benchmarks.nlb(paths[:2], "mean_rate", target=paths[2], held_in=quick())
    assert sorted(rates.rates) == sorted(
        f"{part}_rates_{side}" for part in ("train", "eval") for side in ("heldin", "heldout")
    )
    assert "fp-bps" not in rates.scores["score"].tolist()


def test_held_out_spikes_among_the_inputs_are_a_target(tmp_path):
    train, given, target, _ = draw_arrays()
    path = save(tmp_path / "all.h5", train | given | {
        "eval_spikes_heldout": target["eval_spikes_heldout"]
    })  # fmt: skip
    data = sc.benchmarks.read_nlb(path)
    assert list(data.target) == ["eval_spikes_heldout"]
    assert data.dataset == ""


def test_inputs_may_lie_in_a_group_of_their_data_set(tmp_path):
    train, given, _, _ = draw_arrays()
    path = save(tmp_path / "nested.h5", {"mc_rtt": train | given, "mc_maze": train | given})
    assert sc.benchmarks.read_nlb(path, dataset="mc_maze").dataset == "mc_maze"
    with pytest.raises(InputError, match="say which"):
        sc.benchmarks.read_nlb(path)


def test_gaps_of_scored_trials_are_filled_and_said(tmp_path):
    train, given, target, _ = draw_arrays()
    given["eval_spikes_heldin"][0, :5] = np.nan
    target["eval_spikes_heldout"][0, :5] = np.nan
    data = NLBData("", train | given, {"eval_spikes_heldout": target["eval_spikes_heldout"]})
    filled = sc.benchmarks.nlb(data, "pca_ridge", held_in=quick())
    assert np.isfinite(filled.rates["eval_rates_heldout"]).all()
    assert [notice.code for notice in filled.notices] == ["gaps_filled"]
    assert filled.notices[0].values["n"] == 5 * N_IN


def test_nothing_is_learnt_from_scored_trials():
    train, given, *_ = draw_arrays()
    other = {"eval_spikes_heldin": given["eval_spikes_heldin"][::-1]}
    rates = [
        sc.benchmarks.nlb(NLBData("", train | one), "pca_ridge", held_in=quick()).rates
        for one in (given, other)
    ]
    for name, values in rates[0].items():
        part = slice(None) if name.startswith("train") else slice(None, None, -1)
        np.testing.assert_allclose(rates[1][name][part], values, rtol=2e-4)


# ------------------------------------------------------------------------------------ wrong input


def test_wrong_files_end_in_one_line_that_names_them(files, tmp_path):
    target = draw_arrays()[2]
    target["eval_spikes_heldou"] = target.pop("eval_spikes_heldout")
    path = save(tmp_path / "target_data.h5", {DATASET: target})
    with pytest.raises(FormatError, match=r"target_data.*unknown array 'eval_spikes_heldou'"):
        sc.benchmarks.read_nlb(files[:2], path)
    with pytest.raises(FormatError, match="'eval_spikes_heldin' is missing"):
        sc.benchmarks.read_nlb(files[0], files[2])
    with pytest.raises(FormatError, match="again: another file has it too"):
        sc.benchmarks.read_nlb([files[0], files[0]], files[2])
    shorter = {"eval_spikes_heldin": draw_arrays()[1]["eval_spikes_heldin"][:, :-1]}
    path = save(tmp_path / "shorter.h5", shorter)
    with pytest.raises(FormatError, match="along the axis bin") as caught:
        sc.benchmarks.read_nlb([files[0], path])
    assert "\n" not in str(caught.value)
    assert "shorter.h5" in str(caught.value)
    with pytest.raises(InputError, match="no file"):
        sc.benchmarks.read_nlb([])
    with pytest.raises(UnknownNameError, match="Did you mean 'mc_maze_small'"):
        sc.benchmarks.read_nlb(files[:2], dataset="mc_maze_smal")


def test_damaged_files_end_in_one_line(tmp_path):
    paths, rng = write_files(tmp_path), np.random.default_rng(0)
    whole, lines = [path.read_bytes() for path in paths], []
    for attempt in range(24):
        file = attempt % 3
        content = bytearray(whole[file])
        start = int(rng.integers(0, min(3000, len(content) - 64)))  # where HDF5 keeps its tables
        content[start : start + 64] = [b"", bytes(64), rng.bytes(64)][attempt // 3 % 3]
        paths[file].write_bytes(content)
        try:
            sc.benchmarks.read_nlb(paths[:2], paths[2])
        except FormatError as error:
            lines.append(str(error))
        paths[file].write_bytes(whole[file])
    assert len(lines) > 8
    assert [line for line in lines if "\n" in line] == []


def test_wrong_models_are_refused_before_anything_is_fitted(files):
    with pytest.raises(InputError, match="'pca_ridge' reconstructs nothing: it would copy"):
        sc.benchmarks.nlb(files[:2], held_in="pca_ridge")
    with pytest.raises(UnknownNameError, match="unknown model"):
        sc.benchmarks.nlb(files[:2], "stak")
    with pytest.raises(InputError, match="'drift' needs trials"):
        sc.benchmarks.nlb(files[:2], "drift")


def test_rates_of_another_shape_are_not_scored(files, result):
    data = sc.benchmarks.read_nlb(files[:2], files[2])
    fewer = dict(result.rates) | {"eval_rates_heldout": result.rates["eval_rates_heldout"][:-1]}
    with pytest.raises(FormatError, match="along the axis eval"):
        sc.benchmarks.score_nlb(fewer, data)
    with pytest.raises(InputError, match="nothing to score against"):
        sc.benchmarks.score_nlb(result.rates, NLBData("", data.inputs))
    with pytest.raises(InputError, match="Mapping is needed"):
        sc.benchmarks.score_nlb(None, data)
    lists = {name: one.tolist() for name, one in result.rates.items()}
    found, expected = (sc.benchmarks.score_nlb(one, data) for one in (lists, result.rates))
    np.testing.assert_allclose(found["value"], expected["value"], rtol=1e-6)


# ------------------------------------------------------------------------------------ planted truth


def true_rates(rates):
    return {name: one for name, one in rates.items() if "train" not in name or "forw" not in name}


def test_true_rates_score_above_a_model_and_a_model_above_its_nulls():
    train, given, target, rates = draw_arrays(seed=1, gain=1.2)
    data = NLBData(DATASET, train | given, target)
    truth = sc.benchmarks.score_nlb(true_rates(rates), data)
    model = sc.benchmarks.nlb(data, "pca_ridge", held_in=quick())
    for null in ("eval_mean", "train_mean", "train_psth"):
        assert value(truth, "co-bps", null) > value(model, "co-bps", null) > 0.02
        assert value(truth, "fp-bps", null) > value(model, "fp-bps", null)
    assert value(truth, "psth R2") > value(model, "psth R2")
    assert value(model, "fp-bps", "train_mean") > 0.02
    assert value(truth, "vel R2") > 0.8
    assert value(model, "vel R2") > 0.3


@pytest.mark.parametrize("seed", range(4))
def test_neurons_that_share_nothing_are_not_predicted(seed):
    train, given, *_ = draw_arrays(seed=seed, gain=1.2, forward=False)
    other_train, _, other_target, _ = draw_arrays(seed=seed + 100, gain=1.2, forward=False)
    name = "train_spikes_heldout"
    inputs = train | given | {name: other_train[name][:, ::-1]}  # nor the course of a trial
    spikes = other_target["eval_spikes_heldout"][:, ::-1]
    # nor the order of conditions
    data = NLBData("", inputs, {"eval_spikes_heldout": np.roll(spikes, 1, axis=0)})
    model = sc.benchmarks.nlb(data, "pca_ridge", held_in=quick())
    assert value(model, "co-bps", "eval_mean") < 0.01
    assert (model.scores["low"] < 0).all()  # no null is beaten by more than chance


def test_rates_of_other_trials_score_below_the_mean():
    train, given, target, rates = draw_arrays(seed=1, gain=1.2)
    data = NLBData("", train | given, target)
    shuffled = {
        name: np.roll(one, 1, axis=0) if name.startswith("eval") else one
        for name, one in true_rates(rates).items()
    }
    table = sc.benchmarks.score_nlb(shuffled, data)
    assert (table["value"] < 0).all()


def test_held_in_rates_are_no_copy_of_the_spikes():
    rng = np.random.default_rng(7)
    spikes = rng.poisson(0.3, (80, 40, 12))  # nothing to reconstruct but noise
    data = NLBData("", {
        "train_spikes_heldin": spikes[:60, :, :9], "train_spikes_heldout": spikes[:60, :, 9:],
        "eval_spikes_heldin": spikes[60:, :, :9],
    })  # fmt: skip
    held_in = sc.models.TimescalesAutoencoder(n_latents=16, epochs=10)
    found = sc.benchmarks.nlb(data, "mean_rate", held_in=held_in)
    seen, rates = spikes[60:, :, :9].astype(float), found.rates["eval_rates_heldin"]
    mean = mean_of_scored(seen)
    assert compare_likelihoods(seen, rates, mean).pooled() < 0.01
    copied = sc.models.PCARidge().fit(spikes[:60, :, :9], spikes[:60, :, :9])
    rates = copied.predict(spikes[60:, :, :9])
    assert compare_likelihoods(seen, rates, mean).pooled() > 0.1


def test_the_mean_scores_nothing():
    train, given, target, _ = draw_arrays(seed=2)
    model = sc.benchmarks.nlb(NLBData("", train | given, target), "mean_rate", held_in=quick())
    assert value(model, "co-bps", "train_mean") == pytest.approx(0, abs=1e-6)
    assert value(model, "co-bps", "eval_mean") < 0  # the scored trials' own mean is the best


def test_a_session_that_drifts_scores_otherwise_against_its_own_mean():
    train, given, target, rates = draw_arrays(seed=3)
    # scored trials fire half as much, and rates know it
    rng = np.random.default_rng(3)
    rates = {name: one / 2 if name.startswith("eval") else one for name, one in rates.items()}
    target["eval_spikes_heldout"] = rng.poisson(rates["eval_rates_heldout"]).astype(float)
    data = NLBData("", train | given, {"eval_spikes_heldout": target["eval_spikes_heldout"]})
    table = sc.benchmarks.score_nlb(true_rates(rates), data)
    assert value(table, "co-bps", "train_mean") > value(table, "co-bps", "eval_mean") + 0.1


# ------------------------------------------------------------------------------------ recordings


@pytest.fixture(scope="module")
def recording():
    return sc.simulate.lorenz(96, 20, n_conditions=12, n_bins=50, mean_rate=20, seed=4).recording


def test_a_recording_is_split_by_a_quarter(recording):
    data = sc.benchmarks.split_nlb(recording, forward=0.1, conditions=["condition"], seed=1)
    assert repr(data) == "<NLBData: 72 + 24 trials x 40 + 10 bins x 15 + 5 neurons>"
    assert [notice.code for notice in data.notices] == ["split_drawn", "split_drawn"]
    other = sc.benchmarks.split_nlb(recording, forward=0.1, conditions=["condition"], seed=2)
    assert not np.array_equal(
        data.inputs["train_spikes_heldout"], other.inputs["train_spikes_heldout"]
    )
    # trials and neurons of both parts are those of the recording, each once
    whole = np.concatenate([
        np.concatenate([one[f"{part}_spikes_{side}"] for side in ("heldin", "heldout")], axis=2)
        for part, one in (("train", data.inputs), ("eval", data.inputs | data.target))
    ])  # fmt: skip
    assert whole.sum() == recording.activity[:, :40].sum()


def test_averages_of_conditions_are_those_of_all_their_trials(recording):
    data = sc.benchmarks.split_nlb(recording, conditions=["condition"], width=1e-6)
    spikes = {
        part: np.concatenate([one[f"{part}_spikes_{side}"] for side in ("heldin", "heldout")], 2)
        for part, one in (("train", data.inputs), ("eval", data.inputs | data.target))
    }
    for kind in range(12):
        trials = np.concatenate([
            spikes[part][data.target[f"{part}_cond_idx"][kind]] for part in ("train", "eval")
        ])  # fmt: skip
        np.testing.assert_allclose(data.target["psth"][kind], trials.mean(axis=0), atol=1e-6)


def test_a_recording_is_scored_like_a_file(recording):
    found = sc.benchmarks.nlb(recording, "pca_ridge", held_in=quick())
    assert value(found, "co-bps", "eval_mean") > 0.02
    assert {notice.code for notice in found.notices} == {"split_drawn"}
    with pytest.raises(InputError, match="a recording holds its own"):
        sc.benchmarks.nlb(recording, target="target.h5")


def with_columns(recording, heldout=None, split=None, **behavior):
    return Recording.from_arrays(
        recording.activity, recording.time, "PMd",
        trials=recording.trials.assign(**({} if split is None else {"split": split})),
        neurons=None if heldout is None else {"heldout": heldout},
        behavior=behavior or None,
    )  # fmt: skip


def test_columns_of_their_nwb_files_state_the_split(recording):
    heldout = np.arange(20) % 4 == 1
    split = np.array(["train", "val", "none", "train"] * 24)
    data = sc.benchmarks.split_nlb(with_columns(recording, heldout, split))
    np.testing.assert_array_equal(
        data.inputs["eval_spikes_heldin"], recording.activity[1::4][..., ~heldout]
    )
    np.testing.assert_array_equal(
        data.target["eval_spikes_heldout"], recording.activity[1::4][..., heldout]
    )
    assert len(data.inputs["train_spikes_heldin"]) == 48
    assert data.notices == ()
    with pytest.raises(InputError, match="names 96 trials 'train' and 0 'val'"):
        sc.benchmarks.split_nlb(with_columns(recording, heldout, np.full(96, "train")))


@pytest.mark.parametrize("lag", [0.03, -0.02])
def test_behavior_is_shifted_by_its_lag(recording, lag):
    velocity = np.random.default_rng(5).normal(size=(96, 50, 2))
    moving = with_columns(recording, np.arange(20) < 5, ["train", "val"] * 48, velocity=velocity)
    data = sc.benchmarks.split_nlb(moving, forward=0.02, behavior="velocity", lag=lag)
    moved, n = data.target["eval_behavior"], round(lag / 0.01)
    assert moved.shape == (48, 48, 2)
    for t in range(48):
        expected = velocity[1::2, t + n] if 0 <= t + n < 50 else np.nan
        np.testing.assert_array_equal(moved[:, t], np.broadcast_to(expected, (48, 2)))


def test_wrong_recordings_are_refused(recording):
    with pytest.raises(UnknownNameError, match="unknown behaviour 'hand_vel'"):
        sc.benchmarks.split_nlb(recording, behavior="hand_vel")
    with pytest.raises(InputError, match="half of them at most"):
        sc.benchmarks.split_nlb(recording, forward=0.3)
    with pytest.raises(InputError, match="width"):
        sc.benchmarks.split_nlb(recording, width=-1)
    with pytest.raises(NotEnoughDataError, match="4 trials are too few"):
        sc.benchmarks.split_nlb(recording.select(trials=range(4)))
    with pytest.raises(NotEnoughDataError, match="held-out part has 1 neurons"):
        sc.benchmarks.split_nlb(recording, fraction=0.05)
    continuous = Recording.from_arrays(
        recording.activity.astype(float), recording.time, "V1", kind="continuous"
    )
    with pytest.raises(InputError, match="this recording is continuous"):
        sc.benchmarks.split_nlb(continuous)


def test_a_neuron_recorded_twice_is_not_held_in():
    recording = sc.simulate.lorenz(40, 16, n_conditions=40, n_bins=60, mean_rate=30).recording
    out = sc.benchmarks.split_nlb(recording).target["eval_spikes_heldout"]
    assert out.shape[2] == 4
    twice = Recording.from_arrays(
        np.concatenate([recording.activity, recording.activity], axis=2), recording.time, "V1"
    )
    data = sc.benchmarks.split_nlb(twice)
    codes = [notice.code for notice in data.notices]
    assert "coincident_sources" in codes
    assert data.inputs["train_spikes_heldin"].shape[2] < 24


def write_nwb(path, observed=((0.0, 100.0),)):
    """A file as theirs: units with `heldout`, trials with `split`, the hand's velocity."""
    pytest.importorskip("pynwb")
    import nwb_files as planted
    from pynwb import TimeSeries

    rng = np.random.default_rng(6)
    nwb = planted.make_file()
    planted.add_electrodes(nwb, locations=["M1"] * 8)
    nwb.add_unit_column(name="heldout", description="held out in evaluation trials")
    heldout = np.arange(8) % 4 == 2
    for unit in range(8):
        nwb.add_unit(
            spike_times=np.sort(rng.uniform(0, 100, 2000)), heldout=bool(heldout[unit]),
            obs_intervals=observed, electrodes=[unit],
        )  # fmt: skip
    for name in (
        *("move_onset_time", "split", "trial_type", "trial_version"),
        *("cond_dir", "ctr_hold_bump"),
    ):
        nwb.add_trial_column(name=name, description=name)
    for trial in range(24):
        start = 2.0 + 4 * trial
        nwb.add_trial(
            start_time=start, stop_time=start + 3, move_onset_time=start + 1,
            split=["train", "val", "train"][trial % 3], trial_type=trial % 2, trial_version=0,
            cond_dir=90.0, ctr_hold_bump=bool(trial % 2),
        )  # fmt: skip
    times = np.arange(0, 100, 0.001)
    module = nwb.create_processing_module(name="behavior", description="movement")
    module.add(TimeSeries(name="hand_vel", data=np.c_[times, -times], rate=1000.0, unit="mm/s"))
    return planted.write_file(nwb, path), heldout


def test_their_nwb_file_is_cut_as_they_cut_it(tmp_path):
    path, heldout = write_nwb(tmp_path / "sub-Jenkins.nwb")
    data = sc.benchmarks.read_nlb(path, dataset=DATASET)
    assert repr(data) == f"<NLBData {DATASET}: 16 + 8 trials x 140 + 40 bins x 6 + 2 neurons>"
    recording = sc.load(path, align="move_onset_time", window=(-0.25, 0.65), bin_size=0.005)
    np.testing.assert_array_equal(
        data.target["eval_spikes_heldout"], recording.activity[1::3, :140][..., heldout]
    )
    np.testing.assert_array_equal(
        data.inputs["train_spikes_heldin_forward"],
        recording.activity[np.arange(24) % 3 != 1, 140:][..., ~heldout],
    )
    # the second trial is the first that is scored; its movement begins at 2 + 4 + 1 s
    velocity = data.target["eval_behavior"][0, :, 0]
    np.testing.assert_allclose(velocity[[0, 50]], [6.87, 7.12], atol=0.004)
    assert len(data.target["psth"]) == 2
    assert "train_decode_mask" not in data.target
    assert [notice.code for notice in data.notices if notice.severity == "serious"] == []

    coarse = sc.benchmarks.read_nlb(path, dataset="area2_bump_20")
    assert repr(coarse) == "<NLBData area2_bump_20: 16 + 8 trials x 30 + 10 bins x 6 + 2 neurons>"
    velocity = coarse.target["eval_behavior"][0, :, 0]  # 0.02 s before the activity
    assert np.isnan(velocity[0])
    np.testing.assert_allclose(velocity[1], 6.91, atol=0.011)
    bumped = np.arange(24) % 2 == 1
    np.testing.assert_array_equal(coarse.target["eval_decode_mask"], np.c_[~bumped, bumped][1::3])
    result = sc.benchmarks.nlb(path, "mean_rate", dataset="area2_bump_20", held_in=quick())
    assert {"co-bps", "fp-bps", "psth R2", "vel R2"} == set(result.scores["score"])


def test_windows_may_reach_beyond_the_observed_intervals_of_trials(tmp_path):
    whole, _ = write_nwb(tmp_path / "whole.nwb")
    starts = 2.0 + 4 * np.arange(24)
    trials, _ = write_nwb(tmp_path / "trials.nwb", np.c_[starts, starts + 1.45])
    target, same = (sc.benchmarks.read_nlb(one, dataset=DATASET).target for one in (whole, trials))
    name = "eval_spikes_heldout_forward"
    np.testing.assert_array_equal(target[name], same[name])


def test_an_nwb_file_is_read_where_it_can_be_cut_alike(tmp_path):
    path = tmp_path / "sub-Gershwin.nwb"
    with pytest.raises(InputError, match="is an NWB file: say of which data set"):
        sc.benchmarks.read_nlb(path)
    with pytest.raises(InputError, match="different lengths; take the HDF5 files"):
        sc.benchmarks.read_nlb(path, dataset="dmfc_rsg")
    with pytest.raises(InputError, match="give it alone"):
        sc.benchmarks.read_nlb(path, "target.h5", dataset="mc_rtt")
    path.write_text("no NWB")
    with pytest.raises(FormatError, match="Gershwin"):
        sc.benchmarks.read_nlb(path, dataset="mc_rtt")
