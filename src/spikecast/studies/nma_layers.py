"""Study E: low-dimensional dynamics of imaging planes."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from spikecast.analysis.embedding import embed
from spikecast.errors import InputError, NotEnoughDataError
from spikecast.evaluation.search import Search, inner_score, search
from spikecast.files import atomic
from spikecast.models.recurrent import LSTM
from spikecast.models.spaces import Between, OneOf
from spikecast.nn.network import Network
from spikecast.nn.training import Plan, train
from spikecast.preprocess import principal_axes
from spikecast.problem import WINDOW
from spikecast.protocol import Claim
from spikecast.recording import Recording
from spikecast.seeding import derived_seed, generator
from spikecast.splits import Fold, by_block
from spikecast.studies import findings
from spikecast.studies.study import Described, Prepared, Say, Study, Value
from spikecast.tasks import AreaToArea

SHOWN = 6  # planes in a map


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


class DeckAutoencoder(Network):
    """The deck's net: bidirectional LSTM -> latents -> MLP -> the neurons that went in."""

    def __init__(self, n_neurons: int, n_latents: int) -> None:
        super().__init__("continuous")
        self.recurrence = nn.LSTM(n_neurons, n_latents, batch_first=True, bidirectional=True)
        self.joined = nn.Linear(2 * n_latents, n_latents)
        layers: list[nn.Module] = []
        for n_in, n_out in ((n_latents, 150), (150, 150), (150, n_latents)):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.decoder = nn.Sequential(*layers, nn.Linear(n_latents, n_neurons))

    def latents(self, x: Tensor) -> Tensor:
        """(1, window, time, neuron) -> (1, window, time, latent)."""
        return self.joined(self.recurrence(x[0])[0])[None]

    def forward(self, x: Tensor) -> Tensor:
        """(1, window, time, neuron) -> the same axes."""
        return self.decoder(self.latents(x))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Mean squared error of each window."""
        return ((self(x) - y) ** 2).mean(dim=(2, 3))


def normalised(recording: Recording, neurons: np.ndarray, n_train: int) -> np.ndarray:
    """The deck's normalisation of some neurons of a plane, (window, time, neuron).

    Each bin is divided by the population's mean, which takes arousal out, then every neuron is
    z-scored by its training bins.
    """
    x = recording.activity[0][:, neurons].astype(np.float32)
    x = x / np.maximum(x.mean(axis=1, keepdims=True), 1e-6)
    n_windows = len(x) // WINDOW
    x = x[: n_windows * WINDOW]
    learnt = x[: n_train * WINDOW]
    x = (x - learnt.mean(axis=0)) / np.maximum(learnt.std(axis=0), 1e-6)
    return x.reshape(n_windows, WINDOW, -1)


def describe(prepared: Prepared, settings: dict[str, Any], seed: int, say: Say) -> Described:
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

    own = []
    for index, part in enumerate(x):
        say(f"autoencoder of {planes[index]}")
        own.append(_residual(_fitted(part[learnt], settings, seed), part[scored]))
    say("one autoencoder for all planes")
    shared = _fitted(np.concatenate([part[learnt] for part in x]), settings, seed)
    shared_mse = float(np.mean([_residual(shared, part[scored]) for part in x]))
    say("search")
    searched, tried = _random_search(x[0], learnt, scored, settings, seed)
    say("maps")
    arrays = _maps(recording, drawn["maps"], planes, shared, n_train, settings, seed)
    in_sample = [_explained(part.reshape(-1, n_each), n_each // 10) for part in x]
    arrays["explained"] = {f"share_{p}": share for p, share in zip(planes, in_sample)}
    common: dict[str, Any] = {
        "metric": "mse",
        "unit": "windows",
        "train": learnt,
        "test": scored,
        "features": "latents",
        # of neurons that were z-scored, a net that says 0 has an error of about 1
        "null": "the variance of z-scored activity",
    }
    claims = {
        "own": Claim(name="own", value=float(np.mean(own)), **common),
        "shared": Claim(name="shared", value=shared_mse, **common),
        "search": Claim(name="search", value=searched, swept=tried, **common | {
            "features": "activity"}),
        "maps": Claim(
            name="maps",
            metric="map",
            fit_neurons=np.concatenate(drawn["fit"]),
            used_neurons=np.concatenate(drawn["maps"]),
        ),
    }  # fmt: skip
    n_latents = settings["n_latents"]
    held_out = float(np.mean([_pca_residual(p[learnt], p[scored], n_latents) for p in x]))
    told = _plane_told(x, planes, seed)
    values = {
        "own": Value(f"MSE {np.mean(own):.3f}", float(np.mean(own))),
        "shared": Value(f"MSE {shared_mse:.3f}", shared_mse),
        "pca": Value(
            f"{np.mean([share[-1] for share in in_sample]):.2f} with {n_each // 10} components, "
            "in sample"
        ),
        "search": Value(f"MSE {searched:.3f}, 'at {n_latents} latents'", searched),
        "maps": Value("shown"),
        # not the deck's: what the sound column sets beside it, on the very same windows
        "pca_held_out": Value(f"MSE {held_out:.3f}", held_out),
        "plane_told": told,
    }
    return Described(values, claims, {}, arrays)


def _sampled(
    plane: np.ndarray, planes: np.ndarray, n_each: int, seed: int, name: str
) -> list[np.ndarray]:
    rng = generator(seed, "nma-layers", name)
    return [rng.permutation(np.flatnonzero(plane == p))[:n_each] for p in planes]


def _fitted(x: np.ndarray, settings: dict[str, Any], seed: int, **change: Any) -> DeckAutoencoder:
    """The deck's autoencoder, fitted on windows."""
    settings = settings | change
    network, _ = train(
        lambda: DeckAutoencoder(x.shape[2], settings["n_latents"]),
        torch.from_numpy(x),
        torch.from_numpy(x),
        [Fold(np.arange(len(x)), np.arange(0))],
        Plan(
            epochs=settings["epochs"],
            min_steps=1,
            batch_size=settings["batch_size"],
            learning_rate=settings["learning_rate"],
            warmup=None,
            weight_decay=settings["weight_decay"],
            clip=None,
        ),
        derived_seed(seed, "nma-layers", "autoencoder"),
        torch.device("cpu"),
    )
    assert isinstance(network, DeckAutoencoder)
    return network


@torch.no_grad()
def _residual(network: DeckAutoencoder, x: np.ndarray) -> float:
    return float(network.loss(torch.from_numpy(x)[None], torch.from_numpy(x)[None]).mean())


def _random_search(
    x: np.ndarray, learnt: np.ndarray, scored: np.ndarray, settings: dict[str, Any], seed: int
) -> tuple[float, dict[str, list[float]]]:
    """The deck's random search; returns its best error and the values that were really used.

    FLAW, setting never swept: latents and dropout are drawn, and passed to where nothing reads
    them, so every trial has the same.
    """
    rng = generator(seed, "nma-layers", "search")
    errors: list[float] = []
    used: dict[str, list[float]] = {"n_latents": [], "learning_rate": []}
    for _ in range(settings["n_search"]):
        drawn = {
            "learning_rate": float(np.exp(rng.uniform(-9.9, -5.3))),
            "weight_decay": float(rng.choice([0, 1e-6, 1e-5, 5e-5])),
        }
        rng.integers(50, 500)  # the number of latents, which never arrives
        network = _fitted(x[learnt], settings, seed, **drawn)
        errors.append(_residual(network, x[scored]))
        used["n_latents"].append(network.joined.out_features)
        used["learning_rate"].append(drawn["learning_rate"])
    return min(errors), used


def _maps(
    recording: Recording,
    drawn: list[np.ndarray],
    planes: np.ndarray,
    network: DeckAutoencoder,
    n_train: int,
    settings: dict[str, Any],
    seed: int,
) -> dict[str, dict[str, np.ndarray]]:
    """Maps of raw windows and of latents, coloured by plane."""
    method = settings["map"]
    if method == "umap" and importlib.util.find_spec("umap") is None:
        method = "pca"
    raw = [normalised(recording, neurons, n_train) for neurons in drawn[:SHOWN]]
    with torch.no_grad():
        latents = [network.latents(torch.from_numpy(part)[None])[0].numpy() for part in raw]
    label = np.repeat(planes[:SHOWN], len(raw[0]))
    found = {}
    for name, parts in (("maps_raw", raw), ("maps_latents", latents)):
        table = embed(np.concatenate(parts), method, n_seeds=1, seed=seed).table
        found[name] = {"place": table[["x", "y"]].to_numpy(), f"label_{method} by plane": label}
    return found


def _plane_told(x: list[np.ndarray], planes: np.ndarray, seed: int) -> Value:
    """Whether neighbours in a map tell the plane of windows that were held out from it."""
    label = np.repeat(planes, len(x[0]))
    scores = embed(np.concatenate(x), "pca", labels=label, n_seeds=1, seed=seed).scores
    row = scores[scores["score"] == "knn_accuracy"].iloc[0].to_dict()
    return Value(
        f"held-out windows: neighbours tell the plane {row['value']:.0%}, chance "
        f"{row['chance']:.0%}",
        float(row["value"]),
    )


def _explained(x: np.ndarray, n_components: int) -> np.ndarray:
    """Cumulative share of variance that components explain in sample."""
    _, _, variance = principal_axes(x, max(n_components, 1))
    return variance.cumsum(dtype=float) / float(x.var(axis=0).sum(dtype=float))


def _pca_residual(x: np.ndarray, new: np.ndarray, n_components: int) -> float:
    """Error of reconstructing new windows from components of the training windows."""
    flat, flat_new = (part.reshape(-1, part.shape[2]) for part in (x, new))
    mean, axes, _ = principal_axes(flat, n_components)
    centered = flat_new - mean
    return float(((centered - centered @ axes.T @ axes) ** 2).mean())


def conclude(
    sound: Path, described: Described, prepared: Prepared
) -> tuple[dict[str, Value], list[str]]:
    """PCA on the same metric, recurrent nets from plane to plane, and a search that searches."""
    scores = findings.scores(sound / "plane")
    pca, own = described.values["pca_held_out"], described.values["own"]
    beside = Value(f"PCA, as many components, same windows held out: {pca.text}", pca.number)
    values = {
        "own": beside,
        "shared": beside,
        "pca": _dimensions(sound / "plane"),
        "maps": described.values["plane_told"],
        "cells": findings.several(scores, *(m for m in scores if m != "mean_rate")),
    }
    found, best, default = _searched(prepared, sound.parent / "search")
    settings = ", ".join(f"{name} {_short(value)}" for name, value in found.best.items())
    swept = f"{found.swept['n_latents']} sizes of latents tried"
    values["search"] = Value(
        f"R² {best:.3f} on the last fifth with {settings}; {default:.3f} with our defaults; "
        f"{swept}",
        best,
    )
    first = next(iter(found.importance), "")
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
    ]
    return values, sentences


def _dimensions(run: Path) -> Value:
    for name, facts in findings.answers(run, "dimensions").items():
        last = findings.table(run, name, "components").iloc[-1]
        return Value(
            f"{last['cross_validated']:.2f} with {int(last['n_components'])} components of all "
            f"planes, arousal kept, held out; {facts['n_reliable']} dimensions that the other half "
            "of the neurons confirms"
        )
    return Value("–")


def _searched(prepared: Prepared, folder: Path) -> tuple[Search, float, float]:
    """Search on inner folds of the first four fifths; score on the last, which nothing chose."""
    asked = prepared.names["search"]
    task = AreaToArea(str(prepared.names["target"]), prepared.names["source"], by="plane")
    problem = task.problem(prepared.recording)
    (outer,) = [by_block(len(problem.y), 5, gap=1)[-1]]
    x, y = problem.x[outer.train], problem.y[outer.train]
    space = {
        name: OneOf(values) if isinstance(values, list) else Between(**values)
        for name, values in asked["space"].items()
    }
    model = LSTM(epochs=asked["epochs"])
    inner = by_block(len(x), asked["folds"], gap=1)
    found = search(model, space, x, y, inner, n_trials=asked["n_trials"])
    best, default = (
        inner_score(model, settings, problem.x, problem.y, [outer]) for settings in (found.best, {})
    )
    arrays: dict[str, Any] = {
        "names": np.array(list(found.importance), dtype=str),
        "importance": np.array(list(found.importance.values())),
        "score": found.table["score"].to_numpy(dtype=float),
    }
    with atomic(folder / "importance.npz") as temporary:
        np.savez_compressed(temporary, **arrays)
    with atomic(folder / "trials.csv") as temporary:
        pd.DataFrame(found.table).to_csv(temporary, index=False)
    return found, best, default


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


NMA_LAYERS = Study(prepare, describe, conclude)
