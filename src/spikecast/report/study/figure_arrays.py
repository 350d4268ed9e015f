"""What the arrays of each figure of a study must be; read before anything is drawn of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spikecast.core.stored import damaged
from spikecast.core.stored_arrays import Array, check_arrays, read_arrays

Arrays = dict[str, np.ndarray]
TEXTS = "U"
NUMBERS = "iufb"


def _one(kinds: str) -> Array:
    return Array(kinds, (), finite=kinds != TEXTS)


def _list(axis: str, kinds: str = "f", *, optional: bool = False) -> Array:
    return Array(kinds, (axis,), optional, finite=kinds != TEXTS, least=1)


def _table(*axes: str, kinds: str = "f", optional: bool = False) -> Array:
    return Array(kinds, axes, optional, finite=True, least=1)


@dataclass(frozen=True)
class FigureArrays:
    """The arrays of a figure: by their names, and those whose names begin alike.

    There is at least one for each of the beginnings in `series`; an axis of theirs whose name ends
    in ``of`` is the array's own. `positive` arrays hold numbers above 0 only. `check` returns what
    else is wrong, or "".
    """

    arrays: Mapping[str, Array]
    series: Mapping[str, Array] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    positive: tuple[str, ...] = ()
    check: Callable[[Arrays], str] = lambda arrays: ""


def read_figure_arrays(path: Path, figure: FigureArrays) -> Arrays:
    """Return the arrays that a figure draws; raise a DamagedFileError where they are not its."""
    arrays = read_arrays(path)
    schema = dict(figure.arrays)
    for beginning, one in figure.series.items():
        names = [name for name in arrays if name.startswith(beginning) and name not in schema]
        if not names:
            raise damaged(path, f"an array '{beginning}...' is missing")
        for name in names:
            axes = tuple(f"{axis} {name}" if axis.endswith(" of") else axis for axis in one.axes)
            schema[name] = Array(one.kinds, axes, finite=one.finite, least=one.least)
    check_arrays(path, arrays, schema, figure.sizes)
    for name in figure.positive:
        if not (arrays[name] > 0).all():
            raise damaged(path, f"'{name}' must be above 0")
    if wrong := figure.check(arrays):
        raise damaged(path, wrong)
    return arrays


def _check_groups(arrays: Arrays) -> str:
    _, sizes = np.unique(arrays["label"], return_counts=True)
    return "" if sizes.max() > 1 else "'label' has no group of two trials"


def _check_parts(arrays: Arrays) -> str:
    return "" if {"train", "test"} & set(arrays) else "an array 'test' is missing"


def _check_spikes(arrays: Arrays) -> str:
    neurons, n_neurons = arrays["neurons"], arrays["area"].size
    if neurons.min() < 0 or neurons.max() >= n_neurons:
        return f"'neurons' goes from {neurons.min()} to {neurons.max()}; there are {n_neurons}"
    last, trial = float(arrays["seconds"].max()), float(arrays["trial"])
    return "" if 0 < last < 1000 * trial else "'seconds' and 'trial' do not go together"


def _check_networks(arrays: Arrays) -> str:
    n_networks = arrays["names"].size - 1
    unlike = [name for name in ("described", "mended") if arrays[name].size != n_networks]
    return (
        f"'{unlike[0]}' has {arrays[unlike[0]].size} networks, not {n_networks}" if unlike else ""
    )


def _check_groups_of_planes(arrays: Arrays) -> str:
    return "" if np.isfinite(arrays["r2"]).any() else "'r2' holds no number"


def _check_pairs(arrays: Arrays) -> str:
    fits = arrays["before"].shape[0] in arrays["after"].shape
    return "" if fits else "'before' and 'after' have unlike numbers of neurons"


def _check_places(arrays: Arrays) -> str:
    return "" if ("x" in arrays) == ("y" in arrays) else "one of 'x' and 'y' is missing"


POSITIONS = {"x": _list("neuron"), "y": _list("neuron"), "z": _list("neuron", optional=True)}

FIGURE_ARRAYS: dict[str, FigureArrays] = {
    "averages": FigureArrays(
        {
            "recorded": _table("trial", "time", "neuron", kinds=NUMBERS),
            "predicted": _table("trial", "time", "neuron"),
            "label": _list("trial", TEXTS),
            "time": _list("time"),
            "bin_size": _one("f"),
        },
        positive=("bin_size",),
        check=_check_groups,
    ),
    "latents": FigureArrays(
        {
            "latents": _table("trial", "time", "latent", kinds=NUMBERS),
            "label": _list("trial", TEXTS),
            "time": _list("time"),
            "called": Array(TEXTS, (), optional=True),
        },
        check=_check_groups,
    ),
    "over_time": FigureArrays(
        {
            "curve": _list("time"),
            "time": _list("time"),
            "majority": _one("f"),
            "balanced": _list("time", optional=True),
            "n_classes": Array("iu", (), optional=True, finite=True),
        },
        check=lambda arrays: (
            "'n_classes' must be above 0"
            if "balanced" in arrays and not arrays.get("n_classes", 0) > 0
            else ""
        ),
    ),
    "confusion": FigureArrays(
        {
            "classes": _list("class", TEXTS),
            "train": _table("class", "class", kinds=NUMBERS, optional=True),
            "test": _table("class", "class", kinds=NUMBERS, optional=True),
        },
        check=_check_parts,
    ),
    "maps": FigureArrays(
        {"held_out": Array("b", ("point",), optional=True)},
        series={
            "place": Array("f", ("point", "of the plane"), finite=True, least=1),
            "label": Array(TEXTS + "iub", ("point",), least=1),
        },
        sizes={"of the plane": 2},
    ),
    "reasons": FigureArrays(
        {
            "ways": _list("way", TEXTS),
            **{name: _list("way") for name in ("score", "low", "high", "p")},
            "n_classes": _one("iu"),
            "n_draws": _one("iu"),
        },
        positive=("n_classes", "n_draws"),
    ),
    "raster": FigureArrays(
        {
            "area": _list("neuron", TEXTS),
            "rate": _table("neuron", "trial"),
            "seconds": _list("spike"),
            "neurons": _list("spike", "iu"),
            "trial": _one("f"),
        },
        positive=("trial",),
        check=_check_spikes,
    ),
    "losses": FigureArrays(
        {"step": Array(TEXTS, (), optional=True)}, series={"loss_": _list("epoch of")}
    ),
    "similarity": FigureArrays({"matrix": _table("area", "area"), "areas": _list("area", TEXTS)}),
    "predicted": FigureArrays(
        {name: _list("bin", NUMBERS) for name in ("truth", "predicted", "seconds")}
    ),
    "explained": FigureArrays({}, series={"share_": _list("component of")}),
    "importance": FigureArrays(
        {
            "names": _list("setting", TEXTS),
            "importance": _list("setting"),
            "score": Array("f", ("try",), least=1, bounded=True),
        }
    ),
    "planes": FigureArrays(
        {
            "names": _list("group", TEXTS),
            "r2": Array("f", ("group", "group"), least=1, bounded=True),
            "shared": _table("group", "group", kinds="b"),
        },
        check=_check_groups_of_planes,
    ),
    "space": FigureArrays(POSITIONS),
    "heat": FigureArrays(
        {
            "heat": _table("neuron or group", "bin", kinds=NUMBERS),
            "speed": _list("bin", NUMBERS),
            "seconds": _list("bin", NUMBERS),
            "n_neurons": _one("iu"),
        },
        positive=("n_neurons",),
    ),
    "networks": FigureArrays(
        {
            "names": _list("network or line", TEXTS),
            "sound": _table("network or line", "value and limits"),
            "described": Array("f", ("network",), finite=True),
            "mended": Array("f", ("network",), finite=True),
        },
        sizes={"value and limits": 3},
        check=_check_networks,
    ),
    "positions": FigureArrays(
        POSITIONS | {"plane": _list("neuron", TEXTS), "drawn": _list("neuron", "b")}
    ),
    "preprocessing": FigureArrays(
        {
            "before": _table("neuron", "bin"),
            "after": _table("one", "other"),
            "mean": _list("bin"),
            "bin_size": _one("f"),
            "plane": Array(TEXTS, ()),
        },
        positive=("bin_size",),
        check=_check_pairs,
    ),
    "other_planes": FigureArrays(
        {
            "names": _list("plane", TEXTS),
            "matrix": _table("plane", "plane", kinds=NUMBERS),
            "strange": _list("neuron", "b"),
            **{
                name: _list("neuron", optional=True)
                for name in ("x", "y", "mean_activity", "follows_plane", "follows_running")
            },
        },
        check=_check_places,
    ),
}
"""What draws a figure -> its arrays."""

FORWARD = FigureArrays({"forward_curve": _list("time"), "forward_time": _list("time")})
"""What stands beside a curve over time where the deck's own network was fitted soundly."""
