"""The block ``analysis`` of a config: every kind of question, one line each."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field

from spikecast.analysis.comparisons import add_comparisons
from spikecast.core.files import mark_name
from spikecast.core.schema import Block, find_block
from spikecast.data.recording import Recording
from spikecast.runs.questions.alignment import Alignment
from spikecast.runs.questions.decode import Decode
from spikecast.runs.questions.dimensionality import Dimensionality
from spikecast.runs.questions.embedding import Embedding
from spikecast.runs.questions.explain import Explain
from spikecast.runs.questions.granger import Granger
from spikecast.runs.questions.lagged_cca import LaggedCCA
from spikecast.runs.questions.material import FittedModel, Material
from spikecast.runs.questions.over_time import OverTime
from spikecast.runs.questions.question import AnswerSchema, Question, QuestionBlock
from spikecast.runs.questions.subspace import Subspace
from spikecast.runs.questions.trajectories import Trajectories
from spikecast.runs.questions.tuning import Tuning

# a single block may be written without the list around it
LISTED = BeforeValidator(lambda blocks: [blocks] if isinstance(blocks, dict) else blocks)


class Analysis(Block):
    """The blocks of questions, by kind."""

    decode: Annotated[list[Decode], LISTED] = Field(default_factory=list)
    over_time: Annotated[list[OverTime], LISTED] = Field(default_factory=list)
    explain: Explain | None = None
    flow: Granger | None = None
    joint: LaggedCCA | None = None
    subspace: Subspace | None = None
    dimensions: Dimensionality | None = None
    embed: Embedding | None = None
    trajectories: Trajectories | None = None
    tuning: Annotated[list[Tuning], LISTED] = Field(default_factory=list)
    align: Alignment | None = None

    @property
    def blocks(self) -> list[QuestionBlock]:
        """The blocks that are there, in order."""
        values = [getattr(self, name) for name in type(self).model_fields]
        lists = [value if isinstance(value, list) else [value] for value in values if value]
        return [block for some in lists for block in some]

    @property
    def labels(self) -> list[str]:
        """Every label that a question names, once."""
        return list(dict.fromkeys(label for block in self.blocks for label in block.trial_labels))

    def merge(self, other: Self) -> Self:
        """Return these blocks and those of another; of a kind with one block, the other's."""
        merged: dict[str, Any] = {}
        for name in type(self).model_fields:
            own, added = getattr(self, name), getattr(other, name)
            if isinstance(own, list):
                merged[name] = [*(block for block in own if block not in added), *added]
            else:
                merged[name] = own if added is None else added
        return type(self)(**merged)


def list_kinds() -> list[str]:
    """Return the kinds of answers: each is called after the module that asks for it."""
    blocks = [find_block(field.annotation) for field in Analysis.model_fields.values()]
    return [*(block.__module__.rpartition(".")[2] for block in blocks), "generalization"]


def find_schema(kind: str) -> AnswerSchema:
    """Return what the files of an answer of a kind hold."""
    schema: AnswerSchema = import_module(f"{__package__}.{kind}").STORED
    return schema


def expand_questions(
    analysis: Analysis,
    recording: Recording,
    fitted: dict[str, FittedModel],
    seed: int,
    conditions: Sequence[str] | None = None,
) -> list[Question]:
    """Return the questions of an analysis block, checked against the recording.

    `fitted` are the run's models with latents, by name; `conditions` the trial columns that name a
    condition, by default the contrasts. Where the same is asked twice with other
    settings, the later stands; files of another question that would be called the same have a mark
    in their name. Raises a SpikecastError for labels, areas or sources that the
    recording does not have.
    """
    material = Material(add_comparisons(recording, analysis.labels), fitted, seed, conditions)
    questions = [question for block in analysis.blocks for question in block.expand(material)]
    once = {tuple(question.settings["question"]): question for question in questions}
    return _keep_apart(list(once.values()))


def _keep_apart(questions: list[Question]) -> list[Question]:
    """Return different questions with different names: 'a b' and 'a_b' become one in a file's."""
    names: set[str] = set()
    apart = []
    for question in questions:
        name = question.name
        if name in names:
            name = mark_name(name, "\n".join(question.settings["question"]))
        names.add(name)
        apart.append(replace(question, name=name))
    return apart
