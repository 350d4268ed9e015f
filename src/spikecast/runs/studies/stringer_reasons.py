"""What study D's numbers show: the sentences of its rows, and of its box."""

from collections.abc import Mapping

import numpy as np

from spikecast.core.notices import Notice, NoticeKind
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.stringer_linear import BESIDE
from spikecast.runs.studies.stringer_network import list_comparisons, name_network
from spikecast.runs.studies.stringer_scores import SpeedScorer
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.scoring.ratio_scores import holds_zero

LITTLE = 0.01  # of R2: what a longer recording would have to add

NO_PREDICTION_ERROR = NoticeKind(
    "no_prediction_error",
    "severe",
    "The deck's MSE of {described:.4g} on its test bins is not a prediction error: with "
    "predictions shuffled in time it is {shuffled:.4g}. It cannot tell a prediction from its "
    "shuffle.",
)
LINEAR_BESIDE = NoticeKind(
    "linear_beside",
    "serious",
    "Trained on that loss, {name} scores R² {network:.3f} on its test bins; with only the shapes "
    "mended {mended:.3f}; soundly {sound:.3f} ({low:.3f} to {high:.3f}). Their linear regression "
    "on as many components, in the same folds, has {linear:.3f}, a difference of {gained:+.3f} "
    "({gained_low:+.3f} to {gained_high:+.3f}): {what}.",
)
READ = NoticeKind(
    "read",
    "minor",
    "{predicted}: it can be read from these neurons. Of bins held out, {name} with its shapes "
    "mended explains {value:.0%} of the variance ({low:.0%} to {high:.0%}).",
)
NOT_READ = NoticeKind(
    "not_read",
    "serious",
    "{predicted}: it is not shown that it can be read from these neurons. Of bins held out, {name} "
    "with its shapes mended explains {value:.0%} of the variance ({low:.0%} to {high:.0%}; 0 is "
    "the mean).",
)
SLOPE = NoticeKind(
    "slope",
    "minor",
    "Trained on all pairs of a batch, {name} can do no better than the mean of the batch. Each "
    "bin's own value is one of {n} in it, so predictions rise by about {expected:.2f} at most "
    "where what is predicted rises by 1; on new bins they rise by {slope:.2f}.",
)
MENDED = NoticeKind(
    "mended",
    "serious",
    "With the shapes mended and nothing else changed the network has MSE {mended:.4g} on those "
    "test bins; soundly, on all bins in folds, {sound:.4g}.",
)
ALL_ALIKE = NoticeKind(
    "all_alike",
    "serious",
    "In this run the deck's errors of {one} and of {other} differ by {apart:.2%}; the variance of "
    "what is predicted is {share:.0%} of the larger. Soundly {one} less {other} is MSE {value:.4g} "
    "({low:.4g} to {high:.4g}): {what}.",
)
SHUFFLED = NoticeKind(
    "shuffled",
    "severe",
    "In this run the shuffle leaves the deck's error where it was ({deck:.4g}); the error pair by "
    "pair, soundly, goes from {before:.4g} to {after:.4g}.",
)
FEWER = NoticeKind(
    "fewer",
    "minor",
    "In this run {few} components in place of {many} change the deck's error by {described:+.3g} "
    "from {own:.4g}, and the error soundly by {value:+.3g} ({low:+.3g} to {high:+.3g}) from "
    "{sound:.4g}: {what}.",
)
COMPARED = NoticeKind(
    "compared",
    "minor",
    "Soundly, {title}: MSE {value:+.3g} ({low:+.3g} to {high:+.3g}), {what}; the deck's error "
    "moves by {described:+.3g}, which is no evidence.",
)
BEST = NoticeKind(
    "best",
    "serious",
    "In this run the deck's errors of all {n} networks lie between {low:.4g} and {high:.4g}; "
    "soundly MSE goes from {least:.4g} ({best}) to {most:.4g} ({worst}). The best two, {best} and "
    "{second}, are {apart:.3g} apart ({apart_low:.3g} to {apart_high:.3g}): {what}, though "
    "the best of {n} was picked by the same scores, which favours it.",
)
BASELINE = NoticeKind(
    "baseline",
    "minor",
    "In this run the mean of the notebook's folds is R² {mean:.3f}, the same predictions with the "
    "bins of all folds together have {together:.3f}, and soundly it is {value:.3f} ({low:.3f} to "
    "{high:.3f}): here components of all bins, folds without a gap and longer training parts, "
    "together, {what}.",
)
WISHED = NoticeKind(
    "wished",
    "minor",
    "In this run, with {row} R² changes by {value:+.3f} ({low:+.3f} to {high:+.3f}) against the "
    "same network without, in the same folds: {what}.",
)
OTHERS_GIVE = NoticeKind(
    "others_give",
    "minor",
    "In this run what the other mice have in common changes R² by {mean:+.3f} on average; it is "
    "above 0 beyond its interval in {up} of {n} mice and below it in {down}: {what}. A mouse with "
    "no time of its own cannot be read at all, since its neurons are others.",
)
TIME_GIVES = NoticeKind(
    "time_gives",
    "minor",
    "In this run R² of linear regression on the last fifth of the session changes by {value:+.3f} "
    "from {half:.3g} to {whole:.3g} min: {what}.",
)
OURS = NoticeKind(
    "ours",
    "minor",
    "In this run R² of {best} less that of their linear regression is {linear:+.3f} "
    "({linear_low:+.3f} to {linear_high:+.3f}): {what}; less that of {name} it is {theirs:+.3f} "
    "({theirs_low:+.3f} to {theirs_high:+.3f}): {place}.",
)


def explain_rows(
    column: Column,
    inputs: StudyInputs,
    described: Column,
    told: Mapping[str, np.ndarray],
    scorer: SpeedScorer,
) -> None:
    """Fill in what this run shows of each row that compares the two columns."""
    settings = inputs.settings
    first, second = (name_network(**settings[key]) for key in ("first", "second"))
    because = column.because
    mended = described.tables["mended"].set_index("net")
    error, share = (float(mended[score][first]) for score in ("mse_test", "r2_test"))
    because["relu"] = [MENDED(mended=error, sound=column.number("relu"))]
    apart = scorer.compare_mse("", told[second], told[first])
    deck = described.number("sigmoid") / described.number("relu") - 1
    names = {"one": second, "other": first}
    larger = max(described.number("sigmoid"), described.number("relu"))
    spread = float(np.var(described.arrays["predicted"]["truth"], dtype=float)) / larger
    same = ALL_ALIKE(apart=abs(deck), share=spread, what=judge(apart), **names, **_limits(apart))
    because["sigmoid"] = [same]
    r2 = column.measures["r2"][0]
    assert r2.low is not None
    words = {"name": first, "predicted": str(inputs.names["predicted"])}
    can_be_read = (READ if r2.low > 0 else NOT_READ)(**words, **_limits(r2))
    because["r2"] = [_find_slope(described, first, settings["batch_size"]), can_be_read]
    identity = {"deck": described.number("identity"), "before": column.number("relu")}
    because["identity"] = [SHUFFLED(after=column.number("identity"), **identity)]
    if "components" in column.measures:
        few = scorer.compare_mse("", told["components"], told[first])
        less = described.number("components") - described.number("relu")
        sizes = {name: inputs.names[name] for name in ("few", "many")}
        sizes |= {"own": described.number("relu"), "sound": column.number("relu")}
        because["components"] = [FEWER(described=less, what=judge(few), **sizes, **_limits(few))]
    for row in list_comparisons([]):
        because[row] = [
            COMPARED(title=one.name, described=other.number, what=judge(one), **_limits(one))
            for one, other in zip(column.measures.get(row, []), described.measures.get(row, []))
        ]
    because["best"] = [_rank(column, described, told, scorer)]
    for row in ("dropout", "augmentation"):
        gained = scorer.compare_r2("", told[row], told[first])
        because[row] = [WISHED(row=row, what=judge(gained, higher=True), **_limits(gained))]
    for row in ("baseline", *BESIDE):
        if row in column.measures:
            because[row] = [_compare_baselines(column, described, row)]
    because["ours"] = [_compare_ours(column, first, told, scorer)]
    baseline = scorer.compare_r2("", told["linear regression"], told[first])
    _sum_up(column, described, first, share, baseline)


def judge(difference: Measure, *, higher: bool = False) -> str:
    """Return what a difference shows: of errors, or with `higher` of scores.

    Examples
    --------
    >>> judge(Measure("", -0.2, "mse", -0.3, -0.1)), judge(Measure("", 0.1, "r2", -0.1, 0.2))
    ('better', 'not told apart')
    """
    assert difference.low is not None
    assert difference.high is not None
    if holds_zero(difference.low, difference.high):
        return "not told apart"
    return "better" if (difference.number > 0) == higher else "worse"


def _limits(measure: Measure) -> dict[str, float]:
    assert measure.low is not None
    assert measure.high is not None
    return {"value": measure.number, "low": measure.low, "high": measure.high}


def _name_limits(measure: Measure, name: str) -> dict[str, float]:
    """Return value and limits of a measure, by names that begin with `name`."""
    limits = _limits(measure)
    return {name: limits.pop("value")} | {f"{name}_{key}": limit for key, limit in limits.items()}


def _find_slope(described: Column, name: str, batch_size: int) -> Notice:
    """Return by how much predictions as described rise with speed."""
    truth, predicted = (described.arrays["predicted"][key] for key in ("truth", "predicted"))
    slope = float(np.cov(truth, predicted)[0, 1] / max(float(np.var(truth, ddof=1)), 1e-12))
    return SLOPE(name=name, n=batch_size, expected=1 / batch_size, slope=slope)


def _rank(
    column: Column, described: Column, told: Mapping[str, np.ndarray], scorer: SpeedScorer
) -> Notice:
    """Return how far the networks lie apart, by the deck's error and soundly."""
    errors = described.tables["errors"]["mse_test"]
    sound = column.tables["sound"].set_index("net")["mse_test"].sort_values()
    best, second, worst = sound.index[0], sound.index[1], sound.index[-1]
    apart = scorer.compare_mse("", told[second], told[best])
    values = {"low": float(errors.min()), "high": float(errors.max()), "n": len(errors)}
    values |= {"least": float(sound.iloc[0]), "most": float(sound.iloc[-1])}
    values |= _name_limits(apart, "apart")
    what = "not told apart" if judge(apart) == "not told apart" else "told apart"
    return BEST(best=best, second=second, worst=worst, what=what, **values)


def _compare_baselines(column: Column, described: Column, row: str) -> Notice:
    """Return what of the notebook's regression was its folds, and what its components."""
    mean, _, together = (measure.number for measure in described.measures[row][:3])
    limits = _limits(column.measures[row][0])
    what = "change nothing that can be told"
    if not limits["low"] <= together <= limits["high"]:
        what = "raise the score" if together > limits["high"] else "do not raise the score"
    return BASELINE(mean=mean, together=together, what=what, **limits)


def _compare_ours(
    column: Column, name: str, told: Mapping[str, np.ndarray], scorer: SpeedScorer
) -> Notice:
    """Return our best model beside their regression and their network, bins paired."""
    linear, theirs = (
        scorer.compare_r2("", told["ours"], told[other]) for other in ("linear regression", name)
    )
    values = _name_limits(linear, "linear") | _name_limits(theirs, "theirs")
    verdicts = {"what": judge(linear, higher=True), "place": judge(theirs, higher=True)}
    return OURS(best=column.measures["ours"][0].name, name=name, **verdicts, **values)


def _sum_up(
    column: Column, described: Column, first: str, mended: float, baseline: Measure
) -> None:
    """Fill in the box: that the deck's error is none, and what was thrown away."""
    column.conclusions.append(
        NO_PREDICTION_ERROR(
            described=described.number("relu"), shuffled=described.number("identity")
        )
    )
    r2 = column.measures["r2"][0]
    what = {
        "better": "the discarded baseline was the better of the two",
        "worse": "the network is the better of the two",
    }.get(judge(baseline, higher=True), "the two are not told apart")
    limits = {"low": r2.low, "high": r2.high, "sound": r2.number}
    scores = {"network": described.number("r2"), "mended": mended}
    scores |= {"linear": column.number("baseline")} | _name_limits(baseline, "gained")
    column.conclusions.append(LINEAR_BESIDE(name=first, what=what, **scores, **limits))
    column.conclusions.extend([column.because["r2"][1], column.because["best"][0]])


def explain_wishes(column: Column, others: Arrays, curve: Arrays) -> None:
    """Fill in what other animals add in this run, and what more time of the same one does."""
    up, down = int((others["low"] > 0).sum()), int((others["high"] < 0).sum())
    n, mean = len(others["gained"]), float(others["gained"].mean())
    what = "other mice do not help here"
    if up > down and mean > 0:
        what = "other mice help" if up == n else "other mice help some of them"
    elif down > up and mean < 0:
        what = "what other mice have in common costs more than it gives here"
    column.because["more"] = [OTHERS_GIVE(mean=mean, up=up, down=down, n=n, what=what)]
    minutes, r2 = curve["minutes"], curve["r2"]
    gained = float(r2[-1] - r2[-2]) if len(r2) > 1 else 0.0
    what = "the score still rises, so a longer recording may help"
    if gained < LITTLE:
        what = "twice the time adds next to nothing to it"
    half = float(minutes[-2] if len(minutes) > 1 else minutes[-1])
    values = {"value": gained, "half": half, "whole": float(minutes[-1])}
    column.because["longer"] = [TIME_GIVES(what=what, **values)]
