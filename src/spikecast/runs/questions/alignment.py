"""Whether folds of a model, and models of the run, have the same latents."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from spikecast.analysis.conditions import number_conditions
from spikecast.analysis.geometry.alignment import align, average_conditions
from spikecast.core.checks import quote
from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.stored_tables import Table
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs.questions.material import FittedModel, Material
from spikecast.runs.questions.question import (
    CONDITIONS,
    Answer,
    AnswerSchema,
    Facts,
    Question,
    QuestionBlock,
    pick,
)

MOST_FOLDS = 5  # over trials, or over conditions
FOLDS_WITHOUT_AVERAGES = NoticeKind(
    "folds_without_averages",
    "minor",
    "latents of {model}: not every pair of folds has averages to align ({why})",
)


class Alignment(QuestionBlock):
    """Whether folds of a model, and models of the run, have the same latents."""

    models: list[str] | None = Field(None, description="default: all that have latents")
    method: Literal["procrustes", "cca"] = Field(
        "procrustes", description="cca overfits where conditions are few"
    )
    components: int = Field(5, ge=1, description="principal components of the latents compared")
    conditions: list[str] | None = Field(None, description=CONDITIONS)
    shuffles: int = Field(100, ge=19, description="of trials, or of conditions")

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per model, between its folds, and one per pair of models."""
        material.check_columns(self.conditions)
        # where no model has latents, looking for the first one says so
        chosen: list = self.models or list(material.fitted) or [None]
        names = list(dict.fromkeys(material.find_model(name).name for name in chosen))
        for name in names:
            description = f"are the latents of {name} the same in every fold?"
            parts = ("align", "folds", name)
            yield self.make_question(material, parts, description, compare_folds, name)
        for pair in combinations(names, 2):
            description = f"are the latents of {pair[0]} those of {pair[1]}?"
            parts = ("align", *pair)
            yield self.make_question(material, parts, description, compare_models, *pair)


class AlignmentFacts(Facts):
    """What the file of an answer holds."""

    compared: Literal["folds", "models"]
    first: str
    second: str
    method: Literal["procrustes", "cca"]
    components: int
    shuffles: int


def _check_pairs(table: pd.DataFrame) -> str:
    unknown = set(table["on"]) - {"trials", "averages"}
    return f"nothing is aligned on {quote(min(unknown, key=str))}" if unknown else ""


STORED = AnswerSchema(
    AlignmentFacts,
    {
        "pairs": Table(
            {
                "on": "text",
                "first": "whole",
                "second": "whole",
                "n": "whole",
                "score": "finite",
                "low": "number",
                "high": "number",
                "shuffled": "number",
                "p": "share",
            },
            check=_check_pairs,
        )
    },
)


def compare_folds(material: Material, block: Alignment, model: str) -> Answer:
    """Align the latents of a model, fold with fold.

    Folds hold out different trials. Either their condition averages are aligned, all of them of
    held-out trials; or the latents that both fitted models give for the same trials, which are new
    to one of the two models only.
    """
    fitted = material.find_model(model)
    condition = number_conditions(material.recording.trials, block.conditions)
    x = fitted.task.problem(material.recording).x
    held_out = [fitted.load_latents(fold) for fold in range(fitted.n_folds)]
    models = [fitted.load_model(fold) for fold in range(fitted.n_folds)]
    rows: list[dict[str, Any]] = []
    notices: list[Notice] = []
    for folds in combinations(range(fitted.n_folds), 2):
        (trials, first), (other_trials, second) = (held_out[fold] for fold in folds)
        both = np.sort(np.r_[trials, other_trials])
        latents = [_reduce(models[fold].transform(x[both]), block) for fold in folds]
        rows.append(_align("trials", folds, material, block, *latents))
        try:
            averages = average_conditions(
                _reduce(first, block),
                condition[trials],
                _reduce(second, block),
                condition[other_trials],
            )
        except NotEnoughDataError as error:
            notices.append(FOLDS_WITHOUT_AVERAGES(model=model, why=str(error)))
            continue
        rows.append(_align("averages", folds, material, block, *averages))
    return _make_answer(block, "folds", fitted, fitted, rows, notices[:1])


def compare_models(material: Material, block: Alignment, first: str, second: str) -> Answer:
    """Align the latents of two models on the same held-out trials, in every fold."""
    one, other = material.find_model(first), material.find_model(second)
    rows = []
    for fold in range(one.n_folds):
        latents = [_reduce(model.load_latents(fold)[1], block) for model in (one, other)]
        rows.append(_align("trials", (fold, fold), material, block, *latents))
    return _make_answer(block, "models", one, other, rows, [])


def _reduce(latents: np.ndarray, block: Alignment) -> np.ndarray:
    """Return the leading principal components of latents: all that a few conditions can align."""
    flat = latents.reshape(-1, latents.shape[2]).astype(np.float32)
    mean, axes, _ = find_principal_axes(flat, block.components)
    return (latents - mean) @ axes.T


def _align(
    on: str,
    folds: tuple[int, int],
    material: Material,
    block: Alignment,
    a: np.ndarray,
    b: np.ndarray,
) -> dict[str, Any]:
    """Return a row of the table: how well two arrays of latents align."""
    result = align(
        a,
        b,
        block.method,
        folds=min(MOST_FOLDS, len(a) // 2),
        n_permutations=block.shuffles,
        seed=material.seed,
    )
    return {
        "on": on,
        "first": folds[0],
        "second": folds[1],
        "n": len(a),
        "score": result.score.value,
        "low": result.score.low,
        "high": result.score.high,
        "shuffled": result.shuffled,
        "p": result.p,
    }


def _make_answer(
    block: Alignment,
    compared: str,
    one: FittedModel,
    other: FittedModel,
    rows: list[dict[str, Any]],
    notices: list[Notice],
) -> Answer:
    facts = {
        "compared": compared,
        "first": one.name,
        "second": other.name,
        **pick(block, "method", "components", "shuffles"),
    }
    return Answer(facts, {"pairs": pd.DataFrame(rows)}, notices)
