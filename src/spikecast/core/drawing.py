"""Results draw themselves, by the function of ``spikecast.plot`` that they name."""

from importlib import import_module
from typing import Any, ClassVar


class Drawable:
    """Base class of what has a figure in ``spikecast.plot``.

    The figures stand above the results, which therefore know their function by its name only.
    """

    figure: ClassVar[str]
    """The function of ``spikecast.plot`` that draws it."""

    def plot(self, **settings: Any) -> Any:
        """Draw it and return the matplotlib figure; `settings` are those of its function."""
        return getattr(import_module("spikecast.report.plot"), self.figure)(self, **settings)
