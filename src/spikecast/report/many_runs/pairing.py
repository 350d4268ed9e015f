"""When two runs may be compared trial by trial, and what differs between their settings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikecast.core.schema import flatten
from spikecast.runs.reader import Run, Target

PACKAGES = ("spikecast", "numpy", "scikit-learn", "torch")
LONGEST_VALUE = 40  # characters


def find_mismatch(first: Target, other: Target) -> str:
    """Return why two scores cannot be compared trial by trial; empty where they can.

    They can where the same bins of the same targets were predicted in the same folds: then the
    nulls are the same too, and every trial of one has its partner in the other. What predicted
    them (areas, lag, model, seed) may differ: that is what is compared.
    """
    data, other_data = first.run.manifest["data"], other.run.manifest["data"]
    if data["hash"] != other_data["hash"]:
        return "other recording" if data["session"] != other_data["session"] else "other data"
    if not _have_same_targets(first, other):
        return "other neurons"
    time, other_time = first.problem["time"].values, other.problem["time"].values
    if time.shape != other_time.shape or not np.allclose(time, other_time, atol=1e-6):
        return "other bins"
    if not _have_same_folds(first, other):
        return "other folds"
    # one task may have cut another part of the behaviour
    same = np.array_equal(
        first.recorded, other.recorded, equal_nan=first.recorded.dtype.kind == "f"
    )
    return "" if same else "other data"


def _have_same_targets(first: Target, other: Target) -> bool:
    columns = [name for name in first.problem.coords if str(name).startswith("target_")]
    return first.problem.sizes["target"] == other.problem.sizes["target"] and all(
        name in other.problem.coords
        and np.array_equal(first.problem[name].values, other.problem[name].values)
        for name in columns
    )


def _have_same_folds(first: Target, other: Target) -> bool:
    """Return whether both have the same training and test trials; a gap changes the former."""
    return len(first.folds) == len(other.folds) and all(
        np.array_equal(one_part, other_part)
        for one, two in zip(first.folds, other.folds)
        for one_part, other_part in zip(one, two)
    )


@dataclass(frozen=True)
class Change:
    """A setting in which two runs differ."""

    setting: str
    before: object
    after: object

    def __str__(self) -> str:
        return f"{self.setting}: {_shorten(self.before)} → {_shorten(self.after)}"


def _shorten(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def list_changes(first: Run, other: Run) -> list[Change]:
    """Return the settings in which a run differs from the first.

    Its questions and the name of its file do not change its scores. A model that only one of the
    two has is seen in the table.
    """
    before, after = (dict(_list_settings(run)) for run in (first, other))
    if first.manifest["data"]["hash"] == other.manifest["data"]["hash"]:
        before["data.path"] = after["data.path"]
    return [
        Change(name.removeprefix("models."), before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
        and (not name.startswith("models.") or (name in before and name in after))
    ]


def _list_settings(run: Run) -> Iterator[tuple[str, object]]:
    content = run.config.model_dump(mode="json", exclude={"analysis", "models", "search"})
    yield from flatten(content).items()
    for label, model in run.config.build_models().items():
        yield f"models.{label}", type(model).__name__
        for name, value in model.get_params(deep=False).items():
            yield f"models.{label}.{name}", value
    for package in PACKAGES:
        yield package, run.manifest["versions"].get(package)


def shorten_names(folders: Sequence[Path]) -> list[str]:
    """Return the last parts of each path, as many as it takes to tell them apart.

    Examples
    --------
    >>> shorten_names([Path("/runs/monday/MOs"), Path("/runs/tuesday/MOs")])
    ['monday/MOs', 'tuesday/MOs']
    """
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return names
