"""What decoding whole trials and decoding over time have in common."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, Self

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field, field_validator, model_validator, with_config
from typing_extensions import TypedDict

from spikecast.analysis.comparisons import find_compared_column
from spikecast.analysis.conditions import STIMULUS
from spikecast.analysis.decoding.labels import number_strata, resolve_label
from spikecast.analysis.decoding.nulls import AUTO, NULLS, WITHIN_STRATA, LabelNull
from spikecast.analysis.decoding.sources import Baseline, Counts, Latents, Source
from spikecast.core.checks import check_one_of
from spikecast.core.errors import InputError
from spikecast.core.schema import MOST_DRAWS
from spikecast.core.stored import OPEN
from spikecast.data.quality import check_copied_trials
from spikecast.models.classifiers import CLASSIFIERS
from spikecast.runs.questions.material import FittedModel, Material
from spikecast.runs.questions.question import AREAS, CELL_TYPES, LABELS, MODEL, Facts, QuestionBlock

SourceName = Literal["counts", "latents", "behavior"]
NEED_STRATA_P = ("stimulus_explains", "not_explained", "too_small")


@dataclass(frozen=True)
class Decoding:
    """A label, and the features it is decoded from."""

    label: str
    source: str  # a SourceName
    features: Source
    model: str | None = None  # whose latents the features are
    cost: str = ""  # how many fits the features take, and how long; empty where none


@with_config(OPEN)
class NullFacts(TypedDict):
    """What :meth:`spikecast.analysis.decoding.null_choice.NullChoice.to_json` returns."""

    kind: Literal["label_shuffle", "pseudo_session", "circular_shift", "own", "none"]
    reason: Literal["asked", "no_runs", "runs", "runs_too_long", "order_unknown"]
    runs_p: float | None
    strata: list[str]
    strata_reason: Literal[
        "asked", "stimulus_explains", "no_stimulus", "stimulus_itself", "not_explained", "too_small"
    ]
    strata_p: float | None


def _check_reasons(choice: NullFacts) -> NullFacts:
    if choice["kind"] != "none" and choice["reason"] == "runs_too_long":
        raise ValueError("a null that was used has no reason not to be")
    if choice["reason"] in ("no_runs", "runs") and choice["runs_p"] is None:
        raise ValueError("the p of the test for slow change is missing")
    if choice["strata_reason"] in NEED_STRATA_P and choice["strata_p"] is None:
        raise ValueError("the p of what the stimulus explains is missing")
    return choice


class LabelFacts(Facts):
    """What the file of an answer about a label holds."""

    label: str
    source: SourceName
    features: str
    area: str | None
    align_to: str
    column: NotRequired[str]
    null: NotRequired[str]
    null_choice: NotRequired[Annotated[NullFacts, AfterValidator(_check_reasons)]]
    strata: NotRequired[list[str] | None]


class LabelBlock(QuestionBlock):
    """What is decoded, from what, and against which null."""

    labels: list[str] = Field(min_length=1, description=LABELS)
    sources: list[SourceName] = Field(
        default=["counts", "behavior"],
        min_length=1,
        description="behavior: behaviour and stimulus alone; latents: of a model of the run, which "
        "is refitted in every decoding fold",
    )
    model: str | None = Field(None, description=MODEL)
    areas: list[str] | None = Field(None, description=AREAS + " (counts only)")
    cell_types: bool = Field(False, description=CELL_TYPES + " (counts only)")
    decoder: str = Field("lda", description="'ridge' decodes numbers, the others classes")
    folds: int = Field(5, ge=2, description="parts the trials are cut into")
    null_labels: str = Field(
        AUTO, description="auto takes pseudo_session for labels that change slowly, else shuffles"
    )
    strata: list[str] | None = Field(
        None,
        description="trial columns within whose values labels are drawn: what is known beyond "
        "them; default: the stimulus where null_labels is auto and it explains the label; [] for "
        "none",
    )
    permutations: int = Field(200, ge=20, le=MOST_DRAWS, description="draws of the null")

    @model_validator(mode="after")
    def _check_strata(self) -> Self:
        if self.strata and self.null_labels not in WITHIN_STRATA:
            raise ValueError(
                f"strata go with null_labels: {', '.join(WITHIN_STRATA)}, not with "
                f"{self.null_labels}; leave one of the two out"
            )
        return self

    @field_validator("decoder")
    @classmethod
    def _check_decoder(cls, name: str) -> str:
        return check_one_of("decoder", name, list(CLASSIFIERS))

    @field_validator("null_labels")
    @classmethod
    def _check_null(cls, name: str) -> str:
        return check_one_of("null", name, [AUTO, *NULLS])

    def make_null(self, material: Material) -> LabelNull:
        """Return the null that decoded labels are held against."""
        return LabelNull(self.null_labels, self.strata, material.conditions)

    def name_label(self, label: str, strata: Sequence[str] | None = None) -> str:
        """Return the label with what it is decoded beyond: by default what is asked for."""
        strata = self.strata if strata is None else strata
        words = " and ".join(name.replace("_", " ") for name in strata or ())
        return f"{label} beyond {words}" if words else label

    def name_parts(self, decoding: Decoding, area: str | None) -> tuple[str | None, ...]:
        """Return what the files of a question are named after."""
        within = f"within {' '.join(self.strata)}" if self.strata else None
        return decoding.label, decoding.source, decoding.model or area, within

    def make_decodings(
        self, material: Material, window: float, n_components: int | None = None
    ) -> Iterator[Decoding]:
        """Yield each label, checked against the recording, with each source.

        A feature of the counts takes in `window` seconds, at least a bin; `n_components` principal
        components of these features are decoded, or all of them.
        """
        check_copied_trials(material.recording)
        for label in self.labels:
            resolved = resolve_label(
                material.recording, label, self.folds, continuous=self.decoder == "ridge"
            )
            number_strata(material.recording, resolved, self.strata)
            for name in self.sources:
                if name == "counts":
                    seconds = max(window, material.recording.bin_size)
                    yield Decoding(label, name, Counts(seconds, n_components))
                elif name == "latents":
                    fitted = material.find_model(self.model)
                    features = Latents(fitted.model, fitted.task)
                    yield Decoding(label, name, features, fitted.name, self._describe_cost(fitted))
                elif (baseline := _make_baseline(material, label)) is not None:
                    yield Decoding(label, name, baseline)
                elif len(self.sources) == 1:
                    raise InputError(
                        f"there is neither behaviour nor a stimulus to decode '{label}' from; "
                        "decode from counts"
                    )

    def _describe_cost(self, fitted: FittedModel) -> str:
        seconds = fitted.seconds
        total = "" if seconds is None else f", about {seconds * self.folds:.0f} s"
        return f" ({self.folds} refits of {fitted.name}{total})"

    def describe_result(
        self, material: Material, result: Any, decoding: Decoding, area: str | None
    ) -> dict[str, Any]:
        """Return the facts that all decoding answers have."""
        used = result.null_used
        return {
            "label": self.name_label(result.label, used.strata),
            "column": result.label,
            "source": decoding.source,
            "features": f"latents of {decoding.model}" if decoding.model else result.source,
            "area": area,
            "null": used.kind,
            "null_choice": used.to_json(),
            "strata": list(used.strata) or None,
            "align_to": material.event,
        }


def _make_baseline(material: Material, label: str) -> Baseline | None:
    """Return behaviour and stimulus without what the label is made of; None where none is left."""
    own = {label, find_compared_column(label)}
    dataset, behavior = material.recording.dataset, material.recording.behavior
    complete = [
        name
        for name in (*behavior, *STIMULUS)
        if name in dataset.variables
        and name not in own
        and not pd.isna(dataset[name].values).any()
        and (dataset[name].dtype.kind not in "f" or np.isfinite(dataset[name].values).all())
    ]
    if all((dataset[name].values == dataset[name].values.flat[0]).all() for name in complete):
        return None  # nothing to decode from: what never changes, or is missing, tells nothing
    columns = [name for name in complete if name not in behavior]
    return Baseline([n for n in complete if n in behavior], columns) if complete else None
