"""What answers are computed from: the recording, and the models with latents that a run has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from spikecast.analysis.conditions import MISSING
from spikecast.analysis.geometry.cell_types import TYPES, split_areas
from spikecast.core.checks import check_one_of
from spikecast.core.errors import DamagedFileError, FormatError, InputError
from spikecast.data.recording import Recording
from spikecast.models import storage
from spikecast.models.base import Model
from spikecast.models.catalog import DEFAULT_MODEL
from spikecast.runs.fit_files import LATENTS, read_fit_arrays, read_fit_facts
from spikecast.runs.layout import TargetLayout
from spikecast.tasks.problem import Task


@dataclass(frozen=True)
class FittedModel:
    """A model of the run that has latents: its name, itself, its task and its files."""

    name: str
    model: Model
    task: Task
    layout: TargetLayout

    @property
    def seconds(self) -> float | None:
        """Duration of one fit in the run; None while it is not fitted yet."""
        path = self.layout.job(self.name, 0)
        if not path.exists():
            return None
        return float(read_fit_facts(self.layout, self.name, 0)["fit_seconds"])

    @property
    def n_folds(self) -> int:
        """Number of folds it was fitted in."""
        return len(self.layout.list_jobs(self.name))

    def load_latents(self, fold: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return the trials held out in a fold, and their latents (trial, time, latent)."""
        stored = read_fit_arrays(self.layout, self.name, fold, LATENTS)
        return stored["test"], stored["latents"].astype(np.float32)

    def load_model(self, fold: int) -> Model:
        """Return the model as fitted in a fold."""
        checksum = read_fit_facts(self.layout, self.name, fold).get("weights_checksum")
        try:
            return storage.load(self.layout.weights(self.name, fold), checksum)
        except FormatError as error:
            path = self.layout.job(self.name, fold)
            raise DamagedFileError(
                f"{error}; put the files of the fit in their places, or remove them and '{path}' "
                "and resume the run"
            ) from None


@dataclass(frozen=True)
class Material:
    """What answers are computed from."""

    recording: Recording
    fitted: dict[str, FittedModel]  # by name: the models of the run that have latents
    seed: int
    conditions: Sequence[str] | None = None  # trial columns that name it; by default the contrasts

    @property
    def event(self) -> str:
        """The event at time 0."""
        return str(self.recording.dataset.attrs["align_to"])

    def select_area(self, area: str | None) -> Recording:
        """Return the recording, or one area of it."""
        return self.recording if area is None else self.recording.select(area=area)

    def check_areas(self, areas: Sequence[str] | None) -> Sequence[str | None]:
        """Return the areas, or None alone for all neurons; raise for an unknown one."""
        for area in areas or ():
            self.recording.in_area(area)
        return areas or (None,)

    def check_columns(self, names: Iterable[str] | None) -> None:
        """Raise for a trial column that the recording does not have."""
        for name in names or ():
            check_one_of("trial column", name, list(self.recording.trials))

    def select_columns(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return some trial columns; a missing value is NaN, in text too."""
        table = self.recording.trials[list(columns)]
        return table.mask(table.isin(MISSING))

    def find_model(self, name: str | None) -> FittedModel:
        """Return a model with latents by its name; else the default model, or the first."""
        if not self.fitted:
            raise InputError(
                "latents are those of a fitted model: name a run directory whose models have "
                "latents ('spikecast models' says which have), or decode from counts"
            )
        if name is None:
            name = DEFAULT_MODEL if DEFAULT_MODEL in self.fitted else next(iter(self.fitted))
        return self.fitted[check_one_of("model with latents", name, list(self.fitted))]

    def split_cell_types(
        self, areas: Sequence[str] | None, cell_types: bool
    ) -> tuple["Material", Sequence[str] | None]:
        """Return material and areas: as they are, or each area cut into cell types."""
        if not cell_types:
            return self, areas
        names = name_cell_types(areas) if areas else [f"{name} cells" for name in TYPES]
        return replace(self, recording=split_areas(self.recording, areas or None)), names


def name_cell_types(areas: Iterable[str]) -> list[str]:
    """Return the names of the narrow and wide cells of each area."""
    return [f"{area} {name}" for area, name in product(areas, TYPES)]
