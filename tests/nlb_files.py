"""Files in the layout of the Neural Latents Benchmark, and what its evaluation asks of one."""

import h5py
import numpy as np

N_TRAIN, N_EVAL, N_BINS, N_FORWARD, N_IN, N_OUT = 24, 12, 30, 8, 10, 4


def save(path, arrays):
    """Numbers in 32 bits, truth values as they are, lists of trials as such, all compressed."""

    def fill(group, values):
        for name, value in values.items():
            if isinstance(value, dict):
                fill(group.create_group(name), value)
                continue
            value = np.asarray(value)
            if value.dtype == object:
                dtype = h5py.vlen_dtype("int32")
            else:
                dtype = {"f": "float32", "i": "int32"}.get(value.dtype.kind, value.dtype)
            group.create_dataset(name, data=value, dtype=dtype, compression="gzip")

    with h5py.File(path, "w") as opened:
        fill(opened, arrays)
    return path


def list_trials(condition, n_conditions):
    lists = np.empty(n_conditions, dtype=object)
    for kind in range(n_conditions):
        lists[kind] = np.flatnonzero(condition == kind)
    return lists


def draw_arrays(seed=0, gain=1.0, forward=True):
    """Arrays of a session with two latents: inputs of training and of scored trials, targets.

    Also the true rates, by the names of a submission.
    """
    rng = np.random.default_rng(seed)
    n_trials, n_bins, n_neurons = N_TRAIN + N_EVAL, N_BINS + N_FORWARD, N_IN + N_OUT
    condition = np.arange(n_trials) % 3
    walks = rng.normal(size=(n_trials + 3, n_bins, 2)).cumsum(axis=1) / np.sqrt(n_bins / 2)
    steps = 0.7 * walks[:n_trials] + walks[n_trials:][condition]
    loadings = rng.normal(size=(2, n_neurons))
    rate = 0.3 * np.exp(gain * np.clip(steps @ loadings, -3, 2))
    counts = rng.poisson(rate).astype("float16")
    psth = np.stack([rate[condition == kind].mean(axis=0) for kind in range(3)])
    sides = {"heldin": slice(N_IN), "heldout": slice(N_IN, None)}
    parts = {"train": slice(N_TRAIN), "eval": slice(N_TRAIN, None)}
    times = {"": slice(N_BINS), "_forward": slice(N_BINS, None)}
    spikes, rates = {}, {}
    for part, trials in parts.items():
        for side, neurons in sides.items():
            for after, bins in times.items():
                if after and not forward:
                    continue
                spikes[f"{part}_spikes_{side}{after}"] = counts[trials, bins, neurons]
                rates[f"{part}_rates_{side}{after}"] = rate[trials, bins, neurons]
    train = {name: one for name, one in spikes.items() if name.startswith("train")}
    given = {"eval_spikes_heldin": spikes["eval_spikes_heldin"]}
    target = {
        name: one
        for name, one in spikes.items()
        if name.startswith("eval") and name != "eval_spikes_heldin"
    }
    target |= {
        "train_behavior": steps[:N_TRAIN, :N_BINS],
        "eval_behavior": steps[N_TRAIN:, :N_BINS],
        "psth": psth[:, :N_BINS],
        "train_cond_idx": list_trials(condition[:N_TRAIN], 3),
        "eval_cond_idx": list_trials(condition[N_TRAIN:], 3),
    }
    return train, given, target, rates


def write_files(folder, dataset="mc_maze_small", **settings):
    """Write the three files of a data set; return their paths."""
    train, given, target, _ = draw_arrays(**settings)
    return (
        save(folder / "train_input.h5", train),
        save(folder / "eval_input.h5", given),
        save(folder / "target_data.h5", {dataset: target}),
    )


def check_submission(path, target_path, datasets):
    """Fail where the evaluation would skip a data set, or stop at a wrong shape, NaN or below 0."""
    with h5py.File(path, "r") as submitted, h5py.File(target_path, "r") as target:
        assert sorted(submitted) == sorted(datasets)
        for dataset in datasets:
            user, truth = submitted[dataset], target[dataset]
            pairs = {"eval_rates_heldout": truth["eval_spikes_heldout"]}
            for side in ("heldin", "heldout"):
                if f"eval_spikes_{side}_forward" in truth:
                    name = f"eval_rates_{side}_forward"
                    pairs[name] = truth[f"eval_spikes_{side}_forward"]
            for name, spikes in pairs.items():
                assert user[name].shape == spikes.shape
                recorded = ~np.isnan(spikes[()])
                assert (user[name][()][recorded] >= 0).all()
            rates = {
                part: np.concatenate(
                    [user[f"{part}_rates_{side}"][()] for side in ("heldin", "heldout")], axis=-1
                ).astype("float")
                for part in ("train", "eval")
            }
            for part, rate in rates.items():
                assert len(rate) == len(truth[f"{part}_behavior"])
                assert rate.shape[1] == truth[f"{part}_behavior"].shape[1]
                assert np.isfinite(rate).all()
            assert rates["eval"].shape[1:] == truth["psth"].shape[1:]
            assert all(one.dtype == np.float32 for one in user.values())
