"""What was taken of a session: facts, kept in the attribute ``taken`` of a recording."""

import json
from collections.abc import Sequence

import xarray as xr

from spikecast.core.notices import Notice

ATTRIBUTE = "taken"


def write_taken(notices: Sequence[Notice]) -> str:
    """Return notices as the text of the attribute."""
    return json.dumps([notice.to_json() for notice in notices], default=str)


def read_taken(dataset: xr.Dataset) -> list[Notice]:
    """Return what was taken when a recording was cut from its session; empty for others."""
    return [Notice.from_json(one) for one in json.loads(dataset.attrs.get(ATTRIBUTE, "[]"))]
