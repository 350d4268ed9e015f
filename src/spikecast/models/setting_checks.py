"""Check the settings of a model before anything is built of them."""

import inspect
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from spikecast.core.checks import check_count, check_in_range, check_truth, quote
from spikecast.core.errors import InputError
from spikecast.core.seeding import LARGEST_SEED

LARGEST_STATE, LARGEST_LAYER, MOST_PARTS, MOST_STEPS = 1024, 4096, 100, 1_000_000
LIMITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(
        ("n_latents", "n_factors", "n_generator", "n_controller", "n_encoder", "n_initial"),
        (1, LARGEST_STATE),
    ),
    "n_inputs": (0, LARGEST_STATE),
    "n_hidden": (1, LARGEST_LAYER),
    "n_layers": (1, 16),
    **dict.fromkeys(("n_members", "n_models", "n_heads"), (1, MOST_PARTS)),
    "held_out_parts": (0, MOST_PARTS),
    "n_inner": (1, MOST_PARTS),
    **dict.fromkeys(("epochs", "n_iterations", "batch_size", "patience"), (1, MOST_STEPS)),
    "min_steps": (0, MOST_STEPS),
    **dict.fromkeys(("lags", "before", "after", "jitter"), (0, 10_000)),
    "stride": (1, 10_000),
    **dict.fromkeys(("width", "widths"), (0, 100_000)),
    **dict.fromkeys(("n_components", "ranks"), (1, np.inf)),
    **dict.fromkeys(("dropout", "coordinated_dropout", "thinning"), (0, 0.99)),
    **dict.fromkeys(("learning_rate", "time_constants", "noise_factors"), (1e-12, 1e12)),
    **dict.fromkeys(("penalties", "weight_decay", "kl_weight", "kl_warmup"), (0, 1e12)),
    **dict.fromkeys(("pull", "noise"), (0, 1e12)),
}
"""The smallest and the largest value of a setting; sizes beyond take all memory, or days."""
CHECKED_LATER = ("budget",)


def check_settings(model: BaseEstimator) -> None:
    """Raise where a setting of a model of this package is of another type, or beyond its limits.

    The type is that of the default. Nothing is asked of models from elsewhere.

    Raises
    ------
    InputError
        The message names the setting, its value and what is allowed.

    Examples
    --------
    >>> import spikecast as sc
    >>> check_settings(sc.models.PCARidge(causal="false"))
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: causal is 'false'; it must be true or false
    """
    if not type(model).__module__.startswith("spikecast."):
        return
    for name, parameter in inspect.signature(type(model)).parameters.items():
        value, default = getattr(model, name), parameter.default
        if value is default or name in CHECKED_LATER or default is inspect.Parameter.empty:
            continue
        if name == "seed":
            check_count("seed", value, 0, LARGEST_SEED)
            continue
        if value is None and "None" in str(parameter.annotation):
            continue
        if default is None and name in LIMITS:
            default = int(LIMITS[name][0])
        if str(parameter.annotation).startswith("tuple") and np.shape(value) != np.shape(default):
            raise InputError(f"{name} is {quote(value)}; it must be {len(default)} numbers")
        _check_one(name, value, default)


def _check_one(name: str, value: Any, default: Any) -> None:
    """Raise unless a value is of the type of a default, and within the limits of its name."""
    if isinstance(default, bool):
        check_truth(name, value)
    elif isinstance(default, tuple):
        listed = isinstance(value, Sequence) or getattr(value, "ndim", 0) > 0
        if not listed or isinstance(value, str | bytes):
            raise InputError(f"{name} is {quote(value)}; it must be a list, such as {[*default]}")
        values = list(value)
        if not values:
            raise InputError(f"{name} is an empty list; it must hold one value at least")
        for one in values:
            _check_one(name, one, default[0])
    elif isinstance(default, int | float):
        low, high = LIMITS.get(name, (0, np.inf))
        if isinstance(default, float):
            check_in_range(name, value, low, high)
            return
        check_count(name, value, int(low), None if high == np.inf else int(high))
        if not isinstance(value, Integral):  # 3.0 cannot number anything
            raise InputError(f"{name} is {quote(value)}; it must be a whole number")
