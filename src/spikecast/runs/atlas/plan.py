"""Plan an atlas: which populations predict which in every session, in folds and jobs by name."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from spikecast.analysis.interareal.pairwise import Pair
from spikecast.analysis.interareal.pairwise_shifts import choose_n_shifts
from spikecast.core.checks import check_kind, quote, suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.core.seeding import make_rng
from spikecast.data import open_sessions
from spikecast.data.coincidence import find_coincident_pairs
from spikecast.data.cuts.taken import read_taken
from spikecast.data.dataset import Kind
from spikecast.data.identity import identify
from spikecast.data.loaders import WHOLE
from spikecast.data.recording import UNLABELED, Recording
from spikecast.data.selection import Selection
from spikecast.models.base import Model
from spikecast.runs.atlas.settings import RIDGE, AtlasSettings
from spikecast.runs.manifest import Identity
from spikecast.tasks.behavior import leave_out_unrecorded, read_behavior
from spikecast.tasks.problem import count_windows
from spikecast.tasks.splits import Fold, split_trials
from spikecast.tasks.tasks import REST
from spikecast.tasks.trial_facts import is_ordered, label_conditions

BETWEEN = " > "  # source and target, in the name of a pair
AND = " | "  # the parts of a job's name
FEWEST_SOURCES = 2
KINDS = {"counts": "spike counts", "continuous": "continuous values"}

Sources = Mapping[str, Callable[[], Sequence[Callable[[], Recording]]]]
"""Name of a file (or of a recording in memory) -> opens it -> one callable per session of it."""


@dataclass(frozen=True)
class SessionPlan:
    """What an atlas does with one session."""

    name: str  # unique
    path: str  # a key of the sources
    index: int  # of the session in it
    kind: Kind
    n_trials: int
    windows: bool  # whether these are windows of one long trial
    bin_size: float
    areas: dict[str, int]  # area -> number of active neurons
    left_out: dict[str, int]  # the same, of areas that have too few
    pairs: list[dict[str, Pair]]  # by "SOURCE > TARGET", one dict per draw of neurons
    coincident: list[tuple[int, int]]  # neurons of two groups that look like one recorded twice
    ordered: bool  # whether trials are in the order in which they were recorded
    rung: str  # what scores are above: a null of the catalogue
    n_conditions: int  # that trial columns tell apart
    inner: dict[str, Any]  # settings of that null: how it cuts inner folds
    n_shifts: int  # asked for; its trials may allow fewer
    folds: list[Fold]
    taken: list[str]  # what was taken of a session that was not cut into trials yet
    identity: Identity


@dataclass(frozen=True)
class PairJob:
    """A model and what it is fitted to: one pair, or (the ridge) all pairs of a draw at once."""

    model: str
    session: str
    draw: int
    pair: str | None

    @property
    def name(self) -> str:
        """Its name in the journal; :func:`split_name` takes it apart."""
        parts = (self.model, self.session, f"draw {self.draw}", self.pair)
        return AND.join(part for part in parts if part)


def split_name(job: str) -> tuple[str, str]:
    """Return model and session of a job from its name."""
    model, session, *_ = job.split(AND)
    return model, session


def split_pair(name: str) -> tuple[str, str]:
    """Return source and target of a pair from its name."""
    source, target = name.split(BETWEEN)
    return source, target


def name_data(data: Iterable[str | Path | Recording]) -> dict[str, str | Path | Recording]:
    """Return each file by its path, and each recording in memory by a name."""
    check_kind(data, Iterable)
    data = list(data)
    for one in data:
        check_kind(one, str, Path, Recording)
    return {
        f"recording {number}" if isinstance(one, Recording) else str(one): one
        for number, one in enumerate(data)
    }


def make_sources(
    named: Mapping[str, str | Path | Recording], selection: Selection = WHOLE
) -> Sources:
    """Return what opens each of the data; a selection cuts those that are not cut into trials."""
    return {name: partial(open_sessions, one, selection) for name, one in named.items()}


def plan_sessions(settings: AtlasSettings, sources: Sources) -> Iterator[SessionPlan]:
    """Yield the plan of every session that the settings name; refuse what no session has."""
    targets = set() if settings.targets == "all" else set(settings.targets)
    areas: set[str] = set()
    known: dict[str, SessionPlan] = {}
    n_pairs = 0
    for path, open_source in sources.items():
        loaders = open_source()
        numbers = range(len(loaders)) if settings.sessions == "all" else settings.sessions
        for index in numbers:
            if not 0 <= index < len(loaders):
                raise InputError(
                    f"session {index} is not in '{path}'; it holds 0 to {len(loaders) - 1}"
                )
            session = _plan_session(settings, loaders[index](), path, index, known)
            _check_apart(session, known.values())
            known[session.name] = session
            areas |= {*session.areas, *session.left_out}
            n_pairs += len(session.pairs[0])
            yield session
    for target in sorted(targets - areas):
        raise UnknownNameError(f"no session has an area '{target}'.{suggest_name(target, areas)}")
    if not n_pairs:
        raise NotEnoughDataError(
            f"no session has two areas of {max(settings.min_neurons, settings.matched or 0)} "
            "active neurons, those recorded twice left out; lower min_neurons or matched"
        )


def plan_jobs(session: SessionPlan, models: Mapping[str, Model | None]) -> list[PairJob]:
    """Return every job of a session; a model that is None is done for all pairs at once.

    The ridge makes the shift tests: it is done even where its scores are not asked for.
    """
    tested = {RIDGE: None} if session.n_shifts and None not in models.values() else {}
    return [
        PairJob(name, session.name, draw, pair)
        for name, model in (tested | dict(models)).items()
        for draw, pairs in enumerate(session.pairs)
        for pair in ([None] if model is None else pairs)
        if pairs
    ]


def _check_apart(session: SessionPlan, others: Iterable[SessionPlan]) -> None:
    """Raise where a session counts twice, or cannot be averaged with another."""
    for other in others:
        if session.identity["activity"] == other.identity["activity"]:
            raise InputError(
                f"session {session.index} of '{session.path}' and session {other.index} of "
                f"'{other.path}' hold the same activity: it would count twice; name it once"
            )
        if session.kind != other.kind:
            raise InputError(
                f"'{other.name}' holds {KINDS[other.kind]} and '{session.name}' "
                f"{KINDS[session.kind]}: their scores have no common unit; make an atlas of each"
            )


def _name_session(recording: Recording, path: str, index: int, taken: Container[str]) -> str:
    """Return the name of a session that no other has: its own, with the file's, with a number."""
    file = f"{Path(path).stem} {index}"
    name = recording.session or file
    _check_free_of(AND, "session", [name])
    numbered = (f"{name} ({file}, {number})" for number in count(2))
    return next(one for one in chain([name, f"{name} ({file})"], numbered) if one not in taken)


def _plan_session(
    settings: AtlasSettings, recording: Recording, path: str, index: int, taken: Container[str]
) -> SessionPlan:
    name, identity = _name_session(recording, path, index, taken), identify(recording)
    recording, missing = leave_out_unrecorded(recording)
    behavior = read_behavior(recording, recording.time)
    n_trials, split, gap = recording.n_trials, settings.split, settings.gap
    if n_trials == 1:
        n_trials, split, gap = count_windows(recording.n_bins), "block", max(gap, 1)
    populations = _find_populations(recording, settings)
    enough = max(settings.min_neurons, settings.matched or 0)
    large = {area: members for area, members in populations.items() if members.size >= enough}
    copies = _find_copies(recording, large) if settings.drop_coincident else []
    draws = [
        {
            label: _leave_out_copies(pair, copies)
            for label, pair in _draw_pairs(large, settings, name, draw).items()
        }
        for draw in range(settings.draws)
    ]
    n_between = sum(source != target for source, target in map(split_pair, draws[0]))
    return SessionPlan(
        name=name,
        path=path,
        index=index,
        kind="counts" if recording.kind == "counts" else "continuous",
        n_trials=n_trials,
        windows=recording.n_trials == 1,
        bin_size=recording.bin_size,
        areas={area: members.size for area, members in large.items()},
        left_out={area: populations[area].size for area in populations if area not in large},
        pairs=[
            {label: pair for label, pair in pairs.items() if len(pair.source) >= FEWEST_SOURCES}
            for pairs in draws
        ],
        coincident=[(a, b) for a, b in copies if a < b],
        ordered=settings.ordered and is_ordered(recording),
        rung="source_free" if behavior.values is None else "behavior",
        n_conditions=len(np.unique(label_conditions(recording.trials, settings.conditions))),
        inner={"split": split, "gap": gap},
        n_shifts=choose_n_shifts(n_between) if settings.shifts is None else settings.shifts,
        folds=split_trials(split, n_trials, settings.folds, seed=settings.seed, gap=gap),
        taken=[*map(str, (*read_taken(recording.dataset), *missing, *behavior.notices))],
        identity=identity,
    )


def _find_populations(recording: Recording, settings: AtlasSettings) -> dict[str, np.ndarray]:
    """Return the numbers of the active neurons of every labeled group."""
    table = recording.neurons
    if settings.by not in table:
        raise UnknownNameError(
            f"unknown neuron column '{settings.by}'.{suggest_name(settings.by, table)}"
        )
    group = table[settings.by].to_numpy().astype(str)
    _check_free_of(BETWEEN, settings.by, np.unique(group))
    active = recording.activity.any(axis=(0, 1))
    if recording.kind == "counts":
        active &= recording.firing_rate >= settings.min_rate
    return {
        str(name): np.flatnonzero((group == name) & active)
        for name in np.unique(group)
        if str(name).lower() not in UNLABELED
    }


def _check_free_of(separator: str, what: str, names: Iterable[str]) -> None:
    """Raise where a name holds what stands between the names of a pair, or the parts of a job."""
    for name in names:
        if separator in name:
            raise InputError(
                f"the {what} {quote(str(name))} holds '{separator}', by which an atlas names its "
                "pairs and jobs; rename it"
            )


def _find_copies(
    recording: Recording, populations: Mapping[str, np.ndarray]
) -> list[tuple[int, int]]:
    """Return the pairs of neurons, both ways round, that look like one recorded twice."""
    neurons = np.concatenate([np.array([], dtype=int), *populations.values()])
    pairs = find_coincident_pairs(recording, neurons, neurons)
    return [(int(a), int(b)) for a, b in pairs[["first", "second"]].to_numpy()]


def _leave_out_copies(pair: Pair, copies: Sequence[tuple[int, int]]) -> Pair:
    """Return a pair without the sources that look like one of its targets."""
    members = set(pair.target.tolist())
    left_out = [source for source, target in copies if target in members]
    return Pair(pair.source[~np.isin(pair.source, left_out)], pair.target)


def _draw_pairs(
    populations: dict[str, np.ndarray], settings: AtlasSettings, session: str, draw: int
) -> dict[str, Pair]:
    """Return the pairs of one draw: an area's neurons and halves are the same in every pair."""
    matched = settings.matched
    pairs, drawn, halves = {}, {}, {}
    for area, members in populations.items():
        order = make_rng(settings.seed, "draw", session, area, draw).permutation(members)
        half = len(order) // 2
        drawn[area] = np.sort(order[:matched] if matched else order)
        size = min(half, matched or half)
        if settings.within and size >= max(settings.min_neurons // 2, matched or 2):
            halves[area] = Pair(np.sort(order[:size]), np.sort(order[half : half + size]))
    for target in drawn:
        if settings.targets != "all" and target not in settings.targets:
            continue
        others = [area for area in drawn if area != target]
        if settings.sources == REST and others:
            rest = np.concatenate([populations[area] for area in others])
            rng = make_rng(settings.seed, "draw", session, target, REST, draw)
            rest = rng.permutation(rest)[:matched] if matched else rest
            pairs[REST + BETWEEN + target] = Pair(np.sort(rest), drawn[target])
        elif settings.sources != REST:
            pairs |= {
                source + BETWEEN + target: Pair(drawn[source], drawn[target]) for source in others
            }
        if target in halves:
            pairs[target + BETWEEN + target] = halves[target]
    return pairs
