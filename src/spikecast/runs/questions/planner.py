"""What questions of every kind share: names, settings, whose latents, which populations."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeVar

from spikecast.analysis.geometry.cell_types import TYPES, split_areas
from spikecast.analysis.interareal.populations import select_neurons
from spikecast.core.checks import check_one_of
from spikecast.core.errors import InputError
from spikecast.core.schema import Block
from spikecast.runs.questions.answers import Material
from spikecast.runs.questions.blocks import Decode, Dimensions, Labels, OverTime, Pairs, Tuning
from spikecast.runs.questions.store import Answer, Question

RATE = 0.5  # Hz: neurons that fire less often take no part in what is asked of pairs

ByArea = TypeVar("ByArea", Decode, OverTime, Dimensions, Tuning)


@dataclass(frozen=True)
class Asker:
    """Turns blocks into questions about some material."""

    on: Material

    def _question(
        self, name: tuple[str | None, ...], what: str, block: Block, ask: Callable[[], Answer]
    ) -> Question:
        # what the name says is not repeated: asking for one label more leaves the others answered
        asked = block.model_dump(mode="json", exclude={"labels", "methods", "pairs", "sources"})
        asked |= {"question": [part for part in name if part], "seed": self.on.seed}
        stem = "-".join(re.sub(r"[^\w.]+", "_", _spelled(part)) for part in name if part)
        return Question(stem, what, asked, ask)

    def _areas(self, areas: Sequence[str] | None, on: Material) -> Iterator[str | None]:
        for area in areas or []:
            on.recording.in_area(area)
        yield from areas if areas else (None,)

    def _whose(self, source: str, block: Labels | Tuning) -> str | None:
        return self.on.latents(block.model).name if source == "latents" else None

    def _columns(self, names: Sequence[str] | None) -> None:
        for name in names or ():
            check_one_of("trial column", name, list(self.on.recording.trials))

    def _split(self, block: ByArea) -> tuple[Material, ByArea]:
        """The recording and areas that a block asks about, by cell type where it says so."""
        if not block.cell_types:
            return self.on, block
        split = replace(self.on, recording=split_areas(self.on.recording, block.areas or None))
        parts = _by_type(block.areas) if block.areas else [f"{name} cells" for name in TYPES]
        return split, block.model_copy(update={"areas": parts})

    def _pairs(self, block: Pairs) -> tuple[Material, list[tuple[str, str]]]:
        """The recording and pairs that a block asks about, by cell type where it says so."""
        self._columns(block.conditions)
        on, pairs = self.on, list(block.pairs)
        if block.cell_types:
            areas = list(dict.fromkeys(area for pair in pairs for area in pair))
            on = replace(on, recording=split_areas(on.recording, areas))
            types = [
                pair for a, b in pairs for pair in product(_by_type([a]), _by_type([b]))
            ]  # an area with itself: its narrow spikes with its wide ones
            pairs = [pair for pair in dict.fromkeys(types) if pair[0] != pair[1]]
        for source, target in pairs:
            if source == target:
                raise InputError(f"source and target are both '{source}'; choose two areas")
            for area in (source, target):
                select_neurons(on.recording, area, RATE)
        return on, pairs


def _spelled(part: str) -> str:
    return part.replace(">", "_above_").replace("<", "_below_")


def _by_type(areas: Sequence[str]) -> list[str]:
    return [f"{area} {name}" for area in areas for name in TYPES]
