"""Read the files of the Neural Latents Benchmark: HDF5 of its tools, or NWB."""

from collections.abc import Sequence
from pathlib import Path

from spikecast.core.errors import FormatError, InputError
from spikecast.data.nlb_files import (
    INPUT,
    TARGET,
    Arrays,
    Value,
    check_arrays,
    pick_group,
    read_groups,
)
from spikecast.evaluation.nlb_data import NLBData, check_name
from spikecast.evaluation.nlb_nwb import read_nlb_nwb

PathLike = str | Path


def read_nlb(
    source: PathLike | Sequence[PathLike], target: PathLike | None = None, dataset: str = ""
) -> NLBData:
    """Read the files of a data set of the Neural Latents Benchmark.

    Parameters
    ----------
    source : path or several
        The HDF5 files of inputs: ``make_train_input_tensors`` and ``make_eval_input_tensors`` of
        ``nlb_tools`` write one each. Or one NWB file of training and validation trials, which is
        cut at the benchmark's events, in its windows: bins begin at the event, not at the start of
        the session, so that counts differ a little.
    target : path, optional
        The file of ``make_eval_target_tensors``. Without it, held-out spikes among the inputs (of
        validation trials) are the target.
    dataset : str
        The name of the data set, with ``_20`` for bins of 20 ms; by default that of the group in
        the file of targets. An NWB file does not say it.

    Returns
    -------
    NLBData

    Raises
    ------
    FormatError
        When a file is missing, damaged, lacks an array, or holds one that does not fit the others.
    InputError
        For an NWB file without the name of its data set, or of ``dmfc_rsg``, whose trials have
        different lengths.
    UnknownNameError
        For a data set that is not in the file.

    Examples
    --------
    >>> import h5py, numpy as np, tempfile
    >>> path = f"{tempfile.mkdtemp()}/input.h5"
    >>> with h5py.File(path, "w") as file:
    ...     file["train_spikes_heldin"] = np.zeros((6, 10, 4), "float32")
    ...     file["train_spikes_heldout"] = np.zeros((6, 10, 2), "float32")
    ...     file["eval_spikes_heldin"] = np.zeros((3, 10, 4), "float32")
    >>> read_nlb(path, dataset="mc_rtt")
    <NLBData mc_rtt: 6 + 3 trials x 10 bins x 4 + 2 neurons>
    """
    paths = [source] if isinstance(source, PathLike) else list(source)
    if not paths:
        raise InputError("no file of inputs is given")
    name = check_name(dataset)
    if any(Path(path).suffix == ".nwb" for path in paths):
        if len(paths) > 1 or target is not None:
            raise InputError("an NWB file holds inputs and targets: give it alone")
        return read_nlb_nwb(paths[0], name)
    scored: dict[str, Value] | None = None
    if target is not None:
        name, scored = pick_group(target, read_groups(target), name)
        _check_file(target, scored, TARGET)
    found: dict[str, Value] = {}
    for path in paths:
        name, arrays = pick_group(path, read_groups(path), name)
        _check_file(path, arrays, INPUT | TARGET)
        twice = found.keys() & arrays.keys()
        if twice:
            raise FormatError(f"'{path}' holds '{min(twice)}' again: another file has it too")
        found |= arrays
    extra = {one: values for one, values in found.items() if one in TARGET}
    if scored is None and "eval_spikes_heldout" in extra:
        scored = extra
    inputs = {one: values for one, values in found.items() if one in INPUT}
    try:
        return NLBData(name, inputs, scored)
    except FormatError as error:
        files = ", ".join(f"'{path}'" for path in [*paths, *([target] if target else [])])
        raise FormatError(f"{files}: {error}") from None


def _check_file(path: PathLike, arrays: Arrays, keys: dict) -> None:
    try:
        check_arrays(arrays, keys, (), {})
    except FormatError as error:
        raise FormatError(f"'{path}': {error}") from None
