"""The HDF5 files of the Neural Latents Benchmark: what a model is given, targets, submissions.

Names and shapes are those of the package ``nlb_tools``. Input files hold arrays at their top;
targets and submissions hold a group per data set, called ``mc_maze_small`` for bins of 5 ms and
``mc_maze_small_20`` for bins of 20 ms. The axes below have these lengths:

====================  ==========================================================================
train, eval           trials that are learnt from, and trials that are scored
bin, forward bin      observed bins of a trial, and those right after them (200 ms)
held-in, held-out     neurons that are seen in evaluation trials, and those that are not
neuron                all of them, held-in first
====================  ==========================================================================
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from spikecast.core.checks import check_one_of, quote, shorten_line, suggest_name
from spikecast.core.errors import FormatError, InputError
from spikecast.core.files import explain_write_errors, is_special, prepare_export, write_atomically
from spikecast.core.free_memory import check_fits
from spikecast.core.hdf5_check import check_readable, explain_damage

Value = np.ndarray | list[np.ndarray]
"""An array, or a list of arrays of different lengths (trials of each condition)."""
Arrays = Mapping[str, Value]

DATASETS = (
    *("mc_maze", "mc_rtt", "area2_bump", "dmfc_rsg"),
    *("mc_maze_large", "mc_maze_medium", "mc_maze_small"),
)
"""Data sets that the benchmark evaluates, with bins of 5 ms."""
NAMES = tuple(f"{name}{suffix}" for name in DATASETS for suffix in ("", "_20"))
"""Names of groups in targets and submissions; ``_20`` says that bins have 20 ms."""
LARGEST = 500_000_000
"""Values of one array; the largest of the benchmark has 33 million."""
LARGEST_NUMBER = 1e12
"""A count, a rate or a place beyond is damage."""

TRAIN, EVAL, BIN, FORWARD = "train", "eval", "bin", "forward bin"
HELD_IN, HELD_OUT, NEURON = "held-in", "held-out", "neuron"
KINDS = {"counts": "iuf", "numbers": "iuf", "whole numbers": "iu", "truth values": "b"}


@dataclass(frozen=True)
class Key:
    """An array of a file: its axes (or one of several sets of axes), and what it holds.

    One with `gaps` may hold NaN, where nothing was recorded or is scored.
    """

    axes: tuple[tuple[str, ...], ...]
    holds: str = "counts"
    gaps: bool = False


_OBSERVED = ((TRAIN, BIN, HELD_IN), (TRAIN, BIN, HELD_OUT))
_AFTER = ((TRAIN, FORWARD, HELD_IN), (TRAIN, FORWARD, HELD_OUT))
_EVALUATED = ((EVAL, BIN, HELD_IN), (EVAL, BIN, HELD_OUT))
_PREDICTED = ((EVAL, FORWARD, HELD_IN), (EVAL, FORWARD, HELD_OUT))

INPUT = {
    "train_spikes_heldin": Key((_OBSERVED[0],)),
    "train_spikes_heldout": Key((_OBSERVED[1],)),
    "train_spikes_heldin_forward": Key((_AFTER[0],)),
    "train_spikes_heldout_forward": Key((_AFTER[1],)),
    "eval_spikes_heldin": Key((_EVALUATED[0],), gaps=True),
}
"""What a model is given."""
REQUIRED_INPUT = ("train_spikes_heldin", "train_spikes_heldout", "eval_spikes_heldin")

TARGET = {
    "eval_spikes_heldout": Key((_EVALUATED[1],), gaps=True),
    "eval_spikes_heldin_forward": Key((_PREDICTED[0],), gaps=True),
    "eval_spikes_heldout_forward": Key((_PREDICTED[1],), gaps=True),
    # movement by bin; of dmfc_rsg facts about trials, which do not change within one
    "train_behavior": Key(((TRAIN, BIN, "channel"), (TRAIN, "channel")), "numbers", gaps=True),
    "eval_behavior": Key(((EVAL, BIN, "channel"), (EVAL, "channel")), "numbers", gaps=True),
    "train_decode_mask": Key(((TRAIN, "decoder"),), "truth values"),
    "eval_decode_mask": Key(((EVAL, "decoder"),), "truth values"),
    "psth": Key((("condition", BIN, NEURON),), "numbers", gaps=True),
    "train_cond_idx": Key((("condition",),), "whole numbers"),
    "eval_cond_idx": Key((("condition",),), "whole numbers"),
    "train_jitter": Key(((TRAIN,),), "whole numbers"),
    "eval_jitter": Key(((EVAL,),), "whole numbers"),
}
"""What predictions are scored against."""
REQUIRED_TARGET = ("eval_spikes_heldout",)
LISTS = ("train_cond_idx", "eval_cond_idx")
"""The trials of each condition, by number: lists of different lengths."""

SUBMISSION = {
    "train_rates_heldin": Key((_OBSERVED[0],), "numbers", gaps=True),
    "train_rates_heldout": Key((_OBSERVED[1],), "numbers", gaps=True),
    "eval_rates_heldin": Key((_EVALUATED[0],), "numbers", gaps=True),
    "eval_rates_heldout": Key((_EVALUATED[1],), "numbers", gaps=True),
    "train_rates_heldin_forward": Key((_AFTER[0],), "numbers", gaps=True),
    "train_rates_heldout_forward": Key((_AFTER[1],), "numbers", gaps=True),
    "eval_rates_heldin_forward": Key((_PREDICTED[0],), "numbers", gaps=True),
    "eval_rates_heldout_forward": Key((_PREDICTED[1],), "numbers", gaps=True),
}
"""What is submitted: expected counts per bin. Forward rates may be left out."""
REQUIRED_SUBMISSION = (*SUBMISSION,)[:4]


def read_groups(path: str | Path) -> dict[str, dict[str, Value]]:
    """Return group -> array -> values of an HDF5 file; arrays at its top are in the group "".

    Raises
    ------
    FormatError
        When the file is missing, damaged, or holds something else.
    """
    path = Path(path)
    if is_special(path) or not path.is_file():
        raise FormatError(f"there is no file '{path}'")
    import h5py

    groups: dict[str, dict[str, Value]] = {}
    with explain_damage(path, "an HDF5 file"):
        check_readable(path)
        with h5py.File(path, "r") as opened:
            for name, item in opened.items():
                if isinstance(item, h5py.Group):
                    groups[str(name)] = {str(one): _read(one, item[one]) for one in item}
                else:
                    groups.setdefault("", {})[str(name)] = _read(name, item)
    if not any(groups.values()):
        raise FormatError(f"'{path}' holds no array")
    return groups


def _read(name: str, item: Any) -> Value:
    """Return an array of an opened file; its size is looked at before it is read."""
    if not hasattr(item, "dtype"):
        raise FormatError(f"'{name}' is a group; arrays are expected there")
    if item.shape is None or item.size > LARGEST:
        size = "nothing" if item.shape is None else f"{item.size} values"
        raise FormatError(f"'{name}' holds {size}; an array may have {LARGEST} values")
    check_fits(item.size * item.dtype.itemsize, Path(item.file.filename))
    values = item[()]
    if name in LISTS:
        return [np.asarray(one) for one in values]
    values = np.asarray(values)
    return values.astype(np.float32) if values.dtype == np.float16 else values


def pick_group(
    path: str | Path, groups: Mapping[str, dict[str, Value]], dataset: str = ""
) -> tuple[str, dict[str, Value]]:
    """Return the name and the arrays of one data set of a file.

    Arrays at the top of a file are those of `dataset`, whichever it is. Without `dataset` the
    file must hold one group.
    """
    if "" in groups:
        return dataset, groups[""]
    if dataset:
        check_one_of(f"data set in '{path}'", dataset, list(groups))
        return dataset, groups[dataset]
    if len(groups) > 1:
        raise InputError(
            f"'{path}' holds {len(groups)} data sets: {shorten_line(', '.join(groups))}; say "
            "which: dataset=..."
        )
    return next(iter(groups.items()))


def check_arrays(
    arrays: Arrays, keys: Mapping[str, Key], required: Sequence[str], sizes: dict[str, int]
) -> None:
    """Raise unless arrays are what `keys` say; `sizes` (axis -> length) is added to.

    Axes of one name must be equally long in all arrays, also those checked before with the same
    `sizes`.

    Raises
    ------
    FormatError
        When an array is missing, unknown, of another kind or of other axes.
    """
    for name in required:
        if name not in arrays:
            known = shorten_line(", ".join(arrays))
            raise FormatError(f"the array '{name}' is missing; there are {known}")
    for name, values in arrays.items():
        if name not in keys:
            raise FormatError(f"unknown array {quote(name)}.{suggest_name(name, keys)}")
        if name in LISTS:
            _check_list(name, [np.asarray(one) for one in values], sizes)
        else:
            _check_array(name, np.asarray(values), keys[name], sizes)
    if {HELD_IN, HELD_OUT, NEURON} <= sizes.keys():
        n_held_in, n_held_out, n_neurons = (sizes[axis] for axis in (HELD_IN, HELD_OUT, NEURON))
        if n_neurons != n_held_in + n_held_out:
            raise FormatError(
                f"'psth' has {n_neurons} neurons, but {n_held_in} are held in and {n_held_out} out"
            )


def _check_array(name: str, values: np.ndarray, key: Key, sizes: dict[str, int]) -> None:
    if values.dtype.kind not in KINDS[key.holds]:
        raise FormatError(f"'{name}' holds {values.dtype}; it must hold {key.holds}")
    axes = next((axes for axes in key.axes if len(axes) == values.ndim), None)
    if axes is None:
        allowed = " or ".join(" x ".join(one) for one in key.axes)
        raise FormatError(f"'{name}' has the shape {values.shape}; it must be {allowed}")
    for axis, length in zip(axes, values.shape, strict=True):
        if not length:
            raise FormatError(f"'{name}' is empty: its shape is {values.shape}")
        if sizes.setdefault(axis, length) != length:
            raise FormatError(
                f"'{name}' has {length} along the axis {axis}, but there are {sizes[axis]} (its "
                f"shape is {values.shape}, its axes are {' x '.join(axes)})"
            )
    if values.dtype.kind != "f":
        low = values.min() if values.dtype.kind == "i" and key.holds == "counts" else 0
        if low < 0:
            raise FormatError(f"'{name}' goes down to {low}; it must hold counts")
        return
    known = values if not key.gaps else values[~np.isnan(values)]
    if not np.isfinite(known).all():
        raise FormatError(f"'{name}' holds {'' if key.gaps else 'NaN or '}infinite values")
    largest = float(max(known.max(), -known.min())) if known.size else 0.0
    if largest > LARGEST_NUMBER:
        raise FormatError(f"'{name}' reaches {largest:.2g}: it is damaged")
    if key.holds == "counts" and known.size and not _are_counts(known):
        raise FormatError(f"'{name}' holds negative or broken numbers; it must hold counts")


def _are_counts(values: np.ndarray) -> bool:
    return bool(values.min() >= 0 and (values == np.floor(values)).all())


def _check_list(name: str, values: list[np.ndarray], sizes: dict[str, int]) -> None:
    """Raise unless every entry holds numbers of trials."""
    n_conditions = sizes.setdefault("condition", len(values))
    if n_conditions != len(values):
        raise FormatError(f"'{name}' has {len(values)} conditions, but there are {n_conditions}")
    n_trials = sizes.get(TRAIN if name.startswith("train") else EVAL, np.inf)
    for one in values:
        if one.ndim != 1 or (one.size and one.dtype.kind not in "iu"):
            raise FormatError(f"'{name}' must hold, for each condition, a list of whole numbers")
        if one.size and not 0 <= one.min() <= one.max() < n_trials:
            raise FormatError(
                f"'{name}' has trials {one.min()} to {one.max()}; there are {n_trials}"
            )


def read_submission(path: str | Path, dataset: str = "") -> dict[str, np.ndarray]:
    """Return the rates of one data set in a submission, by name."""
    _, arrays = pick_group(path, read_groups(path), dataset)
    return {name: np.asarray(values) for name, values in arrays.items()}


def write_submission(path: str | Path, submitted: Mapping[str, Arrays]) -> None:
    """Write a submission: a group per data set, arrays in 32 bits, compressed.

    The file is made in memory and written under a temporary name first; an existing file is
    replaced.

    Parameters
    ----------
    path : str or Path
        Ends in ``.h5``.
    submitted : mapping of data set -> name -> array
        Names of data sets are in :data:`NAMES`, those of arrays in :data:`SUBMISSION`.

    Raises
    ------
    InputError
        For another ending, or a data set that the benchmark does not have.
    FormatError
        When an array is missing or of another shape than the others say.

    Examples
    --------
    >>> import tempfile
    >>> rates = {name: np.ones((3, 4, 2)) for name in REQUIRED_SUBMISSION}
    >>> path = f"{tempfile.mkdtemp()}/submission.h5"
    >>> write_submission(path, {"mc_rtt_20": rates})
    >>> read_submission(path)["eval_rates_heldout"].dtype
    dtype('float32')
    """
    import h5py

    path = prepare_export(path, ".h5")
    content = BytesIO()
    with h5py.File(content, "w") as opened:
        for dataset, arrays in submitted.items():
            check_one_of("data set of the benchmark", dataset, NAMES)
            check_arrays(arrays, SUBMISSION, REQUIRED_SUBMISSION, {})
            group = opened.create_group(dataset)
            for name, values in arrays.items():
                group.create_dataset(name, data=np.asarray(values, np.float32), compression="gzip")
    with write_atomically(path) as temporary, explain_write_errors(path):
        temporary.write_bytes(content.getvalue())
