"""What is decoded: a value per trial, checked, with the trials that have none left out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikecast.analysis.comparisons import compare_column
from spikecast.analysis.conditions import find_missing, number_conditions
from spikecast.core.checks import (
    check_count,
    check_finite,
    check_labels,
    check_one_of,
    check_same_length,
)
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.core.precision import FINE
from spikecast.core.stored_tables import LARGEST
from spikecast.data.binning import to_vector
from spikecast.data.columns import name_value
from spikecast.data.dataset import check_in_order
from spikecast.data.recording import Recording

TRIALS_LEFT_OUT = NoticeKind(
    "trials_left_out", "minor", "{n_trials} trials without '{label}' were left out"
)

SMALLEST = 1 / LARGEST  # of the largest number: its square is not 0
ROUNDING = 4  # last digits of a number, by which sums of equal numbers differ


@dataclass(frozen=True)
class Label:
    """Values to decode, of the trials that have one."""

    name: str
    trials: np.ndarray  # of the recording, that have a value
    values: np.ndarray  # (trial with a label,): codes 0, 1, ... of classes, or numbers
    classes: np.ndarray  # (code,): the values that codes stand for; empty for numbers
    n_left_out: int

    @property
    def continuous(self) -> bool:
        """Whether the label is a number to predict rather than a class."""
        return self.classes.size == 0

    def decode_values(self, codes: np.ndarray) -> np.ndarray:
        """Return the values that codes stand for; numbers as they are."""
        return codes if self.continuous else self.classes[codes]

    @property
    def names(self) -> list[str]:
        """Classes as text: ``1.0`` is written ``1``."""
        return [name_value(one) for one in self.classes.tolist()]


def resolve_label(
    recording: Recording, label: str | Sequence | np.ndarray, folds: int, continuous: bool
) -> Label:
    """Return the values of a label, once checked that they can be decoded.

    `label` is a trial column, a comparison of one (``"contrast>0"``: yes or no), a behaviour
    variable (its mean over the trial) or values of your own (trial,); trials where it is NaN or
    empty are left out. A `continuous` one is a number to predict.

    Raises
    ------
    UnknownNameError
        For a name the recording does not have.
    NotEnoughDataError
        For a single class, a class with fewer trials than folds, or a constant variable.
    """
    name = label if isinstance(label, str) else "label"
    check_count("folds", folds, 2)
    check_in_order(f"label '{name}'", label)
    values = _read_values(recording, label) if isinstance(label, str) else label
    values = to_vector(f"label '{name}'", values)
    check_same_length(f"label '{name}'", values.size, "the trial axis", recording.n_trials)
    check_labels(f"label '{name}'", values)
    missing = find_missing(values)
    trials, n_left_out = np.flatnonzero(~missing), int(missing.sum())
    values = values[trials]
    if not trials.size:
        raise NotEnoughDataError(f"label '{name}' is missing on all {recording.n_trials} trials")
    if continuous:
        if values.dtype.kind not in "fiub":
            raise InputError(f"label '{name}' is not a number; decode its classes: decoder='lda'")
        values = values.astype(float)
        check_finite(f"label '{name}'", values)
        _check_squares(name, values)
        if np.ptp(values) == 0:
            raise NotEnoughDataError(f"label '{name}' is {values[0]:g} on every trial")
        _check_offset(name, values)
        return Label(name, trials, values, np.empty(0), n_left_out)
    if values.dtype.kind == "O" and len({isinstance(one, str) for one in values}) > 1:
        raise InputError(f"label '{name}' holds numbers and text; give one of the two")
    classes, codes, sizes = np.unique(values, return_inverse=True, return_counts=True)
    _check_rounding(name, classes)
    if classes.size < 2:
        raise NotEnoughDataError(
            f"label '{name}' is {classes[0]} on every one of {trials.size} trials; "
            "at least two classes are needed"
        )
    if sizes.min() < folds:
        advice = (
            "it looks continuous: decoder='ridge' predicts numbers"
            if classes.size > 10
            else "use fewer folds, merge classes, or leave that class's trials out"
        )
        raise NotEnoughDataError(
            f"class '{classes[sizes.argmin()]}' of label '{name}' has {sizes.min()} trials, "
            f"fewer than the {folds} folds; {advice}"
        )
    if trials.size - math.ceil(trials.size / folds) <= classes.size:
        raise NotEnoughDataError(
            f"label '{name}' has {classes.size} classes on {trials.size} trials: too few to learn "
            f"from in {folds} folds"
        )
    return Label(name, trials, codes.ravel(), classes, n_left_out)


def _check_squares(name: str, values: np.ndarray) -> None:
    """Raise where the square of a number is none, or is 0, or tables of results cannot hold it."""
    size = float(np.abs(values).max())
    if size > LARGEST or 0 < size < SMALLEST:
        raise InputError(
            f"the largest value of label '{name}' is {size:g}, beyond what is computed with "
            f"({SMALLEST:g} to {LARGEST:g}); give it in other units"
        )


def _check_offset(name: str, values: np.ndarray) -> None:
    """Raise where numbers change by less than they are rounded to."""
    if np.spacing(np.abs(values).max()) > FINE * np.ptp(values):
        raise InputError(
            f"label '{name}' changes by {np.ptp(values):.3g} around {values[0]:.3g}, too little "
            "for float64: subtract the first value"
        )


def _check_rounding(name: str, classes: np.ndarray) -> None:
    """Raise where two classes are one number but for rounding, as 0.1 + 0.2 and 0.3."""
    if classes.dtype.kind != "f":
        return
    near = np.diff(classes) <= ROUNDING * np.spacing(np.abs(classes[1:]))
    if near.any():
        first, second = classes[int(near.argmax()) :][:2].tolist()
        raise InputError(
            f"label '{name}' has the classes {first!r} and {second!r}, which differ by rounding "
            "only: round it"
        )


def number_strata(
    recording: Recording, label: Label, columns: str | Sequence[str] | None
) -> np.ndarray | None:
    """Number the strata within which labels are shuffled, (trial with a label,), or return None.

    Strata all over each of which the label is the same are refused: shuffling would change nothing.
    """
    if not columns:
        return None
    names = [columns] if isinstance(columns, str) else list(columns)
    strata = number_conditions(recording.trials, names)[label.trials]
    if not differs_within(label.values, strata):
        raise NotEnoughDataError(
            f"'{label.name}' is the same on all trials of equal {' and '.join(names)}: there is "
            "nothing to find beyond that; name other columns as strata"
        )
    return strata


def differs_within(values: np.ndarray, strata: np.ndarray) -> bool:
    """Tell whether trials of one stratum have different values anywhere."""
    return len(np.unique(np.stack([strata, values]), axis=1).T) > np.unique(strata).size


def _read_values(recording: Recording, name: str) -> np.ndarray:
    compared = compare_column(recording.trials, name)
    if compared is not None:
        return compared
    check_one_of("trial column", name, [*recording.trials.columns, *recording.behavior])
    if name in recording.trials:
        return recording.trials[name].to_numpy()
    values = recording.dataset[name].values
    return values.reshape(len(values), -1).mean(axis=1)
