"""Study E: low-dimensional dynamics of imaging planes."""

import importlib.util
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from spikecast.analysis.geometry.embedding import embed
from spikecast.analysis.geometry.shared_dynamics import shared_dynamics
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording
from spikecast.evaluation.search import inner_score, search
from spikecast.models.preprocess import find_principal_axes
from spikecast.models.recurrent import LSTM
from spikecast.models.spaces import Between, OneOf
from spikecast.runs.provenance import Claim
from spikecast.runs.studies import findings
from spikecast.runs.studies.nma_autoencoder import fitted, normalised, residual
from spikecast.runs.studies.step_cache import Arrays, Parts
from spikecast.runs.studies.study import Concluded, Described, Prepared, Study, Value
from spikecast.tasks.problem import WINDOW
from spikecast.tasks.splits import split_by_block
from spikecast.tasks.tasks import AreaToArea


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Average pairs of bins, and choose two neighbouring planes for the sound run."""
    if "plane" not in recording.neurons or recording.n_trials != 1:
        raise InputError(
            "this study needs one continuous recording with the neuron column 'plane'; this one "
            f"has {recording.n_trials} trials and {', '.join(map(str, recording.neurons))}"
        )
    if recording.n_bins < 2000:
        raise NotEnoughDataError(f"{recording.n_bins} bins are too few; 2000 are needed")
    halved = recording.dataset.coarsen(time=2, boundary="trim").mean(keep_attrs=True)
    halved = halved.assign_coords(time=np.round(halved["time"].values, 9))
    halved = halved.assign_attrs(bin_size=2 * recording.bin_size)
    named = np.array([f"plane {plane}" for plane in recording.neurons["plane"]])
    halved = halved.assign_coords(plane=("neuron", named))
    planes = np.unique(named)
    middle = len(planes) // 2
    names = {
        "target": str(planes[middle]),
        "source": [str(planes[middle - 1])],
        "search": settings["search"],
    }
    return Prepared(Recording(halved), names)


def describe(prepared: Prepared, settings: dict[str, Any], seed: int, parts: Parts) -> Described:
    """The deck's autoencoders, its search and its maps."""
    recording = prepared.recording
    plane = recording.neurons["plane"].to_numpy()
    planes = np.unique(plane)[: settings["n_planes"]]
    n_each = min(int((plane == p).sum()) for p in planes)
    n_each = min(n_each, settings["most_neurons"])
    n_windows = recording.n_bins // WINDOW
    n_train = round(0.8 * n_windows)
    learnt, scored = np.arange(n_train), np.arange(n_train, n_windows)
    # FLAW, neurons changed: drawn once for the fit, and again for the maps
    drawn = {name: _sampled(plane, planes, n_each, seed, name) for name in ("fit", "maps")}
    x = [normalised(recording, neurons, n_train) for neurons in drawn["fit"]]
    mapped = [normalised(recording, neurons, n_train) for neurons in drawn["maps"]]

    each = [
        parts(f"autoencoder of {name}", partial(_own, part, learnt, scored, settings, seed))
        for name, part in zip(planes, x, strict=True)
    ]
    own = float(np.mean([found["mse"] for found in each]))
    network = parts(
        "one autoencoder for all planes",
        partial(_shared, x, mapped, learnt, scored, settings, seed),
    )
    shared = float(network["mse"])
    searched = parts(
        "the deck's search", partial(_random_search, x[0], learnt, scored, settings, seed)
    )
    components = parts(
        "components", partial(_components, x, planes, learnt, scored, settings["n_latents"])
    )
    label = np.repeat(planes, len(mapped[0]))
    maps = {
        name: parts(f"map of {name}", partial(_map, of, label, settings["map"], seed))
        for name, of in (("raw", mapped), ("latents", list(network["latents"])))
    }
    arrays: dict[str, Arrays] = {f"maps_{name}": found for name, found in maps.items()}
    explained = {f"share_{name}": components[f"share_{name}"] for name in planes}
    arrays["explained"] = explained
    common: dict[str, Any] = {
        "metric": "mse",
        "unit": "windows",
        "train": learnt,
        "test": scored,
        "features": "latents",
        # of neurons that were z-scored, a net that says 0 has an error of about 1
        "null": "the variance of z-scored activity",
    }
    best = float(searched["errors"].min())
    tried = {name: searched[name].tolist() for name in ("n_latents", "learning_rate")}
    claims = {
        "own": Claim(name="own", value=own, **common),
        "shared": Claim(name="shared", value=shared, **common),
        "search": Claim(name="search", value=best, swept=tried, **common | {
            "features": "activity"}),
        "maps": Claim(
            name="maps",
            metric="map",
            fit_neurons=np.concatenate(drawn["fit"]),
            used_neurons=np.concatenate(drawn["maps"]),
        ),
    }  # fmt: skip
    held_out, n_latents = float(components["held_out"]), settings["n_latents"]
    values = {
        "own": Value(f"MSE {own:.3f}", own),
        "shared": Value(f"MSE {shared:.3f}", shared),
        "pca": Value(
            f"{np.mean([share[-1] for share in explained.values()]):.2f} with {n_each // 10} "
            "components, in sample"
        ),
        "dimensions": Value(f"{n_latents}, the only number tried", n_latents),
        "search": Value(f"MSE {best:.3f}, 'at {n_latents} latents'", best),
        "maps": Value("shown"),
        # not the deck's: what the sound column sets beside it, on the very same windows
        "pca_share": Value(
            f"{components['share_held_out']:.2f}, as many components, the last fifth held out",
            float(components["share_held_out"]),
        ),
        "pca_held_out": Value(f"MSE {held_out:.3f}", held_out),
        "plane_told": _told(maps),
    }
    return Described(values, claims, {}, arrays)


def _sampled(
    plane: np.ndarray, planes: np.ndarray, n_each: int, seed: int, name: str
) -> list[np.ndarray]:
    rng = make_rng(seed, "nma-layers", name)
    return [rng.permutation(np.flatnonzero(plane == p))[:n_each] for p in planes]


def _own(
    x: np.ndarray, learnt: np.ndarray, scored: np.ndarray, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Error of the net of one plane."""
    return {"mse": residual(fitted(x[learnt], settings, seed), x[scored])}


def _shared(
    x: list[np.ndarray],
    mapped: list[np.ndarray],
    learnt: np.ndarray,
    scored: np.ndarray,
    settings: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Error of the one net for all planes, and its latents of what is mapped."""
    network = fitted(np.concatenate([part[learnt] for part in x]), settings, seed)
    with torch.no_grad():
        latents = [network.latents(torch.from_numpy(part)[None])[0].numpy() for part in mapped]
    return {"mse": np.mean([residual(network, part[scored]) for part in x]), "latents": latents}


def _random_search(
    x: np.ndarray, learnt: np.ndarray, scored: np.ndarray, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """The deck's random search: its errors and the values that were really used.

    FLAW, setting never swept: latents and dropout are drawn, and passed to where nothing reads
    them, so every trial has the same.
    """
    rng = make_rng(seed, "nma-layers", "search")
    found: dict[str, list[float]] = {"errors": [], "n_latents": [], "learning_rate": []}
    for _ in range(settings["n_search"]):
        drawn = {
            "learning_rate": float(np.exp(rng.uniform(-9.9, -5.3))),
            "weight_decay": float(rng.choice([0, 1e-6, 1e-5, 5e-5])),
        }
        rng.integers(50, 500)  # the number of latents, which never arrives
        network = fitted(x[learnt], settings, seed, **drawn)
        found["errors"].append(residual(network, x[scored]))
        found["n_latents"].append(network.joined.out_features)
        found["learning_rate"].append(drawn["learning_rate"])
    return found


def _map(x: list[np.ndarray], label: np.ndarray, method: str, seed: int) -> dict[str, Any]:
    """Maps of windows, without and with the planes told to them, and their worth held out."""
    if method == "umap" and importlib.util.find_spec("umap") is None:
        method = "pca"
    found: dict[str, Any] = {"label_plane": label}
    for supervised in (False, True)[: 1 + (method == "umap")]:
        name = f"{'supervised ' * supervised}{method}"
        windows = np.concatenate(x)
        made = embed(windows, method, labels=label, supervised=supervised, n_seeds=1, seed=seed)
        (row,) = made.scores.query("score == 'knn_accuracy'").to_dict("records")
        found |= {
            f"place_{name}": made.table[["x", "y"]].to_numpy(),
            "held_out": made.table["held_out"].to_numpy(),
            f"told_{name}": np.array(row["value"]),
            "chance": np.array(row["chance"]),
        }
    return found


def _told(maps: dict[str, Arrays]) -> Value:
    """How well the neighbours of held-out windows tell their plane, map by map."""
    told = {
        f"{key.removeprefix('told_')} of {name}": float(value)
        for name, found in maps.items()
        for key, value in found.items()
        if key.startswith("told_")
    }
    said = ", ".join(f"{value:.0%} ({name})" for name, value in told.items())
    chance = float(maps["raw"]["chance"])
    text = f"plane told by neighbours of held-out windows: {said}, chance {chance:.0%}"
    return Value(text, next(iter(told.values())))  # the best of four would be chosen held out


def _components(
    x: list[np.ndarray], planes: np.ndarray, learnt: np.ndarray, scored: np.ndarray, n_latents: int
) -> dict[str, Any]:
    """What the deck computed of principal components, and what it did not.

    The latter: the share that they explain of held-out windows, and the error of reconstructing
    these from as many components as the net has latents.
    """
    shares = {
        f"share_{name}": _explained(part.reshape(-1, part.shape[2]), part.shape[2] // 10)
        for name, part in zip(planes, x, strict=True)
    }
    left = {
        n: np.mean([_pca_residual(part[learnt], part[scored], n) for part in x])
        for n in (0, n_latents, x[0].shape[2] // 10)
    }
    tenth = 1 - left[x[0].shape[2] // 10] / left[0]
    return shares | {"held_out": left[n_latents], "share_held_out": tenth}


def _explained(x: np.ndarray, n_components: int) -> np.ndarray:
    """Cumulative share of variance that components explain in sample."""
    _, _, variance = find_principal_axes(x, max(n_components, 1))
    return variance.cumsum(dtype=float) / float(x.var(axis=0).sum(dtype=float))


def _pca_residual(x: np.ndarray, new: np.ndarray, n_components: int) -> float:
    """Error of reconstructing new windows from components of the training windows."""
    flat, flat_new = (part.reshape(-1, part.shape[2]) for part in (x, new))
    mean, axes, _ = find_principal_axes(flat, max(n_components, 1))
    centered, axes = flat_new - mean, axes[:n_components]
    return float(((centered - centered @ axes.T @ axes) ** 2).mean())


def conclude(sound: Path, described: Described, prepared: Prepared, parts: Parts) -> Concluded:
    """PCA on the same metric, nets from plane to plane, who shares, and a search that searches."""
    scores = findings.scores(sound / "plane")
    pca, own = described.values["pca_held_out"], described.values["own"]
    beside = Value(f"PCA, as many components, same windows held out: {pca.text}", pca.number)
    planes = parts("planes from planes", partial(_between_planes, prepared.recording))
    searched = parts("search on inner folds", partial(_searched, prepared))
    values = {
        "own": beside,
        "shared": beside,
        "pca": described.values["pca_share"],
        "dimensions": _dimensions(sound / "plane"),
        "maps": described.values["plane_told"],
        "cells": findings.several(scores, *(m for m in scores if m != "mean_rate")),
        "planes": Value(str(planes["said"]), float(planes["n_pairs"])),
        "search": Value(
            f"R² {searched['best']:.3f} on the last fifth with {searched['settings']}; "
            f"{searched['default']:.3f} with our defaults; {searched['n_sizes']} sizes of latents "
            "tried",
            float(searched["best"]),
        ),
    }
    first = searched["names"][0] if searched["names"].size else ""
    sentences = [
        f"The deck's autoencoders leave an error of {own.number:.3f}; principal components, as "
        f"many and on the same held-out windows, leave {pca.number:.3f}. "
        + (
            "The baseline that was never put on the same metric is better."
            if pca.number < own.number
            else "Here the network is better."
        ),
        f"From one plane to another: {values['cells'].text.splitlines()[0]}."
        + (f" In the search, {first} mattered most." if first else ""),
        f"Planes: {planes['said']}.",
    ]
    trials = pd.DataFrame({key.removeprefix("trial_"): column for key, column in searched.items()
                           if key.startswith("trial_")})  # fmt: skip
    figures = {
        "importance": {key: searched[key] for key in ("names", "importance", "score")},
        "planes": {key: planes[key] for key in ("names", "r2", "shared")},
    }
    swept = {name: trials[name].tolist() for name in prepared.names["search"]["space"]}
    claims = [
        Claim(
            name="planes from planes",
            metric="r2",
            value=float(np.nanmax(planes["r2"])),
            null="shifts in time",
            baselines=["the mean"],
        ),
        Claim(
            name="search",
            metric="r2",
            value=float(searched["best"]),
            unit="windows",
            train=searched["train"],
            test=searched["test"],
            chosen_on={"settings": searched["train"]},
            swept=swept,
            null="the training mean",
            baselines=["defaults"],
        ),
    ]
    return Concluded(values, sentences, claims, {"search_trials": trials}, figures)


def _dimensions(run: Path) -> Value:
    """How many dimensions of all planes together are confirmed."""
    ((name, facts),) = findings.answers(run, "dimensions").items()
    n_tested = findings.table(run, name, "components")["reliable"].notna().sum()
    n_reliable = int(facts["n_reliable"])
    least = "at least " if n_reliable == n_tested else ""  # beyond them there may be more
    return Value(
        f"{least}{n_reliable}: linear dimensions of all planes, arousal kept, that the other half "
        "of the neurons confirms on held-out time",
        n_reliable,
    )


def _between_planes(recording: Recording) -> dict[str, Any]:
    """Every plane predicted from every other, and which pairs share dynamics."""
    found = shared_dynamics(recording, by="plane")
    r2 = found.table.loc[found.table["shared"], "r2"]
    n, n_pairs = len(found.groups), len(found.pairs)
    said = f"{n_pairs} of {n * (n - 1) // 2} pairs share"
    if n_pairs:
        said += f" (R² {r2.min():.3f} to {r2.max():.3f}): "
        said += "; ".join(_listed(cluster) for cluster in found.clusters)
    return {
        "said": said,
        "n_pairs": n_pairs,
        "names": np.array(found.groups),
        "r2": found.matrix(),
        "shared": found.matrix("shared") > 0,
    }


def _listed(planes: list[str]) -> str:
    return "planes " + ", ".join(name.removeprefix("plane ") for name in planes)


def _searched(prepared: Prepared) -> dict[str, Any]:
    """Search on inner folds of the first four fifths; score on the last, which nothing chose."""
    asked = prepared.names["search"]
    task = AreaToArea(str(prepared.names["target"]), prepared.names["source"], by="plane")
    problem = task.problem(prepared.recording)
    (outer,) = [split_by_block(len(problem.y), 5, gap=1)[-1]]
    x, y = problem.x[outer.train], problem.y[outer.train]
    space = {
        name: OneOf(values) if isinstance(values, list) else Between(**values)
        for name, values in asked["space"].items()
    }
    model = LSTM(epochs=asked["epochs"])
    inner = split_by_block(len(x), asked["folds"], gap=1)
    found = search(model, space, x, y, inner, n_trials=asked["n_trials"])
    best, default = (
        inner_score(model, settings, problem.x, problem.y, [outer]) for settings in (found.best, {})
    )
    return {
        "best": best,
        "default": default,
        "train": outer.train,
        "test": outer.test,
        "settings": ", ".join(f"{name} {_short(value)}" for name, value in found.best.items()),
        "n_sizes": found.swept["n_latents"],
        "names": np.array(list(found.importance), dtype=str),
        "importance": np.array(list(found.importance.values())),
        "score": found.table["score"].to_numpy(dtype=float),
    } | {f"trial_{name}": column.to_numpy() for name, column in found.table.items()}


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


NMA_LAYERS = Study(prepare, describe, conclude)
