"""Population features that the models of a stack share: they are computed once.

So are the principal axes: models that smooth in another way (the past only) project on those that
are known. Refits to a part of the trials share nothing: axes that saw the trials which are held out
fit the noise of these, which then count as worse predicted than new ones are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np

Smoothing = tuple[tuple[float, ...], bool, bool]
"""Widths, past only, future only."""


@dataclass(frozen=True)
class KnownFeatures:
    """Features, and what they were made with."""

    mean: np.ndarray  # (width, neuron)
    axes: np.ndarray  # (width, component, neuron)
    n_components: int  # that were asked for; small sources have fewer
    features: np.ndarray  # (trial, time, width, component)


@dataclass(frozen=True)
class SharedFeatures:
    """An array, and the features that are known of it."""

    x: np.ndarray
    n_components: int  # at least so many are computed
    known: dict[Smoothing, KnownFeatures] = field(default_factory=dict)

    def find_features(self, smoothing: Smoothing, n_components: int) -> KnownFeatures | None:
        """Return features that begin with these widths, where as many components are known."""
        known = self._list_known(smoothing[0], n_components)
        return next((one for side, one in known if side == smoothing[1:]), None)

    def find_axes(self, smoothing: Smoothing, n_components: int) -> np.ndarray | None:
        """Return axes of the same widths, (width, component, neuron), where as many are known."""
        n_widths = len(smoothing[0])
        known = self._list_known(smoothing[0], n_components)
        return next((one.axes[:n_widths, :n_components] for _, one in known), None)

    def _list_known(
        self, widths: tuple[float, ...], n_components: int
    ) -> list[tuple[tuple[bool, bool], KnownFeatures]]:
        """Return side and features of all that begin with these widths, with as many components."""
        return [
            ((causal, future_only), one)
            for (known, causal, future_only), one in self.known.items()
            if known[: len(widths)] == widths and one.n_components >= n_components
        ]

    def find_fitted(self, mean: np.ndarray) -> KnownFeatures | None:
        """Return the features whose means these are, or begin with."""
        known = self.known.values()
        return next((one for one in known if np.may_share_memory(one.mean, mean)), None)


_SHARED: ContextVar[SharedFeatures | None] = ContextVar("shared_features", default=None)


@contextmanager
def share_features(x: np.ndarray, n_components: int) -> Iterator[None]:
    """Within, compute features of `x` once for each way of smoothing, and axes for each width.

    At least so many components are computed; models that want fewer take the first of them. What is
    made of `x` (a copy, some of its trials) has features of its own.
    """
    token = _SHARED.set(SharedFeatures(x, n_components))
    try:
        yield
    finally:
        _SHARED.reset(token)


def find_shared(x: np.ndarray) -> SharedFeatures | None:
    """Return what is shared of this very array; None where nothing is."""
    shared = _SHARED.get()
    return shared if shared is not None and shared.x is x else None
