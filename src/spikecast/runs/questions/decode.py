"""Which labels can be decoded from whole trials, and from what."""

from collections.abc import Iterator
from functools import partial
from typing import Literal

from pydantic import Field

from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.sources import Source
from spikecast.runs.questions.label_block import LabelBlock
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import Answer, Question

N_COMPONENTS = 40  # of the counts
WINDOW = 0.05  # seconds that the root of their mean is taken of


class Decode(LabelBlock):
    """Which labels can be decoded from whole trials, and from what."""

    combine: Literal["mean", "concatenate", "vote"] = Field(
        "mean", description="bins of a trial: averaged, side by side, or each with a vote"
    )
    balance: Literal["weights", "subsample", "none"] = Field(
        "weights", description="of classes: weighted, or the larger thinned at random over time"
    )

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per label, source and (for counts) area."""
        split, areas = material.split_cell_types(self.areas, self.cell_types)
        for label in self.labels:
            self.check_label(material, label)
            for name, source in self.make_sources(material, label, WINDOW, N_COMPONENTS):
                of_counts = name == "counts"
                on = split if of_counts else material
                for area in on.check_areas(areas) if of_counts else (None,):
                    part = self.name_model(material, name) or area
                    yield self.ask(
                        "decode",
                        ("decode", *self.name_parts(label, name, part)),
                        f"decoding {self.name_label(label)} from {name}"
                        + (f" of {area}" if area else "")
                        + self.describe_cost(material, name),
                        material.seed,
                        partial(answer, on, self, label, name, source, area),
                    )


def answer(
    material: Material, block: Decode, label: str, name: str, source: Source, area: str | None
) -> Answer:
    """Decode a label from whole trials."""
    result = decode(
        material.select_area(area),
        label,
        source=source,
        decoder=block.decoder,
        over_time=block.combine,
        balance=block.balance,
        folds=block.folds,
        null=block.null,
        n_permutations=block.permutations,
        seed=material.seed,
    )
    facts = block.describe_result(material, result, name, area) | {
        "decoder": result.decoder,
        "combine": block.combine,
        "balance": block.balance,
        "metric": result.metric,
        "score": result.score,
        "low": result.interval.low,
        "high": result.interval.high,
        "chance": result.chance,
        "p": result.p,
        "train": result.train_scores[result.metric],
        "n_trials": len(result.predictions),
        "n_left_out": result.n_left_out,
        "permutations": result.null.size,
        "null": block.null_labels,
        "folds": block.folds,
        "fits": [fold.to_json() for fold in result.folds],
    }
    tables = {
        "scores": result.table.assign(features=facts["features"], area=area or "all"),
        "confusion": result.confusion.reset_index(),
        "per_class": result.per_class,
        "predictions": result.predictions,
    }
    tables = {key: table for key, table in tables.items() if len(table)}
    return Answer(facts, tables, result.notices, {"null": result.null})
