"""Models that installed packages bring along, found by the entry point group ``spikecast.models``.

A package lists them in its pyproject.toml, name to class::

    [project.entry-points."spikecast.models"]
    my_model = "my_package.models:MyModel"

The class is a :class:`spikecast.models.Model`, or any other whose instances have ``fit(x, y)`` and
``predict(x)``; such an instance is used as a :class:`spikecast.models.ForeignModel`.
"""

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from inspect import getdoc, signature
from typing import Any

from spikecast.core.notices import Notice, NoticeKind
from spikecast.models.base import Model
from spikecast.models.foreign import ForeignModel, adapt_model

GROUP = "spikecast.models"

BROKEN_MODEL = NoticeKind(
    "broken_model", "minor", "the model '{name}' of the package {package} was left out: {reason}"
)


def find_package_models(
    taken: Collection[str],
) -> tuple[dict[str, type[Model]], tuple[Notice, ...]]:
    """Return the models of installed packages by name, and a notice for each that is broken.

    Names in `taken` are in the catalogue already.
    """
    models: dict[str, type[Model]] = {}
    notices = []
    for point in entry_points(group=GROUP):
        try:
            models[point.name] = _load(point, {*taken, *models})
        except Exception as error:  # of another package's code: whatever it raises
            package = point.dist.name if point.dist else point.module
            reason = f"{type(error).__name__}: {error}"
            notices.append(BROKEN_MODEL(name=point.name, package=package, reason=reason))
    return models, tuple(notices)


def _load(point: EntryPoint, taken: Collection[str]) -> type[Model]:
    if point.name in taken:
        raise ValueError("there is a model of this name already")
    model = point.load()
    if not isinstance(model, type):
        raise TypeError(
            f"'{point.value}' is not a class; name a class with fit(x, y) and predict(x)"
        )
    if not issubclass(model, Model):
        model = _wrap_class(model)
    model()  # all settings of a model of the catalogue have a default
    return model


def _wrap_class(plain: type) -> type[Model]:
    """Return a class that takes the settings of `plain` and makes a ForeignModel around it."""

    class Wrapped(ForeignModel):
        about = (getdoc(plain) or plain.__name__).partition("\n")[0]
        __signature__ = signature(plain)

        # no instance of this class itself: other processes could not find it to unpickle one
        def __new__(cls, *arguments: Any, **settings: Any) -> Model:
            return adapt_model(plain(*arguments, **settings))

    return Wrapped
