"""Whether the code for a label changes over the trial; asked by the block ``over_time``."""

from functools import partial

from spikecast.analysis.decoding.generalization import temporal_generalization
from spikecast.analysis.decoding.sources import Source
from spikecast.runs.questions.label_block import LabelBlock
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import Answer, Question

MOST_PERMUTATIONS = 100  # each takes the square of the number of bins


def ask(
    material: Material,
    block: LabelBlock,
    label: str,
    name: str,
    source: Source,
    area: str | None,
    allow_acausal: bool,
) -> Question:
    """Return the question for one label, source and area."""
    part = block.name_model(material, name) or area
    return block.ask(
        "generalization",
        ("generalization", *block.name_parts(label, name, part)),
        f"does the code for {block.name_label(label)} change in {name}"
        + (f" of {area}?" if area else "?"),
        material.seed,
        partial(answer, material, block, label, name, source, area, allow_acausal),
    )


def answer(
    material: Material,
    block: LabelBlock,
    label: str,
    name: str,
    source: Source,
    area: str | None,
    allow_acausal: bool,
) -> Answer:
    """Train a decoder at one time and test it at every other."""
    result = temporal_generalization(
        material.select_area(area),
        label,
        source=source,
        folds=block.folds,
        null=block.null,
        n_permutations=min(block.permutations, MOST_PERMUTATIONS),
        allow_acausal=allow_acausal,
        seed=material.seed,
    )
    facts = block.describe_result(material, result, name, area) | {
        "acausal": result.acausal,
        "best": result.best,
        "best_time": result.best_time,
        "works_between": list(result.reach) if result.reach else None,
    }
    # the table would hold the square of the number of bins
    names = ("time", "score", "chance", "significant")
    return Answer(facts, {}, result.notices, {name: getattr(result, name) for name in names})
