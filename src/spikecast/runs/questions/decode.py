"""Which labels can be decoded from whole trials, and from what."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from spikecast.analysis.decoding.decode import decode
from spikecast.runs.questions.label_block import Decoding, LabelBlock
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import Answer, Question, pick

N_COMPONENTS = 40  # of the counts
WINDOW = 0.05  # seconds that the root of their mean is taken of


class Decode(LabelBlock):
    """Which labels can be decoded from whole trials, and from what."""

    in_name = LabelBlock.in_name | {"areas"}

    combine: Literal["mean", "concatenate", "vote"] = Field(
        "mean", description="bins of a trial: averaged, side by side, or each with a vote"
    )
    balance: Literal["weights", "subsample", "none"] = Field(
        "weights", description="of classes: weighted, or the larger thinned at random over time"
    )

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per label, source and (for counts) area."""
        split, areas = material.split_cell_types(self.areas, self.cell_types)
        for decoding in self.make_decodings(material, WINDOW, N_COMPONENTS):
            of_counts = decoding.source == "counts"
            on = split if of_counts else material
            for area in on.check_areas(areas) if of_counts else (None,):
                name = ("decode", *self.name_parts(decoding, area))
                description = f"decoding {self.name_label(decoding.label)} from {decoding.source}"
                description += (f" of {area}" if area else "") + decoding.cost
                yield self.make_question(on, name, description, answer, decoding, area)


def answer(material: Material, block: Decode, decoding: Decoding, area: str | None) -> Answer:
    """Decode a label from whole trials."""
    result = decode(
        material.select_area(area),
        decoding.label,
        source=decoding.features,
        decoder=block.decoder,
        over_time=block.combine,
        balance=block.balance,
        folds=block.folds,
        null=block.make_null(material),
        n_permutations=block.permutations,
        seed=material.seed,
    )
    facts = block.describe_result(material, result, decoding, area) | {
        **pick(block, "combine", "balance", "folds"),
        **pick(result, "decoder", "metric", "score", "n_left_out"),
        "chance": result.chance if result.null.size else None,
        "p": result.p if result.null.size else None,
        **pick(result.interval, "low", "high"),
        "train": result.train_scores[result.metric],
        "n_trials": len(result.predictions),
        "permutations": result.null.size,
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
