"""Study D: running speed from thousands of neurons."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import derive_seed
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import fit_model
from spikecast.models.base import Model
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.training import train_network
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs import config as configs
from spikecast.runs.layout import RunLayout
from spikecast.runs.studies import sound_runs
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, Prepared, StudyInputs
from spikecast.scoring import metrics
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import Behavior

TARGET = "running"
ACTIVATIONS: dict[str, type[nn.Module]] = {"ReLU": nn.ReLU, "Sigmoid": nn.Sigmoid, "Tanh": nn.Tanh}
KEYS = ("relu", "sigmoid")  # of the two networks that the deck reports
FEWEST_BINS = 800
FEWEST_WINDOWS = 5  # inner folds need as many

NO_PREDICTION_ERROR = NoticeKind(
    "no_prediction_error",
    "severe",
    "The deck's MSE of {described:.2f} on its test bins is not a prediction error: with "
    "predictions shuffled in time it is {shuffled:.2f}, where pair by pair it is {paired:.2f}. It "
    "cannot tell a prediction from its shuffle.",
)
LINEAR_BESIDE = NoticeKind(
    "linear_beside",
    "serious",
    "Trained on that loss, the network scores R² {network:.3f} on its test bins; linear regression "
    "on principal components, in blocks it has not seen, {linear:.3f}.",
)


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Check that there is running speed in one long trial."""
    if TARGET not in recording.behavior or recording.n_trials != 1:
        raise InputError(
            f"this study needs one continuous recording with '{TARGET}'; this one has "
            f"{recording.n_trials} trials and {', '.join(recording.behavior) or 'no behaviour'}"
        )
    if recording.n_bins < FEWEST_BINS:
        raise NotEnoughDataError(f"{recording.n_bins} bins are too few; {FEWEST_BINS} are needed")
    return Prepared(recording, {"target": TARGET})


class DeckMLP(Network):
    """Layers of one activation and a linear output, trained on the deck's loss.

    FLAW, shapes broadcast: predictions (N, 1) are set against speeds (N,), so that every prediction
    is compared with every speed.
    """

    def __init__(self, n_features: int, hidden: Sequence[int], activation: str) -> None:
        super().__init__("continuous")
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise([n_features, *hidden]):
            layers += [nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers, nn.Linear(hidden[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """(1, bin, 1, component) -> (1, bin, 1, 1)."""
        return self.layers(x)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Every prediction (N, 1) against every speed (N,): (1, bin)."""
        prediction, speed = self(x)[0, :, 0], y[0, :, 0, 0]
        return ((prediction - speed) ** 2).mean(dim=1)[None]


def broadcast_mse(prediction: np.ndarray, speed: np.ndarray) -> float:
    """Return the deck's error: the mean over all pairs of a prediction (N, 1) and a speed (N,).

    It equals ``Var(y) + Var(prediction) + (mean y - mean prediction)**2``, whatever the order of
    the predictions.

    Examples
    --------
    >>> y = np.array([0.0, 2.0])
    >>> broadcast_mse(y[:, np.newaxis], y)
    2.0
    """
    return float(((prediction - speed) ** 2).mean())


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's networks, each with the three flaws."""
    column, recording, settings = Column(), inputs.recording, inputs.settings
    activity = recording.activity[0]  # (bin, neuron)
    speed = recording.dataset[TARGET].values[0].astype(np.float32)
    n_train = round(0.7 * len(activity))
    train, test = fold = Fold(np.arange(n_train), np.arange(n_train, len(activity)))
    find = _find_components, activity, fold, settings["n_components"]
    components = inputs.steps.compute("principal components", *find)
    z = components.pop("z")
    predictions, rows = [], []
    for net in settings["nets"]:
        name = f"{net['activation']} {'-'.join(map(str, net['hidden']))}"
        fit = _fit_network, z, speed, fold, net, settings, inputs.seed
        prediction = inputs.steps.compute(f"MLP {name}", *fit)["speed"]
        errors = {
            part: broadcast_mse(prediction[bins, np.newaxis], speed[bins])
            for part, bins in (("train", train), ("test", test))
        }
        rows.append(
            {"net": name}
            | {f"mse_{part}": error for part, error in errors.items()}
            | {f"rmse_{part}": error**0.5 for part, error in errors.items()}
        )
        predictions.append(prediction)
    for key, row in zip(KEYS, rows, strict=False):
        column.add(
            key,
            Measure("test bins", row["mse_test"], "mse"),
            Measure("training bins", row["mse_train"], "mse"),
        )
        column.claim(
            key,
            metric="mse",
            target=TARGET,
            unit="bins",
            train=train,
            test=test,
            fitted_on={"the PCA": np.arange(len(z))},
            chosen_on={"the epoch": test},
            prediction_shape=[len(test), 1],
            target_shape=[len(test)],
            # their own linear regression, discarded, had an R2
            null="the mean speed",
        )
    first, truth = predictions[0][test], speed[test]
    r2 = 1 - ((truth - first) ** 2).sum() / ((truth - speed[train].mean()) ** 2).sum()
    column.add("r2", Measure("its test bins", float(r2), "r2"))
    column.add("identity", *_shuffle_in_time(first, truth))
    column.tables["sweep"] = pd.DataFrame(rows)
    column.arrays["predicted"] = {
        "truth": truth, "predicted": first, "seconds": recording.time[test]
    }  # fmt: skip
    column.arrays["explained"] = components
    return column


def _find_components(activity: np.ndarray, fold: Fold, n_components: int) -> Arrays:
    """Return the deck's scaled components ``z``, and what such components explain.

    FLAW, fitted outside the fold: components and z-score are those of all bins.
    """
    mean, axes, _ = find_principal_axes(activity, n_components)
    z = (activity @ axes.T - mean @ axes.T).astype(np.float32)
    z = (z - z.mean(axis=0)) / np.maximum(z.std(axis=0), 1e-9)
    return {"z": z} | _explain_variance(activity, fold, n_components)


def _fit_network(
    z: np.ndarray,
    speed: np.ndarray,
    fold: Fold,
    net: dict[str, Any],
    settings: dict[str, Any],
    seed: int,
) -> Arrays:
    """Return the ``speed`` of all bins, by the weights of the epoch that did best on the test."""
    network, _ = train_network(
        lambda: DeckMLP(z.shape[1], net["hidden"], net["activation"]),
        z[:, np.newaxis],
        speed[:, np.newaxis, np.newaxis],
        # FLAW, chosen on test data: the bins that choose the epoch are those that are scored
        [fold],
        Plan.plain(settings["epochs"], settings["learning_rate"], settings["batch_size"]),
        derive_seed(seed, "stringer-running", str(net)),
        torch.device("cpu"),
    )
    with torch.no_grad():
        predicted = network(torch.from_numpy(z[np.newaxis, :, np.newaxis]))[0, :, 0, 0]
    return {"speed": predicted.numpy()}


def _shuffle_in_time(prediction: np.ndarray, speed: np.ndarray) -> list[Measure]:
    """Return the deck's error of predictions shuffled in time, beside the error pair by pair."""
    shuffled = np.random.default_rng(0).permutation(prediction)[:, np.newaxis]
    return [
        Measure("predictions shuffled in time", broadcast_mse(shuffled, speed), "mse"),
        Measure("pair by pair", broadcast_mse(prediction, speed), "mse"),
    ]


def _explain_variance(activity: np.ndarray, fold: Fold, n_components: int) -> Arrays:
    """Return the cumulative variance of training and new bins that training components explain."""
    n_components = min(n_components, 60)
    mean, axes, _ = find_principal_axes(activity[fold.train], n_components)
    shares = {}
    for name, bins in (("training bins", fold.train), ("new bins", fold.test)):
        centered = activity[bins] - mean
        total = (centered**2).sum(dtype=float)
        explained = ((centered @ axes.T) ** 2).sum(axis=0, dtype=float).cumsum()
        shares[f"share_{name}"] = explained / total
    return shares


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Read R2 and RMSE on contiguous held-out blocks."""
    run, column = sound / "main", Column()
    scores = sound_runs.read_scores(run)
    table = pd.read_csv(RunLayout(run).scores, dtype={"fold": str})
    rmse = table.query("metric == 'rmse' and fold == 'all'").groupby("model")["value"].first()
    best = next(iter(scores))
    error = float(rmse[best])
    for key in KEYS:
        column.add(key, Measure(best, error**2, "mse"), Measure(best, error, "rmse"))
    variants = [name for name in scores if name.startswith("mlp")]
    # the best variant of one model would be chosen on test bins
    aside = {"mean_rate", "linear", *variants} - {"mlp"}
    column.add("r2", *scores.choose(*(model for model in scores if model not in aside)))
    if variants:  # none where they could not be fitted
        column.add("regularised", *scores.choose(*variants))
    linear = configs.read_config(RunLayout(run).config).build_models()["linear"]
    learn = _learn_from_more_time, inputs.recording, linear
    curve = inputs.steps.compute("more and more time", *learn)
    column.add(
        "more",
        *(
            Measure(f"linear, learnt from {minutes:.0f} min", float(r2), "r2")
            for minutes, r2 in zip(curve["minutes"][::-1], curve["r2"][::-1], strict=True)
        ),
    )
    column.add("baseline", scores["linear"], Measure("linear", float(rmse["linear"]), "rmse"))
    column.add("identity", Measure("", None, "refused"))
    shuffled, paired = (measure.number for measure in described.measures["identity"])
    no_error = NO_PREDICTION_ERROR(
        described=described.number("relu"), shuffled=shuffled, paired=paired
    )
    beside = LINEAR_BESIDE(network=described.number("r2"), linear=scores["linear"].number)
    column.conclusions.extend([no_error, beside])
    return column


def _learn_from_more_time(recording: Recording, model: Model) -> dict[str, Any]:
    """Return R2 on the last fifth of the session, learnt from more and more of what is before.

    Always the time next to it, a window of which is left out: what is added lies further away.
    """
    problem = Behavior(TARGET).problem(recording)
    x, y, n_test = problem.x, problem.y, len(problem.y) // 5
    n_most = len(y) - n_test - 1
    truth = y[-n_test:]
    null = np.broadcast_to(y[:n_most].mean(axis=(0, 1)), truth.shape)
    shares = (0.125, 0.25, 0.5, 1.0)
    sizes = sorted({max(round(share * n_most), FEWEST_WINDOWS) for share in shares})
    r2 = []
    for size in sizes:
        fold = Fold(np.arange(n_most - size, n_most), np.arange(len(y) - n_test, len(y)))
        predicted = fit_model(model, x, y, fold).model.predict(x[fold.test])
        r2.append(float(metrics.score_continuous(truth, predicted, null).r2[0]))
    minutes = np.array(sizes) * y.shape[1] * recording.bin_size / 60
    return {"minutes": minutes, "r2": np.array(r2)}
