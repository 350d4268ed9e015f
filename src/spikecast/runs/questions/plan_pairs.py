"""Blocks about two of a kind (areas, folds of a model, models) -> checked questions."""

from collections.abc import Iterator
from functools import partial
from itertools import combinations

from spikecast.analysis.interareal.subspace import split_neurons
from spikecast.core.checks import check_in_range
from spikecast.runs.questions import answers as answering
from spikecast.runs.questions import compare as comparing
from spikecast.runs.questions.blocks import Align, Flow, Joint, Subspace
from spikecast.runs.questions.planner import RATE, Asker
from spikecast.runs.questions.store import Question


class PairAsker(Asker):
    """Expands each block into one question per pair."""

    def flow(self, block: Flow) -> Iterator[Question]:
        """One question per pair of areas."""
        on, pairs = self._pairs(block)
        for pair in pairs:
            yield self._question(
                ("flow", *pair),
                f"does {pair[0]} lead {pair[1]}?",
                block,
                partial(answering.flowed, on, block, *pair),
            )

    def joint(self, block: Joint) -> Iterator[Question]:
        """One question per pair of areas."""
        on, pairs = self._pairs(block)
        check_in_range("joint.max_lag (bins)", block.max_lag, 1, on.recording.n_bins - 1)
        check_in_range("joint.window (bins)", block.window, 1, on.recording.n_bins)
        for pair in pairs:
            yield self._question(
                ("joint", *pair),
                f"when do {pair[0]} and {pair[1]} covary?",
                block,
                partial(comparing.covaried, on, block, *pair),
            )

    def subspace(self, block: Subspace) -> Iterator[Question]:
        """One question per pair of areas."""
        on, pairs = self._pairs(block)
        check_in_range("subspace.bins", block.bins, 1, on.recording.n_bins)
        for pair in pairs:
            split_neurons(on.recording, *pair, RATE, on.seed)
            yield self._question(
                ("subspace", *pair),
                f"through how many dimensions does {pair[0]} predict {pair[1]}?",
                block,
                partial(comparing.passed_on, on, block, *pair),
            )

    def align(self, block: Align) -> Iterator[Question]:
        """One question per model, between its folds, and one per pair of models."""
        self._columns(block.conditions)
        wanted: list = block.models or [*self.on.fitted] or [None]  # None: says that there is none
        names = list(dict.fromkeys(self.on.latents(name).name for name in wanted))
        for name in names:
            yield self._question(
                ("align", "folds", name),
                f"are the latents of {name} the same in every fold?",
                block,
                partial(comparing.aligned_folds, self.on, block, name),
            )
        for first, second in combinations(names, 2):
            yield self._question(
                ("align", first, second),
                f"are the latents of {first} those of {second}?",
                block,
                partial(comparing.aligned_models, self.on, block, first, second),
            )
