"""Study A soundly: their own network first, then the same numbers by the sound run."""

from pathlib import Path

import numpy as np
from sklearn.svm import SVC

from spikecast.analysis.conditions import STIMULUS
from spikecast.analysis.decoding.decode import Decoding, decode
from spikecast.analysis.decoding.nulls import LabelNull
from spikecast.analysis.decoding.problem import Draws
from spikecast.analysis.decoding.sources import Baseline
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.models.catalog import is_null, name_model
from spikecast.runs.reader import Run, read_answers
from spikecast.runs.studies import livewired_words as words
from spikecast.runs.studies.kept_latents import KeptLatents, pool_rates
from spikecast.runs.studies.livewired_before import find_before
from spikecast.runs.studies.livewired_dynamics import measure_dynamics, measure_untrained
from spikecast.runs.studies.livewired_flow import fill_flow
from spikecast.runs.studies.livewired_forward import date_forward, describe_forward, score_forward
from spikecast.runs.studies.livewired_half import compare_with_planted, measure_half_way
from spikecast.runs.studies.livewired_network import (
    find_shown,
    keep_weights,
    make_network,
    make_task,
)
from spikecast.runs.studies.sound_runs import (
    ModelScores,
    compare_times,
    measure_decoding,
    read_decoding,
    read_onset,
    read_scores,
)
from spikecast.runs.studies.staircase import compare_predictions, score_spikes, score_step
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.scoring import metrics
from spikecast.tasks.neuron_groups import SLOW_TARGETS

LEAST_TURN = 0.25  # of a rotation, before it has decayed to a third
PLAIN = LabelNull(strata=())  # against all that tells the label, as in the sound run
NOT_FITTED = NoticeKind(
    "not_fitted", "minor", "this run has no score of {model}: it was not asked for, or not fitted"
)
DECAYS = NoticeKind(
    "decays",
    "minor",
    "Without input, deviations of their network fall to a third (1/e) in {own} (median of {n} "
    "fits to other trials), in networks that were never fitted in {untrained}: {what}. As "
    "described it is {described}, {where} the smallest and the largest of these fits. The leading "
    "rotation, {rotation:.1f} Hz, makes {turned:.0%} of a turn in that time: {seen}. Brackets in "
    "this row are the smallest and the largest of the fits.",
)


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Refit the deck's network in folds, and read the same numbers from the sound run."""
    run, column = sound / "main", Column()
    scores, target = read_scores(run, inputs.called), inputs.settings["target"]
    latents = read_decoding(run, "latents", "timescales")
    assert latents is not None
    column.add("headline", latents)
    counts = read_decoding(run, "counts", f"raw counts of all neurons, {target} included")
    without = words.BEHAVIOR if inputs.recording.behavior else words.STIMULUS_ALONE
    column.add("test", counts, read_decoding(run, "behavior", without), _decode_stimulus(inputs))
    column.add(
        "when",
        read_onset(run, "beyond the stimulus", within_strata=True),
        read_onset(run, "by whatever tells it, the stimulus included"),
        _read_half_way(run, target),
    )
    answers = read_answers(run, "granger")
    fill_flow(column, answers, inputs.recording.areas, inputs.names["planted_drives"])
    theirs, rates = _judge_their_network(column, inputs, described)
    predicting = [measure for model, measure in scores.items() if not is_null(model)]
    beside = [theirs, *scores.choose("timescales", "poisson_glm")]
    column.add("spikes", *sorted(beside, key=lambda measure: -measure.number))
    column.conclusions.append(words.rank_models([theirs, *predicting], target))
    _read_models(column, inputs, scores, theirs.number, rates)
    _decode_side(column, inputs)
    _decode_before(column, inputs)
    column.steps["decoded"]["model"] = latents
    values = {"label": inputs.names["label"], "described": described.number("headline")}
    values |= {"theirs": column.number("network"), "sound": latents.number} | latents.limits
    values |= {"their_chance": column.measures["network"][0].chance}
    unseen, seen = (measure.number for measure in described.measures["spikes"])
    column.conclusions.append(words.DECODED(**values))
    column.conclusions.append(words.NETWORK_ON_NEW_TRIALS(seen=seen, unseen=unseen))
    words.set_beside(column, described, str(inputs.names["label"]))
    _add_to_because(column, inputs, run, latents)
    return column


def _add_to_because(column: Column, inputs: StudyInputs, run: Path, latents: Measure) -> None:
    """Fill in what belongs to several cells: draws of nulls, neurons left out, what was planted."""
    null = next(one["null"] for one in read_answers(run, "decode") if one["source"] == "latents")
    further = {"before the stimulus": inputs.settings["draws"]}
    dated = [one["permutations"] for one in read_answers(run, "over_time")]
    shifts = [one["claim"]["n_shifts"] for one in read_answers(run, "granger")]
    further |= {"where counts are dated": dated[0]} if dated else {}
    further |= {"shifts in the row on information flow": shifts[0]} if shifts else {}
    theirs = column.measures["network"][0]
    column.because["headline"] = words.explain_chances(null, latents, theirs, further)
    slow = [notice for target in Run(run).targets for notice in target.notices
            if notice.code == SLOW_TARGETS.code]  # fmt: skip
    column.because["spikes"] += [words.FEWER_SCORED(left_out=str(notice)) for notice in slow]
    if "beyond the stimulus" in (first := column.measures["when"][0]).name:
        planted, target = inputs.names["planted_onset"], inputs.settings["target"]
        column.because["when"] += compare_with_planted(first, target, planted)


def _read_models(
    column: Column, inputs: StudyInputs, scores: ModelScores, theirs: float, rates: np.ndarray
) -> None:
    """Fill in the rows of single models; `rates` are those of the deck's network."""
    target = Run(scores.run).targets[0]
    ids = np.flatnonzero(inputs.recording.area == inputs.settings["target"]).astype(str)
    scored = np.isin(ids, target.target_ids)
    for model in ("mlp", "lfads"):
        if model not in scores:
            column.lacks[model] = NOT_FITTED(model=name_model(model))
            continue
        column.add(model, scores[model])
        own = target.read_predictions(model)
        difference = score_spikes("", target.recorded, own, rates[..., scored], inputs.seed)
        ours = scores["timescales"].number
        column.because[model] = [words.compare_models(scores[model], ours, theirs, difference)]
    if "lfads" in scores:
        column.because["lfads"].append(compare_times(Run(scores.run).scores, "lfads"))


def _judge_their_network(
    column: Column, inputs: StudyInputs, described: Column
) -> tuple[Measure, np.ndarray]:
    """Fill in what the deck's network and decoders are worth where no step saw a scored trial.

    Returns how well the network predicts spikes, and its rates (trial, time, neuron).
    """
    settings, label, seed = inputs.settings, str(inputs.names["label"]), inputs.seed
    task = make_task(settings)
    source = KeptLatents(
        make_network(settings, seed), task, steps=inputs.steps, title="their RNN", keep=keep_weights
    )

    def ask(decoder: str, n_draws: int, **how: str) -> Decoding:
        return decode(
            inputs.recording, label, source=source, decoder=decoder, folds=settings["folds"],
            null=PLAIN, n_permutations=Draws(n_draws), seed=seed, **how,
        )  # fmt: skip

    theirs = ask("rbf_svm", settings["permutations"], over_time="concatenate", balance="none")
    problem = task.problem(inputs.recording)
    fits = source.read_fits(theirs, problem)
    types = inputs.recording.trials[label].to_numpy().astype(str)
    column.add("network", measure_decoding(theirs, "their RNN and SVM"))
    column.steps["decoded"] = {
        "pooled": _pool_folds(fits, types, seed, share=0.8),
        "whole": _pool_folds(fits, types, seed, share=1.0),
        "network": measure_decoding(theirs, ""),
        "decoder": measure_decoding(ask("rbf_svm", 0), ""),
    }
    by_mlp = ask("mlp", 0, over_time="concatenate", balance="none")
    mlp = measure_decoding(by_mlp, "by MLP, latents of held-out trials")
    column.add("mlp_decoder", mlp)
    svm = column.measures["network"][0]
    difference = _compare_decodings(by_mlp, theirs, seed)
    column.because["mlp_decoder"] = [words.compare_decoders(described, mlp, svm, difference)]
    order, predicted, null = pool_rates(fits, problem)
    shown, y = find_shown(problem), problem.y[order]
    r2 = metrics.psth_r2(y[..., shown], predicted[..., shown], types[order])
    column.add("averages", Measure("their RNN, every trial while held out", r2, "psth_r2"))
    column.arrays["averages_held_out"] = {
        "recorded": y[..., shown], "predicted": predicted[..., shown].astype(np.float32),
        "label": types[order], "time": problem.time, "bin_size": np.array(problem.bin_size),
    }  # fmt: skip
    every, rng = described.arrays["averages"]["predicted"][order], make_rng(seed, "averages")
    column.because["averages"] = [
        words.compare_averages(y[..., shown], every, predicted[..., shown], types[order], rng)
    ]
    _date_their_network(column, inputs, fits, problem.time)
    constant = described.number("dynamics")
    _compare_dynamics(column, constant, fits, settings["n_latents"], problem.bin_size, seed)
    rates = np.empty_like(predicted)
    rates[order] = predicted
    return score_spikes("their RNN", y, predicted, null, seed), rates


def _compare_decodings(first: Decoding, second: Decoding, seed: int) -> Measure:
    """Return by how much the first is right more often, on the trials that both held out."""
    one, other = (
        decoding.predictions.set_index("trial").sort_index() for decoding in (first, second)
    )
    truth, told, beside = (part.to_numpy() for part in (one["truth"], one["prediction"],
                                                        other["prediction"]))  # fmt: skip
    return compare_predictions("", truth, told, beside, seed)


def _date_their_network(
    column: Column, inputs: StudyInputs, fits: list[Arrays], time: np.ndarray
) -> None:
    """Fill in from when forward states of the deck's network tell the label."""
    label = str(inputs.names["label"])
    types = inputs.recording.trials[label].to_numpy().astype(str)
    call = score_forward, fits, types, inputs.recording.bin_size, inputs.seed
    found = inputs.steps.compute("forward states, one SVM per bin", *call)
    measure = date_forward(found, time)
    half_way = measure_half_way("their RNN, forward states", found["curve"], time, found["halves"])
    column.measures.setdefault("when", []).extend([half_way, measure])
    column.because["when"] = [describe_forward(found, measure, label)]
    column.arrays["forward"] = {"forward_curve": found["curve"], "forward_time": time}


def _read_half_way(run: Path, target: str) -> Measure | None:
    """Return when causal counts are half-way up; None where they were not decoded over time."""
    for answer in read_answers(run, "over_time"):
        if not answer["acausal"] and not answer["strata"]:
            curves = answer.table("curves")
            first = curves[curves["area"] == curves["area"].iloc[0]]
            score, time = first["score"].to_numpy(), first["time"].to_numpy()
            return measure_half_way(f"causal counts of {target}", score, time)
    return None


def _pool_folds(fits: list[Arrays], types: np.ndarray, seed: int, *, share: float) -> Measure:
    """Return the score of the deck's SVM over all folds, learnt from a share of each."""
    told = types.copy()
    for index, fit in enumerate(fits):
        flat = fit["latents"].reshape(len(types), -1)
        order = make_rng(seed, "livewired", "pooled", index).permutation(fit["train"])
        learnt = order[: int(share * order.size)]
        svm = SVC(kernel="rbf").fit(flat[learnt], types[learnt])
        told[fit["test"]] = svm.predict(flat[fit["test"]])
    scored = np.sort(np.concatenate([fit["test"] for fit in fits]))
    return score_step("", types[scored], told[scored], balanced=True, seed=seed)


def _compare_dynamics(
    column: Column, described: float, fits: list[Arrays], n_latents: int, bin_size: float, seed: int
) -> None:
    """Fill in what the fits to other trials agree on, beside networks that were never fitted.

    `described` is the decay constant without input of the network as described.
    """
    measures = list(measure_dynamics(fits, bin_size, seed))
    untrained = measure_untrained(n_latents, bin_size, seed)
    column.add("dynamics", *measures, untrained)
    own = measures[0]
    if own.value is None or untrained.value is None:
        return
    lowest, highest = own.low or own.number, own.high or own.number
    what = "fitting did not change them beyond that"
    if untrained.low is not None and untrained.high is not None:
        if lowest > untrained.high:
            what = "fitting made them slower"
        elif highest < untrained.low:
            what = "fitting made them faster"
    turned = measures[1].number * own.number
    fastest = (measures[1].high or measures[1].number) * own.number
    column.because["dynamics"] = [
        DECAYS(
            own=f"{1000 * own.number:.0f} ms",
            n=len(fits),
            untrained=f"{1000 * untrained.number:.0f} ms",
            what=what,
            rotation=measures[1].number,
            turned=turned,
            described=f"{1000 * described:.0f} ms" if np.isfinite(described) else "none",
            where="between" if lowest <= described <= highest else "not between",
            seen=_describe_turns(turned, fastest),
        )
    ]


def _describe_turns(turned: float, fastest: float) -> str:
    """Return whether a rotation can be seen before it dies out: in the median fit, and in any."""
    if turned >= LEAST_TURN:
        return "it can be seen"
    if fastest < LEAST_TURN:
        return "there is none to see"
    return f"there is none to see, but in a fit whose rotation makes {fastest:.0%} of a turn"


def _decode_side(column: Column, inputs: StudyInputs) -> None:
    """Fill in how well counts tell the side of the stimulus, and the label that follows it."""
    if "side" not in inputs.recording.trials:
        return
    target, label = inputs.settings["target"], str(inputs.names["label"])
    counts = inputs.recording.select(area=target)
    measures = []
    for what in ("side", label):
        told = decode(
            counts, what, folds=inputs.settings["folds"], null=PLAIN,
            n_permutations=inputs.settings["permutations"], seed=inputs.seed,
        )  # fmt: skip
        measures.append(measure_decoding(told, f"{what}, counts of {target}"))
    column.add("side", *measures)


def _decode_stimulus(inputs: StudyInputs) -> Measure | None:
    """Return how well contrasts alone tell the label.

    None where the label is the stimulus, or where there is no behaviour to leave out.
    """
    columns = [name for name in STIMULUS if name in inputs.recording.trials]
    label = str(inputs.names["label"])
    if label == "stimulus" or not columns or not inputs.recording.behavior:
        return None
    told = decode(
        inputs.recording, label, source=Baseline(columns=columns), decoder="rbf_svm",
        folds=inputs.settings["folds"], null=PLAIN,
        n_permutations=inputs.settings["permutations"], seed=inputs.seed,
    )  # fmt: skip
    return measure_decoding(told, words.STIMULUS_ALONE)


def _decode_before(column: Column, inputs: StudyInputs) -> None:
    """Fill in how well counts of bins before an answer to the stimulus tell the label."""
    time = inputs.recording.time
    early = time[find_before(time)[0]]
    counts = inputs.recording.select(time=(early[0], early[-1] + inputs.recording.bin_size / 2))
    told = decode(
        counts, str(inputs.names["label"]), folds=inputs.settings["folds"], null=PLAIN,
        n_permutations=inputs.settings["permutations"], seed=inputs.seed,
    )  # fmt: skip
    name = f"counts of all neurons in these bins, {inputs.settings['target']} included, held out"
    column.add("before", measure_decoding(told, name))
