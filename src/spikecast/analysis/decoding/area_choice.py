"""Which neurons of which areas are decoded from: all of them, or equally many of each area."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikecast.core.checks import check_count, to_list
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording

ALL = "all"
MOST_SUBSETS = 10_000


@dataclass(frozen=True)
class MatchedAreas:
    """Areas decoded from random subsets of equally many neurons, averaged.

    Parameters
    ----------
    n_neurons : int, optional
        In each subset; by default as many as the smallest of the areas has.
    names : sequence of str, optional
        By default all neurons together.
    n_subsamples : int
        How many subsets of each area.
    """

    n_neurons: int | None = None
    names: Sequence[str] | None = None
    n_subsamples: int = 5

    def __post_init__(self) -> None:
        check_count("n_subsamples", self.n_subsamples, 1, MOST_SUBSETS)
        if self.n_neurons is not None:
            check_count("n_neurons", self.n_neurons, 1)
        if self.names is not None:
            _check_names(self.names)


@dataclass(frozen=True)
class WholeAreas:
    """Areas decoded from all their neurons, however many each has.

    A larger population knows more, and earlier: onsets of areas of unlike size do not compare.

    Parameters
    ----------
    names : sequence of str
    """

    names: Sequence[str]

    def __post_init__(self) -> None:
        _check_names(self.names)


def _check_names(names: Sequence[str]) -> None:
    """Raise where there is no list of areas."""
    if not to_list("names", names, "a list of areas"):
        raise InputError("the list of areas is empty; name one at least")


Areas = Sequence[str] | MatchedAreas | WholeAreas | None


def choose_areas(recording: Recording, areas: Areas) -> MatchedAreas | WholeAreas | None:
    """Return the areas with the number of neurons of each; None for all neurons together.

    Several areas are matched unless they are asked for as a whole.
    """
    if areas is not None and not isinstance(areas, MatchedAreas | WholeAreas):
        names = to_list("areas", areas, "a list of areas")
        areas = MatchedAreas(names=names) if len(names) > 1 else WholeAreas(names)
    if isinstance(areas, MatchedAreas) and areas.n_neurons is None:
        sizes = [_select_area(recording, name).n_neurons for name in _list_names(areas)]
        return replace(areas, n_neurons=min(sizes))
    return areas


def select_populations(
    recording: Recording, areas: MatchedAreas | WholeAreas | None, seed: int
) -> Iterator[tuple[str, list[Recording]]]:
    """Yield each area's recording, or several with a random subset of its neurons."""
    for name in _list_names(areas):
        whole, area = _select_area(recording, name), name or ALL
        if not isinstance(areas, MatchedAreas):
            yield area, [whole]
            continue
        n = areas.n_neurons or whole.n_neurons
        if whole.n_neurons < n:
            raise NotEnoughDataError(f"'{area}' has {whole.n_neurons} neurons, fewer than {n}")
        rng = make_rng(seed, "subsample", area)
        n_subsets = areas.n_subsamples if n < whole.n_neurons else 1
        subsets = [rng.permutation(whole.n_neurons)[:n] for _ in range(n_subsets)]
        yield area, [whole.select(neurons=np.asarray(subset)) for subset in subsets]


def _list_names(areas: MatchedAreas | WholeAreas | None) -> list[str | None]:
    """Return the names of the areas; None alone for all neurons together."""
    return [None] if areas is None or areas.names is None else list(areas.names)


def _select_area(recording: Recording, name: str | None) -> Recording:
    return recording if name is None else recording.select(area=name)
