"""Fitted models on disk: arrays in safetensors, everything else in JSON, no pickle.

A model ``stem`` is two files, ``stem.safetensors`` and ``stem.json``. Loading makes the class named
in the JSON (only one of the catalogue) and puts its state back. The JSON holds a checksum of the
arrays: those of another model, or of another fit, are refused.
"""

import hashlib
import json
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load as deserialize
from safetensors.numpy import save as serialize
from sklearn.base import BaseEstimator

from spikecast.core.checks import quote, shorten_line
from spikecast.core.errors import FormatError, InputError, UnsavedModelError
from spikecast.core.files import is_special, write_atomically, write_json
from spikecast.core.free_memory import check_size
from spikecast.models.base import Model
from spikecast.models.catalog import MODELS
from spikecast.models.context import SourceDrift, TargetDrift
from spikecast.models.foreign import ForeignModel
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.setting_checks import check_settings
from spikecast.tasks.trial_facts import TrialFacts

if TYPE_CHECKING:
    from spikecast.models.networks.network import Network
    from spikecast.models.sessions import ManySessions

N_TRIED = 2
"""Trials of zeros by which a loaded model is tried out."""
SIZES = (
    *("lags", "n_latents", "n_heads", "n_models", "n_factors", "n_inputs", "n_initial"),
    *("n_controller", "n_encoder", "n_generator", "before", "after"),
)
"""Settings that say how large the arrays are, or in how many parts they are used."""
MOST_PARTS = 1000
LARGEST = 10**6
"""Neurons, or bins of a trial, that a stored model can say it was fitted on."""


def save(model: "Model | ManySessions", stem: str | Path) -> str:
    """Write a fitted model, and return the checksum of its arrays.

    Parameters
    ----------
    model : Model or ManySessions
        Of the catalogue.
    stem : str or Path
        Path without suffix; the two files are replaced if they exist.

    Returns
    -------
    str
        By which :func:`load` tells it from other models.

    Raises
    ------
    UnsavedModelError
        For a model from elsewhere (:class:`spikecast.models.ForeignModel`), or one whose fitted
        attributes are neither arrays nor plain values. Nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> from spikecast.models.mean_rate import MeanRate
    >>> x = y = np.ones((4, 3, 2), dtype=int)
    >>> stem = tempfile.mkdtemp() + "/model"
    >>> checksum = save(MeanRate().fit(x, y), stem)
    >>> load(stem, checksum).predict(x)[0, 0]
    array([1., 1.])
    """
    arrays: dict[str, np.ndarray] = {}
    description = _describe_part(model, "", arrays)
    content = serialize(arrays)
    stem = Path(stem)
    with write_atomically(stem.with_name(stem.name + ".safetensors")) as temporary:
        temporary.write_bytes(content)
    description["checksum"] = checksum = _compute_checksum(content)
    write_json(stem.with_name(stem.name + ".json"), description)
    return checksum


def load(stem: str | Path, checksum: str | None = None) -> Model:
    """Read a model that :func:`save` wrote.

    Parameters
    ----------
    stem : str or Path
        Path without suffix.
    checksum : str, optional
        What :func:`save` returned: another model is refused.

    Raises
    ------
    FormatError
        When a file is missing or damaged, names a class that is not in the catalogue, or holds
        weights that do not fit together or predict no finite number.
    """
    stem = Path(stem)
    try:
        described, weights = (stem.with_name(stem.name + end) for end in (".json", ".safetensors"))
        for path in (described, weights):
            if is_special(path):
                raise ValueError(f"{path.name} is a pipe or a device, not a file")
            check_size(path)
        description = json.loads(described.read_text(encoding="utf-8"))
        content = weights.read_bytes()
        # models of earlier versions have none
        if description.get("checksum", _compute_checksum(content)) != _compute_checksum(content):
            raise ValueError("its arrays are not those that were written with its description")
        if checksum not in (None, _compute_checksum(content)):
            raise ValueError("another model lies in its place")
        arrays = deserialize(content)
        _check_settings(description, arrays)
        model = _restore_part(description, arrays)
        if isinstance(model, Model):
            _try_out(model)
    except FileNotFoundError as error:
        raise FormatError(f"there is no file '{error.filename}'") from None
    except Exception as error:  # weights that somebody changed can fail in any way
        raise FormatError(f"the model '{stem}' is damaged: {shorten_line(error)}") from None
    return model


def _describe_part(
    part: BaseEstimator, prefix: str, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return all of an estimator that JSON can hold; put its arrays into `arrays`."""
    if isinstance(part, ForeignModel):
        raise UnsavedModelError(
            f"{type(part.estimator_).__name__} is not a model of this package and cannot be saved "
            "by it; keep its predictions, or save it by its own means"
        )
    if not _is_known(type(part)):
        raise UnsavedModelError(
            f"{type(part).__name__} is not a model of the catalogue and could not be loaded again; "
            "keep its predictions, save it by its own means, or list it as an entry point of a "
            "package (spikecast.models)"
        )
    state: dict[str, Any] = {}
    for name, value in sorted(vars(part).items()):
        if not name.endswith("_"):
            continue
        key = f"{prefix}{name}"
        if isinstance(value, np.ndarray):
            arrays[key] = np.ascontiguousarray(value)
            state[name] = {"array": key}
        elif hasattr(value, "state_dict"):  # a network
            for tensor, content in value.state_dict().items():
                arrays[f"{key}.{tensor}"] = content.numpy()
            state[name] = {"network": key}
        elif isinstance(value, BaseEstimator):
            state[name] = {"part": _describe_part(value, f"{key}.", arrays)}
        elif isinstance(value, list) and value and isinstance(value[0], BaseEstimator):
            parts = [_describe_part(one, f"{key}.{i}.", arrays) for i, one in enumerate(value)]
            state[name] = {"parts": parts}
        else:
            state[name] = {"value": _to_plain(value)}
    parameters = {name: _to_plain(value) for name, value in part.get_params(deep=False).items()}
    return {"class": type(part).__name__, "parameters": parameters, "state": state}


def _check_settings(description: Any, arrays: dict[str, np.ndarray]) -> None:
    """Raise where a setting is far larger than the arrays: what is built first would be, too."""
    longest = max((length for array in arrays.values() for length in array.shape), default=0)
    most = dict.fromkeys(SIZES, max(longest, MOST_PARTS))
    most |= {"n_layers": max(len(arrays), 1)}
    most |= dict.fromkeys(("n_members", "held_out_parts"), max(longest, 1))
    entries = [description]
    while entries:
        entry = entries.pop()
        if isinstance(entry, dict):
            for name, value in entry.items():
                if name in most and isinstance(value, int | float) and value > most[name]:
                    raise ValueError(f"{name} is {quote(value)}, far more than its arrays hold")
            entries += entry.values()
        elif isinstance(entry, list):
            entries += entry


def _restore_part(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    part = _find_class(description["class"])(**description["parameters"])
    if isinstance(part, Model):
        check_settings(part)
    entries = [
        (name, kind, content)
        for name, entry in description["state"].items()
        for kind, content in entry.items()
    ]
    # networks are built last: their sizes are part of the state
    for attribute, _, _ in entries:
        if not attribute.endswith("_") or attribute.startswith("_"):
            raise ValueError(f"it names '{attribute}' as fitted")
    for attribute, kind, content in sorted(entries, key=lambda entry: entry[1] == "network"):
        if kind == "array":
            setattr(part, attribute, arrays[content])
        elif kind == "part":
            setattr(part, attribute, _restore_part(content, arrays))
        elif kind == "parts":
            setattr(part, attribute, [_restore_part(one, arrays) for one in content])
        elif kind == "network":
            network = part._build_network(**part.sizes_)
            setattr(part, attribute, _restore_network(network, content, arrays))
        else:
            setattr(part, attribute, content)
    return part


def _try_out(model: Model) -> None:
    """Raise where a model does not predict finite numbers in the shapes that it was fitted on.

    Trials are of one condition, without behaviour: what a null learnt of behaviour is not tried.
    """
    n_bins, n_sources, n_targets = (
        _check_size(name, vars(model)[name]) for name in ("n_bins_", "n_sources_", "n_targets_")
    )
    shape = N_TRIED, n_bins, n_targets
    given: dict[str, Any] = {}
    if getattr(model, "adds_", False):
        given["base"] = np.ones(shape)
    if "trials" in model.needs:
        given["trials"] = TrialFacts(np.zeros(N_TRIED), np.zeros(N_TRIED, dtype=int))
    x = np.zeros((N_TRIED, n_bins, n_sources))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prediction = model.predict(x, **given)
        if model.has_latents:
            with suppress(InputError):  # of a stack without such a member
                model.transform(x)
    if prediction.shape != shape or not np.isfinite(prediction).all():
        raise ValueError("its weights do not fit together, or are not finite")


def _check_size(name: str, size: object) -> int:
    """Return a fitted size, or raise where it cannot be one."""
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= LARGEST:
        raise ValueError(f"{name} is {quote(size)}; it must be a whole number above 0")
    return size


def _restore_network(network: "Network", key: str, arrays: dict[str, np.ndarray]) -> "Network":
    import torch

    tensors = {
        tensor.removeprefix(f"{key}."): torch.from_numpy(content)
        for tensor, content in arrays.items()
        if tensor.startswith(f"{key}.")
    }
    network.load_state_dict(tensors)
    return network.eval()


def _compute_checksum(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _is_known(kind: type) -> bool:
    """Return whether :func:`load` would find this very class."""
    try:
        return _find_class(kind.__name__) is kind
    except FormatError:
        return False


def _find_class(name: str) -> type[BaseEstimator]:
    """Return the class that a stored model names: of the catalogue, or a part of such a model."""
    for part in (PopulationFeatures, SourceDrift, TargetDrift):
        if part.__name__ == name:
            return part
    if name == "ManySessions":
        from spikecast.models.sessions import ManySessions  # imports torch

        return ManySessions
    for model in MODELS.values():
        if model.__name__ == name:
            return model
    raise FormatError(f"'{name}' is not a model of the catalogue; it was not loaded")


def _to_plain(value: Any) -> Any:
    """Return a value as JSON has it: numpy scalars as numbers, tuples as lists."""
    if isinstance(value, dict):
        return {key: _to_plain(content) for key, content in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(content) for content in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise UnsavedModelError(
        f"a fitted model holds a {type(value).__name__}, which cannot be saved: attributes ending "
        "in _ must be arrays, numbers, text, lists, or parts of the package"
    )
