"""Study A soundly: their own network first, then the same numbers by the sound run."""

from pathlib import Path

import numpy as np
from sklearn.svm import SVC

from spikecast.analysis.decoding.decode import Decoding, decode
from spikecast.analysis.decoding.nulls import LabelNull
from spikecast.analysis.decoding.problem import Draws
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.runs.reader import read_answers
from spikecast.runs.studies.kept_latents import KeptLatents, pool_rates
from spikecast.runs.studies.livewired_before import measure_ways
from spikecast.runs.studies.livewired_dynamics import measure_dynamics, measure_untrained
from spikecast.runs.studies.livewired_network import (
    find_shown,
    keep_weights,
    make_network,
    make_task,
)
from spikecast.runs.studies.sound_runs import (
    ModelScores,
    measure_decoding,
    read_decoding,
    read_onset,
    read_scores,
)
from spikecast.runs.studies.staircase import score_spikes, score_step
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.scoring import metrics

PLAIN = LabelNull(strata=())  # against all that tells the label, as in the sound run
DECODED = NoticeKind(
    "decoded",
    "serious",
    "Their decoder reads the {label} on {described:.0%} of the trials it learnt from. From latents "
    "of trials that no step had seen, their own network gives {theirs:.0%}, ours {sound:.0%} "
    "({low:.0%} to {high:.0%}), balanced over classes; chance {chance:.0%}.",
)
NETWORK_ON_NEW_TRIALS = NoticeKind(
    "network_on_new_trials",
    "serious",
    "Above each neuron's mean rate, the RNN whose latents these are scores {seen:.2f} bits/spike "
    "on its training trials and {unseen:.2f} on the trials it never saw.",
)
BESIDE = NoticeKind(
    "beside", "minor", "In this run: {described} as described; soundly {first}, and {second}."
)
MODELS_BESIDE = NoticeKind(
    "models_beside",
    "minor",
    "In this run {model} has {own:.3f} bits/spike, timescales {ours:.3f}, their RNN {theirs:.3f}.",
)
SPIKES = NoticeKind(
    "spikes",
    "serious",
    "In this run their RNN has {seen:.3f} bits/spike on the trials it was fitted on and "
    "{unseen:.3f} on others; refitted in folds, every trial while held out, {folds:.3f}.",
)
THEIRS_AND_OURS = NoticeKind(
    "theirs_and_ours",
    "serious",
    "In this run their own network and kind of decoder give {theirs:.0%} of trials that neither "
    "had seen, {chance:.0%} where labels are drawn anew; our network {ours:.0%}, raw counts "
    "{counts:.0%}.",
)
SIDE_TOLD = NoticeKind(
    "side_told",
    "minor",
    "In this run the side is told by {source} on {side:.0%}, the {label} by counts of all neurons "
    "on {counts:.0%} of trials (balanced).",
)
MLP_BESIDE_SVM = NoticeKind(
    "mlp_beside_svm",
    "minor",
    "In this run the MLP is right on {new:.0%} of its test trials and {own:.0%} of its training "
    "trials, the SVM on {svm:.0%} of the same test trials; of latents of held-out trials the MLP "
    "has {mlp_sound:.0%}, the SVM {svm_sound:.0%} (balanced): {what}.",
)
NOT_FITTED = NoticeKind(
    "not_fitted", "minor", "this run has no score of {model}: it was not asked for, or not fitted"
)
NO_FLOW = NoticeKind("no_flow", "minor", "no other area has the 10 neurons that this needs")
DECAYS = NoticeKind(
    "decays",
    "minor",
    "Without input, deviations of their network die out within {own} (median of {n} fits to other "
    "trials), in networks that were never fitted within {untrained}: {what}.",
)


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Refit the deck's network in folds, and read the same numbers from the sound run."""
    run, column = sound / "main", Column()
    scores = read_scores(run)
    latents = read_decoding(run, "latents", "timescales")
    assert latents is not None
    column.add("headline", latents)
    counts = read_decoding(run, "counts", "raw counts")
    column.add("test", counts, read_decoding(run, "behavior", "behaviour and stimulus"))
    column.add(
        "when",
        read_onset(run, "beyond the stimulus", within_strata=True),
        read_onset(run, "by whatever tells it, the stimulus included"),
    )
    for answer in read_answers(run, "granger")[:1]:
        pair = f"{answer['source']} and {answer['target']}"
        column.add("flow", Measure(pair, answer["leader"] or None, "leader"))
    if "flow" not in column.measures:
        column.lacks["flow"] = NO_FLOW()
    theirs = _judge_their_network(column, inputs)
    beside = [theirs, *scores.choose("timescales", "poisson_glm")]
    column.add("spikes", *sorted(beside, key=lambda measure: -measure.number))
    _read_models(column, scores, theirs.number)
    _decode_side(column, inputs)
    # the deck's way is in the other column; these take one reason away each
    column.add("before", *measure_ways(described.arrays["reasons"])[1:])
    column.steps["decoded"]["model"] = latents
    values = {"label": inputs.names["label"], "described": described.number("headline")}
    values |= {"theirs": column.number("network"), "sound": latents.number} | latents.limits
    unseen, seen = (measure.number for measure in described.measures["spikes"])
    _set_beside(column, described, str(inputs.names["label"]))
    column.conclusions.extend([DECODED(**values), NETWORK_ON_NEW_TRIALS(seen=seen, unseen=unseen)])
    return column


def _set_beside(column: Column, described: Column, label: str) -> None:
    """Fill in what the run shows of rows whose first numbers are not the ones to compare."""
    svm, svm_sound = described.number("test"), column.number("network")
    new, own = (measure.number for measure in described.measures["mlp_decoder"][:2])
    mlp_sound = column.measures["mlp_decoder"][0]
    assert mlp_sound.low is not None
    assert mlp_sound.high is not None
    what = "the two are alike"
    if not mlp_sound.low <= svm_sound <= mlp_sound.high:
        what = "the MLP does worse" if mlp_sound.number < svm_sound else "the MLP does better"
    beside = {"new": new, "own": own, "svm": svm, "svm_sound": svm_sound}
    counts, ours = column.number("test"), column.number("headline")
    unseen, seen = (measure.number for measure in described.measures["spikes"])
    folds = next(one.number for one in column.measures["spikes"] if one.name == "their RNN")
    column.because["spikes"] = [SPIKES(seen=seen, unseen=unseen, folds=folds)]
    chance = column.measures["network"][0].chance
    column.because["network"] = [
        THEIRS_AND_OURS(theirs=svm_sound, chance=chance, ours=ours, counts=counts)
    ]
    if "side" in column.measures:
        (side,) = column.measures["side"]
        values = {"source": side.name, "side": side.number, "label": label, "counts": counts}
        column.because["side"] = [SIDE_TOLD(**values)]
    column.because["mlp_decoder"] = [
        MLP_BESIDE_SVM(mlp_sound=mlp_sound.number, what=what, **beside)
    ]
    cells = column.measures["test"]
    if len(cells) > 1:
        first, second = (f"{one.number:.0%} from {one.name}" for one in cells[:2])
        column.because["test"] = [BESIDE(described=f"{svm:.0%}", first=first, second=second)]


def _read_models(column: Column, scores: ModelScores, theirs: float) -> None:
    """Fill in the rows of single models."""
    for model in ("mlp", "lfads"):
        if model not in scores:
            column.lacks[model] = NOT_FITTED(model=model)
            continue
        column.add(model, scores[model])
        ours, own = scores["timescales"].number, scores[model].number
        column.because[model] = [MODELS_BESIDE(model=model, own=own, ours=ours, theirs=theirs)]


def _judge_their_network(column: Column, inputs: StudyInputs) -> Measure:
    """Fill in what the deck's network and decoders are worth where no step saw a scored trial.

    Returns how well the network predicts spikes.
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
    words = inputs.recording.trials[label].to_numpy().astype(str)
    column.add("network", measure_decoding(theirs, "their RNN and SVM"))
    column.steps["decoded"] = {
        "pooled": _pool_folds(fits, words, seed),
        "network": measure_decoding(theirs, ""),
        "decoder": measure_decoding(ask("rbf_svm", 0), ""),
    }
    by_mlp = ask("mlp", 0, over_time="concatenate", balance="none")
    column.add("mlp_decoder", measure_decoding(by_mlp, "by MLP, latents of held-out trials"))
    order, predicted, null = pool_rates(fits, problem)
    shown, y = find_shown(problem), problem.y[order]
    r2 = metrics.psth_r2(y[..., shown], predicted[..., shown], words[order])
    column.add("averages", Measure("their RNN, every trial while held out", r2, "psth_r2"))
    _compare_dynamics(column, fits, settings["n_latents"], problem.bin_size, seed)
    return score_spikes("their RNN", y, predicted, null, seed)


def _pool_folds(fits: list[Arrays], words: np.ndarray, seed: int) -> Measure:
    """Return the score of the deck's SVM over all folds, learnt from 80 % of each."""
    told = words.copy()
    for index, fit in enumerate(fits):
        flat = fit["latents"].reshape(len(words), -1)
        order = make_rng(seed, "livewired", "pooled", index).permutation(fit["train"])
        learnt = order[: int(0.8 * order.size)]
        svm = SVC(kernel="rbf").fit(flat[learnt], words[learnt])
        told[fit["test"]] = svm.predict(flat[fit["test"]])
    scored = np.sort(np.concatenate([fit["test"] for fit in fits]))
    return score_step("", words[scored], told[scored], balanced=True, seed=seed)


def _compare_dynamics(
    column: Column, fits: list[Arrays], n_latents: int, bin_size: float, seed: int
) -> None:
    """Fill in what the fits to other trials agree on, beside networks that were never fitted."""
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
    column.because["dynamics"] = [
        DECAYS(
            own=f"{1000 * own.number:.0f} ms",
            n=len(fits),
            untrained=f"{1000 * untrained.number:.0f} ms",
            what=what,
        )
    ]


def _decode_side(column: Column, inputs: StudyInputs) -> None:
    """Fill in how well counts tell the side of the stimulus, which the label follows."""
    if "side" not in inputs.recording.trials:
        return
    told = decode(
        inputs.recording.select(area=inputs.settings["target"]), "side",
        folds=inputs.settings["folds"], null=PLAIN, n_permutations=inputs.settings["permutations"],
        seed=inputs.seed,
    )  # fmt: skip
    column.add("side", measure_decoding(told, f"counts of {inputs.settings['target']}"))
