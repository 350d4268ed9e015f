"""The catalogue of models: a plain dict from a name to a class, and functions of these names."""

from collections.abc import Iterable, Mapping

from spikecast.core.checks import check_one_of, quote, suggest_name
from spikecast.core.errors import InputError, UnknownNameError
from spikecast.models.base import Model
from spikecast.models.ensemble import Auto, Ensemble, Stack
from spikecast.models.packages import find_package_models
from spikecast.models.single import SINGLE
from spikecast.models.spaces import Between, OneOf, Space, check_values

_OWN: dict[str, type[Model]] = SINGLE | {"ensemble": Ensemble, "stack": Stack, "auto": Auto}
_OF_PACKAGES, NOTICES = find_package_models(_OWN)

MODELS: dict[str, type[Model]] = _OWN | _OF_PACKAGES
"""Estimators: everything that predicts, with fit, predict and (where it has latents) transform."""

DEFAULT_MODEL = "stack"
"""The model that is shown and compared where there are several."""


def is_null(name: str) -> bool:
    """Return whether a name is that of a model that looks at no other neuron."""
    return name in MODELS and MODELS[name].is_null


def name_model(name: str) -> str:
    """Return what a page calls a model: its title, or where it has none its name in plain words.

    Examples
    --------
    >>> name_model("poisson_glm"), name_model("lfads"), name_model("my_model")
    ('Poisson regression', 'LFADS', 'my model')
    """
    title = MODELS[name].title if name in MODELS else ""
    return title or name.replace("_", " ")


def find_best(names: Iterable[str]) -> str:
    """Return the first of some models, best first, that is no null; the first where all are.

    Examples
    --------
    >>> find_best(["source_free", "timescales", "psth"])
    'timescales'
    """
    ranked = list(map(str, names))
    return next((name for name in ranked if not is_null(name)), ranked[0])


def is_baseline(name: str) -> bool:
    """Return whether a model of the catalogue is a simple one that others have to beat."""
    return name in MODELS and MODELS[name].is_baseline


def strongest_baseline(names: Iterable[str]) -> str | None:
    """Return the first baseline of the catalogue that is among `names`, or None."""
    fitted = set(names)
    return next((name for name in MODELS if is_baseline(name) and name in fitted), None)


def searchable_models() -> list[str]:
    """Return the names of the models that state a search space."""
    return [name for name, model in MODELS.items() if model.search_space]


def space_of(name: str, changes: Mapping[str, Between | OneOf | None] | None = None) -> Space:
    """Return a model's search space with changes; None leaves a setting at the model's value.

    Raises UnknownNameError for a setting that the model does not have, and InputError when nothing
    is left to search or for values that cannot be searched (``check_values``).

    Examples
    --------
    >>> space_of("factor_analysis", {"width": Between(1, 4), "causal": OneOf((True, False))})
    {'width': Between(low=1.0, high=4.0, log=False), 'causal': OneOf(values=(True, False))}
    """
    model = MODELS[check_one_of("model", name, list(MODELS))]
    own = model().get_params()
    space = dict(model.search_space)
    for setting, values in (changes or {}).items():
        if setting not in own:
            near = suggest_name(setting, own)
            raise UnknownNameError(f"model '{name}' has no setting {quote(setting)}.{near}")
        if values is None:
            space.pop(setting, None)
        else:
            space[setting] = check_values(setting, values, own[setting])
    if not space:
        why = f" ({model.why_not_searched})" if model.why_not_searched else ""
        raise InputError(
            f"model '{name}' has no search space{why}; give it one: search.space: "
            f"{{setting: {{low: ..., high: ...}}}}, or name one of {', '.join(searchable_models())}"
        )
    return space
