"""What study D's numbers show: the sentences of its rows, and of its box."""

from collections.abc import Mapping

import numpy as np

from spikecast.core.notices import Notice, NoticeKind
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.stringer_linear import BESIDE
from spikecast.runs.studies.stringer_network import list_comparisons, name_network
from spikecast.runs.studies.stringer_scores import SpeedScorer
from spikecast.runs.studies.study import Column, Measure, StudyInputs

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
    "on as many components, in the same folds, has {linear:.3f}: {what}.",
)
READ = NoticeKind(
    "read",
    "minor",
    "So it can be read from these neurons: of bins never seen, {name} explains {value:.0%} of the "
    "variance ({low:.0%} to {high:.0%}).",
)
NOT_READ = NoticeKind(
    "not_read",
    "serious",
    "So it is not shown that it can be read from these neurons: of bins never seen, {name} "
    "explains {value:.0%} of the variance ({low:.0%} to {high:.0%}, where 0 is the mean).",
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
    "With the shapes mended and nothing else changed the network is off by MSE {mended:.4g} on "
    "those test bins; soundly by {sound:.4g}.",
)
ALL_ALIKE = NoticeKind(
    "all_alike",
    "serious",
    "In this run the deck's error of {one} and of {other} differ by {apart:.2%}, since both come "
    "down to the variance of what is predicted. Soundly {one} less {other} is MSE {value:.4g} "
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
    "In this run {few} components in place of {many} change the deck's error by {described:+.3g}, "
    "and the error soundly by {value:+.3g} ({low:+.3g} to {high:+.3g}): {what}.",
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
    "{second}, are {apart:.3g} apart ({apart_low:.3g} to {apart_high:.3g}): {what}.",
)
BASELINE = NoticeKind(
    "baseline",
    "minor",
    "In this run the mean of the notebook's folds is R² {mean:.3f}, the same predictions with the "
    "bins of all folds together have {together:.3f}, and soundly it is {value:.3f} ({low:.3f} to "
    "{high:.3f}): {what}.",
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
    "In this run R² changes by {value:+.3f} from {half:.3g} to {whole:.3g} min: {what}.",
)
OURS = NoticeKind(
    "ours",
    "minor",
    "In this run {best} has R² {ours:.3f}, their linear regression {linear:.3f} and {name} "
    "{theirs:.3f}: a bin's neighbours in time {what}. {best} {place}.",
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
    because["sigmoid"] = [ALL_ALIKE(apart=abs(deck), what=judge(apart), **names, **_limits(apart))]
    r2 = column.measures["r2"][0]
    assert r2.low is not None
    can_be_read = (READ if r2.low > 0 else NOT_READ)(name=first, **_limits(r2))
    because["r2"] = [_find_slope(described, first, settings["batch_size"]), can_be_read]
    identity = {"deck": described.number("identity"), "before": column.number("relu")}
    because["identity"] = [SHUFFLED(after=column.number("identity"), **identity)]
    if "components" in column.measures:
        few = scorer.compare_mse("", told["components"], told[first])
        less = described.number("components") - described.number("relu")
        sizes = {name: inputs.names[name] for name in ("few", "many")}
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
    because["ours"] = [_compare_ours(column, first)]
    _sum_up(column, described, first, share)


def judge(difference: Measure, *, higher: bool = False) -> str:
    """Return what a difference shows: of errors, or with `higher` of scores.

    Examples
    --------
    >>> judge(Measure("", -0.2, "mse", -0.3, -0.1)), judge(Measure("", 0.1, "r2", -0.1, 0.2))
    ('better', 'not told apart')
    """
    assert difference.low is not None
    assert difference.high is not None
    if difference.low <= 0 <= difference.high:
        return "not told apart"
    return "better" if (difference.number > 0) == higher else "worse"


def _limits(measure: Measure) -> dict[str, float]:
    assert measure.low is not None
    assert measure.high is not None
    return {"value": measure.number, "low": measure.low, "high": measure.high}


def _find_slope(described: Column, name: str, batch_size: int) -> Notice:
    """Return by how much predictions as described rise with speed."""
    truth, predicted = (described.arrays["predicted"][key] for key in ("truth", "predicted"))
    slope = float(np.cov(truth, predicted)[0, 1] / max(float(np.var(truth, ddof=1)), 1e-12))
    return SLOPE(name=name, n=batch_size, expected=1 / batch_size, slope=slope)


def _rank(
    column: Column, described: Column, told: Mapping[str, np.ndarray], scorer: SpeedScorer
) -> Notice:
    """Return how far the networks lie apart, by the deck's error and soundly."""
    errors = described.tables["sweep"]["mse_test"]
    sound = column.tables["sound"].set_index("net")["mse_test"].sort_values()
    best, second, worst = sound.index[0], sound.index[1], sound.index[-1]
    apart = scorer.compare_mse("", told[second], told[best])
    values = {"low": float(errors.min()), "high": float(errors.max()), "n": len(errors)}
    values |= {"least": float(sound.iloc[0]), "most": float(sound.iloc[-1])}
    values |= {
        f"apart_{name}" if name != "value" else "apart": limit
        for name, limit in _limits(apart).items()
    }
    what = "not told apart" if judge(apart) == "not told apart" else "told apart"
    return BEST(best=best, second=second, worst=worst, what=what, **values)


def _compare_baselines(column: Column, described: Column, row: str) -> Notice:
    """Return what of the notebook's regression was its folds, and what its components."""
    mean, _, together = (measure.number for measure in described.measures[row][:3])
    limits = _limits(column.measures[row][0])
    what = "here components of all bins and folds without a gap cost nothing that can be told"
    if not limits["low"] <= together <= limits["high"]:
        favour = "favour" if together > limits["high"] else "do not favour"
        what = f"here components of all bins and folds without a gap {favour} the notebook's number"
    return BASELINE(mean=mean, together=together, what=what, **limits)


def _compare_ours(column: Column, name: str) -> Notice:
    """Return our best model beside their network and their regression."""
    best, linear = column.measures["ours"][0], column.measures["baseline"][0]
    assert best.low is not None
    assert best.high is not None
    what = "add nothing that can be told"
    if linear.number < best.low:
        what = "add to it"
    elif linear.number > best.high:
        what = "do not make up for fewer components"
    theirs = column.number("r2")
    place = f"and {name} are not told apart"
    if theirs < best.low:
        place = f"is above {name}"
    elif theirs > best.high:
        place = f"is below {name}"
    values = {"ours": best.number, "linear": linear.number, "theirs": theirs}
    return OURS(best=best.name, name=name, what=what, place=place, **values)


def _sum_up(column: Column, described: Column, first: str, mended: float) -> None:
    """Fill in the box: that the deck's error is none, and what was thrown away."""
    column.conclusions.append(
        NO_PREDICTION_ERROR(
            described=described.number("relu"), shuffled=described.number("identity")
        )
    )
    r2, linear = column.measures["r2"][0], column.number("baseline")
    limits = {"low": r2.low, "high": r2.high, "sound": r2.number}
    what = "the discarded baseline does as well as the network"
    if linear > r2.high:  # type: ignore[operator]
        what = "the discarded baseline was the better of the two"
    elif linear < r2.low:  # type: ignore[operator]
        what = "the network is the better of the two"
    column.conclusions.append(
        LINEAR_BESIDE(
            name=first, network=described.number("r2"), mended=mended, linear=linear, what=what,
            **limits,
        )
    )  # fmt: skip
    column.conclusions.append(column.because["r2"][1])


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
    what = "the score still rises, and a longer recording would help"
    if gained < LITTLE:
        what = "a longer recording would add next to nothing"
    half = float(minutes[-2] if len(minutes) > 1 else minutes[-1])
    values = {"value": gained, "half": half, "whole": float(minutes[-1])}
    column.because["longer"] = [TIME_GIVES(what=what, **values)]
