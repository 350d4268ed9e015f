"""Study E: low-dimensional dynamics of imaging planes."""

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spikecast.analysis.geometry.embedding import embed
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs.studies.nma_autoencoder import fit_autoencoder, measure_error, normalise_plane
from spikecast.runs.studies.nma_sound import conclude as conclude
from spikecast.runs.studies.study import Column, Measure, Prepared, StudyInputs
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


@dataclass(frozen=True)
class Planes:
    """Normalised activity of the planes, (window, time, neuron) each, and how windows are cut."""

    x: dict[str, np.ndarray]  # by plane, of the neurons drawn for the fit
    mapped: dict[str, np.ndarray]  # of those drawn again for the maps
    train: np.ndarray  # numbers of windows
    test: np.ndarray

    @property
    def n_tenth(self) -> int:
        """A tenth of the neurons of each plane."""
        return next(iter(self.x.values())).shape[2] // 10

    def claim(self, column: Column, key: str, **facts: Any) -> None:
        """Record how an error of reconstruction came about."""
        # of neurons that were z-scored, a net that says 0 has an error of about 1
        null = "the variance of z-scored activity"
        windows = {"unit": "windows", "train": self.train, "test": self.test}
        column.claim(key, metric="mse", null=null, **windows, **facts)


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's autoencoders, make its search and its maps."""
    column, recording, settings = Column(), inputs.recording, inputs.settings
    plane = recording.neurons["plane"].to_numpy()
    names = np.unique(plane)[: settings["n_planes"]]
    n_each = min(*((plane == name).sum() for name in names), settings["most_neurons"])
    n_windows = recording.n_bins // WINDOW
    n_train = round(0.8 * n_windows)
    # FLAW, neurons changed: drawn once for the fit, and again for the maps
    drawn, x = {}, {}
    for use in ("fit", "maps"):
        rng = make_rng(inputs.seed, "nma-layers", use)
        drawn[use] = [rng.permutation(np.flatnonzero(plane == name))[:n_each] for name in names]
        x[use] = {
            name: normalise_plane(recording, neurons, n_train)
            for name, neurons in zip(names, drawn[use], strict=True)
        }
    planes = Planes(x["fit"], x["maps"], np.arange(n_train), np.arange(n_train, n_windows))
    latents = _reconstruct_planes(column, inputs, planes)
    _search_randomly(column, inputs, planes)
    _explain_planes(column, inputs, planes)
    _map_windows(column, inputs, planes, latents)
    fit, maps = (np.concatenate(drawn[use]) for use in ("fit", "maps"))
    column.claim("maps", metric="map", value=None, fit_neurons=fit, used_neurons=maps)
    return column


def _reconstruct_planes(column: Column, inputs: StudyInputs, planes: Planes) -> np.ndarray:
    """Fill in the errors of one net per plane and of one for all; return the latter's latents."""
    settings, compute = inputs.settings, inputs.steps.compute
    own = [
        compute(f"autoencoder of {name}", _fit_plane, x, planes, settings, inputs.seed)["mse"]
        for name, x in planes.x.items()
    ]
    title = "one autoencoder for all planes"
    network = compute(title, _fit_all_planes, planes, settings, inputs.seed)
    for key, error in (("own", np.mean(own)), ("shared", network["mse"])):
        column.add(key, Measure("", float(error), "mse"))
        planes.claim(column, key, features="latents")
    column.add("dimensions", Measure("the only number tried", settings["n_latents"], "count"))
    return network["latents"]


def _fit_plane(
    x: np.ndarray, planes: Planes, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return the error of the net of one plane."""
    network = fit_autoencoder(x[planes.train], settings, seed)
    return {"mse": measure_error(network, x[planes.test])}


def _fit_all_planes(planes: Planes, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the error of the one net for all planes, and its latents of what is mapped."""
    windows = np.concatenate([x[planes.train] for x in planes.x.values()])
    network = fit_autoencoder(windows, settings, seed)
    with torch.no_grad():
        latents = [
            network.latents(torch.from_numpy(x)[None])[0].numpy() for x in planes.mapped.values()
        ]
    errors = [measure_error(network, x[planes.test]) for x in planes.x.values()]
    return {"mse": np.mean(errors), "latents": latents}


def _search_randomly(column: Column, inputs: StudyInputs, planes: Planes) -> None:
    """Fill in the deck's random search: its best error, and the values that were really used."""
    settings = inputs.settings
    trials = inputs.steps.compute("the deck's search", _try_settings, planes, settings, inputs.seed)
    title = f"'at {settings['n_latents']} latents'"
    column.add("search", Measure(title, float(trials["errors"].min()), "mse"))
    swept = {name: trials[name].tolist() for name in ("n_latents", "learning_rate")}
    planes.claim(column, "search", swept=swept)


def _try_settings(planes: Planes, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return errors and settings of the deck's search, on the first plane.

    FLAW, setting never swept: latents and dropout are drawn, and passed to where nothing reads
    them, so every trial has the same.
    """
    x = next(iter(planes.x.values()))
    rng = make_rng(seed, "nma-layers", "search")
    trials: dict[str, list[float]] = {"errors": [], "n_latents": [], "learning_rate": []}
    for _ in range(settings["n_search"]):
        drawn = {
            "learning_rate": float(np.exp(rng.uniform(-9.9, -5.3))),
            "weight_decay": float(rng.choice([0, 1e-6, 1e-5, 5e-5])),
        }
        rng.integers(50, 500)  # the number of latents, which never arrives
        network = fit_autoencoder(x[planes.train], settings | drawn, seed)
        trials["errors"].append(measure_error(network, x[planes.test]))
        trials["n_latents"].append(network.joined.out_features)
        trials["learning_rate"].append(drawn["learning_rate"])
    return trials


def _explain_planes(column: Column, inputs: StudyInputs, planes: Planes) -> None:
    """Fill in what the deck computed of principal components, and what it did not."""
    settings = inputs.settings
    components = inputs.steps.compute("components", _reduce_planes, planes, settings["n_latents"])
    shares = {f"share_{name}": components[f"share_{name}"] for name in planes.x}
    column.arrays["explained"] = shares
    in_sample = float(np.mean([share[-1] for share in shares.values()]))
    column.add("pca", Measure(f"{planes.n_tenth} components, in sample", in_sample, "variance"))
    # not the deck's: what the sound column sets beside it, on the very same windows
    held_out, error = float(components["share_held_out"]), float(components["held_out"])
    title = "as many components, the last fifth held out"
    column.add("pca_share", Measure(title, held_out, "variance"))
    title = "PCA, as many components, same windows held out"
    column.add("pca_error", Measure(title, error, "mse"))


def _reduce_planes(planes: Planes, n_latents: int) -> dict[str, Any]:
    """Return the variance that components explain in sample, and on held-out windows.

    The latter as the share explained, and as the error of reconstructing these from as many
    components as the net has latents.
    """
    shares = {
        f"share_{name}": _explain_in_sample(x.reshape(-1, x.shape[2]), planes.n_tenth)
        for name, x in planes.x.items()
    }
    whole, error, rest = (
        np.mean([_pca_residual(x[planes.train], x[planes.test], n) for x in planes.x.values()])
        for n in (0, n_latents, planes.n_tenth)
    )
    return shares | {"held_out": error, "share_held_out": 1 - rest / whole}


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


def _map_windows(column: Column, inputs: StudyInputs, planes: Planes, latents: np.ndarray) -> None:
    """Draw the deck's maps, and score them, which the deck did not."""
    label = np.repeat([*planes.mapped], len(latents[0]))
    scores = []
    for name, windows in (("raw", [*planes.mapped.values()]), ("latents", list(latents))):
        draw = _draw_maps, windows, label, inputs.settings["map"], inputs.seed
        arrays = inputs.steps.compute(f"map of {name}", *draw)
        column.arrays[f"maps_{name}"] = arrays
        for method, share in zip(arrays["methods"], arrays["neighbours_right"], strict=True):
            title = f"{method} of {name}, held-out windows whose neighbours tell their plane"
            chance = float(arrays["chance"])
            scores.append(Measure(title, float(share), "accuracy", chance=chance))
    column.add("maps", Measure("", None, "picture"))
    column.add("plane_told", *scores)


def _draw_maps(x: list[np.ndarray], label: np.ndarray, method: str, seed: int) -> dict[str, Any]:
    """Return maps of windows, without and with the planes given to them, and their scores."""
    if method == "umap" and importlib.util.find_spec("umap") is None:
        method = "pca"
    arrays: dict[str, Any] = {"label_plane": label, "methods": [], "neighbours_right": []}
    for supervised in (False, True)[: 1 + (method == "umap")]:
        name = f"{'supervised ' * supervised}{method}"
        windows = np.concatenate(x)
        embedding = embed(
            windows, method, labels=label, supervised=supervised, n_seeds=1, seed=seed
        )
        (row,) = embedding.scores.query("score == 'knn_accuracy'").to_dict("records")
        arrays[f"place_{name}"] = embedding.table[["x", "y"]].to_numpy()
        arrays |= {"held_out": embedding.table["held_out"].to_numpy(), "chance": row["chance"]}
        arrays["methods"].append(name)
        arrays["neighbours_right"].append(row["value"])
    return arrays
