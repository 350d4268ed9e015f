"""Predictions that another tool made: the .npz file that brings them, read through a schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from spikecast.core.checks import check_finite, quote, suggest_name
from spikecast.core.errors import FormatError
from spikecast.data.array_files import read_npz
from spikecast.data.binning import LONGEST, check_prediction_size, measure_bin_size
from spikecast.data.columns import tidy_columns
from spikecast.data.dataset import Kind, check_time
from spikecast.data.recording import Recording

TRIAL, TIME, TARGET = "trial", "time", "target"
SOURCE, CHANNEL = "neuron", "channel"
LONGEST_NAME = 100  # characters
HZ_NEAR = 0.2  # of the bin size: mean predictions that are so far above the truth are in Hz


class Key(NamedTuple):
    """An array of the file: its axes, what it may hold, and what it is."""

    axes: tuple[str, ...]
    holds: str  # a name of KINDS
    about: str


KEYS: dict[str, Key] = {
    "truth": Key((TRIAL, TIME, TARGET), "numbers", "what was recorded: counts per bin, or values"),
    "predicted": Key((TRIAL, TIME, TARGET), "numbers", "expected count per bin, or value"),
    "predicted_NAME": Key((TRIAL, TIME, TARGET), "numbers", "the same, of several models by name"),
    "bin_size": Key((), "seconds", "seconds"),
    "fold": Key((TRIAL,), "whole numbers", "the part in which a trial was held out; -1: in none"),
    "train_K": Key(("any",), "whole numbers", "instead of fold: trials that part K learnt from"),
    "test_K": Key(("any",), "whole numbers", "instead of fold: trials held out in part K"),
    "train_predicted": Key((TRIAL, TIME, TARGET), "numbers", "by a fit that learnt from the trial"),
    "train_predicted_NAME": Key((TRIAL, TIME, TARGET), "numbers", "the same, by name"),
    "trial_COLUMN": Key((TRIAL,), "numbers or text", "a column of the table of trials"),
    "behavior": Key((TRIAL, TIME, CHANNEL), "numbers", "recorded movement in the same bins"),
    "source": Key((TRIAL, TIME, SOURCE), "numbers", "the activity that the tool predicted from"),
    "source_area": Key((SOURCE,), "text", "the area of each source neuron"),
    "target": Key((), "text", "the name of what is predicted; default: target"),
    "session": Key((), "text", "the name of the session"),
    "time": Key((TIME,), "seconds", "bin centres in seconds; default: from half a bin on"),
    "ordered": Key((), "numbers", "0: trials are not in the order in which they were recorded"),
}
"""What the file may hold; NAME and COLUMN are any names, K is a number from 0."""

REQUIRED = ("truth", "bin_size")
KINDS = {
    "seconds": "iuf",
    "numbers": "iufb",
    "whole numbers": "iub",
    "numbers or text": "iufbUS",
    "text": "US",
}
NAMED = ("train_predicted_", "predicted_", "train_", "test_", "trial_")
WORDS = {"train_": "train_K", "test_": "test_K", "trial_": "trial_COLUMN"}
LISTS = ("train_", "test_")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of another tool, and what is known of the trials that they are scored on.

    Attributes
    ----------
    truth : array, (trial, time, target)
    predicted : mapping of name -> array, (trial, time, target)
    folds : list of (train, test)
        Numbers of trials.
    bin_size : float
        Seconds.
    time : array, (time,)
    trials : DataFrame
    target, session : str
    behavior : array, (trial, time, channel), optional
    source : array, (trial, time, neuron), optional
    source_area : array of str, (neuron,)
    train_predicted : mapping of name -> array, (trial, time, target)
        Predictions of trials by a fit that had learnt from them.
    ordered : bool
    """

    truth: np.ndarray
    predicted: Mapping[str, np.ndarray]
    folds: list[tuple[np.ndarray, np.ndarray]]
    bin_size: float
    time: np.ndarray
    trials: pd.DataFrame
    target: str = "target"
    session: str = ""
    behavior: np.ndarray | None = None
    source: np.ndarray | None = None
    source_area: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=str))
    train_predicted: Mapping[str, np.ndarray] = field(default_factory=dict)
    ordered: bool = True

    @property
    def kind(self) -> Kind:
        """Of the truth: counts where it holds whole numbers from 0 on."""
        return "counts" if _are_counts(self.truth) else "continuous"

    def make_recording(self) -> Recording:
        """Return the targets, and after them the source, as a recording."""
        activity, area = self.truth, [self.target] * self.truth.shape[2]
        if self.source is not None:
            activity = np.concatenate([activity, self.source], axis=2)
            area += self.source_area.tolist()
        recording = Recording.from_arrays(
            activity,
            self.time,
            area,
            trials=self.trials,
            behavior=None if self.behavior is None else {"behavior": self.behavior},
            kind="counts" if _are_counts(activity) else "continuous",
            align_to="start" if self.time[0] > 0 else "event",
            session=self.session,
        )
        return Recording(recording.dataset.assign_attrs(ordered=int(self.ordered)))


def read_predictions(path: str | Path) -> Predictions:
    """Return the predictions in a ``.npz`` file; :data:`KEYS` is what it may hold.

    Raises
    ------
    FormatError
        When the file is missing, damaged, lacks an array, or holds one that does not fit the
        others; the message names the array and what is allowed.

    Examples
    --------
    >>> import tempfile
    >>> rng, path = np.random.default_rng(0), f"{tempfile.mkdtemp()}/mine.npz"
    >>> rate = rng.gamma(2.0, 0.1, (20, 30, 4))
    >>> np.savez(path, truth=rng.poisson(rate), predicted=rate, fold=np.arange(20) % 5,
    ...          bin_size=0.01)
    >>> predictions = read_predictions(path)
    >>> list(predictions.predicted), len(predictions.folds), predictions.kind
    (['predicted'], 5, 'counts')
    """
    arrays = read_npz(Path(path))
    try:
        return _assemble({name: _decode(name, values) for name, values in arrays.items()})
    except ValueError as error:  # of this check, or of another that the values do not pass
        raise FormatError(f"'{path}': {error}") from None


# ------------------------------------------------------------------------------------ schema


def _decode(name: str, values: np.ndarray) -> np.ndarray:
    """Return text that is stored as bytes as letters; other arrays as they are."""
    try:
        return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
    except UnicodeDecodeError:
        raise FormatError(
            f"{quote(name)} holds bytes that are no UTF-8 text; write np.array(values, dtype=str)"
        ) from None


def _assemble(arrays: dict[str, np.ndarray]) -> Predictions:
    for name in REQUIRED:
        if name not in arrays:
            raise FormatError(f"'{name}' is missing ({KEYS[name].about})")
    sizes: dict[str, int] = {}
    for name in ("truth", *arrays):  # first, since the others are held to its axes
        _check_array(name, arrays[name], sizes)
    truth = arrays["truth"]
    bin_size = float(arrays["bin_size"])
    if not 0 < bin_size <= LONGEST:
        raise FormatError(
            f"'bin_size' is {bin_size:g}; it must be above 0, and up to {LONGEST:g}, in seconds"
        )
    folds = _read_folds(arrays, len(truth))
    scored = np.concatenate([test for _, test in folds])
    predicted = _read_named(arrays, "predicted")
    if not predicted:
        raise FormatError("'predicted' is missing; give predicted, or predicted_NAME for each name")
    for name, values in predicted.items():
        _check_name(name)
        _check_prediction(name, values[scored], truth[scored], bin_size)
    source = arrays.get("source")
    n_sources = 0 if source is None else source.shape[2]
    time = arrays.get("time", (np.arange(truth.shape[1]) + 0.5) * bin_size)
    check_time(time)
    if not np.isclose(measure_bin_size(time), bin_size, rtol=1e-3):
        raise FormatError(f"'time' has bins of {measure_bin_size(time):g} s, 'bin_size' is another")
    return Predictions(
        truth,
        predicted,
        folds,
        bin_size,
        time,
        _read_columns(arrays, len(truth)),
        str(arrays.get("target", "target")),
        str(arrays.get("session", "")),
        arrays.get("behavior"),
        source,
        arrays.get("source_area", np.full(n_sources, "source")),
        _read_training(arrays, predicted),
        bool(arrays.get("ordered", True)),
    )


def _find_key(name: str) -> Key:
    """Return the entry of an array's name, or raise for a name that none has."""
    if name in KEYS:
        return KEYS[name]
    for prefix in NAMED:
        rest = name.removeprefix(prefix)
        if rest and rest != name and (prefix not in LISTS or rest.isdigit()):
            return KEYS[WORDS.get(prefix, f"{prefix}NAME")]
    raise FormatError(f"unknown array {quote(name)}.{suggest_name(name, KEYS)}")


def _check_array(name: str, values: np.ndarray, sizes: dict[str, int]) -> None:
    """Raise unless an array holds what it may, on axes as long as those of the others."""
    key = _find_key(name)
    if values.dtype.kind not in KINDS[key.holds]:
        raise FormatError(f"'{name}' holds {values.dtype}; it must hold {key.holds}")
    if values.ndim != len(key.axes):
        axes = f"the axes {' x '.join(key.axes)}" if key.axes else "a single value"
        raise FormatError(f"'{name}' has shape {values.shape}; it must have {axes}")
    for axis, length in zip(key.axes, values.shape, strict=True):
        if not length:
            raise FormatError(f"'{name}' is empty: its shape is {values.shape}")
        if axis != "any" and sizes.setdefault(axis, length) != length:
            raise FormatError(
                f"'{name}' has {length} along {axis}, but there are {sizes[axis]} "
                f"(shape {values.shape}, axes {' x '.join(key.axes)})"
            )
    if not name.startswith(("predicted", "train_predicted", "trial_")):  # those may have gaps
        check_finite(f"'{name}'", values)


def _read_named(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return name -> array of ``prefix`` and ``prefix_NAME``."""
    named = {prefix: arrays[prefix]} if prefix in arrays else {}
    start = f"{prefix}_"
    return named | {
        name.removeprefix(start): values
        for name, values in arrays.items()
        if name.startswith(start)
    }


def _check_name(name: str) -> None:
    """Raise for a name that a table or a page cannot show as it is, or that fills a page."""
    if not name.isprintable() or name != name.strip():
        plain = " ".join("".join(c if c.isprintable() else " " for c in name).split())
        near = f"; write it as 'predicted_{plain}'" if plain else ""
        raise FormatError(
            f"{quote(f'predicted_{name}')}: the name of a prediction holds visible characters, and "
            f"spaces between them{near}"
        )
    if len(name) > LONGEST_NAME:
        raise FormatError(
            f"{quote(f'predicted_{name}')}: the name of a prediction has {len(name)} characters; "
            f"up to {LONGEST_NAME} are allowed"
        )


def _read_training(
    arrays: Mapping[str, np.ndarray], predicted: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    named = _read_named(arrays, "train_predicted")
    if "train_predicted" in named:
        named["predicted"] = named.pop("train_predicted")
    for name in named:
        if name not in predicted:
            near = suggest_name(name, predicted)
            raise FormatError(f"'train_predicted_{name}' has no 'predicted_{name}'.{near}")
    return named


def _read_columns(arrays: Mapping[str, np.ndarray], n_trials: int) -> pd.DataFrame:
    """Return the table of trials; a slash, which no column's name may hold, becomes ``_``."""
    found = {
        name.removeprefix("trial_"): values
        for name, values in arrays.items()
        if name.startswith("trial_")
    }
    columns, left_out = tidy_columns(pd.DataFrame(found, index=range(n_trials)))
    if left_out:
        raise FormatError(f"{quote(f'trial_{left_out[0]}')} cannot be a column of trials")
    return pd.DataFrame(columns, index=range(n_trials))


def _check_prediction(name: str, values: np.ndarray, truth: np.ndarray, bin_size: float) -> None:
    """Raise for what cannot be the prediction of trials that are scored."""
    check_finite(f"prediction '{name}' (of trials that are scored)", values)
    check_prediction_size(f"prediction '{name}'", values)
    if not _are_counts(truth):
        return
    if values.min() < 0:
        raise FormatError(
            f"prediction '{name}' goes down to {values.min():g}; of counts it is the expected "
            "count per bin, never below 0 (of log rates, take np.exp)"
        )
    ratio = bin_size * values.mean(dtype=float) / max(truth.mean(dtype=float), 1e-12)
    if bin_size < HZ_NEAR and abs(ratio - 1) < HZ_NEAR:
        raise FormatError(
            f"prediction '{name}' is {1 / bin_size:g} times what was recorded, on average: that is "
            "Hz; give the expected count per bin (times bin_size)"
        )


def _read_folds(
    arrays: Mapping[str, np.ndarray], n_trials: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return training and test trials of each part, in ascending order."""
    parts = sorted(int(name.removeprefix("test_")) for name in arrays if name.startswith("test_"))
    every = np.arange(n_trials)
    if "fold" in arrays:
        if parts:
            raise FormatError("'fold' and 'test_K' both say what was held out; give one of them")
        fold = arrays["fold"].astype(int)
        numbers = np.unique(fold[fold >= 0])
        if not numbers.size:
            raise FormatError("'fold' holds no trial out: number the parts from 0 on")
        folds = [(every[fold != k], every[fold == k]) for k in numbers]
    elif parts:
        folds = [
            (_read_list(arrays, f"train_{k}", n_trials), _read_list(arrays, f"test_{k}", n_trials))
            for k in parts
        ]
    else:
        raise FormatError(
            "nothing says which trials were held out; give 'fold' (the part of each trial), or "
            "'train_0' and 'test_0' and so on"
        )
    _check_folds(folds)
    return folds


def _read_list(arrays: Mapping[str, np.ndarray], name: str, n_trials: int) -> np.ndarray:
    """Return numbers of trials in ascending order, given as numbers or as a mask."""
    if name not in arrays:
        raise FormatError(f"'{name}' is missing, beside its other half")
    values = arrays[name]
    if values.dtype.kind == "b":
        if len(values) != n_trials:
            raise FormatError(f"'{name}' is a mask of {len(values)}; there are {n_trials} trials")
        return np.flatnonzero(values)
    if values.min() < 0 or values.max() >= n_trials:
        raise FormatError(
            f"'{name}' has trials {values.min()} to {values.max()}; there are 0 to {n_trials - 1}"
        )
    if np.unique(values).size < values.size:
        raise FormatError(f"'{name}' has a trial twice")
    return np.sort(values.astype(int))


def _check_folds(folds: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for index, (train, test) in enumerate(folds):
        shared = np.intersect1d(train, test).size
        if shared:
            raise FormatError(f"part {index}: {shared} of its test trials were learnt from")
        if not train.size or not test.size:
            raise FormatError(f"part {index} has {train.size} training and {test.size} test trials")
    tested = np.concatenate([test for _, test in folds])
    twice = tested.size - np.unique(tested).size
    if twice:
        raise FormatError(f"{twice} trials are held out in more than one part")


def _are_counts(values: np.ndarray) -> bool:
    return bool(values.min() >= 0 and (values == np.floor(values)).all())
