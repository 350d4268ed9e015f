"""How questions about two of a kind are answered: areas, folds of a model, models of a run."""

from itertools import combinations

import numpy as np
import pandas as pd

from spikecast.analysis.conditions import number_conditions
from spikecast.analysis.geometry.alignment import Alignment, align, average_conditions
from spikecast.analysis.interareal.lagged_cca import joint_correlation
from spikecast.analysis.interareal.subspace import communication_subspace, principal_angles
from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.models import storage
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs.questions.answers import Fitted, Material, event
from spikecast.runs.questions.blocks import Align, Joint, Subspace
from spikecast.runs.questions.store import Answer

N_RANDOM = 100  # pairs of random subspaces that say what angle chance gives
MOST_FOLDS = 5  # over trials, or over conditions
FOLDS_WITHOUT_AVERAGES = NoticeKind(
    "folds_without_averages",
    "minor",
    "latents of {model}: not every pair of folds has averages to align ({why})",
)


def passed_on(on: Material, block: Subspace, source: str, target: str) -> Answer:
    """Dimensions of one area that predict another."""
    found = communication_subspace(
        on.recording,
        source,
        target,
        bins=block.bins,
        max_rank=block.max_rank,
        folds=block.folds,
        strata=block.conditions,
        seed=on.seed,
    )
    n_neurons = len(found.source_neurons)
    facts = {
        "source": source,
        "target": target,
        "n_neurons": n_neurons,
        "n_targets": len(found.target_neurons),
        "n_trials": on.recording.n_trials,
        "window": block.bins * on.recording.bin_size,
        "folds": block.folds,
        "rank": found.rank,
        "rank_within": found.rank_within,
        "n_private": found.n_private,
        "angles": found.angles.tolist(),
        "random_angles": _random_angles(n_neurons, found.rank, on.seed).tolist(),
        "shared_variance": found.shared_variance,
    }
    return Answer("subspace", str(found), facts, {"ranks": found.table})


def covaried(on: Material, block: Joint, source: str, target: str) -> Answer:
    """When in the trial two areas covary."""
    found = joint_correlation(
        on.recording,
        source,
        target,
        block.max_lag,
        window=block.window,
        folds=block.folds,
        strata=block.conditions,
        seed=on.seed,
    )
    facts = {
        "source": source,
        "target": target,
        "n_trials": on.recording.n_trials,
        "window": block.window * on.recording.bin_size,
        "lag": block.max_lag * on.recording.bin_size,
        "align_to": event(on),
    }
    arrays = {"time": found.time, "matrix": found.matrix.astype(np.float32)}
    return Answer("joint", str(found), facts, {"course": found.table}, arrays=arrays)


def aligned_folds(on: Material, block: Align, model: str) -> Answer:
    """Latents of a model, fold beside fold.

    Folds hold out different trials. Either their condition averages are aligned, all of them of
    held-out trials; or the latents that both fitted models give for the same trials, which are new
    to one of the two models only.
    """
    fitted = on.latents(model)
    condition = number_conditions(on.recording.trials, block.conditions)
    x = fitted.task.problem(on.recording).x
    held = [fitted.held_out(fold) for fold in range(fitted.n_folds)]
    models = [storage.load(fitted.weights(fold)) for fold in range(fitted.n_folds)]
    rows, notices = [], []
    for first, second in combinations(range(fitted.n_folds), 2):
        trials, other_trials = held[first][0], held[second][0]
        both = np.sort(np.r_[trials, other_trials])
        latents = [_leading(models[fold].transform(x[both]), block) for fold in (first, second)]
        rows.append(
            {"on": "trials", "first": first, "second": second} | _aligned(on, block, *latents)
        )
        try:
            pair = average_conditions(
                _leading(held[first][1], block),
                condition[trials],
                _leading(held[second][1], block),
                condition[other_trials],
            )
        except NotEnoughDataError as error:
            notices.append(FOLDS_WITHOUT_AVERAGES(model=model, why=str(error)))
            continue
        rows.append(
            {"on": "averages", "first": first, "second": second} | _aligned(on, block, *pair)
        )
    return _compared(block, "folds", fitted, fitted, rows, notices[:1])


def aligned_models(on: Material, block: Align, first: str, second: str) -> Answer:
    """Latents of two models on the same held-out trials, in every fold."""
    one, other = on.latents(first), on.latents(second)
    rows = []
    for fold in range(one.n_folds):
        latents = [_leading(fitted.held_out(fold)[1], block) for fitted in (one, other)]
        rows.append({"on": "trials", "first": fold, "second": fold} | _aligned(on, block, *latents))
    return _compared(block, "models", one, other, rows, [])


# ------------------------------------------------------------------------------------ helpers


def _random_angles(n_neurons: int, rank: int, seed: int) -> np.ndarray:
    """Mean principal angles of two random subspaces, largest first: near 90 in many dimensions."""
    rng = make_rng(seed, "random subspaces")
    drawn = [principal_angles(*rng.normal(size=(2, n_neurons, rank))) for _ in range(N_RANDOM)]
    return np.mean(drawn, axis=0)


def _leading(latents: np.ndarray, block: Align) -> np.ndarray:
    """The leading principal components of latents: all that a few conditions can align."""
    flat = latents.reshape(-1, latents.shape[2]).astype(np.float32)
    mean, axes, _ = find_principal_axes(flat, block.components)
    return (latents - mean) @ axes.T


def _aligned(on: Material, block: Align, a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    found: Alignment = align(
        a,
        b,
        block.method,
        folds=min(MOST_FOLDS, len(a) // 2),
        n_shuffles=block.shuffles,
        seed=on.seed,
    )
    return {
        "n": len(a),
        "score": found.score.value,
        "low": found.score.low,
        "high": found.score.high,
        "shuffled": found.shuffled,
        "p": found.p,
    }


def _compared(
    block: Align, what: str, one: Fitted, other: Fitted, rows: list, notices: list[Notice]
) -> Answer:
    table = pd.DataFrame(rows)
    facts = {
        "compared": what,
        "first": one.name,
        "second": other.name,
        "method": block.method,
        "components": block.components,
        "shuffles": block.shuffles,
    }
    names = " and ".join(dict.fromkeys([one.name, other.name]))
    said = "; ".join(
        f"latents of {names} between {what}, {on}: median R2 "
        f"{found['score'].median():.3f} (shuffled {found['shuffled'].median():.3f})"
        for on, found in table.groupby("on", sort=False)
    )
    return Answer("align", said, facts, {"pairs": table}, notices)
