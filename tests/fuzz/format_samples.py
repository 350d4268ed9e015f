"""Small files of what users bring: recordings of many formats, tables, predictions, weights."""

import tarfile
import warnings
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from fuzz.samples import QUESTIONS
from packagings import build_session, write_stringer
from scipy.io import savemat

from spikecast.data import load, simulate
from spikecast.models import storage
from spikecast.models.catalog import MODELS

MODELS_SAVED = (
    *("mean_rate", "drift", "poisson_glm", "lagged_ridge", "pls", "reduced_rank", "pca_ridge"),
    *("factor_analysis", "kalman", "mlp"),
)
QUICK = {"mlp": {"epochs": 1}}
"""Settings of models that are quicker to fit than their own."""


def write_arrays(folder: Path) -> None:
    """Write plain ``.npy`` files, and the movement that a study may be given."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    np.save(folder / "matrix.npy", rng.normal(size=(6, 4)))
    np.save(folder / "times.npy", np.sort(rng.random(12)))
    np.save(folder / "clusters.npy", rng.integers(5, size=(12, 1)).astype(np.uint32))
    np.savez(folder / "movement.npz", session0=np.arange(12) % 3, session1=np.zeros(4))


def write_pickles(folder: Path) -> None:
    """Write files whose dicts are pickled: of the Steinmetz and Stringer recordings."""
    folder.mkdir()
    simulated = simulate.decision_task(
        n_trials=12, areas={"VISp": 3, "MOs": 3}, n_bins=12, stim_onset=0.04, seed=1
    )
    raw = build_session(simulated.recording)
    raw["ccf"] = np.arange(18.0).reshape(6, 3)
    sessions = np.empty(1, dtype=object)
    sessions[0] = raw
    np.savez_compressed(folder / "steinmetz.npz", dat=sessions)
    imaging = simulate.spontaneous(n_neurons=8, n_bins=20, planes=2).recording
    write_stringer(folder / "stringer.npy", imaging)
    kinds = {
        "text": "a", "bytes": b"b", "set": {1, 2}, "list": [1, 2.5, None, (3, 4)], "big": 2**70,
        "scalar": np.float32(2), "words": np.array(["a", "bc"]), "complex": 1j, "path": Path("/a"),
        "when": np.array(["2024-01-01"], dtype="M8[D]"), "many": np.array([1, "a"], dtype=object),
        "fields": np.zeros(2, dtype=[("x", "f8"), ("y", "i4")]),
    }  # fmt: skip
    np.save(folder / "kinds.npy", np.array(kinds, dtype=object), allow_pickle=True)


def write_tables(folder: Path) -> None:
    """Write tables of trials and of spikes, and times of events in each kind of file."""
    folder.mkdir()
    trials = pd.DataFrame({
        "onset": [1.0, 2.5, 4.0], "side": ["left", "right", "left"], "correct": [True, False, True],
        "reward": [0.5, np.nan, 1], "block": [1, 1, 2],
    })  # fmt: skip
    trials.to_csv(folder / "trials.csv", index=False)
    trials.to_csv(folder / "trials.tsv", index=False, sep="\t")
    trials.to_parquet(folder / "trials.parquet", index=False)
    onsets = trials["onset"].to_numpy()
    np.save(folder / "onsets.npy", onsets)
    for name in ("onsets.csv", "onsets.txt"):
        (folder / name).write_text("onset\n" + "\n".join(map(str, onsets)) + "\n")
    cells = np.empty(2, dtype=object)
    cells[:] = [onsets, onsets + 1]
    savemat(folder / "onsets.mat", {"onsets": onsets, "cells": cells, "note": "text"})
    spikes = folder / "spikes"
    spikes.mkdir()
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"time": 6 * rng.random(40), "unit": rng.choice(list("abc"), 40)})
    table.to_csv(spikes / "spikes.csv", index=False)
    units = pd.DataFrame({"unit": list("cabd"), "area": ["MOs", "CA1", "CA1", "MOs"]})
    units.assign(quality=["good", "mua", "good", "good"]).to_csv(spikes / "units.csv", index=False)
    trials.to_csv(spikes / "trials.csv", index=False)


def write_matlab(folder: Path) -> None:
    """Write a file of matrices."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    matrices = {"X": rng.normal(size=(20, 3)), "Y_V2": rng.normal(size=(20, 2))}
    savemat(folder / "mine.mat", matrices | {"note": "residuals", "fs": 10.0})


def write_phy(folder: Path) -> None:
    """Write a folder as Phy leaves it."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    units = rng.choice([2, 5, 9], 40).astype(np.int32)
    np.save(folder / "spike_times.npy", np.sort(rng.integers(60_000, size=40)).reshape(-1, 1))
    np.save(folder / "spike_clusters.npy", units)
    np.save(folder / "spike_templates.npy", np.searchsorted([2, 5, 9], units).astype(np.uint32))
    np.save(folder / "amplitudes.npy", rng.random((40, 1)))
    np.save(folder / "templates.npy", rng.normal(size=(3, 10, 4)).astype(np.float32))
    np.save(folder / "channel_positions.npy", [[0.0, 20.0 * channel] for channel in range(4)])
    (folder / "params.py").write_text("dat_path = r'C:\\a.dat'\nsample_rate = 30000.\n")
    (folder / "cluster_group.tsv").write_text("cluster_id\tgroup\n2\tunsorted\n5\tgood\n")
    (folder / "cluster_KSLabel.tsv").write_text("cluster_id\tKSLabel\n2\tgood\n5\tmua\n9\tgood\n")
    (folder / "cluster_area.tsv").write_text("cluster_id\tarea\n2\tCA1\n5\tCA1\n9\tVISp\n")


def write_suite2p(folder: Path) -> None:
    """Write a plane as Suite2p does."""
    folder.mkdir()
    traces = np.random.default_rng(0).gamma(0.3, size=(4, 20)).astype(np.float32)
    for name, values in {"spks": traces, "F": traces + 2, "Fneu": np.ones_like(traces)}.items():
        np.save(folder / f"{name}.npy", values)
    np.save(folder / "iscell.npy", np.column_stack([[1.0, 0, 1, 0], np.linspace(0.9, 0.1, 4)]))
    stat = [{"med": [roi, 2 * roi], "ypix": np.arange(3), "npix": 3} for roi in range(4)]
    np.save(folder / "stat.npy", np.array(stat), allow_pickle=True)
    settings: dict = {"fs": 15.0, "nplanes": 1, "meanImg": np.ones((2, 2), np.float32)}
    np.save(folder / "ops.npy", np.array(settings, dtype=object), allow_pickle=True)


def write_trial_spikes(folder: Path) -> None:
    """Write spikes that were cut into trials."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.savez(
        folder / "spikes.npz", trials=rng.integers(12, size=80), times=rng.integers(4000, size=80),
        neurons=rng.choice([0, 3, 7], 80), tmax=np.array(4000),
    )  # fmt: skip
    onsets = 1000 * (1 + np.arange(12) % 2)
    np.savez(folder / "labels.npz", choice=np.arange(12) % 2, water_in=onsets)


def write_predictions(folder: Path) -> None:
    """Write predictions of another tool, with all that the file may hold."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rate = rng.gamma(2.0, 0.1, (20, 6, 3))
    shared = {"truth": rng.poisson(rate), "bin_size": 0.01, "session": "s", "target": "MOs"}
    np.savez(
        folder / "whole.npz", **shared, predicted_a=rate, predicted_b=rate * 1.1,
        train_predicted_a=rate, fold=np.arange(20) % 4, trial_side=rng.choice(["l", "r"], 20),
        trial_contrast=rng.random(20), behavior=rng.normal(size=(20, 6, 2)), source=rate[..., :2],
        source_area=np.array(["VISp", "VISp"]), time=0.005 + 0.01 * np.arange(6), ordered=1,
    )  # fmt: skip
    np.savez(
        folder / "parts.npz", **shared, predicted=rate, train_0=np.arange(10),
        test_0=np.arange(10, 20), train_1=np.arange(20) >= 10, test_1=np.arange(20) < 10,
    )  # fmt: skip


def write_archives(folder: Path) -> None:
    """Write a zip of a tar, and a tar."""
    folder.mkdir()
    (folder / "session").mkdir()
    (folder / "session" / "a.txt").write_text("text\n" * 50)
    with tarfile.open(folder / "one.tar.gz", "w:gz") as packed:
        packed.add(folder / "session", "session")
    with zipfile.ZipFile(folder / "data.zip", "w") as archive:
        archive.write(folder / "one.tar.gz", "one.tar.gz")
        archive.writestr("readme.txt", "text")


def write_weights(folder: Path) -> None:
    """Save fitted models of many kinds."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    x, y = rng.poisson(1.0, (10, 6, 4)), rng.poisson(1.0, (10, 6, 3))
    for name in MODELS_SAVED:
        model = MODELS[name](**QUICK.get(name, {}))
        storage.save(model.fit(x, y), folder / name)


CONFIGS = {
    "predict": {
        "data": {"path": "a.nc", "time": [0, 0.5], "align": "stimOn_times", "window": [-0.1, 0.4],
                 "bin_size": 0.02, "units": ["good"], "ordered": False},
        "task": {"target": ["MOs", "VISp"], "source": ["CA1"], "lag": 1, "min_rate": 1.0},
        "models": ["mean_rate", {"small": {"model": "pca_ridge", "n_components": 3,
                                           "widths": [1.0, 2.0]}},
                   {"poisson_glm": {"causal": True}}],
        "evaluation": {"folds": 3, "split": "stratum", "strata": "choice", "gap": 2,
                       "conditions": ["contrast_left"]},
        "seed": 3,
    },
    "behavior": {"data": {"path": "a.nc"}, "task": {"behavior": ["wheel"], "window": 20}},
    "questions": {"data": {"path": "a.nc"}, "analysis": QUESTIONS},
    "sweep": {
        "data": {"path": "a.nc"}, "task": {"target": "MOs"},
        "models": ["mean_rate", {"tuned": {"model": "pca_ridge"}}],
        "search": {"model": "tuned", "trials": 3, "timeout": 60, "space": {
            "n_components": {"low": 1, "high": 20, "log": True}, "widths": None,
            "causal": {"values": [True, False]}}},
        "tuned_on": "abc",
    },
}  # fmt: skip
ATLAS = {
    "data": ["a.nc", "b"], "selection": {"align": "go", "window": [0, 1], "bin_size": 0.05},
    "sessions": [0, 2], "sources": "rest", "targets": ["MOs"], "models": [
        "ridge", {"small": {"model": "pca_ridge", "n_components": 3}}], "matched": 12, "repeats": 3,
    "conditions": ["choice"], "shifts": 40, "above": "train_mean",
}  # fmt: skip


def write_configs(folder: Path) -> None:
    """Write what users write: configs of each kind, with all their blocks."""
    folder.mkdir()
    for name, content in (CONFIGS | {"atlas": ATLAS}).items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def write_hdf5(folder: Path) -> None:
    """Write a recording as netCDF, and a session with all that is read of one as NWB."""
    folder.mkdir()
    made = simulate.decision_task(8, {"VISp": 3, "MOs": 3}, n_bins=12, stim_onset=0.04, seed=1)
    made.recording.save(folder / "recording.nc")
    if find_spec("pynwb") is None:
        return
    import nwb_files

    nwb = nwb_files.make_file()
    nwb_files.add_electrodes(nwb)
    nwb_files.add_units(nwb, quality=["good", "mua", "good"])
    nwb_files.add_trials(nwb)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of containers that are old, as many files have them
        nwb_files.add_behavior(nwb)
        nwb_files.write_file(nwb, folder / "session.nwb")
    nwb_files.write_parts(
        folder / "observed.nwb",
        lambda nwb: nwb_files.add_observed_units(nwb, nwb_files.add_electrodes(nwb)),
        nwb_files.add_trials,
    )


def load_cut(path: Path) -> object:
    """Load a file of a session around its planted event; a recording as it is."""
    cut = {"align": "onset", "window": (-0.5, 1.0), "bin_size": 0.1}
    return load(path, **({} if path.suffix == ".nc" else cut))


WRITERS: dict[str, Callable[[Path], None]] = {
    "configs": write_configs,
    "arrays": write_arrays,
    "pickles": write_pickles,
    "tables": write_tables,
    "matlab": write_matlab,
    "phy": write_phy,
    "suite2p": write_suite2p,
    "trial_spikes": write_trial_spikes,
    "predictions": write_predictions,
    "archives": write_archives,
    "weights": write_weights,
    "hdf5": write_hdf5,
}


def write_formats(folder: Path) -> Path:
    """Write all of them, each into a folder of its own."""
    folder.mkdir(exist_ok=True)
    for name, write in WRITERS.items():
        write(folder / name)
    return folder


def load_matrices(path: Path) -> object:
    """Load a MATLAB file of matrices as the command line does."""
    return load(path, align="none", frame_rate=10)
