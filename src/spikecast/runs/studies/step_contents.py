"""What the file of each step of a study must hold, by the function that computes it.

What a step was asked to keep beside its own arrays has an entry of its own: the function that makes
it is one of the step's arguments.
"""

from collections.abc import Callable
from typing import Any

from spikecast.core.stored_arrays import Array

Schema = dict[str, Array]

SIZES = {"limits": 3, "ends": 2, "place": 2}
"""Lengths of axes: a value with its limits; the first and the last; the two axes of a map."""

_NUMBER = Array("iuf", (), finite=True)
_UNSURE = Array("iuf", ())  # NaN where there is none
_COUNT, _TRUTH, _WORDS = Array("iu", ()), Array("b", ()), Array("U", ())
_SCORE = Array("f", ("limits",), finite=True)


def _numbers(*axes: str) -> Array:
    return Array("iuf", axes, finite=True)


def _whole(*axes: str) -> Array:
    return Array("iu", axes)


_STATES = _numbers("trial", "time", "latent")
_WEIGHTS: Schema = {
    "recurrent": _numbers("latent", "latent"),
    "offset": _numbers("latent"),
    "input": _numbers("latent"),
}
_RATES: Schema = {"predicted": _numbers("test", "time", "neuron")}
_FOLD: Schema = {"latents": _STATES, "train": _whole("train"), "test": _whole("test")}
_DECK_RNN: Schema = {
    "cost": _numbers("ends"), "latents": _STATES, "loss": _NUMBER,
}  # fmt: skip
_ERRORS: Schema = {
    "error": _numbers("window", "neuron"), "null": _numbers("window", "neuron"), "n_bins": _COUNT,
}  # fmt: skip
_NEIGHBOURS: Schema = {"place": _numbers("trial", "place"), "near": _whole("trial", "near")}
_SEARCH: Schema = {
    "names": Array("U", ("setting",)), "importance": Array("f", ("setting",)),
    "score": Array("f", ("tried",)),
}  # fmt: skip

CONTENTS: dict[str, Schema] = {
    "diggers_network.fit_as_described": {
        "course": _numbers("epoch"), "latents": _numbers("test", "time", "latent"),
        "own": _NUMBER, "new": _NUMBER, "bits_own": _SCORE, "bits_new": _SCORE,
    },
    "kept_latents._fit_in_fold": _FOLD,
    "kept_latents.keep_rates": _RATES,
    "livewired_network.keep_weights": _RATES | {"forward": _STATES} | _WEIGHTS,
    "livewired_network.fit_as_described": {
        "latents": _STATES, "forward": _STATES, "backward": _STATES,
        "predicted": _numbers("trial", "time", "neuron"), "causal": _TRUTH, "loss": _NUMBER,
        "first_loss": _NUMBER, "loss_of_mean": _NUMBER, "seen": _NUMBER, "unseen": _NUMBER,
    } | _WEIGHTS,
    "livewired._decode_bins": {
        "right": Array("b", ("trial", "time")), "curve": _numbers("time"),
        "balanced": _numbers("time"),
    },
    "livewired._decode_by_mlp": {
        "own": _NUMBER, "new": _NUMBER, "curve": _numbers("bin"), "bins": _whole("bin"),
    },
    "livewired_before.decode_before": {
        "ways": Array("U", ("way",)),
        **{name: _numbers("way") for name in ("score", "chance", "p", "low", "high")},
        "n_draws": _COUNT, "plain": _NUMBER, "majority": _NUMBER, "n_classes": _COUNT,
        "runs": _TRUTH,
    },
    "livewired_forward.score_forward": {
        "curve": _numbers("time"), "threshold": _NUMBER, "onset": _COUNT,
        "onsets": _whole("resample"), "halves": Array("iuf", ("resample",)),
    },
    "ninja_classifier.fit_classifier": {
        "class": _whole("test"), "states": _numbers("test", "time", "unit"), "test": _whole("test"),
    },
    "ninja_classifier._fit_tuned": {"class": _whole("test"), "test": _whole("test")},
    "ninja_maps.map_trials": _NEIGHBOURS,
    "ninja_maps.map_spike_trains": _NEIGHBOURS,
    "ninja_network.fit_autoencoder": _FOLD | _RATES | {
        "forward": _STATES, "hidden": _numbers("test", "time", "neuron"),
    },
    "ninja_network._fit_half": _DECK_RNN | {"own": _SCORE, "right_inputs": _SCORE},
    "ninja_network._fit_disjoint_halves": {"disjoint": _SCORE, "unseen": _SCORE},
    "ninja_network._fit_trials": _DECK_RNN,
    "ninja_settings._try_settings": _SEARCH | {
        "own": _SCORE, "best": _SCORE, "chosen": _WORDS, "longest": _TRUTH,
    },
    "nma_layers._try_settings": {
        name: _numbers("tried")
        for name in (
            "errors", "learning_rate", "weight_decay", "n_layers", "n_latents", "dropout",
        )
    },
    "nma_maps.draw_map": {
        "place": _numbers("point", "place"), "held_out": Array("b", ("point",)),
        "point": _whole("point"), "plane": Array("U", ("point",)), "told": Array("U", ("point",)),
        "own_share": _numbers("point"), "chance": _UNSURE, "p": _UNSURE,
    },
    "nma_network.fit_windows": _ERRORS | {"course": _numbers("epoch")},
    "nma_network.fit_planes_together": _ERRORS | {"latents": _numbers("plane", "time", "latent")},
    "nma_shared.search_settings": _SEARCH | {
        "best": _NUMBER, "default": _NUMBER, "train": _whole("train"), "test": _whole("test"),
        "settings": _WORDS, "best_latents": _NUMBER, "trial_n_latents": _numbers("tried"),
    },
    "nma_shared._predict_planes": {
        "n_pairs": _COUNT, "n": _COUNT, "clusters": Array("U", ("cluster",)), "lowest": _UNSURE,
        "highest": _UNSURE, "names": Array("U", ("plane",)), "r2": Array("f", ("plane", "plane")),
        "shared": Array("b", ("plane", "plane")),
    },
    "nma_sound._predict_mean.<locals>.predict": _ERRORS,
    "nma_sound._rebuild_by_components.<locals>.reduce": _ERRORS,
    "stringer_linear.find_components": {"z": _numbers("bin", "component")},
    "stringer_linear.explain_variance": {
        f"share_{name} bins": _numbers("component") for name in ("training", "new")
    },
    # a network that does not converge predicts NaN, and its row says so
    "stringer_network.fit_family": {
        "speed": Array("f", ("member", "bin")), "epoch": _whole("member"),
    },
    "stringer_wishes.learn_from_others": {
        **{name: _numbers("animal") for name in ("alone", "adapted", "gained")},
        "low": Array("f", ("animal",)), "high": Array("f", ("animal",)), "minutes": _NUMBER,
    },
    "stringer_wishes.learn_from_more_time": {
        "minutes": _numbers("size"), "r2": _numbers("size"),
    },
}  # fmt: skip
"""Module and name of a function -> the arrays that it returns."""


def find_schema(step: Callable[..., Any], arguments: tuple[Any, ...]) -> Schema:
    """Return what a step's file must hold; of a step that is not the package's, nothing is known.

    Examples
    --------
    >>> from spikecast.runs.studies.ninja_network import _fit_trials
    >>> list(find_schema(_fit_trials, ()))
    ['cost', 'latents', 'loss']
    """
    own = step.__module__.startswith(f"{__package__}.")
    schema = dict(CONTENTS[_name(step)]) if own else {}
    for one in arguments:
        schema |= CONTENTS.get(_name(one), {})
    return schema


def _name(one: Any) -> str:
    """Return the module and name of a function, "" of what is none."""
    if not hasattr(one, "__qualname__"):
        return ""
    return f"{str(one.__module__).rpartition('.')[2]}.{one.__qualname__}"
