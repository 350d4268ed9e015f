"""Average and single-trial paths through a few dimensions."""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from annotated_types import MinLen
from pydantic import Field

from spikecast.analysis.decoding.sources import Counts
from spikecast.analysis.geometry.trajectories import name_conditions, trajectories
from spikecast.core.checks import check_in_range
from spikecast.core.notices import NoticeKind
from spikecast.core.stored import Finite
from spikecast.core.stored_tables import Table
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import (
    LABELS,
    MODEL,
    Answer,
    AnswerSchema,
    Facts,
    Question,
    QuestionBlock,
)

WINDOW = 0.1  # seconds of counts that a point of a path averages
N_SHOWN = 10  # single trials of each condition
ACAUSAL_LATENTS = NoticeKind(
    "acausal_latents",
    "serious",
    "latents of {model} are acausal: paths part before the activity does",
)


class Trajectories(QuestionBlock):
    """Average and single-trial paths through a few dimensions."""

    labels: list[str] = Field(min_length=1, description=LABELS)
    source: Literal["counts", "latents"] = "counts"
    model: str | None = Field(None, description=MODEL)
    area: str | None = Field(None, description="default: all neurons (counts only)")
    n_dims: Literal[2, 3] = Field(2, description="3: also a figure that can be turned")

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per label."""
        for label in self.labels:
            material.check_columns([label])
            part = self.area
            if self.source == "counts":
                n_neurons = material.select_area(self.area).n_neurons
                check_in_range("n_dims", self.n_dims, 1, n_neurons)
            else:
                part = material.find_model(self.model).name
            name = ("trajectories", label, self.source, part)
            yield self.make_question(material, name, f"averaging paths by {label}", answer, label)


class TrajectoriesFacts(Facts):
    """What the file of an answer holds."""

    label: str
    source: Literal["counts", "latents"]
    area: str | None
    model: str | None
    explained: Annotated[list[Finite], MinLen(2)]
    n_left_out: int
    window: Finite
    align_to: str


STORED = AnswerSchema(
    TrajectoriesFacts,
    {
        "means": Table(
            {
                "condition": "text",
                "n_trials": "whole",
                "time": "finite",
                "x": "finite",
                "y": "finite",
                "x_sem": "number",
            },
            {"z": "finite"},
        ),
        "trials": Table(
            {"trial": "whole", "condition": "text", "time": "finite", "x": "finite", "y": "finite"},
            {"z": "finite"},
            least_rows=0,
        ),
    },
)


def answer(material: Material, block: Trajectories, label: str) -> Answer:
    """Average paths by condition, from counts or from the latents held out in fold 0."""
    condition = name_conditions(material.recording.trials, label)
    condition[condition == f"{label} "] = None  # a comparison with a missing value
    time, model, notices = material.recording.time, None, []
    if block.source == "latents":
        fitted = material.find_model(block.model)
        trials, values = fitted.load_latents()
        condition = condition[trials]
        time, model = fitted.task.problem(material.recording).time, fitted.name
        if not fitted.model.causal:
            notices.append(ACAUSAL_LATENTS(model=model))
    else:
        counts = Counts(max(WINDOW, material.recording.bin_size))
        values = counts.compute_features(material.select_area(block.area)).astype(np.float32)
    result = trajectories(values, time, condition, n_dims=block.n_dims, n_shown=N_SHOWN)
    facts = {
        "label": label,
        "source": block.source,
        "area": block.area,
        "model": model,
        "explained": result.explained.tolist(),
        "n_left_out": result.n_left_out,
        "window": WINDOW,
        "align_to": material.event,
    }
    return Answer(facts, {"means": result.table, "trials": result.trials}, notices)
