"""When two runs may be compared trial by trial, and what differs between their settings."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from spikecast.runs.config import flat
from spikecast.runs.reader import Run, Target


def unpaired_because(first: Target, other: Target) -> str:
    """Why two scores cannot be compared trial by trial; empty where they can.

    They can where the same bins of the same targets were predicted in the same folds: then the
    nulls are the same too, and every trial of one has its partner in the other. What predicted
    them (areas, lag, model, seed) may differ: that is what is compared.

    Parameters
    ----------
    first, other : Target
        Of two finished runs.

    Returns
    -------
    str
        ``"other recording"``, ``"other data"`` (of a session with the same name), ``"other
        neurons"``, ``"other bins"``, ``"other folds"``, or ``""``.
    """
    data, of_other = first.run.manifest["data"], other.run.manifest["data"]
    if data["hash"] != of_other["hash"]:
        return "other recording" if data["session"] != of_other["session"] else "other data"
    if not _same_targets(first, other):
        return "other neurons"
    time, of_other = first.problem["time"].values, other.problem["time"].values
    if time.shape != of_other.shape or not np.allclose(time, of_other, atol=1e-6):
        return "other bins"
    if not _same_folds(first, other):
        return "other folds"
    # one task may have cut another part of the behaviour
    same = np.array_equal(
        first.recorded, other.recorded, equal_nan=first.recorded.dtype.kind == "f"
    )
    return "" if same else "other data"


def _same_targets(first: Target, other: Target) -> bool:
    columns = [name for name in first.problem.coords if str(name).startswith("target_")]
    return first.problem.sizes["target"] == other.problem.sizes["target"] and all(
        name in other.problem.coords
        and np.array_equal(first.problem[name].values, other.problem[name].values)
        for name in columns
    )


def _same_folds(first: Target, other: Target) -> bool:
    """Whether both learnt from and were tested on the same trials; a gap changes the former."""
    return len(first.folds) == len(other.folds) and all(
        np.array_equal(mine, theirs)
        for one, two in zip(first.folds, other.folds)
        for mine, theirs in zip(one, two)
    )


def changes(first: Run, other: Run) -> list[str]:
    """Settings in which a run differs from the first, each as ``key: before → after``.

    Questions asked of the run, and how its file is called, are no settings of its scores.
    """
    said = []
    before, after = (dict(_settings(run)) for run in (first, other))
    same_data = first.manifest["data"]["hash"] == other.manifest["data"]["hash"]
    for key in dict.fromkeys([*before, *after]):
        if key == "data.path" and same_data:
            continue
        if key.startswith("models.") and not (key in before and key in after):
            continue  # a model that only one of them has is seen in the table
        one, two = before.get(key), after.get(key)
        if one != two:
            said.append(f"{key.removeprefix('models.')}: {_short(one)} → {_short(two)}")
    return said


def _settings(run: Run) -> Iterator[tuple[str, object]]:
    content = run.config.model_dump(mode="json", exclude={"analysis", "models", "search"})
    yield from flat(content).items()
    for label, model in run.config.build_models().items():
        yield f"models.{label}", type(model).__name__
        for name, value in model.get_params(deep=False).items():
            yield f"models.{label}.{name}", value
    for package in ("spikecast", "numpy", "scikit-learn", "torch"):
        yield package, run.manifest["versions"].get(package)


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def short_names(folders: Sequence[Path]) -> list[str]:
    """The last parts of each path, as many as it takes to tell them apart.

    Examples
    --------
    >>> short_names([Path("/runs/monday/MOs"), Path("/runs/tuesday/MOs")])
    ['monday/MOs', 'tuesday/MOs']
    """
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return names
