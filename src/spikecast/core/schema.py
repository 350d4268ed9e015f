"""The base of everything that is written in a config file."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A block of a config: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
