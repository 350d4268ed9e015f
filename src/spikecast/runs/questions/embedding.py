"""Maps of the trials in two dimensions, and what they are worth."""

import importlib.util
from collections.abc import Iterator
from typing import Literal

import pandas as pd
from pydantic import Field

from spikecast.analysis.decoding.labels import resolve_label
from spikecast.analysis.geometry.embedding import embed
from spikecast.core.errors import InputError
from spikecast.core.stored_tables import Table
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import (
    LABELS,
    Answer,
    AnswerSchema,
    Facts,
    Question,
    QuestionBlock,
)

SUPERVISED = "umap_supervised"


class Embedding(QuestionBlock):
    """Maps of the trials in two dimensions, and what they are worth."""

    labels: list[str] = Field(min_length=1, description=LABELS)
    methods: list[Literal["pca", "tsne", "umap", "umap_supervised"]] = Field(
        default=["pca"], min_length=1
    )
    area: str | None = Field(None, description="default: all neurons")

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per label and method."""
        needs_umap = any(method.startswith("umap") for method in self.methods)
        if needs_umap and importlib.util.find_spec("umap") is None:
            raise InputError("UMAP needs umap-learn: pip install 'spikecast[embed]'")
        for label in self.labels:
            resolve_label(material.recording, label, 2, continuous=False)
            for method in self.methods:
                name, description = (
                    ("embed", label, method, self.area),
                    f"mapping trials by {method}",
                )
                yield self.make_question(material, name, description, answer, label, method)


class EmbeddingFacts(Facts):
    """What the file of an answer holds."""

    label: str
    area: str | None
    method: Literal["pca", "tsne", "umap"]
    supervised: bool
    n_left_out: int


def _check_scores(table: pd.DataFrame) -> str:
    numbers = [(table["score"] == name).sum() for name in ("knn_accuracy", "knn_accuracy_without")]
    return "" if numbers in ([0, 0], [1, 1]) else "it must have each score of the neighbours once"


STORED = AnswerSchema(
    EmbeddingFacts,
    {
        "points": Table({"x": "finite", "y": "finite", "held_out": "flag", "label": "text"}),
        "scores": Table(
            {"score": "text", "value": "number", "chance": "number", "p": "share"},
            least_rows=0,
            check=_check_scores,
        ),
    },
)


def answer(material: Material, block: Embedding, label: str, method: str) -> Answer:
    """Place the trials in a map, and score it."""
    resolved = resolve_label(material.recording, label, 2, continuous=False)
    names: list[str | None] = [None] * material.recording.n_trials
    for trial, code in zip(resolved.trials.tolist(), resolved.values.tolist(), strict=True):
        names[trial] = resolved.names[code]
    supervised = method == SUPERVISED
    result = embed(
        material.select_area(block.area),
        "umap" if supervised else method,
        labels=names,
        supervised=supervised,
        seed=material.seed,
        n_neighbors=min(15, max(2, resolved.trials.size // 4)),
    )
    facts = {
        "label": label,
        "area": block.area,
        "method": result.method,
        "supervised": supervised,
        "n_left_out": resolved.n_left_out,
    }
    return Answer(facts, {"points": result.table, "scores": result.scores})
