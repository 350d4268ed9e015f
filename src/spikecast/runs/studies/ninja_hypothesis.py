"""Study C's hypothesis: the latents agree with Steinmetz et al. 2019 on stimulus, choice, action.

There, visual areas carry the stimulus, the choice is widespread and later, action is everywhere.
"""

from typing import Any

import numpy as np

from spikecast.analysis.conditions import STIMULUS, number_conditions
from spikecast.analysis.decoding.decode import Decoding, decode
from spikecast.analysis.decoding.labels import differs_within
from spikecast.analysis.decoding.nulls import LabelNull
from spikecast.analysis.decoding.over_time import decode_over_time
from spikecast.analysis.decoding.problem import Draws
from spikecast.analysis.decoding.sources import Counts, Source
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.recording import UNLABELED, Recording
from spikecast.runs.studies.kept_latents import pool_rates
from spikecast.runs.studies.ninja_network import (
    VISUAL,
    AutoencoderLatents,
    SameNeurons,
    make_network,
    write_p,
)
from spikecast.runs.studies.sound_runs import measure_decoding
from spikecast.runs.studies.staircase import score_spikes
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.tasks.splits import Split

PLAIN = LabelNull(strata=())  # against all that tells the label, the stimulus included
ALPHA = 0.05
MOST_AREAS = 8

HIDDEN = NoticeKind(
    "hidden",
    "serious",
    "In this run their autoencoder has {predicted:.3f} bits/spike of the trials it was not fitted "
    "on, and {hidden:.3f} of the same spikes where it is given the neuron that is scored at its "
    "mean rate: {what}.",
)
LATENTS_TELL = NoticeKind(
    "latents_tell",
    "serious",
    "In this run the {label} is told by latents of held-out trials on {latents:.0%} (balanced; "
    "{p}), by counts on {counts:.0%}, by as many principal components on {components:.0%}: {what}. "
    "With labels out of step, as in the deck, latents tell {described:.0%}, where guessing has "
    "{guess:.0%}: the figure's labels are those of other trials.",
)
AREAS_TELL = NoticeKind(
    "areas_tell",
    "serious",
    "In this run {n_told} of {n_areas} areas tell the {label}{beyond} by {n_neurons} neurons each "
    "(p ≤ 0.05 over the number of areas): {told}.{not_told} {verdict}",
)
WHEN = NoticeKind(
    "when",
    "serious",
    "In this run, from counts of visual cortex, the stimulus is told {stimulus}, and the {label}, "
    "among trials of equal contrasts, {choice}: {what}.",
)
NO_CHOICE = NoticeKind(
    "no_choice", "minor", "this recording has neither the response nor the movement in each trial"
)
CHOICE_IS_STIMULUS = NoticeKind(
    "choice_is_stimulus",
    "minor",
    "the {label} is the same on all trials of equal contrasts, so nothing tells it from the "
    "stimulus",
)


def judge_latents(column: Column, inputs: StudyInputs, described: Column) -> None:
    """Fill in what the deck's autoencoder predicts and its latents tell, on held-out trials."""
    source = _make_source(inputs)
    folds = Split(inputs.settings["folds"], by="trial")
    for row, label in inputs.names["told"].items():
        if label is None:
            column.lacks[row] = NO_CHOICE()
            continue
        draws = Draws(inputs.settings["permutations"])

        def ask(
            recording: Recording, source: Source, label: str = label, draws: Draws = draws
        ) -> Decoding:
            return decode(
                recording, label, source=source, folds=folds, null=PLAIN, n_permutations=draws,
                seed=inputs.seed,
            )  # fmt: skip

        n = inputs.settings["n_latents"]
        latents = ask(inputs.recording, source)
        visual = inputs.recording.select(area=VISUAL)
        column.add(
            row,
            measure_decoding(latents, f"{n} latents"),
            measure_decoding(ask(visual, Counts(n_components=40)), "counts"),
            measure_decoding(ask(visual, Counts(n_components=n)), f"{n} principal components"),
        )
        words = inputs.recording.trials[label].to_numpy().astype(str)
        n_classes = np.unique(words[words != ""]).size
        column.because[row] = [
            _judge_told(column.measures[row], label, described.number(row), n_classes)
        ]
        if row == "stimulus":
            _score_autoencoder(column, inputs, source, latents)


def _make_source(inputs: StudyInputs, part: str = "latents") -> AutoencoderLatents:
    return AutoencoderLatents(
        make_network(inputs.settings, inputs.seed, "trials"), SameNeurons(VISUAL),
        steps=inputs.steps, title="their autoencoder", keep=_keep_nothing, part=part,
    )  # fmt: skip


def _keep_nothing(*_: Any) -> dict[str, Any]:
    return {}


def _score_autoencoder(
    column: Column, inputs: StudyInputs, source: AutoencoderLatents, told: Decoding
) -> None:
    """Fill in how well held-out trials are reconstructed, by sight and with neurons hidden."""
    problem = SameNeurons(VISUAL).problem(inputs.recording)
    fits = source.read_fits(told, problem)
    order, predicted, null = pool_rates(fits, problem)
    hidden = np.concatenate([fit["hidden"] for fit in fits])
    y = problem.y[order]
    measures = [
        score_spikes(name, y, rates, null, inputs.seed)
        for name, rates in (
            ("each neuron hidden in turn", hidden),
            ("all neurons put in", predicted),
        )
    ]
    column.add("trials", *measures)
    own, seen = (measure.number for measure in measures)
    what = "most of it is copied" if own < 0.5 * seen else "most of it is told by other neurons"
    column.because["trials"] = [HIDDEN(predicted=seen, hidden=own, what=what)]


def _judge_told(measures: list[Measure], label: str, described: float, n_classes: int) -> Notice:
    """Return what the latents tell of a label, beside counts, components and the deck's labels."""
    latents, counts, components = measures
    assert latents.p is not None
    assert latents.low is not None
    assert latents.high is not None
    what = "the latents follow it, as well as the counts do"
    if latents.p > ALPHA:
        what = "the latents do not follow it beyond chance"
    elif counts.number > latents.high:
        what = "the latents follow it, and less than the counts they are made of"
    return LATENTS_TELL(
        label=label,
        latents=latents.number,
        p=write_p(latents),
        counts=counts.number,
        components=components.number,
        described=described,
        guess=1 / n_classes,
        what=what,
    )


def list_areas(recording: Recording, fewest: int) -> dict[str, int]:
    """Return the areas of `fewest` neurons or more, and how many each has, the largest first."""
    sizes = {
        name: n
        for name, n in recording.areas.items()
        if n >= fewest and name.lower() not in UNLABELED
    }
    largest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:MOST_AREAS]
    return {name: sizes[name] for name in largest}


def judge_areas(column: Column, inputs: StudyInputs) -> None:
    """Fill in which areas tell the stimulus, the choice beyond it, and whether there is action."""
    sizes, names = list_areas(inputs.recording, inputs.settings["fewest_neurons"]), inputs.names
    areas, n = list(sizes), min(sizes.values())
    for row, label in names["by_area"].items():
        if label is None:
            column.lacks[row] = NO_CHOICE()
            continue
        strata = names["beyond"] if row == "choice_areas" else None
        if row == "choice_areas" and strata is None:
            column.lacks[row] = CHOICE_IS_STIMULUS(label=label)
            continue
        null = LabelNull(strata=strata or ())
        for area in areas:
            part = inputs.recording.select(area=area)
            drawn = make_rng(inputs.seed, "ninja", "neurons", area).permutation(sizes[area])[:n]
            part = part.select(neurons=np.sort(drawn))
            told = decode(
                part, label, folds=inputs.settings["folds"], null=null,
                n_permutations=Draws(inputs.settings["area_permutations"]), seed=inputs.seed,
            )  # fmt: skip
            measure = measure_decoding(told, f"{area} ({n} of {sizes[area]} neurons)")
            column.measures.setdefault(row, []).append(measure)
        column.because[row] = [_judge_areas(row, label, n, dict(zip(areas, column.measures[row])))]


def _judge_areas(row: str, label: str, n_neurons: int, measures: dict[str, Measure]) -> Notice:
    """Return which areas tell a label, and whether that is the hypothesis."""
    tells = {area: (one.p or 0.0) <= ALPHA / len(measures) for area, one in measures.items()}
    told, silent = ([area for area, own in tells.items() if own is kind] for kind in (True, False))
    choice = "choice" if label == "choice" else f"{label} (for the choice)"
    agrees = {
        "stimulus_areas": tells.get(VISUAL, False),
        "choice_areas": len(told) >= 0.5 * len(measures),
        "action_areas": len(told) == len(measures),
    }[row]
    claim = {
        "stimulus_areas": "visual cortex carries the stimulus",
        "choice_areas": f"the {choice} is widespread (told by half of the areas or more)",
        "action_areas": "action is everywhere (told by all areas)",
    }[row]
    verdict = f"That {claim} holds here." if agrees else f"That {claim} is not seen here."
    others = len(told) - 1
    if agrees and row == "stimulus_areas" and others:
        verdict = f"That {claim} holds here, and not of it alone: so do {others} other areas."
        if others == 1:
            verdict = f"That {claim} holds here, and not of it alone: so does one other area."
    return AREAS_TELL(
        n_told=len(told),
        n_areas=len(measures),
        n_neurons=n_neurons,
        label=label,
        beyond=" beyond the stimulus" if row == "choice_areas" else "",
        told=", ".join(told) or "none",
        not_told=f" Not so: {', '.join(silent)}." if silent else "",
        verdict=verdict,
    )


def date_labels(column: Column, inputs: StudyInputs) -> None:
    """Fill in from when stimulus and choice are told, by forward latents and by counts."""
    choice, beyond = inputs.names["told"]["choice"], inputs.names["beyond"]
    asked: list[tuple[str, tuple[str, ...]]] = [("stimulus", ())]
    if choice is not None and beyond is not None:
        asked.append((choice, tuple(beyond)))
    found: dict[tuple[str, str], Measure] = {}
    for label, strata in asked:
        null = LabelNull("label_shuffle", strata or None)
        sources: dict[str, tuple[Recording, Source]] = {
            "counts": (inputs.recording.select(area=VISUAL), Counts(window=0.03)),
            "latents, forward states": (inputs.recording, _make_source(inputs, "forward")),
        }
        for name, (recording, source) in sources.items():
            dated = decode_over_time(
                recording, label, source=source,
                folds=Split(inputs.settings["folds"], by="trial"), null=null,
                n_permutations=Draws(inputs.settings["onset_permutations"]), seed=inputs.seed,
            )  # fmt: skip
            row = dated.onsets.iloc[0]
            onset = None if np.isnan(row["onset"]) else float(row["onset"])
            title = f"{label}{' beyond the stimulus' if strata else ''}, {name}"
            found[label, name] = Measure(
                title, onset, "onset", float(row["low"]), float(row["high"])
            )
    column.add("when", *found.values())
    if len(asked) > 1:
        pair = (found["stimulus", "counts"], found[asked[1][0], "counts"])
        column.because["when"] = [_compare_onsets(*pair, label=asked[1][0])]


def _compare_onsets(stimulus: Measure, choice: Measure, label: str) -> Notice:
    """Return which of two onsets is later, as far as their intervals tell."""
    name = "choice" if label == "choice" else f"{label} (for the choice)"
    what = "which is later cannot be told"
    if choice.value is not None and stimulus.value is not None:
        limits = [one if one is not None else np.inf for one in (stimulus.high, choice.high)]
        if (choice.low or 0.0) > limits[0]:
            what = f"the {name} is later, as in the hypothesis"
        elif limits[1] < (stimulus.low or 0.0):
            what = f"the {name} is not later here"
        else:
            what += ", for their intervals overlap"
    elif stimulus.value is not None:
        what = "so far into the trial only the stimulus is there"
    return WHEN(
        stimulus=_write_onset(stimulus), choice=_write_onset(choice), label=label, what=what
    )


def _write_onset(measure: Measure) -> str:
    return "in no bin" if measure.value is None else f"from {1000 * measure.number:.0f} ms on"


def find_beyond(recording: Recording, words: np.ndarray) -> list[str] | None:
    """Return the columns of the stimulus within which a choice differs; None where it does not."""
    columns = [name for name in STIMULUS if name in recording.trials]
    known = np.flatnonzero(words != "")
    codes = np.unique(words[known], return_inverse=True)[1]
    strata = number_conditions(recording.trials, columns)[known]
    return columns if columns and differs_within(codes, strata) else None
