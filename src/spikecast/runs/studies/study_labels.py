"""The label of a decision task that a recording has: movement, choice, or side of the stimulus."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.data.recording import Recording
from spikecast.runs.studies.study_data import MOVEMENT

CHOICES = {1: "Left", 0: "NoGo", -1: "Right"}
MOVEMENTS = {1: "Left", 0: "NoGo", 2: "Right"}
SIDES = {1: "Left", 0: "Equal", -1: "Right"}
NO_RESPONSES = NoticeKind(
    "no_responses",
    "serious",
    "This recording lacks the animals' responses, so the choice cannot be decoded. Decoded is what "
    "is there: on which side the stimulus was stronger (three classes as well).",
)
MOVEMENT_FOR_CHOICE = NoticeKind(
    "movement_for_choice",
    "serious",
    "Decoded is to which side the wheel was turned in the trial, or that it was not (NoGo): not "
    "the response; {n_left_out} trials whose movement was not classified are left out.",
)


def choose_label(recording: Recording) -> tuple[Recording, str, np.ndarray, list[Notice]]:
    """Return the trials that have the best label there is, its name, its words, and why this."""
    trials = recording.trials
    if MOVEMENT in trials:
        movement = trials[MOVEMENT].to_numpy()
        known = np.flatnonzero(movement >= 0)
        words = np.array([MOVEMENTS[int(value)] for value in movement[known]])
        notice = MOVEMENT_FOR_CHOICE(n_left_out=int((movement < 0).sum()))
        return recording.select(trials=known), "movement", words, [notice]
    if "response" in trials:
        words = np.array([CHOICES[int(one)] for one in read_numbers(trials, "response", CHOICES)])
        return recording, "choice", words, []
    return recording, "stimulus", name_sides(trials), [NO_RESPONSES()]


def read_numbers(
    trials: pd.DataFrame, name: str, allowed: Collection[int] | None = None
) -> np.ndarray:
    """Return a trial column as numbers, or raise where a study cannot be asked of it.

    Raises
    ------
    InputError
        Where there is no such column, or it holds something else than (`allowed`) numbers.
    """
    if name not in trials:
        raise InputError(
            f"this study needs the trial column '{name}'; the recording has "
            f"{', '.join(map(str, trials)) or 'none'}"
        )
    numbers = to_numbers(trials[name])
    wrong = ~(np.isfinite(numbers) if allowed is None else np.isin(numbers, list(allowed)))
    if wrong.any():
        kinds = "numbers" if allowed is None else ", ".join(map(str, allowed))
        raise InputError(
            f"the trial column '{name}' must hold {kinds} in every trial for this study, not "
            f"{quote(trials[name].tolist()[int(wrong.argmax())])}"
        )
    return numbers


def name_sides(trials: pd.DataFrame) -> np.ndarray:
    """Return on which side the stimulus was stronger, in words."""
    left, right = (read_numbers(trials, name) for name in ("contrast_left", "contrast_right"))
    difference = np.sign(left - right)
    return np.array([SIDES[int(value)] for value in difference])
