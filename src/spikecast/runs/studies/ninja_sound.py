"""Study C soundly: the deck's networks in folds, its questions as numbers, its limits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.nulls import LabelNull
from spikecast.analysis.decoding.problem import Draws
from spikecast.analysis.geometry.cell_types import WIDTH
from spikecast.core.notices import NoticeKind
from spikecast.evaluation.fit import fit_model
from spikecast.evaluation.search import search
from spikecast.models.spaces import OneOf
from spikecast.runs.reader import Run
from spikecast.runs.studies.ninja_classifier import LABEL, judge_classifier, select_before
from spikecast.runs.studies.ninja_hypothesis import date_labels, judge_areas, judge_latents
from spikecast.runs.studies.ninja_maps import NO_WAVEFORMS, count_widths, score_maps
from spikecast.runs.studies.ninja_network import REGIONS, THALAMUS, VISUAL, make_network, read_score
from spikecast.runs.studies.sound_runs import ModelScores, read_decoding, read_scores
from spikecast.runs.studies.staircase import score_spikes
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.tasks.splits import split_by_trial
from spikecast.tasks.tasks import HeldOutNeurons

ALPHA = 0.05
HALF = 0.5  # of the contrast
PREDICTED = ("timescales", "poisson_glm", "recipe")

CORRECT_OR_NOT = NoticeKind(
    "correct_or_not",
    "severe",
    "Correct or not from thalamus: {described:.1%} as described; their classifier soundly "
    "{theirs:.0%}; a linear decoder {sound:.0%} ({low:.0%} to {high:.0%}), chance {chance:.0%}, "
    "with random folds, the reward outside the window and runs of outcomes in the null.",
)
WITHOUT_NEURONS = NoticeKind(
    "without_neurons",
    "serious",
    "Behaviour and stimulus without a neuron: {value:.0%} ({low:.0%} to {high:.0%}).",
)
INPUTS_HELD_OUT = NoticeKind(
    "inputs_held_out",
    "severe",
    "{n_shared} of {n} 'held-out' draws were inputs as well. New neurons are predicted with "
    "{timescales:.3f} bits/spike by timescales and {recipe:.3f} by the deck's RNN.",
)
HALVES = NoticeKind(
    "halves",
    "serious",
    "In this run their RNN has {own:.3f} bits/spike as evaluated in the deck, {right:.3f} with the "
    "neurons put in that it was fitted to, {disjoint:.3f} between halves without a common neuron "
    "and {recipe:.3f} of trials that stayed out as well; a Poisson GLM has {glm:.3f}. Neurons on "
    "both sides added {added:.3f}, the wrong input hid {hid:.3f}.",
)
REGIONS_BOTH_WAYS = NoticeKind(
    "regions_both_ways",
    "serious",
    "In this run {target} is predicted from {source} with {best:.3f} bits/spike by {model}, by "
    "their RNN with {recipe:.3f}, by averages over trials with {psth:.3f}. {what}",
)
ADDED = "Beyond {rung}, {source} adds {value:.3f} ({low:.3f} to {high:.3f})."
NOTHING_ADDED = "Beyond {rung}, {source} adds nothing that can be told."
UNTESTED = "Whether {source} adds anything beyond task and drift was not tested."
RUNGS = {
    "psth": "the course of a trial",
    "drift": "the session's drift",
    "source_free": "task and drift",
    "behavior": "task, drift and behaviour",
}
SETTINGS = NoticeKind(
    "settings",
    "serious",
    "In this run '{setting}' explains {share:.0%} of the variance of the scores in the search. "
    "What the search chose has {best:.3f} bits/spike of trials it did not see, their own settings "
    "{own:.3f}: {what}.",
)
CLASSIFIER = NoticeKind(
    "classifier",
    "serious",
    "In this run their classifier tells {pooled:.0%} in folds, {once:.0%} with one softmax and "
    "{tuned:.0%} by rnn_classifier (balanced); a linear decoder {linear:.0%}, its chance is "
    "{chance:.0%}: {what}.",
)
UNITS = NoticeKind(
    "units",
    "serious",
    "In this run {described:.2f} of the units' variance at the last bin lies between the classes "
    "on the deck's test trials, {sound:.2f} on held-out trials before any reward ({chance:.2f} "
    "with shuffled labels, p = {p:.2g}): {what}.",
)
NOISE = NoticeKind(
    "noise",
    "minor",
    "In this run averages over trials have {psth:.3f} bits/spike, the best model of single trials "
    "{best:.3f}: {what}.",
)
CONTRAST = NoticeKind(
    "contrast",
    "serious",
    "In this run {easy:.0%} of the trials whose contrasts differ by half or more are correct, "
    "{hard:.0%} of the others. Among trials of equal contrasts, thalamus tells correct from "
    "incorrect with p = {p:.2g}: {what}.",
)
TRIALS_SCORED = NoticeKind(
    "trials_scored",
    "minor",
    "Balancing left {n_kept} trials of {n}; with weights every trial is scored once, and the "
    "interval is {points:.0f} points to either side.",
)
HYPOTHESIS = NoticeKind(
    "hypothesis", "serious", "The hypothesis (Steinmetz et al. 2019), by counts: {verdicts}"
)
NO_SUCH_TRIALS = NoticeKind(
    "no_such_trials", "minor", "this recording has no trials of one of the two kinds of contrast"
)


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Refit the deck's networks in folds, and read the same numbers from the sound runs."""
    column = Column()
    scores = {key: read_scores(sound / key) for key in ("halves", *REGIONS)}
    _read_predictions(column, scores, described)
    judge_latents(column, inputs)
    judge_areas(column, inputs)
    date_labels(column, inputs)
    _search_settings(column, inputs)
    score_maps(column, inputs, described)
    counts = read_decoding(sound / "correct", "counts", f"{THALAMUS}, before any reward")
    beside = read_decoding(sound / "correct", "behavior", "behaviour and stimulus")
    assert counts is not None
    column.add("correct", counts, beside)
    judge_classifier(column, inputs)
    column.steps["correct"]["linear"] = counts
    _judge_classifier_rows(column, described, counts)
    _describe_trials(column, inputs, described, counts)
    _measure_contrast(column, inputs)
    if WIDTH in inputs.recording.neurons:
        column.add("cells", *count_widths(inputs.recording))
    else:
        column.lacks["cells"] = NO_WAVEFORMS()
    share, theirs = described.number("correct"), column.measures["classifier"][-1].number
    values = {"described": share, "theirs": theirs, "sound": counts.number} | counts.limits
    column.conclusions.append(CORRECT_OR_NOT(**values))
    if beside:
        column.conclusions.append(
            WITHOUT_NEURONS(value=beside.number, low=beside.low, high=beside.high)
        )
    rows = ("stimulus_areas", "choice_areas", "action_areas")
    verdicts = [
        str(column.because[row][0].values["verdict"]) for row in rows if row in column.because
    ]
    verdicts += [f"When: {notice.values['what']}." for notice in column.because.get("when", [])]
    column.conclusions.append(HYPOTHESIS(verdicts=" ".join(verdicts)))
    return column


def _read_predictions(column: Column, scores: dict[str, ModelScores], described: Column) -> None:
    """Fill in the rows of spikes from spikes, and the noise."""
    halves = scores["halves"]
    column.add("halves", *_choose_models(halves), _read_verdict(halves.run, "the other half")[0])
    column.steps["halves"] = {"pooled": halves["recipe"], "model": halves["timescales"]}
    glm = halves["poisson_glm"].number if "poisson_glm" in halves else float("nan")
    steps = described.steps["halves"]
    own, right, disjoint = (steps[key].number for key in ("own", "right_inputs", "disjoint"))
    column.because["halves"] = [
        HALVES(
            own=own, right=right, disjoint=disjoint, recipe=halves["recipe"].number, glm=glm,
            added=right - disjoint, hid=right - own,
        )
    ]  # fmt: skip
    claim = described.claims["halves"]
    shared = int(np.isin(claim.test, claim.train).sum())
    numbers = {name: halves[name].number for name in ("timescales", "recipe")}
    column.conclusions.append(INPUTS_HELD_OUT(n_shared=shared, n=len(claim.test), **numbers))
    for key, (source, target) in REGIONS.items():
        measures, psth = _choose_models(scores[key]), scores[key]["psth"]
        added, what = _read_verdict(scores[key].run, source)
        column.add(key, *measures, added)
        column.because[key] = [
            REGIONS_BOTH_WAYS(
                source=source, target=target, best=measures[0].number, model=measures[0].name,
                recipe=scores[key]["recipe"].number, psth=psth.number, what=what,
            )
        ]  # fmt: skip
    psth, best = halves["psth"], max(halves.choose(*PREDICTED), key=lambda one: one.number)
    column.add("noise", Measure("averages over trials alone", psth.number, psth.unit,
                                psth.low, psth.high))  # fmt: skip
    what = "most of what can be predicted differs from trial to trial"
    if psth.number > 0.5 * best.number:
        what = "most of what can be predicted is alike in all trials"
    column.because["noise"] = [NOISE(psth=psth.number, best=best.number, what=what)]


def _read_verdict(run: Path, source: str) -> tuple[Measure | None, str]:
    """Return what the source adds beyond what is told without it, and in a sentence."""
    verdict = Run(run).targets[0].verdict
    if verdict.beyond is None:
        return None, UNTESTED.format(source=source)
    rung, gain = RUNGS[verdict.beyond.rung], verdict.beyond.gain
    measure = Measure(f"{source} beyond {rung}", gain.value, verdict.metric, gain.low, gain.high)
    sentence = {"predicted": ADDED, "not_beyond": NOTHING_ADDED}.get(verdict.outcome, UNTESTED)
    return measure, sentence.format(
        rung=rung, source=source, value=gain.value, low=gain.low, high=gain.high
    )


def _choose_models(scores: ModelScores) -> list[Measure]:
    """Return the scores that are shown, best first; the recipe by whose it is."""
    return [
        replace(measure, name="their RNN (recipe)") if measure.name == "recipe" else measure
        for measure in scores.choose(*PREDICTED)
    ]


def _search_settings(column: Column, inputs: StudyInputs) -> None:
    """Fill in a search for settings of the deck's RNN, and its worth on trials it did not see."""
    found = inputs.steps.compute("search for settings of their RNN", _try_settings, inputs)
    own, best = (
        read_score(name, found[key])
        for name, key in (("their settings", "own"), (f"chosen: {found['chosen']}", "best"))
    )
    same = best.number == own.number
    column.add("settings", best, None if same else own)
    column.arrays["importance"] = {key: found[key] for key in ("names", "importance", "score")}
    if not found["names"].size:
        return
    what = "choosing helped"
    assert own.high is not None
    assert own.low is not None
    if own.low <= best.number <= own.high:
        what = "choosing changed nothing that can be told"
    elif best.number < own.low:
        what = "what is best in training trials is not best in others"
    if same:
        what = "of what was tried, theirs were best in the training trials"
    column.because["settings"] = [
        SETTINGS(
            setting=str(found["names"][0]), share=float(found["importance"][0]),
            best=best.number, own=own.number, what=what,
        )
    ]  # fmt: skip


def _try_settings(inputs: StudyInputs) -> dict[str, Any]:
    """Return a search on the training trials of one fold, and scores on its test trials."""
    settings, seed = inputs.settings, inputs.seed
    problem = HeldOutNeurons(0.5, VISUAL).problem(inputs.recording)
    outer = split_by_trial(len(problem.y), settings["folds"], seed)[0]
    x, y = problem.x[outer.train], problem.y[outer.train]
    model = make_network(settings, seed, "search")
    space = {name: OneOf(values) for name, values in settings["search"]["space"].items()}
    inner = split_by_trial(len(x), settings["search"]["folds"], seed)
    result = search(model, space, x, y, inner, n_trials=settings["search"]["n_trials"], seed=seed)
    new = problem.y[outer.test]
    null = np.broadcast_to(y.mean(axis=(0, 1)), new.shape)

    def score(chosen: dict[str, Any]) -> list[float | None]:
        fitted = fit_model(clone(model).set_params(**chosen), problem.x, problem.y, outer).model
        measure = score_spikes("", new, fitted.predict(problem.x[outer.test]), null, seed)
        return [measure.number, measure.low, measure.high]

    return {
        "own": score({}),
        "best": score(result.best),
        "chosen": ", ".join(f"{name} {value:g}" for name, value in result.best.items()),
        "names": np.array(list(result.importance), dtype=str),
        "importance": np.array(list(result.importance.values())),
        "score": result.table["score"].to_numpy(dtype=float),
    }


def _judge_classifier_rows(column: Column, described: Column, counts: Measure) -> None:
    """Fill in what the run shows of the deck's classifier and of its units."""
    pooled, once, tuned = (measure.number for measure in column.measures["classifier"])
    assert counts.chance is not None
    assert counts.high is not None
    best = max(column.measures["classifier"], key=lambda measure: measure.number)
    assert best.low is not None
    what = "none of their networks tells it beyond that chance"
    if best.low > counts.chance:
        what = "their network tells it"
        if best.high is not None and counts.number > best.high:
            what = "their network tells it, less well than a linear decoder"
    column.because["classifier"] = [
        CLASSIFIER(
            pooled=pooled, once=once, tuned=tuned, linear=counts.number, chance=counts.chance,
            what=what,
        )
    ]  # fmt: skip
    (units,) = column.measures["units"]
    assert units.p is not None
    what = "the units part the classes" if units.p <= ALPHA else "the units do not part the classes"
    column.because["units"] = [
        UNITS(
            described=described.number("units"), sound=units.number, chance=units.chance,
            p=units.p, what=what,
        )
    ]  # fmt: skip


def _describe_trials(
    column: Column, inputs: StudyInputs, described: Column, counts: Measure
) -> None:
    """Fill in which trials are correct by the feedback, and how many trials are scored."""
    right = inputs.recording.trials["rewarded"].to_numpy() > 0
    column.add(
        "which",
        Measure("correct, by the feedback", int(right.sum()), "count"),
        Measure("incorrect", int((~right).sum()), "count"),
    )
    assert counts.high is not None
    assert counts.low is not None
    points = 50 * (counts.high - counts.low)
    column.add("n_trials", Measure("every trial", right.size, "count"))
    column.because["n_trials"] = [
        TRIALS_SCORED(n_kept=int(described.number("n_trials")), n=right.size, points=points)
    ]


def _measure_contrast(column: Column, inputs: StudyInputs) -> None:
    """Fill in how the outcome goes along with the contrasts, and what thalamus tells beyond."""
    trials = inputs.recording.trials
    right = trials[LABEL].to_numpy().astype(str) == "correct"
    difference = (trials["contrast_left"] - trials["contrast_right"]).to_numpy(dtype=float)
    easy = np.abs(difference) >= HALF
    if easy.all() or not easy.any():
        column.lacks["contrast"] = NO_SUCH_TRIALS()
        return
    part = select_before(inputs).select(area=THALAMUS)
    null = LabelNull("label_shuffle", ["contrast_left", "contrast_right"])
    told = decode(
        part, LABEL, folds=inputs.settings["folds"], null=null,
        n_permutations=Draws(inputs.settings["permutations"]), seed=inputs.seed,
    )  # fmt: skip
    column.add(
        "contrast",
        Measure("correct, contrasts differ by half or more", right[easy].mean(), "share",
                n=int(easy.sum())),
        Measure("correct, contrasts differ less", right[~easy].mean(), "share",
                n=int((~easy).sum())),
        Measure("chance of a decoder of thalamus among trials of equal contrasts", told.chance,
                "balanced_accuracy"),
    )  # fmt: skip
    what = "more than the contrasts do" if told.p <= ALPHA else "no more than the contrasts do"
    column.because["contrast"] = [
        CONTRAST(easy=right[easy].mean(), hard=right[~easy].mean(), p=told.p, what=what)
    ]
