"""Study D: running speed from thousands of neurons."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from torch import Tensor, nn

from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import derive_seed
from spikecast.data.recording import Recording
from spikecast.models.base import Model
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.training import train_network
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs import config as configs
from spikecast.runs.layout import RunLayout
from spikecast.runs.provenance import Claim
from spikecast.runs.studies import findings
from spikecast.runs.studies.step_cache import Parts
from spikecast.runs.studies.study import Concluded, Described, Prepared, Study, Value
from spikecast.scoring import metrics
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import Behavior

TARGET = "running"
ACTIVATIONS: dict[str, type[nn.Module]] = {"ReLU": nn.ReLU, "Sigmoid": nn.Sigmoid, "Tanh": nn.Tanh}
KEYS = ("relu", "sigmoid")  # of the two networks that the deck reports
FEWEST = 5  # windows: inner folds need as many


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Check that there is running speed in one long trial."""
    if TARGET not in recording.behavior or recording.n_trials != 1:
        raise InputError(
            f"this study needs one continuous recording with '{TARGET}'; this one has "
            f"{recording.n_trials} trials and {', '.join(recording.behavior) or 'no behaviour'}"
        )
    if recording.n_bins < 800:
        raise NotEnoughDataError(f"{recording.n_bins} bins are too few; 800 are needed")
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
    """The deck's error: the mean over all pairs of a prediction (N, 1) and a speed (N,).

    It equals ``Var(y) + Var(prediction) + (mean y - mean prediction)**2``, whatever the order of
    the predictions.

    Examples
    --------
    >>> y = np.array([0.0, 2.0])
    >>> broadcast_mse(y[:, np.newaxis], y)
    2.0
    """
    return float(((prediction - speed) ** 2).mean())


def describe(prepared: Prepared, settings: dict[str, Any], seed: int, parts: Parts) -> Described:
    """The deck's networks, each with the three flaws."""
    recording = prepared.recording
    activity = recording.activity[0]  # (bin, neuron)
    speed = recording.dataset[TARGET].values[0].astype(np.float32)
    n_train = round(0.7 * len(activity))
    learnt, scored = np.arange(n_train), np.arange(n_train, len(activity))
    components = parts(
        "principal components",
        lambda: _components(activity, learnt, scored, settings["n_components"]),
    )
    z = components.pop("z")
    rows, values, claims, arrays = [], {}, {}, {}
    for index, net in enumerate(settings["nets"]):
        name = f"{net['activation']} {'-'.join(map(str, net['hidden']))}"
        fitted = partial(_fitted, z, speed, learnt, scored, net, settings, seed)
        prediction = parts(f"MLP {name}", fitted)["speed"]
        errors = {
            part: broadcast_mse(prediction[bins, np.newaxis], speed[bins])
            for part, bins in (("train", learnt), ("test", scored))
        }
        rows.append(
            {"net": name}
            | {f"mse_{part}": error for part, error in errors.items()}
            | {f"rmse_{part}": error**0.5 for part, error in errors.items()}
        )
        if index >= len(KEYS):
            continue
        key = KEYS[index]
        values[key] = Value(
            f"MSE {errors['train']:.2f} / {errors['test']:.2f} (train / test)", errors["test"]
        )
        claims[key] = Claim(
            name=key,
            metric="mse",
            value=errors["test"],
            target=TARGET,
            unit="bins",
            train=learnt,
            test=scored,
            fitted_on={"the PCA": np.arange(len(z))},
            chosen_on={"the epoch": scored},
            prediction_shape=[len(scored), 1],
            target_shape=[len(scored)],
            # their own linear regression, discarded, had an R2
            null="the mean speed",
        )
        if index == 0:
            r2 = _r2(prediction[scored], speed[scored], speed[learnt].mean())
            values["r2"] = Value(f"R² {r2:.3f} on its test bins", r2)
            values["identity"] = _identity(prediction[scored], speed[scored])
            arrays["predicted"] = {
                "truth": speed[scored], "predicted": prediction[scored],
                "seconds": recording.time[scored],
            }  # fmt: skip
    arrays["explained"] = components
    return Described(values, claims, {"sweep": pd.DataFrame(rows)}, arrays)


def _components(
    activity: np.ndarray, learnt: np.ndarray, scored: np.ndarray, n_components: int
) -> dict[str, np.ndarray]:
    """The deck's scaled components ``z``, and what such components explain.

    FLAW, fitted outside the fold: components and z-score are those of all bins.
    """
    mean, axes, _ = find_principal_axes(activity, n_components)
    z = (activity @ axes.T - mean @ axes.T).astype(np.float32)
    z = (z - z.mean(axis=0)) / np.maximum(z.std(axis=0), 1e-9)
    return {"z": z} | _explained(activity, learnt, scored, n_components)


def _fitted(
    z: np.ndarray,
    speed: np.ndarray,
    learnt: np.ndarray,
    scored: np.ndarray,
    net: dict[str, Any],
    settings: dict[str, Any],
    seed: int,
) -> dict[str, np.ndarray]:
    """Predicted ``speed`` of all bins, by the weights of the epoch that did best on the test."""
    network, _ = train_network(
        lambda: DeckMLP(z.shape[1], net["hidden"], net["activation"]),
        torch.from_numpy(z[:, np.newaxis]),
        torch.from_numpy(speed[:, np.newaxis, np.newaxis]),
        # FLAW, chosen on test data: the bins that choose the epoch are those that are scored
        [Fold(learnt, scored)],
        Plan.plain(settings["epochs"], settings["learning_rate"], settings["batch_size"]),
        derive_seed(seed, "stringer-running", str(net)),
        torch.device("cpu"),
    )
    with torch.no_grad():
        predicted = network(torch.from_numpy(z[np.newaxis, :, np.newaxis]))[0, :, 0, 0]
    return {"speed": predicted.numpy()}


def _r2(prediction: np.ndarray, speed: np.ndarray, mean: float) -> float:
    return float(1 - ((speed - prediction) ** 2).sum() / ((speed - mean) ** 2).sum())


def _identity(prediction: np.ndarray, speed: np.ndarray) -> Value:
    """The deck's number of predictions whose order in time was shuffled, beside the real one."""
    paired = float(((prediction - speed) ** 2).mean())
    shuffled = np.random.default_rng(0).permutation(prediction)
    pairs = broadcast_mse(shuffled[:, np.newaxis], speed)
    return Value(f"MSE {pairs:.2f} with predictions shuffled in time; pair by pair {paired:.2f}")


def _explained(
    activity: np.ndarray, learnt: np.ndarray, scored: np.ndarray, n_components: int
) -> dict[str, np.ndarray]:
    """Cumulative variance that components of the training bins explain, of these and of new."""
    n_components = min(n_components, 60)
    mean, axes, _ = find_principal_axes(activity[learnt], n_components)
    found = {}
    for name, bins in (("training bins", learnt), ("new bins", scored)):
        centered = activity[bins] - mean
        total = (centered**2).sum(dtype=float)
        found[f"share_{name}"] = ((centered @ axes.T) ** 2).sum(
            axis=0, dtype=float
        ).cumsum() / total
    return found


def conclude(sound: Path, described: Described, prepared: Prepared, parts: Parts) -> Concluded:
    """R2 and RMSE on contiguous held-out blocks."""
    run = sound / "main"
    scores = findings.scores(run)
    table = pd.read_csv(RunLayout(run).scores, dtype={"fold": str})
    rmse = table.query("metric == 'rmse' and fold == 'all'").groupby("model")["value"].first()
    best = next(iter(scores))
    error = Value(f"{best}: RMSE {rmse[best]:.2f}, MSE {rmse[best] ** 2:.2f}", float(rmse[best]))
    values = dict.fromkeys(KEYS, error)
    variants = [name for name in scores if name.startswith("mlp")]
    # the best variant of one model would be chosen on test bins
    aside = {"mean_rate", "linear", *variants} - {"mlp"}
    shown = [model for model in scores if model not in aside]
    values["r2"] = findings.several(scores, *shown)
    if variants:  # none where they could not be fitted
        values["regularised"] = findings.several(scores, *variants)
    linear = configs.read(RunLayout(run).config).build_models()["linear"]
    found = parts("more and more time", partial(_by_time, prepared.recording, linear))
    values["more"] = Value(
        "linear, learnt from "
        + ", ".join(
            f"{minutes:.0f} min: {r2:z.3f}"
            for minutes, r2 in zip(found["minutes"], found["r2"], strict=True)
        )
        + " R² on the last fifth",
        float(found["r2"][-1]),
    )
    values["baseline"] = Value(
        f"{scores['linear'].text}, RMSE {rmse['linear']:.2f}", scores["linear"].number
    )
    values["identity"] = Value("an error: shapes must be equal")
    r2 = described.values["r2"]
    sentences = [
        f"The deck's {described.values['relu'].text.split(' (')[0]} is not a prediction error: "
        f"{described.values['identity'].text}. It cannot tell a prediction "
        "from its shuffle.",
        f"Trained on that loss, the network scores {r2.text}; linear regression on principal "
        f"components, in blocks it has not seen, {scores['linear'].text}.",
    ]
    return Concluded(values, sentences)


def _by_time(recording: Recording, model: Model) -> dict[str, Any]:
    """R2 on the last fifth of the session of a model learnt from more and more of what is before.

    Always the time next to it, a window of which is left out: what is added lies further away.
    """
    problem = Behavior(TARGET).problem(recording)
    x, y, n_test = problem.x, problem.y, len(problem.y) // 5
    n_most = len(y) - n_test - 1
    truth = y[-n_test:]
    null = np.broadcast_to(y[:n_most].mean(axis=(0, 1)), truth.shape)
    sizes = sorted({max(round(share * n_most), FEWEST) for share in (0.125, 0.25, 0.5, 1.0)})
    r2 = []
    for size in sizes:
        learnt = slice(n_most - size, n_most)
        predicted = clone(model).fit(x[learnt], y[learnt]).predict(x[-n_test:])
        r2.append(float(metrics.continuous(truth, predicted, null).r2[0]))
    minutes = np.array(sizes) * y.shape[1] * recording.bin_size / 60
    return {"minutes": minutes, "r2": np.array(r2)}


STRINGER_RUNNING = Study(prepare, describe, conclude)
