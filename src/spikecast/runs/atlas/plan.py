"""Settings and recordings -> who predicts whom: every population, pair, fold and job by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikecast.analysis.interareal.pairwise import Pair
from spikecast.core.checks import suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.core.seeding import make_rng
from spikecast.data import open_sessions
from spikecast.data.identity import identify
from spikecast.data.recording import UNLABELED, Recording
from spikecast.runs.run_directory import Identity
from spikecast.tasks.problem import Kind, count_windows
from spikecast.tasks.splits import Fold, split_trials
from spikecast.tasks.tasks import REST

if TYPE_CHECKING:  # both import torch, which the workers of the ridge do without
    from spikecast.models.base import Model
    from spikecast.runs.atlas.settings import Settings

BETWEEN = " > "
"""Between source and target in the name of a pair."""


@dataclass(frozen=True)
class Session:
    """What an atlas does with one recording.

    Attributes
    ----------
    name : str
        Of the session; unique.
    path : str
    index : int
        Where it is loaded from.
    kind : {"counts", "continuous"}
    n_trials : int
    bin_size : float
    areas : dict of area -> number of active neurons
    left_out : dict of area -> number of active neurons, too few
    pairs : list (one per draw) of dict of name -> Pair
        Names are ``"SOURCE > TARGET"``; numbers of neurons in the recording.
    folds : list of Fold
    identity : dict of part -> hash
        Of the data.
    """

    name: str
    path: str
    index: int
    kind: Kind
    n_trials: int
    bin_size: float
    areas: dict[str, int]
    left_out: dict[str, int]
    pairs: list[dict[str, Pair]]
    folds: list[Fold]
    identity: Identity


@dataclass(frozen=True)
class Job:
    """A model and what it is fitted to: one pair, or (the ridge) all pairs of a draw at once."""

    model: str
    session: str
    draw: int
    pair: str | None

    @property
    def name(self) -> str:
        """Under which it is kept in the journal."""
        parts = (self.model, self.session, f"draw {self.draw}", self.pair)
        return " | ".join(part for part in parts if part)


def sessions(settings: Settings) -> Iterator[Session]:
    """Look at every recording that is asked for, one after the other.

    Raises
    ------
    UnknownNameError, InputError, NotEnoughDataError
        For a target that no session has, a session number that is not there, or when there is no
        pair at all.
    """
    wanted = set() if settings.targets == "all" else set(settings.targets)
    seen: set[str] = set()
    names: set[str] = set()
    n_pairs = 0
    for path in settings.data:
        there = open_sessions(path)
        chosen = range(len(there)) if settings.sessions == "all" else settings.sessions
        for index in chosen:
            if not 0 <= index < len(there):
                raise InputError(
                    f"session {index} is not in '{path}'; it holds 0 to {len(there) - 1}"
                )
            session = _session(settings, there[index](), path, index, names)
            names.add(session.name)
            seen |= {*session.areas, *session.left_out}
            n_pairs += len(session.pairs[0])
            yield session
    for target in sorted(wanted - seen):
        raise UnknownNameError(f"no session has an area '{target}'.{suggest_name(target, seen)}")
    if not n_pairs:
        raise NotEnoughDataError(
            f"no session has two areas of {settings.min_neurons} active neurons (matched: "
            f"{settings.matched}); lower --min-neurons or --matched"
        )


def jobs(session: Session, models: dict[str, Model | None]) -> list[Job]:
    """Every job of a session: the cheap ones for all pairs first."""
    return [
        Job(model, session.name, draw, pair)
        for model, estimator in models.items()
        for draw, pairs in enumerate(session.pairs)
        for pair in ([None] if estimator is None else pairs)
        if pairs
    ]


def _session(
    settings: Settings, recording: Recording, path: str, index: int, taken: set[str]
) -> Session:
    name = recording.session or f"{Path(path).stem} {index}"
    if name in taken:
        name = f"{name} ({Path(path).stem} {index})"
    n_trials = recording.n_trials if recording.n_trials > 1 else count_windows(recording.n_bins)
    if recording.n_trials > 1:
        folds = split_trials(
            settings.split, n_trials, settings.folds, seed=settings.seed, gap=settings.gap
        )
    else:
        folds = split_trials("block", n_trials, settings.folds, gap=max(settings.gap, 1))
    populations = _populations(recording, settings)
    areas = {area: members.size for area, members in populations.items()}
    enough = max(settings.min_neurons, settings.matched or 0)
    large = {area: members for area, members in populations.items() if members.size >= enough}
    return Session(
        name=name,
        path=path,
        index=index,
        kind="counts" if recording.kind == "counts" else "continuous",
        n_trials=n_trials,
        bin_size=recording.bin_size,
        areas={area: size for area, size in areas.items() if area in large},
        left_out={area: size for area, size in areas.items() if area not in large},
        pairs=[_pairs(large, settings, name, draw) for draw in range(settings.draws)],
        folds=folds,
        identity=identify(recording),
    )


def _populations(recording: Recording, settings: Settings) -> dict[str, np.ndarray]:
    """Numbers of the active neurons of every labeled group."""
    table = recording.neurons
    if settings.by not in table:
        raise UnknownNameError(
            f"unknown neuron column '{settings.by}'.{suggest_name(settings.by, table)}"
        )
    group = table[settings.by].to_numpy().astype(str)
    active = recording.activity.any(axis=(0, 1))
    if recording.kind == "counts":
        active &= recording.firing_rate >= settings.min_rate
    return {
        str(name): np.flatnonzero((group == name) & active)
        for name in np.unique(group)
        if str(name).lower() not in UNLABELED
    }


def _pairs(
    populations: dict[str, np.ndarray], settings: Settings, session: str, draw: int
) -> dict[str, Pair]:
    """The pairs of one draw of neurons.

    An area's draws and halves depend on nothing but its name: they are the same in every pair.
    """
    matched, found = settings.matched, {}
    drawn, halves = {}, {}
    for area, members in populations.items():
        order = make_rng(settings.seed, "draw", session, area, draw).permutation(members)
        half = len(order) // 2
        drawn[area] = np.sort(order[:matched] if matched else order)
        size = min(half, matched or half)
        if settings.within and size >= max(settings.min_neurons // 2, matched or 2):
            halves[area] = Pair(np.sort(order[:size]), np.sort(order[half : half + size]))
    targets = [area for area in drawn if settings.targets == "all" or area in settings.targets]
    for target in targets:
        if settings.sources == REST:
            others = [populations[area] for area in drawn if area != target]
            if others:
                rest = np.concatenate(others)
                rng = make_rng(settings.seed, "draw", session, target, REST, draw)
                rest = rng.permutation(rest)[:matched] if matched else rest
                found[REST + BETWEEN + target] = Pair(np.sort(rest), drawn[target])
        else:
            for source in drawn:
                if source != target:
                    found[source + BETWEEN + target] = Pair(drawn[source], drawn[target])
        if target in halves:
            found[target + BETWEEN + target] = halves[target]
    return found
