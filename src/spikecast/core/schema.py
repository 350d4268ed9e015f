"""The base of all blocks of a config."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A block of a config; unknown keys are refused, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
