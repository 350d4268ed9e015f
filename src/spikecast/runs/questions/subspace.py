"""Through how many dimensions one area predicts another."""

from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from spikecast.analysis.interareal.subspace import (
    communication_subspace,
    principal_angles,
    split_neurons,
)
from spikecast.core.checks import check_in_range
from spikecast.core.seeding import make_rng
from spikecast.core.stored import Finite
from spikecast.core.stored_tables import Table
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.pair_block import PairBlock, PairFacts, describe_claim
from spikecast.runs.questions.question import Answer, AnswerSchema, Question, pick
from spikecast.tasks.problem import cut_long_trial

N_RANDOM = 100  # pairs of random subspaces, which say what angle chance gives


class Subspace(PairBlock):
    """Through how many dimensions the first area of each pair predicts the second."""

    folds: int = Field(10, ge=2)
    bins: int = Field(5, ge=1, description="summed before anything else")
    max_rank: int = Field(10, ge=1)

    def ask_about(self, material: Material, source: str, target: str) -> Question:
        """Return the question about one pair of areas."""
        recording = cut_long_trial(material.recording)
        check_in_range("subspace.bins", self.bins, 1, recording.n_bins)
        split_neurons(material.recording, source, target, seed=material.seed)
        description = f"through how many dimensions does {source} predict {target}?"
        name = ("subspace", source, target)
        return self.make_question(material, name, description, answer, source, target)


class SubspaceFacts(PairFacts):
    """What the file of an answer holds."""

    n_neurons: int
    n_targets: int
    window: Finite
    folds: int
    angles: list[Finite]
    random_angles: list[Finite]
    rank: int
    rank_within: int
    n_private: int
    shared_variance: float


def _check_angles(facts: SubspaceFacts) -> SubspaceFacts:
    if len(facts["angles"]) != len(facts["random_angles"]) or (
        facts["rank"] and len(facts["angles"]) != facts["rank"]
    ):
        raise ValueError("there must be as many angles as dimensions")
    return facts


STORED = AnswerSchema(
    Annotated[SubspaceFacts, AfterValidator(_check_angles)],
    {"ranks": Table({"to": "name", "rank": "whole", "r2": "finite", "standard_error": "number"})},
)


def answer(material: Material, block: Subspace, source: str, target: str) -> Answer:
    """Find the dimensions of one area that predict another."""
    result = communication_subspace(
        material.recording,
        source,
        target,
        bins=block.bins,
        max_rank=block.max_rank,
        folds=block.folds,
        n_shifts=block.shifts,
        conditions=block.conditions,
        seed=material.seed,
    )
    n_neurons = len(result.source_neurons)
    facts = {
        "source": source,
        "target": target,
        "n_neurons": n_neurons,
        "n_targets": len(result.target_neurons),
        "n_trials": cut_long_trial(material.recording).n_trials,
        "window": block.bins * material.recording.bin_size,
        "folds": block.folds,
        "claim": describe_claim(result.claim),
        "angles": result.angles.tolist(),
        "random_angles": draw_random_angles(n_neurons, result.rank, material.seed).tolist(),
        **pick(result, "rank", "rank_within", "n_private", "shared_variance"),
    }
    return Answer(facts, {"ranks": result.table}, result.notices)


def draw_random_angles(n_neurons: int, rank: int, seed: int) -> np.ndarray:
    """Return mean angles of two random subspaces, largest first: near 90 in many dimensions."""
    rng = make_rng(seed, "random subspaces")
    drawn = [principal_angles(*rng.normal(size=(2, n_neurons, rank))) for _ in range(N_RANDOM)]
    return np.mean(drawn, axis=0)
