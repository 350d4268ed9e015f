"""What is asked of a recording beside "what predicts what": the config's block ``analysis``.

Each class is one question and reads as a sentence of the method section; whatever is left out is
not asked. :mod:`spikecast.runs.questions.plan` turns them into answers.
"""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from spikecast.analysis.decoding.nulls import NULLS, LabelNull
from spikecast.core.checks import suggest_name
from spikecast.core.schema import Block
from spikecast.models.classifiers import CLASSIFIERS

SourceName = Literal["counts", "latents", "behavior"]
Method = Literal["pca", "tsne", "umap", "umap_supervised"]
LABELS = "trial columns, behaviour variables (their mean), or 'column>number'"
AREAS = "each area by itself; default: all neurons together"
CELL_TYPES = "each area's narrow and wide spikes by themselves (needs trough_to_peak)"
CONDITIONS = "trial columns; default: the contrasts"
WHOSE = "whose latents; default: the first that has any"


class Labels(Block):
    """What is decoded, from what, and against which null."""

    labels: list[str] = Field(min_length=1, description=LABELS)
    sources: list[SourceName] = Field(
        default=["counts", "behavior"],
        min_length=1,
        description="behavior: behaviour and stimulus alone; latents: of a model of the run, which "
        "is refitted in every decoding fold",
    )
    model: str | None = Field(None, description="whose latents; default: the first that has any")
    areas: list[str] | None = Field(None, description=AREAS + " (counts only)")
    cell_types: bool = Field(False, description=CELL_TYPES + " (counts only)")
    decoder: str = Field("lda", description="'ridge' decodes numbers, the others classes")
    folds: int = Field(5, ge=2, description="parts the trials are cut into")
    null_labels: str = Field(
        "label_shuffle", description="pseudo_session for labels that come in runs"
    )
    strata: list[str] | None = Field(
        None,
        min_length=1,
        description="trial columns within whose values labels are shuffled: what is known beyond "
        "them (label_shuffle only)",
    )
    permutations: int = Field(200, ge=20, description="draws of the null")

    @property
    def null(self) -> LabelNull:
        """The null that decoded labels are held against."""
        return LabelNull(self.null_labels, self.strata)

    def beyond(self, label: str) -> str:
        """A label as it is asked for."""
        return f"{label} beyond {' and '.join(self.strata)}" if self.strata else label

    @model_validator(mode="after")
    def _strata_are_shuffled(self) -> Self:
        if self.strata and self.null_labels != "label_shuffle":
            raise ValueError(
                f"strata go with null_labels: label_shuffle, not with {self.null_labels}; leave "
                "one of the two out"
            )
        return self

    @field_validator("decoder")
    @classmethod
    def _decoder_is_known(cls, name: str) -> str:
        return _known("decoder", name, list(CLASSIFIERS))

    @field_validator("null_labels")
    @classmethod
    def _null_is_known(cls, name: str) -> str:
        return _known("null", name, list(NULLS))


class Decode(Labels):
    """Which labels can be decoded from whole trials, and from what."""

    combine: Literal["mean", "concatenate", "vote"] = Field(
        "mean", description="bins of a trial: averaged, side by side, or each with a vote"
    )
    balance: Literal["weights", "subsample", "none"] = Field(
        "weights", description="of classes: weighted, or the larger thinned at random over time"
    )


class OverTime(Labels):
    """From when labels can be decoded, and whether the code stays the same."""

    sources: list[SourceName] = Field(default=["counts"], min_length=1)
    decoder: Literal["lda", "ridge"] = "lda"
    permutations: int = Field(1000, ge=20)
    min_duration: float = Field(0.03, gt=0, description="seconds that an onset's stretch lasts")
    generalization: bool = Field(True, description="train at one time, test at every other")
    allow_acausal: bool = Field(False, description="date onsets with features that saw the future")


class Pairs(Block):
    """What is asked of two areas."""

    pairs: list[tuple[str, str]] = Field(min_length=1)
    folds: int = Field(5, ge=2)
    conditions: list[str] | None = Field(None, description=CONDITIONS)
    cell_types: bool = Field(False, description=CELL_TYPES + ": every pair of them")


class Flow(Pairs):
    """Whether one area's past predicts another beyond that area's own past."""

    lags: list[int] = Field(default=[1, 2, 3, 5, 8], min_length=1, description="bins")
    shuffles: int = Field(20, ge=0, description="of trials within condition")


class Joint(Pairs):
    """When in the trial two areas covary, and which of them first."""

    max_lag: int = Field(5, ge=1, description="bins on either side that a lead averages over")
    window: int = Field(3, ge=1, description="bins, the last being the present one")


class Subspace(Pairs):
    """Through how many dimensions the first area of each pair predicts the second."""

    folds: int = Field(10, ge=2)
    bins: int = Field(5, ge=1, description="summed before anything else")
    max_rank: int = Field(10, ge=1)


class Dimensions(Block):
    """How many dimensions a population has."""

    areas: list[str] | None = Field(None, description=AREAS)
    cell_types: bool = Field(False, description=CELL_TYPES)
    components: int = Field(30, ge=2)


class Embed(Block):
    """Maps of the trials in two dimensions, and what they are worth."""

    labels: list[str] = Field(min_length=1, description=LABELS)
    methods: list[Method] = Field(default=["pca"], min_length=1)
    area: str | None = Field(None, description="default: all neurons")


class Trajectories(Block):
    """Average and single-trial paths through a few dimensions."""

    labels: list[str] = Field(min_length=1, description=LABELS)
    source: Literal["counts", "latents"] = "counts"
    model: str | None = Field(None, description=WHOSE)
    area: str | None = Field(None, description="default: all neurons (counts only)")
    n_dims: Literal[2, 3] = Field(2, description="3: also a figure that can be turned")


class Tuning(Block):
    """Which trial variables each latent, or each neuron, follows."""

    source: Literal["counts", "latents"] = "counts"
    variables: list[str] | None = Field(
        None, description="trial columns, or 'column>number'; default: every trial column"
    )
    model: str | None = Field(None, description=WHOSE)
    areas: list[str] | None = Field(None, description=AREAS + " (counts only)")
    cell_types: bool = Field(False, description=CELL_TYPES + " (counts only)")
    window: tuple[float, float] | None = Field(
        None, description="only bins whose centre is in [start, stop), in seconds"
    )
    correction: Literal["bh", "holm"] = Field(
        "bh", description="over all units and variables: false discovery rate, or any error"
    )
    null_labels: Literal["permutation", "circular_shift"] = Field(
        "permutation", description="circular_shift where both wander slowly over the session"
    )
    permutations: int = Field(1000, ge=100)


class Align(Block):
    """Whether folds of a model, and models of the run, have found the same latents."""

    models: list[str] | None = Field(None, description="default: all that have latents")
    method: Literal["procrustes", "cca"] = Field(
        "procrustes", description="cca overfits where conditions are few"
    )
    components: int = Field(5, ge=1, description="principal components of the latents compared")
    conditions: list[str] | None = Field(None, description=CONDITIONS)
    shuffles: int = Field(100, ge=19, description="of trials, or of conditions")


class Analysis(Block):
    """The questions."""

    decode: list[Decode] = Field(default_factory=list)
    over_time: list[OverTime] = Field(default_factory=list)
    flow: Flow | None = None
    joint: Joint | None = None
    subspace: Subspace | None = None
    dimensions: Dimensions | None = None
    embed: Embed | None = None
    trajectories: Trajectories | None = None
    tuning: list[Tuning] = Field(default_factory=list)
    align: Align | None = None

    @field_validator("decode", "over_time", "tuning", mode="before")
    @classmethod
    def _one_is_enough(cls, blocks: Any) -> Any:
        return [blocks] if isinstance(blocks, dict) else blocks

    @property
    def empty(self) -> bool:
        """Whether nothing is asked."""
        return self == Analysis()

    @property
    def labels(self) -> list[str]:
        """Every label that a question names, once."""
        blocks = (*self.decode, *self.over_time, self.embed, self.trajectories)
        named = [name for block in blocks if block for name in block.labels]
        named += [name for block in self.tuning for name in block.variables or ()]
        return list(dict.fromkeys(named))

    def joined(self, other: "Analysis") -> "Analysis":
        """These questions and those of another; where both ask the same, the other's stand."""
        kept = {name: getattr(self, name) for name in type(self).model_fields}
        for name, asked in kept.items():
            more = getattr(other, name)
            if isinstance(asked, list):
                kept[name] = [*(block for block in asked if block not in more), *more]
            elif more is not None:
                kept[name] = more
        return Analysis(**kept)


def _known(what: str, name: str, allowed: list[str]) -> str:
    if name not in allowed:
        raise ValueError(f"unknown {what} '{name}'.{suggest_name(name, allowed)}")
    return name
