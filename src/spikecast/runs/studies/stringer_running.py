"""Study D: running speed from thousands of neurons."""

from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.data.recording import Recording
from spikecast.runs.studies.stringer_figures import draw_activity, locate_neurons
from spikecast.runs.studies.stringer_linear import (
    BASELINE_FOLDS,
    BESIDE,
    explain_variance,
    find_beside,
    find_components,
    regress_as_described,
)
from spikecast.runs.studies.stringer_network import (
    Family,
    Member,
    broadcast_mse,
    cut_in_two,
    cut_validation,
    find_first,
    fit_family,
    list_comparisons,
    list_families,
    make_plan,
    name_network,
    split_mse,
)
from spikecast.runs.studies.stringer_scores import SpeedScorer
from spikecast.runs.studies.stringer_sound import conclude
from spikecast.runs.studies.stringer_splits import LIKE, explain_splits, name_split
from spikecast.runs.studies.study import Column, Measure, Prepared, StudyInputs
from spikecast.tasks.splits import Fold, split_by_block

__all__ = ["conclude", "describe", "prepare"]

TARGET, STAND_IN = "running", "others"
FEWEST_BINS = 800

NO_RUNNING = NoticeKind(
    "no_running",
    "serious",
    "This recording has no running speed, so none can be predicted. What stands in for it is the "
    "average activity (each neuron in its own standard deviations) of every second neuron, "
    "predicted from the {n} others: it shows what the protocols do to a number, and says nothing "
    "about running. It has no pupil and no film of the face either.",
)
FEW_COMPONENTS = NoticeKind(
    "few_components", "minor", "this recording has no more than {n} components"
)
NOT_RECORDED = NoticeKind("not_recorded", "minor", "this recording has no '{name}'")
SUM_OF_VARIANCES = NoticeKind(
    "sum_of_variances",
    "severe",
    "In this run the deck's {error:.4g} on test bins is the variance of what is predicted there "
    "({speed:.4g}), plus that of the predictions ({own:.3g}), plus a squared difference of means "
    "({shift:.3g}); pair by pair the same predictions have MSE {paired:.4g}.",
)
PARTS_UNLIKE = NoticeKind(
    "parts_unlike",
    "serious",
    "It is {ratio:.2g} times the {train:.4g} of the training bins, and the variance of what is "
    "predicted is {spread:.2g} times as large there: the gap between training and test is how "
    "much that varied in each and where its mean lay, not overfitting.",
)
PARTS_ALIKE = NoticeKind(
    "parts_alike",
    "minor",
    "It is {ratio:.2g} times the {train:.4g} of the training bins, the variance of what is "
    "predicted {spread:.2g} times as large: here the two parts of the session are alike.",
)
NO_PLACES = NoticeKind(
    "no_places",
    "minor",
    "Where its neurons lie is not recorded, so the deck's figure of it is not drawn.",
)


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Check that there is one long trial, and find what is predicted: running, or a stand-in."""
    if recording.n_trials != 1:
        raise InputError(
            f"this study needs one continuous recording; this one has {recording.n_trials} trials"
        )
    if recording.n_bins < FEWEST_BINS:
        raise NotEnoughDataError(f"{recording.n_bins} bins are too few; {FEWEST_BINS} are needed")
    names: dict[str, Any] = {"target": TARGET, "predicted": "Running speed"}
    notices = []
    if TARGET not in recording.behavior:
        recording = _add_stand_in(recording)
        notices.append(NO_RUNNING(n=recording.n_neurons))
        names = {"target": STAND_IN, "predicted": "Activity of other neurons (theirs: running)"}
    if locate_neurons(recording) is None:
        notices.append(NO_PLACES())
    n = recording.n_neurons
    many, few = (min(settings[name], n) for name in ("n_components", "few_components"))
    return Prepared(recording, names | {"many": many, "few": few}, tuple(notices))


def _add_stand_in(recording: Recording) -> Recording:
    """Return every other neuron, with the average of the rest as behaviour."""
    rest = recording.activity[:, :, 1::2].astype(float)
    scale = np.maximum(rest.std(axis=(0, 1)), 1e-9)
    average = ((rest - rest.mean(axis=(0, 1))) / scale).mean(axis=2)
    kept = recording.select(neurons=np.arange(0, recording.n_neurons, 2))
    return Recording(kept.dataset.assign({STAND_IN: (("trial", "time"), average)}))


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's networks, each with the flaws, and each with its shapes mended."""
    column, recording, settings = Column(), inputs.recording, inputs.settings
    activity = recording.activity[0]  # (bin, neuron)
    speed = recording.dataset[str(inputs.names["target"])].values[0].astype(np.float32)
    fold = cut_in_two(len(activity), settings["train_share"])
    every = np.arange(len(activity))
    find = find_components, activity, every, settings["n_components"]
    z = inputs.steps.compute("principal components", *find)["z"]
    fits = _fit_list(inputs, z, speed, fold)
    _tabulate(column, fits, speed, fold)
    _fill_reported(column, inputs, fits, speed, fold)
    _ask_which(column, fits, speed, fold)
    for row in ("best", "width", "depth", "activation"):
        if row in column.measures:
            _claim(column, row, inputs, fold, value=column.number("relu"))
    few = min(settings["few_components"], z.shape[1])
    if few < z.shape[1]:
        family = Family(settings["first"]["hidden"], [Member("ReLU", False, fold)])
        fit = fit_family, z[:, :few], speed, family, make_plan(settings), inputs.seed
        told = inputs.steps.compute("fewer components", *fit)["speed"][0]
        column.add("components", _measure_error("test bins, all pairs", told, speed, fold.test))
        _claim(column, "components", inputs, fold)
    else:
        column.lacks["components"] = FEW_COMPONENTS(n=few)
    column.add("baseline", *regress_as_described(z, speed))
    own: dict[str, Any] = {
        "fold": split_by_block(len(z), BASELINE_FOLDS)[0],
        "paired": True,
        "chosen_on": {},
    }
    _claim(column, "baseline", inputs, metric="r2", **own)
    beside = find_beside(recording)
    for key, name in BESIDE.items():
        if key in beside:
            column.add(key, *regress_as_described(z, beside[key])[:3])
            _claim(column, key, inputs, target=name, metric="r2", **own)
        else:
            column.lacks[key] = NOT_RECORDED(name=name)
    _try_splits(column, inputs, z, speed)
    _take_first_steps(column, inputs, z, fits, speed, fold)
    explain = explain_variance, activity, *fold, settings["n_components"]
    column.arrays["explained"] = inputs.steps.compute("variance explained", *explain)
    column.arrays["activity"] = draw_activity(activity, speed, recording.time)
    if (places := locate_neurons(recording)) is not None:
        column.arrays["space"] = places
    told = fits[find_first(settings), False]
    column.arrays["predicted"] = {
        "truth": speed[fold.test],
        "predicted": told[fold.test],
        "seconds": recording.time[fold.test],
    }
    return column


def _fit_list(
    inputs: StudyInputs, z: np.ndarray, speed: np.ndarray, fold: Fold
) -> dict[tuple[str, bool], np.ndarray]:
    """Return the speed that each network gives for all bins, by name and whether it is mended."""
    settings = inputs.settings
    families = {
        f"networks {'-'.join(map(str, family.hidden))}": family
        for family in list_families(settings, fold)
    }
    plan = make_plan(settings)
    inputs.steps.prepare(
        {title: (fit_family, (z, speed, family, plan, inputs.seed))
         for title, family in families.items()}
    )  # fmt: skip
    fits = {}
    for title, family in families.items():
        found = inputs.steps.compute(title, fit_family, z, speed, family, plan, inputs.seed)
        for row, member in enumerate(family.members):
            fits[family.name(row), member.paired] = found["speed"][row]
    return fits


def _measure_error(name: str, told: np.ndarray, speed: np.ndarray, bins: np.ndarray) -> Measure:
    return Measure(name, broadcast_mse(told[bins], speed[bins]), "mse")


def _tabulate(
    column: Column, fits: dict[tuple[str, bool], np.ndarray], speed: np.ndarray, fold: Fold
) -> None:
    """Fill in the tables of all networks: as described, and with the shapes mended."""
    for table, paired in (("errors", False), ("mended", True)):
        rows = []
        for (name, own), told in fits.items():
            if own == paired:
                rows.append({"net": name} | list_errors(told, speed, fold, paired))
        column.tables[table] = pd.DataFrame(rows)


def list_errors(told: np.ndarray, speed: np.ndarray, fold: Fold, paired: bool) -> dict[str, float]:
    """Return MSE and RMSE on training and test bins, and R2 pair by pair on test bins."""
    mse = {
        part: ((told[bins] - speed[bins]) ** 2).mean(dtype=float) if paired
        else broadcast_mse(told[bins], speed[bins])
        for part, bins in zip(("train", "test"), fold)
    }  # fmt: skip
    return (
        {f"mse_{part}": error for part, error in mse.items()}
        | {f"rmse_{part}": error**0.5 for part, error in mse.items()}
        | {"r2_test": score_test(speed, fold, 0).r2("", told[fold.test]).number}
    )


def score_test(speed: np.ndarray, fold: Fold, seed: int) -> SpeedScorer:
    """Return what scores predictions of a fold's test bins against its training mean."""
    truth = speed[fold.test]
    return SpeedScorer(truth, np.full(len(truth), speed[fold.train].mean(dtype=float)), seed)


def _fill_reported(
    column: Column,
    inputs: StudyInputs,
    fits: dict[tuple[str, bool], np.ndarray],
    speed: np.ndarray,
    fold: Fold,
) -> None:
    """Fill in the two networks that the deck reports, and that its error measures no prediction."""
    settings, (train, test) = inputs.settings, fold
    for key in ("first", "second"):
        told = fits[name_network(**settings[key]), False]
        row = "relu" if key == "first" else "sigmoid"
        errors = [
            _measure_error(name, told, speed, bins)
            for name, bins in (("test bins, all pairs", test), ("training bins, all pairs", train))
        ]
        roots = [Measure(one.name, one.number**0.5, "rmse") for one in errors]
        column.add(row, *errors, *roots)
        _claim(column, row, inputs, fold)
    told = fits[find_first(settings), False][test]
    truth = speed[test]
    paired = float(((told - truth) ** 2).mean(dtype=float))
    parts = dict(zip(("speed", "own", "shift"), split_mse(told, truth), strict=True))
    error, on_train = (one.number for one in column.measures["relu"][:2])
    spread = truth.var() / max(float(speed[train].var()), 1e-9)
    ratio = error / on_train
    kind = PARTS_UNLIKE if max(spread, 1 / spread) > LIKE else PARTS_ALIKE
    column.because["relu"] = [
        SUM_OF_VARIANCES(error=error, paired=paired, **parts),
        kind(ratio=ratio, train=on_train, spread=float(spread)),
    ]
    shuffled = np.random.default_rng(0).permutation(told)
    error = broadcast_mse(shuffled, truth)
    column.add("identity", Measure("predictions shuffled in time, all pairs", error, "mse"))
    scorer = score_test(speed, fold, inputs.seed)
    column.add("r2", scorer.r2("its test bins, pair by pair", told))
    _claim(column, "r2", inputs, fold, metric="r2")  # all pairs were its loss


def _claim(
    column: Column, row: str, inputs: StudyInputs, fold: Fold, *, paired: bool = False, **facts: Any
) -> None:
    """Record how a number of a network came about; of a `paired` one the score has equal shapes.

    FLAW, fitted outside the fold: the components are those of all bins.
    """
    column.claim(
        row,
        unit="bins",
        train=fold.train,
        test=fold.test,
        fitted_on={"the PCA": np.arange(inputs.recording.n_bins)},
        prediction_shape=[len(fold.test)] if paired else [len(fold.test), 1],
        target_shape=[len(fold.test)],
        # their own linear regression, discarded, had an R2
        null="the training mean",
        **{"target": str(inputs.names["target"]), "metric": "mse"}
        | {"chosen_on": {"the epoch": fold.test}}
        | facts,
    )


def _try_splits(column: Column, inputs: StudyInputs, z: np.ndarray, speed: np.ndarray) -> None:
    """Fill in the deck's error of one network by where the session is cut in two.

    FLAW, split chosen by its score: the deck took the split that did best.
    """
    settings = inputs.settings
    chosen = settings["train_share"]
    errors, shares = {}, {}
    for share in sorted({*settings["splits"], chosen}):
        fold = cut_in_two(len(speed), share)
        name = name_split(share)
        if share == chosen:
            errors[name] = column.number("relu")
        else:
            family = Family(settings["first"]["hidden"], [Member("ReLU", False, fold)])
            fit = fit_family, z, speed, family, make_plan(settings), inputs.seed
            told = inputs.steps.compute(f"split {name}", *fit)["speed"][0]
            errors[name] = _measure_error("", told, speed, fold.test).number
        shares[name] = errors[name] / float(speed[fold.test].var(dtype=float))
    column.add(
        "split",
        *(
            Measure(f"{name}, test bins, all pairs", error, "mse")
            for name, error in errors.items()
            if name != name_split(chosen)
        ),
    )
    _claim(column, "split", inputs, cut_in_two(len(speed), chosen))
    for row in set(column.claims) - {"baseline", *BESIDE}:  # all others are scored on that split
        column.claims[row] = column.claims[row].model_copy(update={"splits_tried": errors})
    column.because["split"] = [explain_splits(errors, shares, name_split(chosen))]


def _ask_which(
    column: Column, fits: dict[tuple[str, bool], np.ndarray], speed: np.ndarray, fold: Fold
) -> None:
    """Fill in which network the deck's error would choose, and what size and shape do to it."""
    errors = {
        name: broadcast_mse(told[fold.test], speed[fold.test])
        for (name, paired), told in fits.items()
        if not paired
    }
    column.add("best", Measure("lowest of the deck's errors", min(errors, key=errors.get), "name"))  # type: ignore[arg-type]
    for row, pairs in list_comparisons(list(errors)).items():
        column.add(
            row,
            *(Measure(title, errors[one] - errors[other], "mse") for title, one, other in pairs),
        )


def _take_first_steps(
    column: Column,
    inputs: StudyInputs,
    z: np.ndarray,
    fits: dict[tuple[str, bool], np.ndarray],
    speed: np.ndarray,
    fold: Fold,
) -> None:
    """Fill in the steps from the deck's number to components of training bins, on its split."""
    settings, (train, test) = inputs.settings, fold
    first, scorer = find_first(settings), score_test(speed, fold, inputs.seed)
    told = fits[first, False][test]
    spread = ((scorer.truth - scorer.null) ** 2).mean()
    deck = 1 - broadcast_mse(told, speed[test]) / float(spread)
    steps = {
        "deck": Measure("", deck, "r2"),
        "paired": scorer.r2("", told),
        "trained": scorer.r2("", fits[first, True][test]),
    }
    own = cut_validation(train, inputs.seed)
    family = Family(settings["first"]["hidden"], [Member("ReLU", True, own)])
    find = find_components, inputs.recording.activity[0], train, settings["n_components"]
    for key in ("epoch", "inside"):
        if key == "inside":
            z = inputs.steps.compute("components of training bins", *find)["z"]
        fit = fit_family, z, speed, family, make_plan(settings), inputs.seed
        found = inputs.steps.compute(f"staircase, {key}", *fit)["speed"][0]
        steps[key] = scorer.r2("", found[test])
    column.steps["predicted"] = steps
