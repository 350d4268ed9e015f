"""A config's block ``analysis`` -> questions, each checked before any is answered."""

import importlib.util
import re
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from spikecast.analysis.conditions import STIMULUS
from spikecast.analysis.decoding import labels
from spikecast.analysis.decoding.sources import Baseline, Counts, Latents, Source
from spikecast.analysis.geometry.tuning import explain_untestable
from spikecast.core.checks import check_in_range, check_one_of
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.recording import Recording
from spikecast.runs.questions import answers as answering
from spikecast.runs.questions.answers import Fitted, Material
from spikecast.runs.questions.blocks import (
    Analysis,
    Decode,
    Dimensions,
    Embed,
    Labels,
    OverTime,
    Trajectories,
    Tuning,
)
from spikecast.runs.questions.plan_pairs import PairAsker
from spikecast.runs.questions.planner import Asker
from spikecast.runs.questions.store import Question

COMPARISON = re.compile(r"(?P<column>[^<>]+?)\s*(?P<sign>[<>])\s*(?P<number>-?[\d.]+)")
COMPONENTS = 40  # of the counts that whole trials are decoded from
WINDOW = 0.05  # seconds that the root of their mean is taken of
SHARP = 0.03  # the same over time: short, to date sharply


def questions(
    analysis: Analysis, recording: Recording, fitted: dict[str, Fitted], seed: int
) -> list[Question]:
    """Turn an analysis block into questions, checked against the recording.

    Parameters
    ----------
    analysis : Analysis
    recording : Recording
    fitted : dict of Fitted
        The run's models with latents; empty where nothing is fitted.
    seed : int

    Returns
    -------
    list of Question
        Where the same is asked twice with other settings, the later stands.

    Raises
    ------
    SpikecastError
        For labels, areas or sources that the recording does not have.
    """
    recording = with_labels(recording, analysis.labels)
    on = Material(recording, fitted, seed)
    asker, of_pairs = _Asker(on), PairAsker(on)
    asked = [
        *(question for block in analysis.decode for question in asker.decode(block)),
        *(question for block in analysis.over_time for question in asker.over_time(block)),
        *(of_pairs.flow(analysis.flow) if analysis.flow else ()),
        *(of_pairs.joint(analysis.joint) if analysis.joint else ()),
        *(of_pairs.subspace(analysis.subspace) if analysis.subspace else ()),
        *(asker.dimensions(analysis.dimensions) if analysis.dimensions else ()),
        *(asker.embed(analysis.embed) if analysis.embed else ()),
        *(asker.trajectories(analysis.trajectories) if analysis.trajectories else ()),
        *(question for block in analysis.tuning for question in asker.tuning(block)),
        *(of_pairs.align(analysis.align) if analysis.align else ()),
    ]
    return list({question.name: question for question in asked}.values())


def with_labels(recording: Recording, names: Sequence[str]) -> Recording:
    """Add the trial columns that names such as ``"contrast_right>0"`` stand for.

    Examples
    --------
    >>> import spikecast
    >>> found = with_labels(spikecast.load("simulated"), ["contrast_right>0", "response"])
    >>> sorted(set(found.trials["contrast_right>0"]))
    ['no', 'yes']
    """
    trials, added = recording.trials, {}
    for name in names:
        found = COMPARISON.fullmatch(name)
        if found is None:
            continue
        values = trials[check_one_of("trial column", found["column"], list(trials))]
        if values.dtype.kind not in "fiub":
            raise InputError(f"'{found['column']}' is not a number; '{name}' needs one")
        number = float(found["number"])
        holds = values > number if found["sign"] == ">" else values < number
        said = np.where(values.isna(), "", np.where(holds, "yes", "no"))
        added[name] = ("trial", said)
    return Recording(recording.dataset.assign_coords(added)) if added else recording


class _Asker(Asker):
    """Expands each block into one question per label, source and area."""

    def decode(self, block: Decode) -> Iterator[Question]:
        """One question per label, source and (for counts) area."""
        of_counts = self._split(block)
        for label in block.labels:
            self._label(block, label)
            for name, source in self._sources(block, label):
                on, asked = of_counts if name == "counts" else (self.on, block)
                for area in self._areas(asked.areas if name == "counts" else None, on):
                    yield self._question(
                        ("decode", label, name, self._whose(name, block) or area, _within(block)),
                        f"decoding {block.beyond(label)} from {_from(name, area)}"
                        + self._cost(name, block),
                        asked,
                        partial(answering.decoded, on, asked, label, name, source, area),
                    )

    def over_time(self, block: OverTime) -> Iterator[Question]:
        """One question per label and source, all areas in it; one more per generalisation."""
        of_counts = self._split(block)
        for label in block.labels:
            self._label(block, label)
            for name, source in self._sources(block, label):
                on, asked = of_counts if name == "counts" else (self.on, block)
                if not (source.causal or block.allow_acausal):
                    raise InputError(
                        f"the {source.name} are acausal: at bin t they know bins after t, so they "
                        "date nothing; use a model with causal: true, or insist with "
                        "--allow-acausal"
                    )
                list(self._areas(asked.areas, on))  # unknown ones are refused before anything runs
                yield self._question(
                    ("time", label, name, self._whose(name, block), _within(block)),
                    f"dating {block.beyond(label)} in {name}{self._cost(name, block)}",
                    asked,
                    partial(answering.dated, on, asked, label, name, source),
                )
                if not block.generalization or block.decoder == "ridge" or name == "behavior":
                    continue
                for area in self._areas(asked.areas if name == "counts" else None, on):
                    yield self._question(
                        (
                            *("generalization", label, name),
                            *(self._whose(name, block) or area, _within(block)),
                        ),
                        f"does the code for {block.beyond(label)} change in {_from(name, area)}?",
                        asked,
                        partial(answering.generalized, on, asked, label, name, source, area),
                    )

    def dimensions(self, block: Dimensions) -> Iterator[Question]:
        """One question per area."""
        on, block = self._split(block)
        for area in self._areas(block.areas, on):
            yield self._question(
                ("dimensions", area or "all"),
                f"counting the dimensions of {area or 'all neurons'}",
                block,
                partial(answering.counted, on, block, area),
            )

    def embed(self, block: Embed) -> Iterator[Question]:
        """One question per label and method."""
        needs_umap = any(method.startswith("umap") for method in block.methods)
        if needs_umap and importlib.util.find_spec("umap") is None:
            raise InputError("UMAP needs umap-learn: pip install 'spikecast[embed]'")
        for label in block.labels:
            labels.resolve_label(self.on.recording, label, 2, continuous=False)
            for method in block.methods:
                yield self._question(
                    ("embed", label, method, block.area),
                    f"mapping trials by {method}",
                    block,
                    partial(answering.embedded, self.on, block, label, method),
                )

    def trajectories(self, block: Trajectories) -> Iterator[Question]:
        """One question per label."""
        for label in block.labels:
            check_one_of("trial column", label, list(self.on.recording.trials))
            if block.source == "counts":
                check_in_range("n_dims", block.n_dims, 1, self.on.of(block.area).n_neurons)
            whose = self.on.latents(block.model).name if block.source == "latents" else None
            yield self._question(
                ("trajectories", label, block.source, whose or block.area),
                f"averaging paths by {label}",
                block,
                partial(answering.averaged, self.on, block, label),
            )

    def tuning(self, block: Tuning) -> Iterator[Question]:
        """One question per area, or one for the latents."""
        variables = self._variables(block)
        time = self.on.recording.time
        if block.window is not None:
            start, stop = block.window
            if not ((time >= start) & (time < stop)).any():
                raise InputError(
                    f"the window {start:g} to {stop:g} s of tuning holds no bin; bins go from "
                    f"{time[0]:g} to {time[-1]:g}"
                )
        whose = self._whose(block.source, block)
        on, block = (self.on, block) if whose else self._split(block)
        for area in self._areas(None if whose else block.areas, on):
            yield self._question(
                ("tuning", block.source, whose or area),
                f"what do {f'latents of {whose}' if whose else area or 'all neurons'} follow?",
                block,
                partial(answering.tuned, on, block, variables, area),
            )

    # -------------------------------------------------------------------- what they share

    def _variables(self, block: Tuning) -> list[str]:
        """The trial columns to test: those named, or all that the recording came with."""
        trials = self.on.recording.trials
        own = [str(name) for name in trials if not COMPARISON.fullmatch(str(name))]
        variables = own if block.variables is None else list(block.variables)
        self._columns(variables)
        why = {
            name: explain_untestable(self.on.trials([name])[name].dropna()) for name in variables
        }
        refused = [f"'{name}': {reason}" for name, reason in why.items() if reason]
        if not variables or len(refused) == len(why) or (refused and block.variables is not None):
            raise NotEnoughDataError(
                f"tuning cannot be tested ({'; '.join(refused) or 'there are no trial columns'})"
            )
        return variables

    def _label(self, block: Labels, label: str) -> None:
        known = labels.resolve_label(
            self.on.recording, label, block.folds, block.decoder == "ridge"
        )
        labels.number_strata(self.on.recording, known, block.strata)

    def _sources(self, block: Labels, label: str) -> Iterator[tuple[str, Source]]:
        for name in block.sources:
            if name == "counts":
                yield name, self._counts(isinstance(block, OverTime))
            elif name == "latents":
                fitted = self.on.latents(block.model)
                yield name, Latents(fitted.model, fitted.task)
            else:
                baseline = self._baseline(label)
                if baseline is not None:
                    yield name, baseline
                elif len(block.sources) == 1:
                    raise InputError(
                        f"there is neither behaviour nor a stimulus to decode '{label}' from; "
                        "decode from counts"
                    )

    def _counts(self, over_time: bool) -> Counts:
        # a window is at least a bin
        smallest = self.on.recording.bin_size
        if over_time:
            return Counts(max(SHARP, smallest))
        return Counts(max(WINDOW, smallest), COMPONENTS)

    def _baseline(self, label: str) -> Baseline | None:
        """Behaviour and stimulus, without what the label itself is made of."""
        found = COMPARISON.fullmatch(label)
        own = {label, found["column"] if found else label}
        dataset = self.on.recording.dataset
        whole = [
            name
            for name in (*self.on.recording.behavior, *STIMULUS)
            if name in dataset.variables
            and name not in own
            and np.isfinite(dataset[name].values).all()
        ]
        behavior = [name for name in whole if name in self.on.recording.behavior]
        columns = [name for name in whole if name not in behavior]
        return Baseline(behavior, columns) if whole else None

    def _cost(self, source: str, block: Labels) -> str:
        if source != "latents":
            return ""
        fitted = self.on.latents(block.model)
        took = "" if fitted.seconds is None else f", about {fitted.seconds * block.folds:.0f} s"
        return f" ({block.folds} refits of {fitted.name}{took})"


def _within(block: Labels) -> str | None:
    return f"within {' '.join(block.strata)}" if block.strata else None


def _from(source: str, area: str | None) -> str:
    return source if area is None else f"{source} of {area}"
