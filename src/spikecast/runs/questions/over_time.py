"""From when labels can be decoded, area by area."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

from pydantic import Field

from spikecast.analysis.decoding.over_time import OnsetRule, decode_over_time
from spikecast.analysis.decoding.sources import Source
from spikecast.core.errors import InputError
from spikecast.runs.questions import generalization
from spikecast.runs.questions.label_block import LabelBlock, SourceName
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import Answer, Question

WINDOW = 0.03  # seconds: short, to date sharply


class OverTime(LabelBlock):
    """From when labels can be decoded, and whether the code stays the same."""

    sources: list[SourceName] = Field(default=["counts"], min_length=1)
    decoder: Literal["lda", "ridge"] = "lda"
    permutations: int = Field(1000, ge=20)
    min_duration: float = Field(0.03, gt=0, description="seconds that an onset's stretch lasts")
    generalization: bool = Field(True, description="train at one time, test at every other")
    allow_acausal: bool = Field(False, description="date onsets with features that saw the future")

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per label and source, all areas in it, then its generalization."""
        split, areas = material.split_cell_types(self.areas, self.cell_types)
        for label in self.labels:
            self.check_label(material, label)
            for name, source in self.make_sources(material, label, WINDOW):
                self._check_causal(source)
                on = split if name == "counts" else material
                on.check_areas(areas if name == "counts" else self.areas)
                of_counts = areas if name == "counts" else None
                model = self.name_model(material, name)
                yield self.ask(
                    "over_time",
                    ("time", *self.name_parts(label, name, model)),
                    f"dating {self.name_label(label)} in {name}"
                    + self.describe_cost(material, name),
                    material.seed,
                    partial(answer, on, self, label, name, source, of_counts),
                )
                if self.generalization and self.decoder != "ridge" and name != "behavior":
                    for area in on.check_areas(of_counts):
                        yield generalization.ask(
                            on, self, label, name, source, area, self.allow_acausal
                        )

    def _check_causal(self, source: Source) -> None:
        if not (source.causal or self.allow_acausal):
            raise InputError(
                f"the {source.name} are acausal: at bin t they know bins after t, so they "
                "date nothing; use a model with causal: true, or insist with "
                "allow_acausal: true"
            )


def answer(
    material: Material,
    block: OverTime,
    label: str,
    name: str,
    source: Source,
    areas: Sequence[str] | None,
) -> Answer:
    """Decode a label bin by bin, and date its onset in each area."""
    result = decode_over_time(
        material.recording,
        label,
        areas=areas,
        source=source,
        decoder=block.decoder,
        folds=block.folds,
        null=block.null,
        n_permutations=block.permutations,
        onset=OnsetRule(min_duration=block.min_duration, allow_acausal=block.allow_acausal),
        seed=material.seed,
    )
    facts = block.describe_result(material, result, name, None) | {
        "decoder": block.decoder,
        "metric": result.metric,
        "min_duration": result.min_duration,
        "alpha": result.alpha,
        "acausal": result.acausal,
        "null": block.null_labels,
        "permutations": block.permutations,
        "n_left_out": result.n_left_out,
    }
    tables = {"curves": result.table, "onsets": result.onsets, "differences": result.differences}
    return Answer(facts, tables, result.notices)
