"""The sound column of study E: their networks in folds, beside components on the same windows."""

from pathlib import Path
from typing import Any

import numpy as np

from spikecast.core.notices import NoticeKind
from spikecast.evaluation.fit import fit_model
from spikecast.models.catalog import name_model
from spikecast.models.linear import PCARidge
from spikecast.runs.reader import Run
from spikecast.runs.studies.nma_maps import fit_mixed, score_maps
from spikecast.runs.studies.nma_network import (
    AUTOENCODERS,
    NAMES,
    DeckNetwork,
    fit_planes_together,
    fit_windows,
    join_neurons,
    join_windows,
    make_network,
    measure_mse,
    measure_null,
    measure_r2,
    measure_share,
    reduce_windows,
    sum_errors,
)
from spikecast.runs.studies.nma_planes import Planes, cut_planes, draw_neurons
from spikecast.runs.studies.nma_shared import (
    count_dimensions,
    relate_planes,
    score_search,
    take_means,
)
from spikecast.runs.studies.sound_runs import ModelScores, compare_times, read_scores
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.tasks.problem import cut_windows
from spikecast.tasks.splits import Fold, split_by_block
from spikecast.tasks.tasks import AreaToArea

MEAN = "each neuron's training mean"

REBUILT = NoticeKind(
    "rebuilt",
    "serious",
    "In this run {model} leaves an error of {described:.3f} on the last fifth and of {sound:.3f} "
    "({low:.3f} to {high:.3f}) over all windows while held out, each neuron's mean {mean:.3f} and "
    "as many principal components {pca:.3f}: {what}.",
)
PCA_BESIDE = NoticeKind(
    "pca_beside",
    "severe",
    "On the same windows, never seen before, the deck's LSTM leaves an error of {network:.3f} and "
    "as many principal components {pca:.3f}; each neuron's mean leaves {mean:.3f}. {what}",
)
CROSSED = NoticeKind(
    "crossed",
    "serious",
    "In this run {model} of the deck has R² {theirs:.3f} ({low:.3f} to {high:.3f}) of the other "
    "plane, ours with early stopping {ours}, ridge regression {ridge}.",
)
PLANE_FROM_PLANE = NoticeKind(
    "plane_from_plane",
    "serious",
    "From one plane to another the best is {model}, R² {r2:.3f} ({low:.3f} to {high:.3f}); the "
    "best of the deck's cells, soundly, is the {cell}, R² {theirs:.3f}.",
)
MEAN_LEFT = NoticeKind(
    "mean_left",
    "serious",
    "In this run the mean that every bin was divided by is told by the divided neurons to R² "
    "{r2:.2f} ({low:.2f} to {high:.2f}) on held-out time: {what}.",
)
VARIANCE_HELD_OUT = NoticeKind(
    "variance_held_out",
    "serious",
    "In this run the components explain {own:.2f} of the variance that they were fitted to and "
    "{new:.2f} ({low:.2f} to {high:.2f}) of other time: {what}.",
)
LINEAR = NoticeKind(
    "linear",
    "serious",
    "In this run ridge regression has R² {ridge:.3f} ({low:.3f} to {high:.3f}), the best of the "
    "deck's networks ({name}) {theirs:.3f}: {what}.",
)
WISH = NoticeKind(
    "wish",
    "minor",
    "In this run {model} has R² {own}, the best linear model {linear}, the deck's LSTM "
    "{theirs:.3f}.",
)
NOT_FITTED = NoticeKind(
    "not_fitted", "minor", "this run has no score of {model}: it was not asked for, or not fitted"
)


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Refit the deck's networks in folds, set components beside them, and score its maps."""
    column, recording = Column(), inputs.recording
    run = sound / "plane"
    scores = read_scores(run, inputs.called)
    planes = cut_planes(
        recording.activity[0], draw_neurons(recording, inputs.settings, inputs.seed, "fit")
    )
    n_windows = len(next(iter(planes.values())))
    folds = split_by_block(n_windows, inputs.settings["folds"], gap=1)
    _predict_mean(column, inputs, [*planes], folds)
    _rebuild_by_components(column, inputs, planes, folds, described)
    _rebuild_by_networks(column, inputs, planes, folds, described)
    latents = _share_network(column, inputs, planes, folds, described)
    _cross_planes(column, inputs, scores, folds)
    score_search(column, inputs)
    count_dimensions(column, run, inputs)
    relate_planes(column, inputs)
    mixed = fit_mixed(inputs, make_network(inputs.settings, inputs.seed, "lstm"), folds[0])
    score_maps(column, inputs, latents, mixed)
    _fill_wishes(column, scores)
    _sum_up(column, scores)
    return column


def _predict_mean(column: Column, inputs: StudyInputs, names: list[str], folds: list[Fold]) -> None:
    """Fill in how well normalised neurons tell the mean that they were divided by."""
    recording, plane = inputs.recording, inputs.recording.neurons["plane"].to_numpy()
    means = take_means(recording, names)

    def predict() -> dict[str, Any]:
        errors = []
        for number, name in enumerate(names):
            x = cut_windows(recording.activity[..., plane == name])
            y = cut_windows(means[np.newaxis, :, [number]])
            made = [(fit_model(PCARidge(), x, y, fold).model, fold) for fold in folds]
            parts = [sum_errors(y, model.predict(x[fold.test]), fold) for model, fold in made]
            errors.append(join_windows(parts))
        return join_neurons(errors)

    errors = inputs.steps.compute("the mean that was divided out", predict)
    told = measure_r2("the mean, from neurons divided by it, on held-out time", errors, inputs.seed)
    column.add("arousal", told)
    column.claim("arousal", metric="r2", null="the mean's training mean")
    what = "dividing does not take it out of the population"
    if told.low is not None and told.low <= 0:
        what = "what is left of it is not told from nothing"
    limits = {"r2": told.number, "low": told.low, "high": told.high}
    column.because["arousal"] = [MEAN_LEFT(what=what, **limits)]


def _rebuild_by_components(
    column: Column, inputs: StudyInputs, planes: Planes, folds: list[Fold], described: Column
) -> None:
    """Fill in what components explain, and leave, of windows that they were not fitted to."""
    seed, n_latents = inputs.seed, inputs.settings["n_latents"]
    n_neurons = next(iter(planes.values())).shape[2]
    found = {}
    for n in (max(n_neurons // 10, 1), n_latents):

        def reduce(n: int = n) -> dict[str, Any]:
            return join_neurons([
                join_windows([reduce_windows(x, fold, n) for fold in folds])
                for x in planes.values()
            ])  # fmt: skip

        found[n] = inputs.steps.compute(f"{n} components held out", reduce)
    (tenth, few) = found[max(n_neurons // 10, 1)], found[n_latents]
    title = "as many components, every window while held out, all planes pooled"
    share = measure_share(title, tenth, seed)
    column.add("pca", share)
    column.claim("pca", metric="r2", null=MEAN)
    own = described.number("pca")
    assert share.low is not None
    assert share.high is not None
    what = "most of it holds" if share.number > 0.8 * own else "the rest does not hold there"
    if share.low <= own <= share.high:
        what = "here being in sample cost nothing that can be told"
    values = {"own": own, "new": share.number, "low": share.low, "high": share.high}
    column.because["pca"] = [VARIANCE_HELD_OUT(what=what, **values)]
    every = np.arange(len(next(iter(planes.values()))))
    seen = [reduce_windows(x, Fold(every, every), n_latents) for x in planes.values()]
    in_sample = measure_mse(f"{n_latents} components in sample", join_neurons(seen), seed)
    column.add(
        "pca_error",
        measure_mse(f"{n_latents} principal components", few, seed),
        measure_null("each neuron's mean", few, seed),
        measure_share(f"{n_latents} principal components", few, seed),
        in_sample,
    )
    column.claim("pca_error", metric="mse", null=MEAN)


def _rebuild_by_networks(
    column: Column, inputs: StudyInputs, planes: Planes, folds: list[Fold], described: Column
) -> None:
    """Fill in the deck's autoencoders, one net per plane, each window scored while held out."""
    seed = inputs.seed
    for key, cell in AUTOENCODERS.items():
        model = make_network(inputs.settings, seed, cell)
        errors = {name: _fit_folds(inputs, model, f"{cell} of {name}", x, x, folds)
                  for name, x in planes.items()}  # fmt: skip
        title = f"their {NAMES[cell]}"
        _add_errors(column, described, key, title, join_neurons([*errors.values()]), seed)
        if key == "own":
            pooled = measure_share("", errors[inputs.names["target"]], seed)
            column.steps["reconstruction"] = {"pooled": pooled}


def _fit_folds(
    inputs: StudyInputs, model: DeckNetwork, name: str, x: np.ndarray, y: np.ndarray,
    folds: list[Fold],
) -> dict[str, Any]:  # fmt: skip
    """Return the errors of a network that is refitted in every fold."""
    fits = [
        inputs.steps.compute(f"their {name}, fold {number + 1}", fit_windows, model, x, y, fold)
        for number, fold in enumerate(folds)
    ]
    return join_windows(fits)


def _add_errors(
    column: Column, described: Column, key: str, title: str, errors: dict[str, Any], seed: int
) -> None:
    """Fill in a reconstruction's error, said as a share as well, and what stands beside it."""
    error = measure_mse(title, errors, seed)
    column.add(key, error, measure_share(title, errors, seed))
    column.claim(key, metric="mse", null=MEAN, baselines=["as many principal components"])
    pca, mean = column.measures["pca_error"][:2]
    what = _judge_error(error, pca, mean)
    values = {"described": described.number(key), "sound": error.number, "pca": pca.number}
    limits = {"low": error.low, "high": error.high, "mean": mean.number}
    column.because[key] = [REBUILT(model=title, what=what, **values, **limits)]


def _judge_error(error: Measure, pca: Measure, mean: Measure) -> str:
    """Return what an error of reconstruction is worth beside components and the mean."""
    if error.number >= mean.number:
        return "the network is no better than the mean"
    if error.number > pca.number:
        return "the network is better than the mean and worse than components"
    return "the network is better than components"


def _share_network(
    column: Column, inputs: StudyInputs, planes: Planes, folds: list[Fold], described: Column
) -> np.ndarray:
    """Fill in the one network for all planes, in folds; return latents of the first fold's."""
    model = make_network(inputs.settings, inputs.seed, "lstm")
    fits = []
    for number, fold in enumerate(folds):
        fit = fit_planes_together, model, planes, fold, planes if number == 0 else {}
        fits.append(inputs.steps.compute(f"their one LSTM, fold {number + 1}", *fit))
    title = "their one LSTM for all planes"
    _add_errors(column, described, "shared", title, join_windows(fits), inputs.seed)
    return fits[0]["latents"]


def _cross_planes(
    column: Column, inputs: StudyInputs, scores: ModelScores, folds: list[Fold]
) -> None:
    """Fill in one plane from another: the deck's networks in folds, then ours, then linear."""
    names, seed = inputs.names, inputs.seed
    problem = AreaToArea(names["target"], names["source"], by="plane").problem(inputs.recording)
    ridge = scores["pca_ridge"]
    for cell, title in NAMES.items():
        key, model = f"across_{cell}", make_network(inputs.settings, seed, cell)
        errors = _fit_folds(inputs, model, f"{cell} across planes", problem.x, problem.y, folds)
        name = f"their {title}"
        theirs, share = measure_r2(name, errors, seed), measure_share(name, errors, seed)
        ours = [scores[cell]] if cell in scores else []
        column.add(key, measure_mse(name, errors, seed), share, theirs, *ours)
        column.claim(key, metric="mse", null=MEAN, baselines=["ridge regression"])
        column.because[key] = [
            CROSSED(
                model=f"the {title}", theirs=theirs.number, low=theirs.low, high=theirs.high,
                ours=f"{ours[0].number:.3f}" if ours else "was not fitted",
                ridge=f"{ridge.number:.3f}",
            )
        ]  # fmt: skip
        if cell == "lstm":
            column.steps["reconstruction"]["across"] = share
    for step, fitted in (("ridge", "pca_ridge"), ("model", "timescales")):
        if fitted in scores:
            errors = _read_errors(scores.run, problem.y, fitted)
            column.steps["reconstruction"][step] = measure_share("", errors, seed)
    column.add("across_linear", *scores.choose("pca_ridge", "reduced_rank"))
    _set_linear_beside(column, ridge)


def _read_errors(run: Path, y: np.ndarray, model: str) -> dict[str, Any]:
    """Return the errors of a model of the sound run, every window while held out."""
    (target,) = Run(run).targets
    predicted = target.read_predictions(model)
    return join_windows([sum_errors(y, predicted[fold.test], fold) for fold in target.folds])


def _set_linear_beside(column: Column, ridge: Measure) -> None:
    """Say what a linear model knows of another plane, beside the best of the deck's networks."""
    theirs = {title: column.measures[f"across_{cell}"][2].number for cell, title in NAMES.items()}
    name = max(theirs, key=lambda title: theirs[title])
    assert ridge.low is not None
    assert ridge.high is not None
    what = "the two are not told apart"
    if not ridge.low <= theirs[name] <= ridge.high:
        what = f"the {'linear model' if ridge.low > theirs[name] else 'network'} explains more"
    limits = {"ridge": ridge.number, "low": ridge.low, "high": ridge.high}
    column.because["across_linear"] = [LINEAR(name=name, theirs=theirs[name], what=what, **limits)]


def _fill_wishes(column: Column, scores: ModelScores) -> None:
    """Fill in what the deck wished for next."""
    linear = column.measures["across_linear"][0]
    theirs = column.measures["across_lstm"][2].number
    for key, model in (("multiscale", "timescales"), ("lfads", "lfads")):
        if model not in scores:
            column.lacks[key] = NOT_FITTED(model=name_model(model))
            continue
        column.add(key, scores[model])
        values = {"own": f"{scores[model].number:.3f}", "linear": f"{linear.number:.3f}"}
        column.because[key] = [WISH(model=scores[model].name, theirs=theirs, **values)]
    if "lfads" in scores:
        column.because["lfads"].append(compare_times(Run(scores.run).scores, "lfads"))


def _sum_up(column: Column, scores: ModelScores) -> None:
    """Say which of the deck's network, components and the mean leaves least, and what is best."""
    network, (pca, mean) = column.measures["own"][0], column.measures["pca_error"][:2]
    what = "The baseline that was never put on the same metric is better."
    if network.number < pca.number:
        what = "Here the network is better than the baseline."
    values = {"network": network.number, "pca": pca.number, "mean": mean.number}
    column.conclusions.insert(0, PCA_BESIDE(what=what, **values))
    column.because["pca_error"] = [PCA_BESIDE(what=what, **values)]
    best = next(measure for model, measure in scores.items() if model != "mean_rate")
    theirs = {name: column.measures[f"across_{cell}"][2].number for cell, name in NAMES.items()}
    cell = max(theirs, key=lambda name: theirs[name])
    told = PLANE_FROM_PLANE(
        model=best.name, r2=best.number, low=best.low, high=best.high, cell=cell,
        theirs=theirs[cell],
    )  # fmt: skip
    column.conclusions.insert(1, told)
