"""The identity of data: one hash for each part of a recording that a run may read.

Two recordings have the same identity when the same analysis gives the same numbers on both. Where
they differ, :func:`changed_parts` names what does.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from spikecast.core.numbers import write_far_dates
from spikecast.data.recording import Recording

ATTRIBUTES = ("kind", "bin_size", "align_to")
"""Attributes that are part of the identity; names (session, subject) do not change a number."""
BLOCK = 1 << 20  # values hashed at a time, so that no large copy is made


def identify(recording: Recording) -> dict[str, str]:
    """Return the hash of each part of a recording, by the part's name.

    Names: ``"activity"``, ``"time axis"``, ``"neuron column 'NAME'"``, ``"trial column 'NAME'"``,
    ``"behaviour 'NAME'"``, ``"attribute 'NAME'"``.

    Hashes do not depend on the file's format, on how variables are ordered, or on the width of
    numbers: integers and booleans are hashed in the narrowest type that holds them all, other
    numbers in double precision, with one bit pattern for every NaN and for both zeros. Times are
    rounded to microseconds. Text is hashed as it prints, so a missing value in a text column is
    ``"None"`` or ``"nan"``, as recordings keep it.
    """
    dataset = recording.dataset
    parts = {
        "activity": recording.activity,
        "time axis": np.round(recording.time, 6),
        **{f"attribute '{name}'": np.asarray(dataset.attrs[name]) for name in ATTRIBUTES},
    }
    for axis in ("neuron", "trial"):
        for name, coordinate in dataset.coords.items():
            if coordinate.dims == (axis,) and name != axis:
                parts[f"{axis} column '{name}'"] = coordinate.values
    for name in recording.behavior:
        parts[f"behaviour '{name}'"] = dataset[name].values
    return {name: _hash_values(values) for name, values in parts.items()}


def changed_parts(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the names of the parts whose hash differs, or that only one identity has."""
    return [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]


def _hash_values(values: np.ndarray) -> str:
    """Return the hash of an array, the same for any width of numbers, byte order and layout."""
    if values.dtype.kind == "M":
        values = write_far_dates(values)
    if values.dtype.kind in "mM":
        values = values.astype(f"{values.dtype.kind}8[ns]").view(np.int64)
    elif values.dtype.kind in "OSTU":
        # one string holds them all, so that neither padding nor encoding matters
        values = np.frombuffer("\0".join(values.astype(str).ravel()).encode(), dtype=np.uint8)
    kind: np.dtype = np.dtype(np.float64)
    if values.dtype.kind in "biu" and values.size:
        limits = (np.min_scalar_type(int(end)) for end in (values.min(), values.max()))
        kind = np.result_type(*limits)
    digest = hashlib.blake2b(f"{kind.name} {values.shape}".encode(), digest_size=16)
    blocks = np.nditer(
        values,
        ["external_loop", "buffered", "zerosize_ok"],
        op_dtypes=kind.newbyteorder("<"),
        order="C",
        casting="unsafe",
        buffersize=BLOCK,
    )
    for block in map(np.array, blocks):
        if kind.kind == "f":
            block += 0.0  # -0.0 becomes 0.0
            block[np.isnan(block)] = np.nan
        digest.update(block.data)
    return digest.hexdigest()
