"""Study D soundly: the deck's networks in contiguous folds, nothing learnt from what is scored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from spikecast.core.seeding import make_rng
from spikecast.models.linear import PCARidge
from spikecast.runs.reader import Run
from spikecast.runs.studies import sound_runs
from spikecast.runs.studies.stringer_figures import correlate_neurons, draw_activity
from spikecast.runs.studies.stringer_linear import find_beside, find_components, regress_in_fold
from spikecast.runs.studies.stringer_network import (
    Family,
    Member,
    cut_validation,
    find_first,
    fit_family,
    list_comparisons,
    list_families,
    make_plan,
    name_network,
)
from spikecast.runs.studies.stringer_reasons import explain_rows, explain_wishes
from spikecast.runs.studies.stringer_scores import SpeedScorer
from spikecast.runs.studies.stringer_wishes import learn_from_more_time, learn_from_others
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.tasks.problem import WINDOW, count_windows
from spikecast.tasks.splits import Fold, split_by_block

GAP = 1  # windows left out on either side of a block
WISHES = ("dropout", "augmentation")
OURS = ("timescales", "pca_ridge", "mlp")
"""Models of the sound run that the row shows."""


@dataclass
class HeldOut:
    """Predictions of all bins while they were held out, by network; and errors on training bins."""

    truth: np.ndarray  # (bin,)
    folds: list[Fold]  # of bins
    told: dict[str, np.ndarray] = field(default_factory=dict)
    own: dict[str, list[float]] = field(default_factory=dict)  # one per fold

    @property
    def null(self) -> np.ndarray:
        """The mean of each fold's training bins, (bin,)."""
        return fill_null(self.truth, self.folds)

    def keep(self, name: str, predicted: np.ndarray, fold: Fold) -> None:
        """Keep the test bins of a prediction of all bins, and its error on training bins."""
        self.told.setdefault(name, np.zeros_like(self.truth))[fold.test] = predicted[fold.test]
        error = (predicted[fold.train] - self.truth[fold.train]) ** 2
        self.own.setdefault(name, []).append(float(error.mean(dtype=float)))


def fill_null(truth: np.ndarray, folds: list[Fold]) -> np.ndarray:
    """Return the training mean of the fold that each bin is tested in."""
    null = np.zeros(truth.shape)
    for fold in folds:
        null[fold.test] = truth[fold.train].mean(axis=0, dtype=float)
    return null


def cut_bins(n_bins: int, n_folds: int) -> list[Fold]:
    """Return contiguous folds of the bins of whole windows, with a gap, as sound runs have them."""
    blocks = split_by_block(count_windows(n_bins), n_folds, GAP)
    return [Fold(*(_list_bins(windows) for windows in fold)) for fold in blocks]


def _list_bins(windows: np.ndarray) -> np.ndarray:
    return (windows[:, np.newaxis] * WINDOW + np.arange(WINDOW)).ravel()


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Refit the deck's networks in folds, and read our models from the sound run."""
    column, settings = Column(), inputs.settings
    speed = inputs.recording.dataset[str(inputs.names["target"])].values[0].astype(float)
    folds = cut_bins(len(speed), settings["folds"])
    held = HeldOut(speed[: count_windows(len(speed)) * WINDOW], folds)
    beside = _predict_in_folds(inputs, held)
    scorer = SpeedScorer(held.truth, held.null, inputs.seed)
    _fill_networks(column, inputs, held, scorer)
    _fill_comparisons(column, inputs, held, scorer)
    column.add(
        "baseline",
        scorer.r2("their linear regression, in folds", held.told["linear regression"]),
        _measure_rmse(scorer, "in folds", held.told["linear regression"]),
    )
    for row, (truth, told) in beside.items():
        own = SpeedScorer(truth, fill_null(truth, folds), inputs.seed)
        column.add(row, own.r2("in folds", told))
    scores = sound_runs.read_scores(sound / "main", inputs.called)
    column.add("ours", *scores.choose(*OURS))
    best = next(model for model in scores if model in OURS)
    held.told["ours"] = _read_held_out(sound / "main", best)
    column.steps["predicted"] = {
        "pooled": scorer.r2("", held.told[find_first(settings)]),
        "linear": scorer.r2("", held.told["linear regression"]),
        "model": scores["timescales"],
    }
    _fill_wishes(column, inputs)
    _draw(column, inputs, described, held, scorer)
    explain_rows(column, inputs, described, held.told, scorer)
    return column


def _predict_in_folds(
    inputs: StudyInputs, held: HeldOut
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fill in what each network says of held-out bins.

    Returns truth and prediction of what else the notebook regressed, by row.
    """
    settings, n = inputs.settings, len(held.truth)
    activity = inputs.recording.activity[0][:n]
    beside = {row: (target[:n], np.zeros(target[:n].shape))
              for row, target in find_beside(inputs.recording).items()}  # fmt: skip
    plan = make_plan(settings, settings["patience"])
    components, fits = [], []
    for number, fold in enumerate(held.folds, 1):
        find = find_components, activity, fold.train, settings["n_components"]
        components.append(inputs.steps.compute(f"components, fold {number}", *find)["z"])
        inner = cut_validation(fold.train, inputs.seed)
        for title, names, family, z in _list_fits(inputs, inner, components[-1]):
            call = fit_family, (z, held.truth, family, plan, inputs.seed)
            fits.append((f"{title}, fold {number}", names, fold, call))
    inputs.steps.prepare({title: call for title, _, _, call in fits})
    for title, names, fold, (fit, arguments) in fits:
        found = inputs.steps.compute(title, fit, *arguments)["speed"]
        for name, predicted in zip(names, found, strict=True):
            held.keep(name, predicted, fold)
    for z, fold in zip(components, held.folds, strict=True):
        told = regress_in_fold(z, held.truth, fold.train)[:, 0]
        held.keep("linear regression", told, fold)
        for target, kept in beside.values():
            kept[fold.test] = regress_in_fold(z, target, fold.train)[fold.test]
    return beside


def _list_fits(
    inputs: StudyInputs, inner: Fold, z: np.ndarray
) -> Iterator[tuple[str, list[str], Family, np.ndarray]]:
    """Yield title, names, networks and components of each fit of a fold."""
    settings = inputs.settings
    for family in list_families(settings, inner, (True,)):
        names = [family.name(row) for row in range(len(family.members))]
        yield f"networks {'-'.join(map(str, family.hidden))}", names, family, z
    hidden, members = settings["first"]["hidden"], [Member("ReLU", True, inner)]
    yield "dropout", ["dropout"], Family(hidden, members, dropout=settings["dropout"]), z
    yield "augmentation", ["augmentation"], Family(hidden, members, noise=settings["noise"]), z
    few = settings["few_components"]
    if few < z.shape[1]:
        yield "fewer components", ["components"], Family(hidden, members), z[:, :few]


def _read_held_out(run: Path, model: str) -> np.ndarray:
    """Return what a model of the sound run predicts of each bin while it was held out, (bin,)."""
    return Run(run).targets[0].read_predictions(model).ravel()


def _measure_rmse(scorer: SpeedScorer, name: str, told: np.ndarray) -> Measure:
    found = scorer.mse(name, told)
    low, high = (float(np.sqrt(limit)) for limit in (found.low, found.high))  # type: ignore[arg-type]
    return Measure(name, found.number**0.5, "rmse", low, high)


def _fill_networks(column: Column, inputs: StudyInputs, held: HeldOut, scorer: SpeedScorer) -> None:
    """Fill in the two reported networks, the shuffle, the split and the number of components."""
    settings = inputs.settings
    first, second = (name_network(**settings[key]) for key in ("first", "second"))
    for row, name in (("relu", first), ("sigmoid", second)):
        column.add(
            row,
            scorer.mse("pair by pair, in folds", held.told[name]),
            _measure_rmse(scorer, "pair by pair, in folds", held.told[name]),
            Measure("training bins, pair by pair", float(np.mean(held.own[name])), "mse"),
            Measure("training bins, pair by pair", float(np.mean(held.own[name])) ** 0.5, "rmse"),
        )
    told = held.told[first]
    column.add("r2", scorer.r2(f"their {first}, in folds, pair by pair", told))
    shuffled = make_rng(inputs.seed, "stringer-running", "shuffle").permutation(told)
    column.add("identity", scorer.mse("predictions shuffled in time, pair by pair", shuffled))
    errors = [float(((told[fold.test] - held.truth[fold.test]) ** 2).mean()) for fold in held.folds]
    column.add(
        "split",
        Measure("the fold with the lowest error, pair by pair", min(errors), "mse"),
        Measure("the fold with the highest, pair by pair", max(errors), "mse"),
    )
    if "components" in held.told:
        column.add("components", scorer.mse("in folds, pair by pair", held.told["components"]))


def _fill_comparisons(
    column: Column, inputs: StudyInputs, held: HeldOut, scorer: SpeedScorer
) -> None:
    """Fill in what size, depth and activation do, and the table of all networks."""
    names = [name for family in list_families(inputs.settings, held.folds[0], (True,))
             for name in (family.name(row) for row in range(len(family.members)))]  # fmt: skip
    rows = []
    for name in names:
        mse = {"train": float(np.mean(held.own[name])),
               "test": scorer.mse("", held.told[name]).number}  # fmt: skip
        rows.append(
            {"net": name}
            | {f"mse_{part}": error for part, error in mse.items()}
            | {f"rmse_{part}": error**0.5 for part, error in mse.items()}
            | {"r2_test": scorer.r2("", held.told[name]).number}
        )
    column.tables["sound"] = pd.DataFrame(rows)
    for row, pairs in list_comparisons(names).items():
        column.add(
            row,
            *(scorer.compare_mse(title, held.told[one], held.told[other])
              for title, one, other in pairs),
        )  # fmt: skip
    best, second = sorted(names, key=lambda name: scorer.mse("", held.told[name]).number)[:2]
    apart = scorer.compare_mse("", held.told[second], held.told[best])
    assert apart.low is not None
    column.add("best", Measure("lowest error in folds", best if apart.low > 0 else None, "name"))
    first, settings = find_first(inputs.settings), inputs.settings
    sizes = {
        "dropout": f"dropout of {settings['dropout']:.0%}",
        "augmentation": f"noise of {settings['noise']:g} standard deviations",
    }
    for row in WISHES:
        column.add(row, scorer.r2(f"{first} with {sizes[row]}, in folds", held.told[row]))


def _fill_wishes(column: Column, inputs: StudyInputs) -> None:
    """Fill in what other animals add, and more time of this one."""
    settings = inputs.settings
    others = inputs.steps.compute("more mice", learn_from_others, settings["animals"], inputs.seed)
    n, minutes = len(others["alone"]), float(others["minutes"])
    column.add(
        "more",
        Measure(f"{n} simulated mice, each learnt alone from {minutes:.0f} min",
                float(others["alone"].mean()), "r2"),
        Measure("with a core learnt from the other simulated mice",
                float(others["adapted"].mean()), "r2"),
    )  # fmt: skip
    model = PCARidge(widths=(0.0,), n_components=settings["few_components"])
    learn = learn_from_more_time, inputs.recording, str(inputs.names["target"]), model
    curve = inputs.steps.compute("more and more time", *learn)
    column.add(
        "longer",
        *(
            Measure(f"last fifth of the session, learnt from {minutes:.3g} min", float(r2), "r2")
            for minutes, r2 in zip(curve["minutes"][::-1], curve["r2"][::-1], strict=True)
        ),
    )
    explain_wishes(column, others, curve)


def _draw(
    column: Column, inputs: StudyInputs, described: Column, held: HeldOut, scorer: SpeedScorer
) -> None:
    """Fill in the figures: all networks, the deck's figure soundly, neurons in order of running."""
    names = column.tables["sound"]["net"].tolist()
    measures = [scorer.r2("", held.told[name]) for name in [*names, "linear regression"]]
    column.arrays["networks"] = {
        "names": np.array([*names, "linear regression"]),
        "described": described.tables["errors"]["r2_test"].to_numpy(),
        "mended": described.tables["mended"]["r2_test"].to_numpy(),
        "sound": np.array([[one.number, one.low, one.high] for one in measures], dtype=float),
    }
    seconds = inputs.recording.time
    column.arrays["predicted_sound"] = {
        "truth": held.truth,
        "predicted": held.told[find_first(inputs.settings)],
        "seconds": seconds[: len(held.truth)],
    }
    activity, half = inputs.recording.activity[0], len(held.truth) // 2
    order = np.argsort(correlate_neurons(activity[:half], held.truth[:half]))
    column.arrays["activity_sorted"] = draw_activity(
        activity[half : len(held.truth)], held.truth[half:], seconds[half : len(held.truth)], order
    )
