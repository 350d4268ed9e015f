"""Study C: latents of visual cortex by stimulus and choice, and correct or not from thalamus."""

from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from spikecast.analysis.geometry.cell_types import WIDTH
from spikecast.core.checks import suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.data.recording import Recording
from spikecast.models.classifiers import ShrunkDiscriminant
from spikecast.runs.studies.ninja_classifier import LABEL, classify_outcome
from spikecast.runs.studies.ninja_hypothesis import NO_CHOICE, find_beyond
from spikecast.runs.studies.ninja_maps import NO_WAVEFORMS, count_cell_types, draw_maps
from spikecast.runs.studies.ninja_network import THALAMUS, VISUAL, predict_half, reconstruct_trials
from spikecast.runs.studies.ninja_sound import conclude
from spikecast.runs.studies.study import Column, Measure, Prepared, StudyInputs
from spikecast.runs.studies.study_data import MOVEMENT, with_column
from spikecast.runs.studies.study_labels import CHOICES, MOVEMENTS, name_sides, read_numbers
from spikecast.scoring import metrics

__all__ = ["conclude", "describe", "prepare"]

FEWEST = 25  # trials of an outcome
N_FOLDS = 5

NO_RESPONSES = NoticeKind(
    "no_responses",
    "serious",
    "This recording lacks the animals' responses. Correct is a trial that was rewarded, not one "
    "whose response was to the side of the higher contrast, as in the deck.",
)
NO_CHOICES = NoticeKind(
    "no_choices",
    "serious",
    "Nor does it hold the movement in each trial: latents are shown by stimulus only.",
)
MOVEMENT_IS_CHOICE = NoticeKind(
    "movement_is_choice",
    "serious",
    "In place of the choice (the response) stands the movement: whether the wheel was turned left, "
    "right or not at all in the trial; {n_unknown} trials whose movement was not classified have "
    "none, and take part in everything else.",
)
NO_REWARD_TIMES = NoticeKind(
    "no_reward_times",
    "minor",
    "Times of the reward are not in it; the window ends {end:.2f} s after the stimulus, before any "
    "reward, so that flaw does not occur here.",
)
NO_RESPONSE = NoticeKind(
    "no_response",
    "minor",
    "this recording lacks the response, by which the deck tells correct from incorrect",
)


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Group areas as the deck did, and put labels in words."""
    recording = _group_areas(recording, settings)
    trials, notices = recording.trials, []
    rewarded = read_numbers(trials, "feedback") > 0
    right, side = rewarded, name_sides(trials)
    choice = action = None
    if "response" in trials:
        response = read_numbers(trials, "response", CHOICES)
        choice, action = "choice", response != 0
        recording = with_column(recording, choice, [CHOICES[int(value)] for value in response])
        # the deck's notebook: the side of the response is that of the higher contrast
        right = np.sign(response) == np.sign(trials["contrast_left"] - trials["contrast_right"])
    else:
        notices.append(NO_RESPONSES())
    known = np.full(recording.n_trials, True)
    if MOVEMENT in trials:
        moved = trials[MOVEMENT].to_numpy().astype(int)
        choice, action, known = MOVEMENT, moved != 0, moved >= 0
        sides = [MOVEMENTS.get(value, "") for value in moved.tolist()]
        recording = with_column(recording, MOVEMENT, sides)
        notices.append(MOVEMENT_IS_CHOICE(n_unknown=int((~known).sum())))
    if action is not None:
        words = np.where(known, np.where(action, "action", "none"), "")
        recording = with_column(recording, "action", words)
    elif choice is None:
        notices.append(NO_CHOICES())
    if min(right.sum(), (~right).sum()) < FEWEST:
        raise NotEnoughDataError(
            f"{right.sum()} trials are correct and {(~right).sum()} are not; {FEWEST} of each are "
            "needed"
        )
    recording = with_column(recording, LABEL, np.where(right, "correct", "incorrect"))
    recording = with_column(recording, "stimulus", side)
    names = _name_questions(recording, choice)
    if "feedback_time" in trials:
        first = float(np.nanmin(trials["feedback_time"]))
        names["before"] = [float(recording.time[0]) - recording.bin_size, first]
        names["window"] = "The window includes the reward"
    else:
        notices.append(NO_REWARD_TIMES(end=float(recording.time[-1])))
    return Prepared(recording, names, tuple(notices))


def _name_questions(recording: Recording, choice: str | None) -> dict[str, Any]:
    """Return which labels are asked for in which rows."""
    labels = ["stimulus", choice, LABEL] if choice else ["stimulus", LABEL]
    beyond = None
    if choice:
        beyond = find_beyond(recording, recording.trials[choice].to_numpy().astype(str))
    return {
        "labels": labels,
        "shown": labels[:-1],
        "told": {"stimulus": "stimulus", "choice": choice},
        "by_area": {
            "stimulus_areas": "stimulus",
            "choice_areas": choice,
            "action_areas": "action" if choice else None,
        },
        "beyond": beyond,
        "before": None,
        "window": "The window ends before any reward, but units keep what they have read",
        "decoded": "Movement (theirs: the choice)" if choice == MOVEMENT else "Choice",
        "averaged": "movement (theirs: choice)" if choice == MOVEMENT else "choice",
    }


def _group_areas(recording: Recording, settings: dict[str, Any]) -> Recording:
    """Return the recording with the deck's two regions as areas."""
    area = recording.area.astype(object)
    for group in (VISUAL, THALAMUS):
        members = [name for name in settings[group] if name in recording.areas]
        if not members:
            raise InputError(
                f"the recording has none of {' + '.join(settings[group])} ({group})."
                f"{suggest_name('', recording.areas)}"
            )
        area[np.isin(recording.area, members)] = group
    return Recording(
        recording.dataset.assign_coords(
            region=("neuron", recording.area), area=("neuron", area.astype(str))
        )
    )


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's two models, each with its flaws, and draw its pictures."""
    column = Column()
    predict_half(column, inputs)
    latents, trials = reconstruct_trials(column, inputs)
    _show_latents(column, inputs, latents, trials)
    _count_trials(column, inputs)
    classify_outcome(column, inputs)
    draw_maps(column, inputs)
    if WIDTH in inputs.recording.neurons:
        column.add("cells", *count_cell_types(inputs.recording))
    else:
        column.lacks["cells"] = NO_WAVEFORMS()
    return column


def _show_latents(
    column: Column, inputs: StudyInputs, latents: np.ndarray, trials: np.ndarray
) -> None:
    """Fill in the latents by label, with the deck's labels and with those of their own trials.

    FLAW, labels out of step: trials were drawn anew, their labels stayed in order.
    """
    for row, label in inputs.names["told"].items():
        if label is None:
            column.lacks[row] = NO_CHOICE()
            continue
        words = inputs.recording.trials[label].to_numpy().astype(str)
        moved, own = words[: len(trials)], words[trials]
        shown = moved != ""
        column.arrays[f"latents_{row}"] = {
            "latents": latents[shown], "label": moved[shown], "time": inputs.recording.time,
        }  # fmt: skip
        column.add(
            row,
            *(
                Measure(title, _decode_latents(latents, given, trials), "balanced_accuracy")
                for title, given in (
                    ("with the deck's labels", moved),
                    ("with the labels of the same trials", own),
                )
            ),
        )
        column.claim(
            row, metric="balanced_accuracy", target=label, rows=trials,
            label_rows=np.arange(len(trials)), null="the labels of the same trials",
        )  # fmt: skip


def _decode_latents(latents: np.ndarray, words: np.ndarray, trials: np.ndarray) -> float:
    """Return how well a linear decoder tells labels from latents; copies of a trial go together."""
    known = np.flatnonzero(words != "")
    folds = StratifiedGroupKFold(N_FOLDS).split(known, words[known], trials[known])
    decoder = ShrunkDiscriminant()
    flat = latents[known].mean(axis=1)
    told = cross_val_predict(decoder, flat, words[known], cv=list(folds))
    return metrics.score_labels(words[known], told).balanced_accuracy


def _count_trials(column: Column, inputs: StudyInputs) -> None:
    """Fill in how many trials are correct by the deck's definition."""
    if "response" not in inputs.recording.trials:
        column.lacks["which"] = NO_RESPONSE()
        return
    right = inputs.recording.trials[LABEL].to_numpy().astype(str) == "correct"
    column.add(
        "which",
        Measure("correct, by side of response and contrast", int(right.sum()), "count"),
        Measure("incorrect", int((~right).sum()), "count"),
    )
