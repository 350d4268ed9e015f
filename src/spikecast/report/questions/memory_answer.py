"""What figures of an answer read: its facts, tables and matrices, in memory or of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from spikecast.runs.reader import StoredAnswer

EVENT = "the event"  # results in memory do not hold what their time starts from


@dataclass(frozen=True)
class MemoryAnswer:
    """An answer in memory, which figures read as they read one of a run."""

    facts: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    def table(self, name: str) -> pd.DataFrame:
        """Return one of its tables."""
        return self.tables[name]


AnyAnswer = StoredAnswer | MemoryAnswer
"""What a figure of an answer is drawn from."""
