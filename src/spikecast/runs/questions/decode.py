"""Which labels can be decoded from whole trials, and from what."""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from annotated_types import MinLen
from pydantic import AfterValidator, Field, with_config
from typing_extensions import TypedDict

from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.null_choice import NONE
from spikecast.core.checks import check_one_of
from spikecast.core.stored import OPEN
from spikecast.core.stored_arrays import Array
from spikecast.core.stored_tables import Column, Table
from spikecast.models.classifiers import CLASSIFIERS
from spikecast.runs.questions.label_block import Decoding, LabelBlock, LabelFacts
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import Answer, AnswerSchema, Question, pick
from spikecast.scoring.metric_table import MetricName

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


@with_config(OPEN)
class FoldFacts(TypedDict):
    """What the decoder of a fold was given."""

    train: list[int]
    test: list[int]
    labels: list[float | str | bool]
    validation: list[int]
    fitted_on: dict[str, list[int]]


def _check_fold(fold: FoldFacts) -> FoldFacts:
    if len(fold["labels"]) != len(fold["train"]):
        raise ValueError("there must be as many labels as training trials")
    if min(fold["train"], default=0) < 0:
        raise ValueError("numbers of trials are 0 or more")
    return fold


class DecodeFacts(LabelFacts):
    """What the file of an answer holds."""

    combine: Literal["mean", "concatenate", "vote"]
    balance: Literal["weights", "subsample", "none"]
    folds: int
    decoder: str
    metric: MetricName
    score: float
    low: float
    high: float
    train: float
    chance: float | None
    p: float | None
    n_left_out: int
    n_trials: int
    permutations: int
    fits: Annotated[list[Annotated[FoldFacts, AfterValidator(_check_fold)]], MinLen(1)]


def _check_facts(facts: DecodeFacts) -> DecodeFacts:
    check_one_of("decoder", facts["decoder"], list(CLASSIFIERS))
    tested = facts.get("null") != NONE and facts["permutations"]
    if tested and (facts["p"] is None or facts["chance"] is None):
        raise ValueError("p and chance are missing")
    return facts


def _check_confusion(table: pd.DataFrame) -> str:
    counts = table.drop(columns="truth")
    if counts.shape[0] != counts.shape[1]:
        return "it must have as many rows as columns of classes"
    if any(
        counts[name].dtype.kind not in "iuf" or not np.isfinite(counts[name]).all()
        for name in counts
    ):
        return "it must hold numbers of trials"
    if table["truth"].duplicated().any():
        return "a class has two rows"
    return "" if (counts.sum(axis=1) > 0).all() else "a class has no trials"


NUMBER: Column = "number"
SHARE: Column = "share"
_PARTS = ("train", "test")
PER_CLASS = {f"{name}_{part}": SHARE for name in ("precision", "recall", "f1") for part in _PARTS}
PER_CLASS |= {f"support_{part}": NUMBER for part in _PARTS}
STORED = AnswerSchema(
    Annotated[DecodeFacts, AfterValidator(_check_facts)],
    {
        "confusion": Table({"truth": "text"}, check=_check_confusion),
        "per_class": Table({"class": "text", **PER_CLASS}, unique=("class",)),
    },
    {"null": Array("f", ("draw",), finite=True)},
    optional=frozenset({"confusion", "per_class"}),
)


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
