"""What of a session becomes a recording: event, window, bins, units, area, trial table."""

from typing import Any

from pydantic import Field, ValidationError

from spikecast.core.checks import quote
from spikecast.core.errors import InputError
from spikecast.core.schema import Block


class Selection(Block):
    """Around which event a session is cut, in which bins, and which units are taken."""

    align: str | None = Field(
        None,
        description="event at time 0: a column of the trial table, the name of a list of events, "
        "or a file of times (.npy, .csv, stim.mat:onsets); none: one long trial",
    )
    window: tuple[float, float] | None = Field(
        None, description="start and stop around the event, in seconds"
    )
    bin_size: float | None = Field(None, gt=0, description="width of a bin, in seconds")
    units: list[str] | None = Field(
        None,
        description="labels of the quality column that are taken (good, or group=good), or 'all'",
    )
    area_column: str | None = Field(None, description="column of the units that names the area")
    trials: str | None = Field(
        None, description="the trial table: its name in the file, or a file (.csv, .tsv, .parquet)"
    )
    frame_rate: float | None = Field(
        None, gt=0, description="frames or samples per second, where the source does not say"
    )


def make_selection(**given: Any) -> Selection:
    """Return a selection of values by name, or raise an InputError; one label may stand alone.

    Examples
    --------
    >>> make_selection(align="onset", units="good").units
    ['good']
    """
    if isinstance(given.get("units"), str):
        given["units"] = [given["units"]]
    try:
        return Selection.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{first['loc'][0]} {quote(first['input'])}: {first['msg']}") from None


class DataChoice(Selection):
    """Which recording, and how it is cut into trials where it is not yet."""

    path: str = Field(description="file, folder, or name of a known data set")
    session: int | None = Field(None, ge=0, description="which session, where there are several")
