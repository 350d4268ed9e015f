"""From when labels can be decoded, area by area."""

from collections.abc import Iterator, Sequence
from typing import Literal, NotRequired

import pandas as pd
from pydantic import Field

from spikecast.analysis.decoding.area_choice import WholeAreas
from spikecast.analysis.decoding.over_time import OnsetRule, decode_over_time
from spikecast.analysis.decoding.sources import Source
from spikecast.core.errors import InputError
from spikecast.core.schema import MOST_DRAWS
from spikecast.core.stored import Finite
from spikecast.core.stored_tables import Table
from spikecast.runs.questions import generalization
from spikecast.runs.questions.label_block import Decoding, LabelBlock, LabelFacts, SourceName
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import Answer, AnswerSchema, Question, pick
from spikecast.scoring.metric_table import MetricName

WINDOW = 0.03  # seconds: short, to date sharply


class OverTime(LabelBlock):
    """From when labels can be decoded, and whether the code stays the same."""

    sources: list[SourceName] = Field(default=["counts"], min_length=1)
    decoder: Literal["lda", "ridge"] = "lda"
    permutations: int = Field(1000, ge=20, le=MOST_DRAWS)
    neurons: Literal["matched", "all"] = Field(
        "matched", description="of each of several areas: as many as the smallest has, or all"
    )
    min_duration: float = Field(0.03, gt=0, description="seconds that an onset's stretch lasts")
    generalization: bool = Field(True, description="train at one time, test at every other")
    allow_acausal: bool = Field(False, description="date onsets with features that saw the future")

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per label and source, all areas in it, then its generalization."""
        split, areas = material.split_cell_types(self.areas, self.cell_types)
        for decoding in self.make_decodings(material, WINDOW):
            self._check_causal(decoding.features)
            of_counts = decoding.source == "counts"
            on, within = (split, areas) if of_counts else (material, None)
            on.check_areas(areas if of_counts else self.areas)
            label, source = self.name_label(decoding.label), decoding.source
            name, description = self.name_parts(decoding, None), f"dating {label} in {source}"
            yield self.make_question(
                on, ("time", *name), description + decoding.cost, answer, decoding, within
            )
            if not self.generalization or self.decoder == "ridge" or source == "behavior":
                continue
            for area in on.check_areas(within):
                yield self.make_question(
                    on,
                    ("generalization", *self.name_parts(decoding, area)),
                    f"does the code for {label} change in {source}{f' of {area}' if area else ''}?",
                    generalization.answer,
                    decoding,
                    area,
                    self.allow_acausal,
                )

    def _check_causal(self, source: Source) -> None:
        if not (source.causal or self.allow_acausal):
            raise InputError(
                f"the {source.name} are acausal: at bin t they know bins after t, so they "
                "date nothing; use a model with causal: true, or insist with "
                "allow_acausal: true"
            )


class OverTimeFacts(LabelFacts):
    """What the file of an answer holds."""

    decoder: str
    permutations: int
    metric: MetricName
    min_duration: Finite
    acausal: bool
    n_matched: NotRequired[int | None]


def _check_curves(table: pd.DataFrame) -> str:
    return "" if table.groupby("area").size().min() > 1 else "an area has a single bin"


STORED = AnswerSchema(
    OverTimeFacts,
    {
        "curves": Table(
            {
                "area": "text",
                "time": "finite",
                "score": "finite",
                "low": "finite",
                "high": "finite",
                "chance": "number",
                "significant": "flag",
            },
            unique=("area", "time"),
            check=_check_curves,
        ),
        "onsets": Table(
            {
                "area": "text",
                "n_neurons": "whole",
                "onset": "number",
                "low": "open",
                "high": "open",
                "peak": "number",
            },
            unique=("area",),
        ),
        "differences": Table(
            {
                "first": "text",
                "second": "text",
                "difference": "number",
                "low": "open",
                "high": "open",
            },
            least_rows=0,
        ),
    },
    within={"onsets": ("area", "curves")},
)


def answer(
    material: Material, block: OverTime, decoding: Decoding, areas: Sequence[str] | None
) -> Answer:
    """Decode a label bin by bin, and date its onset in each area."""
    result = decode_over_time(
        material.recording,
        decoding.label,
        areas=WholeAreas(areas) if areas and block.neurons == "all" else areas,
        source=decoding.features,
        decoder=block.decoder,
        folds=block.folds,
        null=block.make_null(material),
        n_permutations=block.permutations,
        onset=OnsetRule(min_duration=block.min_duration, allow_acausal=block.allow_acausal),
        seed=material.seed,
    )
    facts = block.describe_result(material, result, decoding, None) | {
        **pick(block, "decoder", "permutations"),
        **pick(result, "metric", "min_duration", "alpha", "acausal", "n_left_out"),
        "n_matched": result.n_matched,
    }
    tables = {"curves": result.table, "onsets": result.onsets, "differences": result.differences}
    return Answer(facts, tables, result.notices)
