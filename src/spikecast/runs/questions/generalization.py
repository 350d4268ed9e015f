"""Whether the code for a label changes over the trial; asked by the block ``over_time``."""

from spikecast.analysis.decoding.generalization import temporal_generalization
from spikecast.core.stored_arrays import Array
from spikecast.runs.questions.label_block import Decoding, LabelBlock, LabelFacts
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import Answer, AnswerSchema, pick

MOST_PERMUTATIONS = 100  # each takes the square of the number of bins


class GeneralizationFacts(LabelFacts):
    """What the file of an answer holds."""

    acausal: bool


SQUARE = ("time", "time")
STORED = AnswerSchema(
    GeneralizationFacts,
    arrays={
        "time": Array("f", ("time",), finite=True, least=2),
        "score": Array("f", SQUARE, finite=True),
        "chance": Array("f", SQUARE),
        "significant": Array("b", SQUARE),
    },
)


def answer(
    material: Material, block: LabelBlock, decoding: Decoding, area: str | None, allow_acausal: bool
) -> Answer:
    """Train a decoder at one time and test it at every other."""
    result = temporal_generalization(
        material.select_area(area),
        decoding.label,
        source=decoding.features,
        folds=block.folds,
        null=block.make_null(material),
        n_permutations=min(block.permutations, MOST_PERMUTATIONS),
        allow_acausal=allow_acausal,
        seed=material.seed,
    )
    facts = block.describe_result(material, result, decoding, area) | {
        **pick(result, "acausal", "best", "best_time"),
        "works_between": list(result.reach) if result.reach else None,
    }
    # the table would hold the square of the number of bins
    arrays = pick(result, "time", "score", "chance", "significant")
    return Answer(facts, {}, result.notices, arrays)
