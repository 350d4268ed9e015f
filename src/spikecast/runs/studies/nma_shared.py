"""Study E soundly: which planes share dynamics, in how many dimensions, and a real search."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.analysis.geometry.shared_dynamics import shared_dynamics
from spikecast.core.notices import NoticeKind
from spikecast.data.recording import Recording
from spikecast.evaluation.search import search
from spikecast.evaluation.search_trials import score_fold
from spikecast.models.spaces import Between, OneOf
from spikecast.runs.reader import read_answers
from spikecast.runs.studies.nma_network import make_network
from spikecast.runs.studies.nma_planes import BEFORE
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.tasks.splits import split_by_block
from spikecast.tasks.tasks import AreaToArea

PLANES_SHARE = NoticeKind(
    "planes_share", "serious", "{n_pairs} of {n} pairs of planes share dynamics."
)
PAIRS = NoticeKind(
    "pairs",
    "minor",
    "In this run {n_pairs} of {n} pairs predict each other beyond shifts in time; R² of all pairs "
    "goes from {low:.3f} to {high:.3f}.",
)
DIMENSIONS = NoticeKind(
    "dimensions",
    "serious",
    "In this run {n} dimensions are confirmed{more}, by other neurons on held-out time; "
    "{searched}.",
)
SEARCHED = NoticeKind(
    "searched",
    "serious",
    "In this run the deck's search took {n} settings, of latents and dropout one value each. The "
    "settings that inner folds chose have R² {best:.3f} on time that chose nothing, the deck's own "
    "settings {default:.3f}: {what}. {setting}",
)
SEARCH_KEPT = NoticeKind(
    "search_kept",
    "serious",
    "In this run the deck's search took {n} settings, of latents and dropout one value each. Of "
    "{n_trials} settings that the sound search tried, the deck's own were the best in inner folds; "
    "on time that chose nothing they have R² {best:.3f}. {setting}",
)


def count_dimensions(column: Column, run: Path, inputs: StudyInputs) -> None:
    """Fill in how many dimensions of all planes together are confirmed."""
    (answer,) = read_answers(run, "dimensionality")
    n_tested = answer.table("components")["reliable"].notna().sum()
    n_reliable = int(answer["n_reliable"])
    unit = "at_least" if n_reliable == n_tested else "count"  # beyond those there may be more
    title = (
        "linear dimensions of all planes, as preprocessed, that the other half of the neurons "
        "confirms on held-out time"
    )
    column.add("dimensions", Measure(title, n_reliable, unit))
    searched = inputs.steps.compute("search on inner folds", search_settings, inputs)
    sizes = searched["trial_n_latents"]
    swept = f"{np.unique(sizes).size} sizes from {sizes.min()} to {sizes.max()}"
    said = (
        f"the search, which changed other settings as well, chose {searched['best_latents']} "
        f"latents of {swept}"
    )
    if searched["best"] <= 0:
        said = f"the search found no number of latents that predicts another plane, of {swept}"
    more = " (all that were looked at)" if unit == "at_least" else ""
    column.because["dimensions"] = [DIMENSIONS(n=n_reliable, more=more, searched=said)]
    column.conclusions.extend(column.because["dimensions"])


def relate_planes(column: Column, inputs: StudyInputs) -> None:
    """Predict every plane from every other, and fill in which pairs share dynamics."""
    planes = inputs.steps.compute("planes from planes", _predict_planes, inputs.recording)
    n_pairs, n = int(planes["n_pairs"]), int(planes["n"])
    column.add(
        "planes",
        Measure("pairs that share dynamics", n_pairs / n, "share", n=n),
        *(Measure("together", str(cluster), "name") for cluster in planes["clusters"]),
        *(Measure(f"{end} of these", float(planes[end]), "r2") for end in ("lowest", "highest"))
        if n_pairs
        else (),
    )
    column.claim(
        "planes",
        metric="r2",
        value=float(np.nanmax(planes["r2"])),
        null="shifts in time",
        baselines=["the mean"],
    )
    column.arrays["planes"] = {key: planes[key] for key in ("names", "r2", "shared")}
    column.conclusions.append(PLANES_SHARE(n_pairs=n_pairs, n=n))
    low, high = (float(limit(planes["r2"])) for limit in (np.nanmin, np.nanmax))
    column.because["planes"] = [PAIRS(n_pairs=n_pairs, n=n, low=low, high=high)]


def _predict_planes(recording: Recording) -> dict[str, Any]:
    """Return which planes share dynamics, and how well each predicts each other."""
    shared = shared_dynamics(recording, by="plane")
    r2 = shared.table.loc[shared.table["shared"], "r2"]
    n = len(shared.groups)
    return {
        "n_pairs": len(shared.pairs),
        "n": n * (n - 1) // 2,
        "clusters": np.array([", ".join(planes) for planes in shared.clusters], dtype=str),
        "lowest": r2.min(),
        "highest": r2.max(),
        "names": np.array(shared.groups),
        "r2": shared.matrix(),
        "shared": shared.matrix("shared") > 0,
    }


def score_search(column: Column, inputs: StudyInputs) -> None:
    """Fill in a search that sweeps what it names, and what it is worth on time it did not see."""
    result = inputs.steps.compute("search on inner folds", search_settings, inputs)
    best, default = float(result["best"]), float(result["default"])
    n_sizes = np.unique(result["trial_n_latents"]).size
    same = best == default
    chosen = "the deck's own settings, which were chosen" if same else str(result["settings"])
    column.add(
        "search",
        Measure(f"another plane on the last fifth, with {chosen}", best, "r2"),
        None if same else Measure("with the deck's own settings", default, "r2"),
        Measure("numbers of latents tried", n_sizes, "count"),
    )
    trials = pd.DataFrame(
        {key.removeprefix("trial_"): values for key, values in result.items()
         if key.startswith("trial_")}
    )  # fmt: skip
    column.claim(
        "search",
        metric="r2",
        unit="windows",
        train=result["train"],
        test=result["test"],
        chosen_on={"settings": result["train"]},
        swept={
            name_setting(name): trials[name].tolist() for name in inputs.names["search"]["space"]
        },
        null="the training mean",
        baselines=["the deck's settings"],
    )
    column.tables["search_trials"] = trials
    column.arrays["importance"] = {key: result[key] for key in ("names", "importance", "score")}
    mattered = ""
    if result["names"].size:
        share = result["importance"][0]
        name = name_setting(str(result["names"][0]))
        mattered = (
            f"Over the {len(trials)} trials {name} explains {share:.0%} of what the inner score "
            "varies by."
        )
    what = "searching helped" if best > default else "searching won nothing"
    n, values = inputs.settings["n_search"], {"best": best, "setting": mattered}
    column.because["search"] = [
        SEARCH_KEPT(n=n, n_trials=len(trials), **values)
        if same
        else SEARCHED(n=n, default=default, what=what, **values)
    ]


def name_setting(name: str) -> str:
    """Return what a setting of the search is called.

    Examples
    --------
    >>> name_setting("learning_rate"), name_setting("n_layers")
    ('learning rate', 'layers')
    """
    return name.removeprefix("n_").replace("_", " ")


def search_settings(inputs: StudyInputs) -> dict[str, Any]:
    """Search the deck's network on the first four fifths of the time; score it on the last.

    What is predicted is another plane: a reconstruction is the better the more latents it has.
    """
    settings, names = inputs.names["search"], inputs.names
    problem = AreaToArea(names["target"], names["source"], by="plane").problem(inputs.recording)
    outer = split_by_block(len(problem.y), 5, gap=1)[-1]
    x, y = problem.x[outer.train], problem.y[outer.train]
    space = {
        name: OneOf(values) if isinstance(values, list) else Between(**values)
        for name, values in settings["space"].items()
    }
    model = make_network(inputs.settings, inputs.seed, "lstm", epochs=settings["epochs"])
    inner = split_by_block(len(x), settings["folds"], gap=1)
    result = search(model, space, x, y, inner, n_trials=settings["n_trials"])
    best, default = (
        score_fold(model, chosen, problem.x, problem.y, outer) for chosen in (result.best, {})
    )
    return {
        "best": best,
        "default": default,
        "train": outer.train,
        "test": outer.test,
        "settings": ", ".join(
            f"{name_setting(name)} {value:.3g}"
            if isinstance(value, float)
            else f"{name_setting(name)} {value}"
            for name, value in result.best.items()
        ),
        "best_latents": result.best["n_latents"],
        "names": np.array(list(result.importance), dtype=str),
        "importance": np.array(list(result.importance.values())),
        "score": result.table["score"].to_numpy(dtype=float),
    } | {f"trial_{name}": values.to_numpy() for name, values in result.table.items()}


def take_means(recording: Recording, names: list[str]) -> np.ndarray:
    """Return the mean of each plane before it was divided out, (pair of bins, plane)."""
    before, plane = recording.dataset[BEFORE].values, recording.neurons["plane"].to_numpy()
    means = np.stack([before[:, plane == name].mean(axis=1) for name in names], axis=1)
    n_pairs = len(means) // 2
    return means[: 2 * n_pairs].reshape(n_pairs, 2, -1).mean(axis=1)
