"""Study E: low-dimensional dynamics of imaging planes."""

import importlib.util
from functools import partial
from typing import Any

import numpy as np
import torch

from spikecast.analysis.geometry.embedding import embed
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs.studies.nma_autoencoder import (
    fit_autoencoder,
    normalise_plane,
    reconstruction_error,
)
from spikecast.runs.studies.nma_sound import conclude
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, Prepared, Study, StudyInputs
from spikecast.tasks.problem import WINDOW

FEWEST_BINS = 2000


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Average pairs of bins, and choose two neighbouring planes for the sound run."""
    if "plane" not in recording.neurons or recording.n_trials != 1:
        raise InputError(
            "this study needs one continuous recording with the neuron column 'plane'; this one "
            f"has {recording.n_trials} trials and {', '.join(map(str, recording.neurons))}"
        )
    if recording.n_bins < FEWEST_BINS:
        raise NotEnoughDataError(f"{recording.n_bins} bins are too few; {FEWEST_BINS} are needed")
    halved = recording.dataset.coarsen(time=2, boundary="trim").mean(keep_attrs=True)
    halved = halved.assign_coords(time=np.round(halved["time"].values, 9))
    halved = halved.assign_attrs(bin_size=2 * recording.bin_size)
    plane = np.array([f"plane {plane}" for plane in recording.neurons["plane"]])
    halved = halved.assign_coords(plane=("neuron", plane))
    planes = np.unique(plane)
    middle = len(planes) // 2
    names = {
        "target": str(planes[middle]),
        "source": [str(planes[middle - 1])],
        "search": settings["search"],
    }
    return Prepared(Recording(halved), names)


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's autoencoders, make its search and its maps."""
    column, recording, settings = Column(), inputs.recording, inputs.settings
    plane = recording.neurons["plane"].to_numpy()
    planes = np.unique(plane)[: settings["n_planes"]]
    n_each = min(*((plane == p).sum() for p in planes), settings["most_neurons"])
    n_windows = recording.n_bins // WINDOW
    n_train = round(0.8 * n_windows)
    learnt, scored = np.arange(n_train), np.arange(n_train, n_windows)
    # FLAW, neurons changed: drawn once for the fit, and again for the maps
    drawn = {
        name: _draw_neurons(plane, planes, n_each, inputs.seed, name) for name in ("fit", "maps")
    }
    x, mapped = (
        {
            name: normalise_plane(recording, neurons, n_train)
            for name, neurons in zip(planes, drawn[use], strict=True)
        }
        for use in ("fit", "maps")
    )
    network = _reconstruct_planes(column, inputs, x, mapped, learnt, scored)
    _search_randomly(column, inputs, x[planes[0]], learnt, scored)
    _explain_planes(column, inputs, x, learnt, scored)
    _map_windows(column, inputs, mapped, network["latents"])
    column.claim(
        "maps",
        metric="map",
        value=None,
        fit_neurons=np.concatenate(drawn["fit"]),
        used_neurons=np.concatenate(drawn["maps"]),
    )
    return column


def _draw_neurons(
    plane: np.ndarray, planes: np.ndarray, n_each: int, seed: int, name: str
) -> list[np.ndarray]:
    rng = make_rng(seed, "nma-layers", name)
    return [rng.permutation(np.flatnonzero(plane == p))[:n_each] for p in planes]


def _claim_error(
    column: Column, key: str, learnt: np.ndarray, scored: np.ndarray, **facts: Any
) -> None:
    """Say how an error of reconstruction came about."""
    column.claim(
        key,
        metric="mse",
        unit="windows",
        train=learnt,
        test=scored,
        # of neurons that were z-scored, a net that says 0 has an error of about 1
        null="the variance of z-scored activity",
        **facts,
    )


def _reconstruct_planes(
    column: Column,
    inputs: StudyInputs,
    x: dict[str, np.ndarray],
    mapped: dict[str, np.ndarray],
    learnt: np.ndarray,
    scored: np.ndarray,
) -> Arrays:
    """Fill in the errors of one net per plane and of one for all; return what the latter gives."""
    settings, seed = inputs.settings, inputs.seed
    own = [
        inputs.steps.compute(
            f"autoencoder of {name}", partial(_fit_one_plane, part, learnt, scored, settings, seed)
        )["mse"]
        for name, part in x.items()
    ]
    network = inputs.steps.compute(
        "one autoencoder for all planes",
        partial(_fit_all_planes, [*x.values()], [*mapped.values()], learnt, scored, settings, seed),
    )
    for key, error in (("own", np.mean(own)), ("shared", network["mse"])):
        column.add(key, Measure("", float(error), "mse"))
        _claim_error(column, key, learnt, scored, features="latents")
    n_latents = settings["n_latents"]
    column.add("dimensions", Measure("the only number tried", n_latents, "count"))
    return network


def _fit_one_plane(
    x: np.ndarray, learnt: np.ndarray, scored: np.ndarray, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    return {"mse": reconstruction_error(fit_autoencoder(x[learnt], settings, seed), x[scored])}


def _fit_all_planes(
    x: list[np.ndarray],
    mapped: list[np.ndarray],
    learnt: np.ndarray,
    scored: np.ndarray,
    settings: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Return the error of the one net for all planes, and its latents of what is mapped."""
    network = fit_autoencoder(np.concatenate([part[learnt] for part in x]), settings, seed)
    with torch.no_grad():
        latents = [network.latents(torch.from_numpy(part)[None])[0].numpy() for part in mapped]
    errors = [reconstruction_error(network, part[scored]) for part in x]
    return {"mse": np.mean(errors), "latents": latents}


def _search_randomly(
    column: Column, inputs: StudyInputs, x: np.ndarray, learnt: np.ndarray, scored: np.ndarray
) -> None:
    """Fill in the deck's random search: its best error, and the values that were really used."""
    settings = inputs.settings
    step = partial(_try_settings, x, learnt, scored, settings, inputs.seed)
    trials = inputs.steps.compute("the deck's search", step)
    title = f"'at {settings['n_latents']} latents'"
    column.add("search", Measure(title, float(trials["errors"].min()), "mse"))
    swept = {name: trials[name].tolist() for name in ("n_latents", "learning_rate")}
    _claim_error(column, "search", learnt, scored, swept=swept)


def _try_settings(
    x: np.ndarray, learnt: np.ndarray, scored: np.ndarray, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return errors and settings of the deck's search.

    FLAW, setting never swept: latents and dropout are drawn, and passed to where nothing reads
    them, so every trial has the same.
    """
    rng = make_rng(seed, "nma-layers", "search")
    trials: dict[str, list[float]] = {"errors": [], "n_latents": [], "learning_rate": []}
    for _ in range(settings["n_search"]):
        drawn = {
            "learning_rate": float(np.exp(rng.uniform(-9.9, -5.3))),
            "weight_decay": float(rng.choice([0, 1e-6, 1e-5, 5e-5])),
        }
        rng.integers(50, 500)  # the number of latents, which never arrives
        network = fit_autoencoder(x[learnt], settings | drawn, seed)
        trials["errors"].append(reconstruction_error(network, x[scored]))
        trials["n_latents"].append(network.joined.out_features)
        trials["learning_rate"].append(drawn["learning_rate"])
    return trials


def _explain_planes(
    column: Column,
    inputs: StudyInputs,
    x: dict[str, np.ndarray],
    learnt: np.ndarray,
    scored: np.ndarray,
) -> None:
    """Fill in what the deck computed of principal components, and what it did not."""
    step = partial(_reduce_planes, x, learnt, scored, inputs.settings["n_latents"])
    components = inputs.steps.compute("components", step)
    shares = {f"share_{name}": components[f"share_{name}"] for name in x}
    column.arrays["explained"] = shares
    n_tenth = next(iter(x.values())).shape[2] // 10
    in_sample = float(np.mean([share[-1] for share in shares.values()]))
    held_out = float(components["share_held_out"])
    column.add("pca", Measure(f"{n_tenth} components, in sample", in_sample, "variance"))
    # not the deck's: what the sound column sets beside it, on the very same windows
    column.add(
        "pca_share", Measure("as many components, the last fifth held out", held_out, "variance")
    )
    error = float(components["held_out"])
    column.add("pca_error", Measure("PCA, as many components, same windows held out", error, "mse"))


def _reduce_planes(
    x: dict[str, np.ndarray], learnt: np.ndarray, scored: np.ndarray, n_latents: int
) -> dict[str, Any]:
    """Return the variance that components explain in sample, and on held-out windows.

    The latter as the share explained, and as the error of reconstructing these from as many
    components as the net has latents.
    """
    shares = {
        f"share_{name}": _explain_in_sample(part.reshape(-1, part.shape[2]), part.shape[2] // 10)
        for name, part in x.items()
    }
    n_tenth = next(iter(x.values())).shape[2] // 10
    left = {
        n: np.mean([_pca_residual(part[learnt], part[scored], n) for part in x.values()])
        for n in (0, n_latents, n_tenth)
    }
    return shares | {"held_out": left[n_latents], "share_held_out": 1 - left[n_tenth] / left[0]}


def _explain_in_sample(x: np.ndarray, n_components: int) -> np.ndarray:
    """Return the cumulative share of variance that components explain in sample."""
    _, _, variance = find_principal_axes(x, max(n_components, 1))
    return variance.cumsum(dtype=float) / float(x.var(axis=0).sum(dtype=float))


def _pca_residual(x: np.ndarray, new: np.ndarray, n_components: int) -> float:
    """Return the error of reconstructing new windows from components of the training windows."""
    flat, flat_new = (part.reshape(-1, part.shape[2]) for part in (x, new))
    mean, axes, _ = find_principal_axes(flat, max(n_components, 1))
    centered, axes = flat_new - mean, axes[:n_components]
    return float(((centered - centered @ axes.T @ axes) ** 2).mean())


def _map_windows(
    column: Column, inputs: StudyInputs, mapped: dict[str, np.ndarray], latents: np.ndarray
) -> None:
    """Draw the deck's maps, and score them, which the deck did not."""
    label = np.repeat([*mapped], len(latents[0]))
    scores = []
    for name, windows in (("raw", [*mapped.values()]), ("latents", list(latents))):
        step = partial(_map, windows, label, inputs.settings["map"], inputs.seed)
        arrays = inputs.steps.compute(f"map of {name}", step)
        column.arrays[f"maps_{name}"] = arrays
        scores += [
            Measure(
                f"{key.removeprefix('told_')} of {name}, held-out windows whose neighbours tell "
                "their plane",
                float(value),
                "accuracy",
                chance=float(arrays["chance"]),
            )
            for key, value in arrays.items()
            if key.startswith("told_")
        ]
    column.add("maps", Measure("", None, "picture"))
    column.add("plane_told", *scores)


def _map(x: list[np.ndarray], label: np.ndarray, method: str, seed: int) -> dict[str, Any]:
    """Return maps of windows, without and with the planes given to them, and their scores."""
    if method == "umap" and importlib.util.find_spec("umap") is None:
        method = "pca"
    arrays: dict[str, Any] = {"label_plane": label}
    for supervised in (False, True)[: 1 + (method == "umap")]:
        name = f"{'supervised ' * supervised}{method}"
        windows = np.concatenate(x)
        embedding = embed(
            windows, method, labels=label, supervised=supervised, n_seeds=1, seed=seed
        )
        (row,) = embedding.scores.query("score == 'knn_accuracy'").to_dict("records")
        arrays |= {
            f"place_{name}": embedding.table[["x", "y"]].to_numpy(),
            "held_out": embedding.table["held_out"].to_numpy(),
            f"told_{name}": np.array(row["value"]),
            "chance": np.array(row["chance"]),
        }
    return arrays


NMA_LAYERS = Study(prepare, describe, conclude)
