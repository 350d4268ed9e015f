"""What was taken of a session: facts, kept in the attribute ``taken`` of a recording."""

import json
from collections.abc import Sequence

import xarray as xr
from pydantic import TypeAdapter

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, StoredNotice

ATTRIBUTE = "taken"
NOTICES = TypeAdapter(list[StoredNotice])


def write_taken(notices: Sequence[Notice]) -> str:
    """Return notices as the text of the attribute."""
    return json.dumps([notice.to_json() for notice in notices], default=str)


def read_taken(dataset: xr.Dataset) -> list[Notice]:
    """Return what was taken when a recording was cut from its session; empty for others.

    Raises
    ------
    FormatError
        Where the attribute, which comes from a file, holds something else.
    """
    try:
        return NOTICES.validate_python(json.loads(dataset.attrs.get(ATTRIBUTE, "[]")))
    except (ValueError, TypeError):
        raise FormatError(f"the attribute '{ATTRIBUTE}' of the recording is damaged") from None
