"""The files of a fit: what they must hold, and whose they are."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NotRequired

import numpy as np
from annotated_types import Gt, MinLen
from pydantic import AfterValidator, with_config
from typing_extensions import TypedDict

from spikecast.core.checks import quote
from spikecast.core.stored import OPEN, Finite, damaged, read_json
from spikecast.core.stored_arrays import Array, read_arrays
from spikecast.runs.layout import TargetLayout

OWNER = "belongs_to"
"""What the files of a fit are told apart by, inside; those of earlier versions lack it."""

Losses = Annotated[list[Annotated[list[float], MinLen(1)]], MinLen(1)]


def _check_epochs(losses: Losses) -> Losses:
    if len(set(map(len, losses))) > 1:
        raise ValueError("epochs have unlike numbers of losses")
    return losses


@with_config(OPEN)
class Training(TypedDict):
    """The losses of a network, (epoch, member)."""

    train_loss: Annotated[Losses, AfterValidator(_check_epochs)]
    valid_loss: Annotated[Losses, AfterValidator(_check_epochs)]


@with_config(OPEN)
class FitFacts(TypedDict):
    """What the description of a fit holds, beside what its model chose."""

    fit_seconds: float  # NaN where another tool fitted
    weights_checksum: NotRequired[str]  # earlier versions have none
    training: NotRequired[Training]
    time_constants_bins: NotRequired[Annotated[list[Annotated[Finite, Gt(0)]], MinLen(1)]]


FIT_ARRAYS = {
    "prediction": Array("f", ("test trial", "time", "target"), finite=True),
    "test": Array("iu", ("test trial",)),
    "latents": Array("f", ("test trial", "latent time", "latent"), optional=True, finite=True),
}

LATENTS = {name: replace(FIT_ARRAYS[name], optional=False) for name in ("test", "latents")}
"""What is read of a model whose latents are analysed."""


def name_record_arrays(prefix: str) -> dict[str, Array]:
    """Return the schema of the record of a fit in a file of arrays."""
    return {
        f"{prefix}train": Array("iu", ("train trial",)),
        f"{prefix}validation": Array("iu", ("validation trial",)),
        f"{prefix}test": Array("iu", ("test trial",)),
        f"{prefix}target_rows": Array("iu", ("train trial",)),
        f"{prefix}source_neurons": Array("iu", ("source",)),
        f"{prefix}target_neurons": Array("iu", ("target",)),
    }


def read_fit_facts(layout: TargetLayout, model: str, fold: int) -> Any:
    """Return the description of a fit, as :class:`FitFacts` says.

    Raises
    ------
    MissingFileError, DamagedFileError
        Also where it is that of another fit.
    """
    path = layout.job(model, fold)
    facts = read_json(path, FitFacts)
    _check_owner(path, facts.get(OWNER), layout.name_fit(model, fold))
    return facts


def read_fit_arrays(
    layout: TargetLayout,
    model: str,
    fold: int,
    schema: Mapping[str, Array] | None = None,
    sizes: Mapping[str, int] | None = None,
    prefix: str = "",
) -> dict[str, np.ndarray]:
    """Return the arrays of a fit as :func:`read_arrays` does; refuse those of another fit."""
    path = layout.arrays(model, fold)
    arrays = read_arrays(path, schema, sizes, prefix)
    owner = read_arrays(path, prefix=OWNER).get(OWNER)
    _check_owner(path, None if owner is None else str(owner), layout.name_fit(model, fold))
    return arrays


def _check_owner(path: Path, owner: object, expected: str) -> None:
    if owner is not None and owner != expected:
        raise damaged(
            path,
            f"it belongs to {quote(owner)}: put the files of the fits back in their places, or "
            "remove them and resume the run",
        )
