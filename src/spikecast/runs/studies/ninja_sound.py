"""Study C soundly: the deck's networks in folds, its questions as numbers, its limits."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.nulls import LabelNull
from spikecast.analysis.decoding.problem import Draws
from spikecast.analysis.geometry.cell_types import WIDTH
from spikecast.core.notices import NoticeKind
from spikecast.runs.reader import Run
from spikecast.runs.studies.ninja_classifier import LABEL, judge_classifier, select_before
from spikecast.runs.studies.ninja_hypothesis import date_labels, judge_areas, judge_latents
from spikecast.runs.studies.ninja_maps import NO_WAVEFORMS, count_widths, score_maps
from spikecast.runs.studies.ninja_network import REGIONS, THALAMUS, write_p
from spikecast.runs.studies.ninja_settings import search_settings
from spikecast.runs.studies.sound_runs import (
    ModelScores,
    measure_decoding,
    read_decoding,
    read_scores,
)
from spikecast.runs.studies.study import Column, Measure, StudyInputs

ALPHA = 0.05
HALF = 0.5  # of the contrast
PREDICTED = ("timescales", "poisson_glm", "recipe")

CORRECT_OR_NOT = NoticeKind(
    "correct_or_not",
    "severe",
    "Correct or not from thalamus: {described:.1%} as described; an RNN classifier as large as "
    "theirs, soundly, {theirs:.0%}; a linear decoder {sound:.0%} ({low:.0%} to {high:.0%}), chance "
    "{chance:.0%}, with random folds, the reward outside the window and runs of outcomes in the "
    "null.",
)
WITHOUT_NEURONS = NoticeKind(
    "without_neurons",
    "serious",
    "Correct or not from {what} without a neuron: {value:.0%} ({low:.0%} to {high:.0%}).",
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
    "and {recipe:.3f} of trials that stayed out as well; Poisson regression has {glm:.3f}. Neurons "
    "on both sides added {added:.3f}, the wrong input hid {hid:.3f}.",
)
REGIONS_BOTH_WAYS = NoticeKind(
    "regions_both_ways",
    "serious",
    "In this run {target} is predicted from {source} with {best:.3f} bits/spike by {model}, by "
    "their RNN with {recipe:.3f}, by averages over trials with {psth:.3f}. {what}",
)
ADDED = "Beyond {rung}, {source} adds {value:.3f} ({low:.3f} to {high:.3f})."
NOTHING_ADDED = (
    "Beyond {rung}, {source} adds nothing that can be told: {value:.3f} ({low:.3f} to {high:.3f}) "
    "is no more than chance or slow change brings."
)
UNTESTED = "Whether {source} adds anything beyond task and drift was not tested."
RUNGS = {
    "psth": "the course of a trial",
    "drift": "the session's drift",
    "source_free": "task and drift",
    "behavior": "task, drift and behaviour",
}
CLASSIFIER = NoticeKind(
    "classifier",
    "serious",
    "In this run their classifier tells {pooled:.0%} in folds, {once:.0%} with one softmax and "
    "{tuned:.0%} by ours of the same size (balanced); a linear decoder {linear:.0%}, its chance is "
    "{chance:.0%}: {what}.",
)
UNITS = NoticeKind(
    "units",
    "serious",
    "In this run {described:.2f} of the units' variance at the last bin lies between the classes "
    "on the deck's test trials, {sound:.2f} on held-out trials before any reward ({chance:.2f} "
    "with shuffled labels, {p}): {what}.",
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
    "{hard:.0%} of the others. A linear decoder of thalamus tells {told:.0%} (balanced), where "
    "outcomes drawn anew among trials of equal contrasts are told on {chance:.0%} ({p}): {what}.",
)
TRIALS_SCORED = NoticeKind(
    "trials_scored",
    "minor",
    "Balancing left {n_kept} trials of {n}; with weights every trial is scored once, and the "
    "interval is {points:.0f} points to either side.",
)
HYPOTHESIS = NoticeKind(
    "hypothesis", "serious", "The hypothesis (Steinmetz et al. 2019). By counts: {verdicts}"
)
TWO_RULES = NoticeKind(
    "two_rules",
    "minor",
    "In this run {n_apart} of {n} trials are correct by one rule and not by the other, {n_equal} "
    "of them with equal contrasts.",
)
ONE_RULE = NoticeKind(
    "one_rule",
    "minor",
    "By the reward {n_right} of {n} trials are correct here ({share:.0%}); how many are by the "
    "deck's rule cannot be told without the response.",
)
NO_SUCH_TRIALS = NoticeKind(
    "no_such_trials", "minor", "this recording has no trials of one of the two kinds of contrast"
)


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Refit the deck's networks in folds, and read the same numbers from the sound runs."""
    column = Column()
    scores = {key: read_scores(sound / key, inputs.called) for key in ("halves", *REGIONS)}
    _read_predictions(column, scores, described)
    judge_latents(column, inputs, described)
    judge_areas(column, inputs)
    date_labels(column, inputs)
    search_settings(column, inputs)
    score_maps(column, inputs, described)
    counts = read_decoding(sound / "correct", "counts", f"{THALAMUS}, before any reward")
    without = "behaviour and contrasts" if inputs.recording.behavior else "the contrasts"
    beside = read_decoding(sound / "correct", "behavior", f"{without}, no neuron")
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
            WITHOUT_NEURONS(what=without, value=beside.number, low=beside.low, high=beside.high)
        )
    rows = ("stimulus_areas", "choice_areas", "action_areas")
    verdicts = [
        str(column.because[row][0].values["verdict"]) for row in rows if row in column.because
    ]
    verdicts += [f"When: {notice.values['what']}." for notice in column.because.get("when", [])]
    for row in ("stimulus", "choice"):
        for notice in column.because.get(row, []):
            name = notice.values["label"]
            verdicts.append(f"By latents of visual cortex, the {name}: {notice.values['what']}.")
    column.conclusions.append(HYPOTHESIS(verdicts=" ".join(verdicts)))
    return column


def _read_predictions(column: Column, scores: dict[str, ModelScores], described: Column) -> None:
    """Fill in the rows of spikes from spikes, and the noise."""
    halves = scores["halves"]
    column.add("halves", *halves.choose(*PREDICTED), _read_verdict(halves.run, "the other half")[0])
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
        measures, psth = scores[key].choose(*PREDICTED), scores[key]["psth"]
        added, what = _read_verdict(scores[key].run, source)
        column.add(key, *measures, added)
        column.because[key] = [
            REGIONS_BOTH_WAYS(
                source=source, target=target, best=measures[0].number,
                model=measures[0].name,
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
    if (test := verdict.beyond.shift_test) is not None:  # of trials shifted against each other
        measure = replace(measure, p=test.p, n_permutations=len(test.shifts))
    sentence = {"predicted": ADDED, "not_beyond": NOTHING_ADDED}.get(verdict.outcome, UNTESTED)
    return measure, sentence.format(
        rung=rung, source=source, value=gain.value, low=gain.low, high=gain.high
    )


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
    what = "the units do not part the classes"
    if units.p <= ALPHA:
        what = f"the units part the classes, by {units.number:.0%} of their variance"
    column.because["units"] = [
        UNITS(
            described=described.number("units"), sound=units.number, chance=units.chance,
            p=write_p(units), what=what,
        )
    ]  # fmt: skip


def _describe_trials(
    column: Column, inputs: StudyInputs, described: Column, counts: Measure
) -> None:
    """Fill in which trials are correct by the feedback, and how many trials are scored."""
    trials = inputs.recording.trials
    right = trials["feedback"].to_numpy() > 0
    rule = ONE_RULE(n_right=int(right.sum()), n=right.size, share=right.mean())
    if "response" in trials:
        apart = right != (trials[LABEL].to_numpy().astype(str) == "correct")
        equal = apart & (trials["contrast_left"] == trials["contrast_right"]).to_numpy()
        rule = TWO_RULES(n_apart=int(apart.sum()), n=right.size, n_equal=int(equal.sum()))
    column.because["which"] = [rule]
    column.add(
        "which",
        Measure("correct, by the reward", int(right.sum()), "count"),
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
        Measure("thalamus where outcomes are drawn anew among trials of equal contrasts",
                told.chance, "balanced_accuracy"),
    )  # fmt: skip
    what = "nothing beyond the contrasts can be told"
    if told.p <= ALPHA:
        what = "more than the contrasts tell, be it the movement or what was decided"
    column.because["contrast"] = [
        CONTRAST(
            easy=right[easy].mean(), hard=right[~easy].mean(), told=told.score, chance=told.chance,
            p=write_p(measure_decoding(told, "")), what=what,
        )
    ]  # fmt: skip
