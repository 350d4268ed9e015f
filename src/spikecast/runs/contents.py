"""What each file of a run must hold: a schema per file, for what reads it again."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import numpy as np
import xarray as xr
from annotated_types import Gt
from pydantic import Field, with_config
from typing_extensions import TypedDict

from spikecast.core.checks import shorten_line
from spikecast.core.notices import StoredNotice
from spikecast.core.stored import OPEN, Finite, damaged
from spikecast.core.stored_arrays import Array
from spikecast.evaluation.verdict import StoredVerdict

# ------------------------------------------------------------------------------------ verdicts


@with_config(OPEN)
class Difference(TypedDict):
    """A paired difference of two models."""

    model: str
    minus: str
    value: float
    low: float
    high: float


@with_config(OPEN)
class TargetVerdict(TypedDict):
    """What ``verdict.json`` holds of a target."""

    verdict: StoredVerdict
    notices: list[StoredNotice]
    differences: list[Difference]


VERDICTS: Any = dict[str, TargetVerdict]

# ------------------------------------------------------------------------------------ answers


@with_config(OPEN)
class AnswerKind(TypedDict):
    """What every file of an answer says first."""

    kind: str


AnswerName = Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=255)]
"""A name in the index of the answers: a part of the names of their files."""

# ------------------------------------------------------------------------------------ data sets


@with_config(OPEN)
class ProblemFacts(TypedDict):
    """The attributes of ``problem.nc``."""

    task: str
    source: str
    target: str
    kind: Literal["counts", "continuous"]
    bin_size: Annotated[Finite, Gt(0)]
    n_sources: int
    windows: int
    beside: NotRequired[str]


PROBLEM = {
    "recorded": Array("iufb", ("trial", "time", "target"), finite=True),
    "time": Array("f", ("time",), finite=True),
    "in_train": Array("b", ("fold", "trial")),
    "in_test": Array("b", ("fold", "trial")),
    "source_neuron": Array("OUTiuf", ("source",)),
}


def check_recorded(path: Path, problem: xr.Dataset) -> None:
    """Raise a DamagedFileError where a problem names no target, or has counts below 0."""
    if not {"target_neuron", "target_channel"} & set(problem.variables):
        raise damaged(path, "it names no target")
    if problem.attrs["kind"] == "counts" and (problem["recorded"].values < 0).any():
        raise damaged(path, "it holds counts below 0")


EXCERPT_BINS = 1000  # of a trial; longer ones are shown up to there
EXCERPT = {
    "activity": Array("iuf", ("trial", "time", "neuron")),
    "time": Array("f", ("time",), finite=True),
    "area": Array("OUT", ("neuron",)),
    "trial_number": Array("iu", ("trial",)),
    "mean_activity": Array("f", ("any neuron",)),
    "mean_activity_area": Array("OUT", ("any neuron",)),
}


def check_excerpt(path: Path, excerpt: xr.Dataset, facts: Mapping[str, Any], n_trials: int) -> None:
    """Raise a DamagedFileError where an excerpt is not of the recording that a manifest describes.

    `facts` is what the manifest says of it, `n_trials` the length of its table of trials.
    """
    time = excerpt["time"].values
    areas = Counter(excerpt["mean_activity_area"].values.astype(str).tolist())
    for what, said, found in (
        ("areas", facts["areas"], dict(areas)),
        ("neurons", facts["n_neurons"], areas.total()),
        ("bins", min(facts["n_bins"], EXCERPT_BINS), time.size),
        ("kind", facts["kind"], excerpt.attrs.get("kind")),
    ):
        if said != found:
            found, said = shorten_line(found), shorten_line(said)
            raise damaged(path, f"its {what} ({found}) are not those of manifest.json ({said})")
    if not np.isin(excerpt["trial_number"], np.arange(n_trials)).all():
        raise damaged(path, f"it holds a trial that is none of the {n_trials} of the run")
    if time.size > 1 and not np.allclose(np.diff(time), facts["bin_size"], rtol=1e-3):
        raise damaged(path, f"its bins are not {facts['bin_size']:g} s apart, as in manifest.json")


# ------------------------------------------------------------------------------------ settings


@with_config(OPEN)
class ListedData(TypedDict):
    """Where the data of a run are, in its config."""

    path: str


@with_config(OPEN)
class ListedEvaluation(TypedDict):
    """How a run held out, in its config."""

    folds: int


@with_config(OPEN)
class ListedModels(TypedDict):
    """The models in a config, or in the settings of an atlas."""

    models: list[str | dict[str, Any]]


class ListedConfig(ListedModels):
    """What the index reads of a config, also of one whose settings have changed since."""

    data: ListedData
    task: Mapping[str, Any] | None
    evaluation: ListedEvaluation
