"""Study E: low-dimensional dynamics of imaging planes."""

from typing import Any

import numpy as np

from spikecast.core.seeding import make_rng
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs.studies.nma_maps import show_maps
from spikecast.runs.studies.nma_network import (
    AUTOENCODERS,
    NAMES,
    fit_planes_together,
    fit_windows,
    join_neurons,
    make_network,
    measure_mse,
    measure_share,
)
from spikecast.runs.studies.nma_planes import (
    BEFORE,
    Planes,
    average_pairs,
    cut_planes,
    draw_neurons,
    show_positions,
    show_preprocessing,
)
from spikecast.runs.studies.nma_planes import prepare as prepare
from spikecast.runs.studies.nma_shared import name_setting
from spikecast.runs.studies.nma_sound import conclude as conclude
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.tasks.splits import Fold


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's networks, make its search and its maps."""
    column, recording, settings = Column(), inputs.recording, inputs.settings
    # FLAW, neurons changed: drawn once for the fit, and again for the maps
    drawn, again = (draw_neurons(recording, settings, inputs.seed, use) for use in ("fit", "maps"))
    planes, mapped = (cut_planes(recording.activity[0], rows) for rows in (drawn, again))
    fold = cut_as_described(len(next(iter(planes.values()))))
    _describe_preprocessing(column, inputs, drawn)
    _explain_planes(column, planes)
    _reconstruct_planes(column, inputs, planes, fold)
    latents = _share_network(column, inputs, planes, mapped, fold)
    _cross_planes(column, inputs, planes, fold)
    _search_randomly(column, inputs, planes, fold)
    column.add(
        "dimensions",
        Measure("the only number that the search tried", settings["n_latents"], "count"),
    )
    show_maps(column, inputs, mapped, latents)
    rows, others = (np.concatenate([*one.values()]) for one in (drawn, again))
    facts = {"picture": True, "fit_neurons": rows, "used_neurons": others}
    for key in [key for key in ("map_latents", "map_latents_told") if key in column.measures]:
        column.claim(key, metric="map", value=None, **facts)
    return column


def cut_as_described(n_windows: int) -> Fold:
    """Return the first 80 % of the windows to learn from, and the last 20 %."""
    n_train = round(0.8 * n_windows)
    return Fold(np.arange(n_train), np.arange(n_train, n_windows))


def _describe_preprocessing(column: Column, inputs: StudyInputs, drawn: Planes) -> None:
    """Fill in what neurons have of their plane's mean, before and after they are divided by it."""
    recording = inputs.recording
    plane, recorded = recording.neurons["plane"].to_numpy(), recording.dataset[BEFORE].values
    before, after = [], []
    for name in drawn:
        rows = np.flatnonzero(plane == name)
        x = average_pairs(recorded[:, rows])
        others = (x.sum(axis=1, keepdims=True) - x) / max(rows.size - 1, 1)
        before.append(_correlate_columns(x, others))
        after.append(_correlate_columns(recording.activity[0][:, rows], others))
    column.add(
        "arousal",
        *(
            Measure(f"{when}, neurons with the mean of the others of their plane, as recorded",
                    float(np.concatenate(values).mean()), "correlation")
            for when, values in (("after", after), ("before", before))
        ),
    )  # fmt: skip
    if (places := show_positions(recording, drawn)) is not None:
        column.arrays["neurons"] = places
    target = inputs.names["target"]
    first = drawn.get(target, next(iter(drawn.values())))
    column.arrays["preprocessing"] = show_preprocessing(recording, target, first)


def _correlate_columns(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the correlation of each column with its column of y; 0 where one is constant."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    size = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    return np.where(size > 0, (x * y).sum(axis=0) / np.maximum(size, 1e-12), 0.0)


def _explain_planes(column: Column, planes: Planes) -> None:
    """Fill in the variance that principal components explain in sample."""
    n_components = max(next(iter(planes.values())).shape[2] // 10, 1)
    shares: Arrays = {}
    for name, x in planes.items():
        flat = x.reshape(-1, x.shape[2])
        _, _, variance = find_principal_axes(flat, n_components)
        shares[f"share_{name}"] = variance.cumsum(dtype=float) / flat.var(axis=0).sum(dtype=float)
    column.arrays["explained"] = shares
    in_sample = float(np.mean([share[-1] for share in shares.values()]))
    name = f"{n_components} components, in sample, mean over planes"
    column.add("pca", Measure(name, in_sample, "variance"))


def _reconstruct_planes(column: Column, inputs: StudyInputs, planes: Planes, fold: Fold) -> None:
    """Fill in the errors of one autoencoder per plane, with each of the deck's cells."""
    settings, seed = inputs.settings, inputs.seed
    courses = {}
    for key, cell in AUTOENCODERS.items():
        model = make_network(settings, seed, cell)
        fits = {
            name: inputs.steps.compute(f"{NAMES[cell]} of {name}", fit_windows, model, x, x, fold)
            for name, x in planes.items()
        }
        errors = join_neurons([*fits.values()])
        title = f"{NAMES[cell]} with {settings['n_latents']} latents, mean over planes"
        column.add(key, measure_mse(title, errors, seed, interval=False))
        _claim(column, key, fold, features="latents")
        courses[f"loss_{NAMES[cell]}"] = np.mean([fit["course"] for fit in fits.values()], axis=0)
        if key == "own":
            target = fits.get(inputs.names["target"], next(iter(fits.values())))
            column.steps["reconstruction"] = {"own": measure_share("", target, seed)}
    column.arrays["losses_auto"] = courses | {"step": np.array("epoch")}


def _claim(column: Column, key: str, fold: Fold, **facts: Any) -> None:
    """Record how an error came about: nothing stands beside it."""
    # FLAW, null missing and baseline missing: neither the mean nor components on the same windows
    column.claim(key, metric="mse", unit="windows", train=fold.train, test=fold.test, **facts)


def _share_network(
    column: Column, inputs: StudyInputs, planes: Planes, mapped: Planes, fold: Fold
) -> np.ndarray:
    """Fill in the error of the one network for all planes; return its latents of `mapped`."""
    model = make_network(inputs.settings, inputs.seed, "lstm")
    fit = fit_planes_together, model, planes, fold, mapped
    found = inputs.steps.compute("one LSTM for all planes", *fit)
    column.add(
        "shared",
        measure_mse(f"one LSTM with {model.n_latents} latents", found, inputs.seed, interval=False),
    )
    _claim(column, "shared", fold, features="latents")
    return found["latents"]


def _cross_planes(column: Column, inputs: StudyInputs, planes: Planes, fold: Fold) -> None:
    """Fill in the errors of predicting one plane from another, with each of the deck's cells."""
    names, courses = inputs.names, {}
    x, y = planes[names["source"][0]], planes[names["target"]]
    for cell, title in NAMES.items():
        model = make_network(inputs.settings, inputs.seed, cell)
        fit = inputs.steps.compute(f"{title} across planes", fit_windows, model, x, y, fold)
        key = f"across_{cell}"
        name = f"{title} with {model.n_latents} latents"
        column.add(key, measure_mse(name, fit, inputs.seed, interval=False))
        _claim(column, key, fold)
        courses[f"loss_{title}"] = fit["course"]
    column.arrays["losses_across"] = courses | {"step": np.array("epoch")}


def _search_randomly(column: Column, inputs: StudyInputs, planes: Planes, fold: Fold) -> None:
    """Fill in the deck's random search: its best error, and the values that were really used."""
    settings = inputs.settings
    x = planes[inputs.names["target"]]
    trials = inputs.steps.compute(
        "the deck's search", _try_settings, x, fold, settings, inputs.seed
    )
    title = (
        f"best of {settings['n_search']} settings, all with {settings['n_latents']} latents, as "
        f"autoencoder of {inputs.names['target']}"
    )
    column.add("search", Measure(title, float(trials["errors"].min()), "mse"))
    swept = ("learning_rate", "weight_decay", "n_layers", "n_latents", "dropout")
    _claim(
        column, "search", fold, swept={name_setting(name): trials[name].tolist() for name in swept}
    )


def _try_settings(
    x: np.ndarray, fold: Fold, settings: dict[str, Any], seed: int
) -> dict[str, list[float]]:
    """Return errors and settings of the deck's search, on one plane.

    FLAW, setting never swept: latents and dropout are drawn, and passed to where nothing reads
    them, so every trial has the same.
    """
    rng = make_rng(seed, "nma-layers", "search")
    trials: dict[str, list[float]] = {"errors": []}
    for _ in range(settings["n_search"]):
        drawn: dict[str, Any] = {
            "learning_rate": float(np.exp(rng.uniform(-9.9, -5.3))),
            "weight_decay": float(rng.choice([0, 1e-6, 1e-5, 5e-5])),
            "n_layers": int(rng.integers(1, 3)),
        }
        rng.integers(50, 500)  # the number of latents, which never arrives
        rng.choice([0.1, 0.2, 0.3, 0.5])  # nor does dropout
        model = make_network(settings, seed, "lstm", **drawn)
        fit = fit_windows(model, x, x, fold)
        trials["errors"].append(measure_mse("", fit, seed).number)
        for name, value in (
            drawn | {"n_latents": model.n_latents, "dropout": model.dropout}
        ).items():
            trials.setdefault(name, []).append(value)
    return trials
