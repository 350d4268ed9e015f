"""Why latents may seem to tell a label before the stimulus: each reason by itself.

A decoder reads the label from latents before the stimulus, which cannot tell it. If it is right
more often than with shuffled labels, one reason at a time is taken away: the classes weigh the
same, the neurons' slow drift over trials is subtracted, test trials lie apart from training trials
(with labels that keep their runs as the null: there are only as many independent trials as runs),
labels are shifted along the session instead of shuffled, and only states are read that know no
later bin.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d
from sklearn.svm import SVC

from spikecast.analysis.decoding.nulls import permutation_p, shift_labels, shuffle_labels
from spikecast.analysis.slowness import labels_come_in_runs
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Measure
from spikecast.scoring import metrics
from spikecast.tasks.splits import Fold, split_by_block, split_by_stratum

LATEST = 0.04  # seconds after the stimulus up to which cortex cannot have it
N_FOLDS = 5
GAP = 5  # trials left out on either side of a block of test trials
DRIFT_WIDTH = 5.0  # trials, standard deviation of the average that is the drift
ALPHA = 0.05
N_REASONS = 4  # a reason is excluded at ALPHA over these, so that none is excluded by chance
WAYS = ("as described", "drift taken out", "in blocks", "labels shifted", "forward states only")

ASKED_BEFORE = NoticeKind(
    "asked_before",
    "minor",
    "Asked of the {n} trials that the RNN was fitted on, each latent averaged over the {n_bins} "
    "bins {when}, in {folds} folds.",
)
NOTHING_TO_EXPLAIN = NoticeKind(
    "nothing_to_explain",
    "minor",
    "{when} their latents tell the {label} no better than chance: {score:.0%} "
    "balanced over classes, {chance:.0%} with shuffled labels (p {sign} {p:.2g}). There is nothing "
    "to explain in this run.",
)
TOLD_BEFORE = NoticeKind(
    "told_before",
    "serious",
    "{when} their latents tell the {label} on {score:.0%} of trials (balanced), with "
    "shuffled labels on {chance:.0%} (p {sign} {p:.2g}).",
)
CLASSES_UNEQUAL = NoticeKind(
    "classes_unequal",
    "minor",
    "Class imbalance: always to say the most frequent class is right on {majority:.0%} of these "
    "{n} trials, so a plain accuracy up to there, {excess:.0f} points above one in {n_classes}, "
    "tells nothing; theirs is {plain:.0%}.",
)
REASON_CAN = NoticeKind(
    "reason_can",
    "serious",
    "{reason} can be the reason: {without}, it is {score:.0%} against a chance of {chance:.0%} "
    "(p {sign} {p:.2g}).",
)
REASON_CANNOT = NoticeKind(
    "reason_cannot",
    "minor",
    "{reason} cannot be the whole reason: {without}, it is still {score:.0%} against a chance of "
    "{chance:.0%} (p {sign} {p:.2g}).",
)
REASON_OPEN = NoticeKind(
    "reason_open",
    "minor",
    "{reason}: not settled; {without}, it is {score:.0%} against a chance of {chance:.0%} "
    "(p {sign} {p:.2g}; below {alpha:g}, but for {n_reasons} reasons asked at once it must be "
    "below {limit:g}).",
)
REASONS = {
    "drift taken out": ("Drift", "with each latent's slow course over trials subtracted"),
    "in blocks": ("Runs of labels", "with test trials in blocks apart from the training trials"),
    "labels shifted": ("Drift together with runs of labels",
                       "against labels shifted along the session, which keep their runs"),
    "forward states only": ("The acausal network", "read from the forward states only, which "
                            "know no later bin"),
}  # fmt: skip
NAMES = {
    "as described": "by the deck's decoder",
    "labels shifted": "one reason away, labels shifted (the same score, another null)",
}
RUNS = NoticeKind("labels_in_runs", "minor", "Labels {come} in runs over trials in this session.")


@dataclass(frozen=True)
class Way:
    """One way to decode before the stimulus: what is decoded, by which folds, against what."""

    features: np.ndarray  # (trial, feature)
    folds: list[Fold]
    null: np.ndarray  # labels, (draw, trial)


def find_before(time: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the bins (a mask) before an answer to the stimulus, and what to call them.

    Examples
    --------
    >>> find_before(np.array([0.005, 0.015, 0.055]))
    (array([ True,  True, False]), 'in the first 40 ms, before cortex can know the stimulus')
    """
    if (time < 0).any():
        return time < 0, "before the stimulus"
    return time < LATEST, "in the first 40 ms, before cortex can know the stimulus"


def decode_before(
    latents: np.ndarray, forward: np.ndarray, words: np.ndarray, n_draws: int, seed: int
) -> dict[str, Any]:
    """Decode labels from latents of the bins before the stimulus, in all of :data:`WAYS`.

    Parameters
    ----------
    latents, forward : array, (trial, time, latent)
        Of both directions and of the forward one; trials in the order of the session.
    words : array, (trial,)
    n_draws : int
        Draws of each null.
    seed : int

    Returns
    -------
    dict
        ``ways``, and of each ``score``, ``chance``, ``p``, ``low`` and ``high`` of the null; the
        ``plain`` accuracy, the ``majority``, and whether labels come in ``runs``.
    """
    _, codes = np.unique(words, return_inverse=True)
    drawn = (make_rng(seed, "livewired", "before", name) for name in ("shuffled", "shifted"))
    shuffled, shifted = (
        draw(codes, n_draws, rng) for draw, rng in zip((shuffle_labels, shift_labels), drawn)
    )
    whole, causal = latents.mean(axis=1), forward.mean(axis=1)
    random = split_by_stratum(codes, N_FOLDS, seed)
    blocks = split_by_block(len(codes), N_FOLDS, gap=min(GAP, len(codes) // 20))
    ways = {
        "as described": Way(whole, random, shuffled),
        "drift taken out": Way(_subtract_drift(whole), random, shuffled),
        "in blocks": Way(whole, blocks, shifted),
        "labels shifted": Way(whole, random, shifted),
        "forward states only": Way(causal, random, shuffled),
    }
    found: dict[str, Any] = {"ways": np.array(list(ways))}
    scores, nulls = [], []
    for way in ways.values():
        scores.append(_score(way, codes).balanced_accuracy)
        nulls.append([_score(way, labels).balanced_accuracy for labels in way.null])
    low, high = np.quantile(nulls, [0.025, 0.975], axis=1)
    return found | {
        "score": scores,
        "chance": np.mean(nulls, axis=1),
        "p": [permutation_p(score, np.array(null)) for score, null in zip(scores, nulls)],
        "low": low,
        "high": high,
        "n_draws": n_draws,
        "plain": _score(ways["as described"], codes, None).accuracy,
        "majority": np.bincount(codes).max() / codes.size,
        "n_classes": codes.max() + 1,
        "runs": labels_come_in_runs(codes, seed),
    }


def _subtract_drift(features: np.ndarray) -> np.ndarray:
    """Return features without their average over neighbouring trials."""
    return features - gaussian_filter1d(features, DRIFT_WIDTH, axis=0)


def _score(way: Way, codes: np.ndarray, weights: str | None = "balanced") -> metrics.LabelScores:
    """Return how well the deck's decoder, by default with classes weighted, tells labels."""
    right, said = [], []
    for train, test in way.folds:
        if len(np.unique(codes[train])) < 2:  # a block may hold all trials of a class
            continue
        right.append(codes[test])
        svm = SVC(class_weight=weights).fit(way.features[train], codes[train])
        said.append(svm.predict(way.features[test]))
    return metrics.score_labels(np.concatenate(right), np.concatenate(said))


def measure_ways(found: Arrays) -> list[Measure]:
    """Return a measure per way, the way of the deck first, then those without one reason."""
    return [
        Measure(
            NAMES.get(str(way), f"one reason away, {way}"),
            float(found["score"][row]),
            "balanced_accuracy",
            chance=float(found["chance"][row]),
            p=float(found["p"][row]),
            n_permutations=int(found["n_draws"]),
        )
        for row, way in enumerate(found["ways"])
    ]


def explain_before(found: Arrays, label: str, when: str, n_trials: int) -> list[Notice]:
    """Return what was found, and of each reason whether it can be behind it.

    `when` are the words of :func:`find_before`; `n_trials` were decoded.
    """
    numbers = {
        str(way): {name: float(found[name][row]) for name in ("score", "chance", "p")}
        for row, way in enumerate(found["ways"])
    }
    least = 1 / (1 + int(found["n_draws"]))
    signs = {way: "≤" if own["p"] <= 1.001 * least else "=" for way, own in numbers.items()}
    deck, sign = numbers.pop("as described"), signs["as described"]
    when = when[0].upper() + when[1:]
    n_classes, majority = int(found["n_classes"]), float(found["majority"])
    unequal = CLASSES_UNEQUAL(
        majority=majority,
        excess=100 * (majority - 1 / n_classes),
        n_classes=n_classes,
        n=n_trials,
        plain=float(found["plain"]),
    )
    if deck["p"] > ALPHA:
        return [NOTHING_TO_EXPLAIN(when=when, label=label, sign=sign, **deck), unequal]
    notices = [TOLD_BEFORE(when=when, label=label, sign=sign, **deck), unequal]
    notices.append(RUNS(come="come" if found["runs"] else "do not come"))
    for way, own in numbers.items():
        reason, without = REASONS[way]
        kind = REASON_CAN
        if own["p"] <= ALPHA:
            kind = REASON_CANNOT if own["p"] <= ALPHA / N_REASONS else REASON_OPEN
        limits = {"alpha": ALPHA, "n_reasons": N_REASONS, "limit": ALPHA / N_REASONS}
        of = limits if kind is REASON_OPEN else {}
        notices.append(kind(reason=reason, without=without, sign=signs[way], **own, **of))
    return notices
