"""The sound column of study E: PCA on the same metric, planes from planes, a real search."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.analysis.geometry.shared_dynamics import shared_dynamics
from spikecast.core.notices import NoticeKind
from spikecast.data.recording import Recording
from spikecast.evaluation.search import search
from spikecast.evaluation.search_trials import score_fold
from spikecast.models.recurrent import LSTM
from spikecast.models.spaces import Between, OneOf
from spikecast.runs.reader import read_answers
from spikecast.runs.studies.sound_runs import read_scores
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.tasks.splits import split_by_block
from spikecast.tasks.tasks import AreaToArea

_ERRORS = (
    "The deck's autoencoders leave an error of {network:.3f}; principal components, as many and on "
    "the same held-out windows, leave {pca:.3f}. "
)
PCA_IS_BETTER = NoticeKind(
    "pca_is_better",
    "severe",
    _ERRORS + "The baseline that was never put on the same metric is better.",
)
NETWORK_IS_BETTER = NoticeKind(
    "network_is_better", "minor", _ERRORS + "Here the network is better."
)
PLANE_FROM_PLANE = NoticeKind(
    "plane_from_plane",
    "serious",
    "From one plane to another the best is {model}, R² {r2:.3f} ({low:.3f} to {high:.3f}).",
)
SETTING_MATTERED = NoticeKind(
    "setting_mattered", "minor", "In the search, {setting} mattered most."
)
PLANES_SHARE = NoticeKind(
    "planes_share", "serious", "{n_pairs} of {n} pairs of planes share dynamics."
)


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Return PCA on the same metric, plane from plane, shared dynamics, and a real search."""
    column = Column()
    scores = read_scores(sound / "plane")
    for key, source in (
        ("own", "pca_error"), ("shared", "pca_error"), ("pca", "pca_share"), ("maps", "plane_told")
    ):  # fmt: skip
        column.add(key, *described.measures[source])
    column.add("dimensions", _count_dimensions(sound / "plane"))
    column.add("cells", *scores.choose(*(model for model in scores if model != "mean_rate")))
    network, pca = described.number("own"), described.number("pca_error")
    kind = PCA_IS_BETTER if pca < network else NETWORK_IS_BETTER
    best = column.measures["cells"][0]
    planes = PLANE_FROM_PLANE(model=best.name, r2=best.number, low=best.low, high=best.high)
    column.conclusions.extend([kind(network=network, pca=pca), planes])
    _score_search(column, inputs)
    _relate_planes(column, inputs)
    return column


def _count_dimensions(run: Path) -> Measure:
    """Return how many dimensions of all planes together are confirmed."""
    (answer,) = read_answers(run, "dimensionality")
    n_tested = answer.table("components")["reliable"].notna().sum()
    n_reliable = int(answer["n_reliable"])
    return Measure(
        "linear dimensions of all planes, arousal kept, that the other half of the neurons "
        "confirms on held-out time",
        n_reliable,
        "at_least" if n_reliable == n_tested else "count",  # beyond those tested there may be more
    )


def _relate_planes(column: Column, inputs: StudyInputs) -> None:
    """Predict every plane from every other, and fill in which pairs share dynamics."""
    planes = inputs.steps.compute("planes from planes", _predict_planes, inputs.recording)
    n_pairs, n = int(planes["n_pairs"]), int(planes["n"])
    column.add(
        "planes",
        Measure("pairs that share dynamics", n_pairs / n, "share", n=n),
        *(Measure("together", str(cluster), "name") for cluster in planes["clusters"]),
        *(Measure(f"{end} R² of these", float(planes[end]), "r2") for end in ("lowest", "highest"))
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


def _score_search(column: Column, inputs: StudyInputs) -> None:
    """Fill in a search that sweeps what it names, and what it is worth on time it did not see."""
    result = inputs.steps.compute("search on inner folds", _search_settings, inputs)
    best = float(result["best"])
    column.add(
        "search",
        Measure(f"on the last fifth, with {result['settings']}", best, "r2"),
        Measure("with our defaults", float(result["default"]), "r2"),
        Measure("sizes of latents tried", int(result["n_sizes"]), "count"),
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
        swept={name: trials[name].tolist() for name in inputs.names["search"]["space"]},
        null="the training mean",
        baselines=["defaults"],
    )
    column.tables["search_trials"] = trials
    column.arrays["importance"] = {key: result[key] for key in ("names", "importance", "score")}
    if result["names"].size:
        column.conclusions.append(SETTING_MATTERED(setting=str(result["names"][0])))


def _search_settings(inputs: StudyInputs) -> dict[str, Any]:
    """Return a search on the first four fifths, and its score on the last, which nothing chose."""
    settings, names = inputs.names["search"], inputs.names
    problem = AreaToArea(names["target"], names["source"], by="plane").problem(inputs.recording)
    outer = split_by_block(len(problem.y), 5, gap=1)[-1]
    x, y = problem.x[outer.train], problem.y[outer.train]
    space = {
        name: OneOf(values) if isinstance(values, list) else Between(**values)
        for name, values in settings["space"].items()
    }
    model = LSTM(epochs=settings["epochs"])
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
            f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in result.best.items()
        ),
        "n_sizes": result.swept["n_latents"],
        "names": np.array(list(result.importance), dtype=str),
        "importance": np.array(list(result.importance.values())),
        "score": result.table["score"].to_numpy(dtype=float),
    } | {f"trial_{name}": values.to_numpy() for name, values in result.table.items()}
