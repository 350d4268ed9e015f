"""Does a core pretrained on all sessions make a model better than the same model alone?

    python benchmarks/pretraining.py timescales --part inner     # adds what is not there yet
    python benchmarks/pretraining.py timescales --part test
    python benchmarks/pretraining.py --summary

The core is learnt from training trials of fold 0 of all seven sessions, in each towards its largest
area. Then read-in and readout are fitted per session and target: to that core as it is (``core``),
or from it, changing it too (``tuned``). ``own`` is like ``tuned``, its core learnt from the same
session only: what a second training alone is worth. ``alone`` has the same settings, seed and
trials but no core. ``--part inner`` uses an inner split of those training trials, for whatever is
to be chosen; ``--part test`` the test trials of fold 0. One row per target goes to
``results/pretraining.csv``. Session 0 has 114 trials, the others 249 to 342.
"""

import argparse
import csv
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from machine import REAL, RESULTS, UNLABELED, describe

import spikecast as sc
from spikecast.models.base import Model
from spikecast.models.inner_cv import split_inner_folds
from spikecast.tasks.problem import Problem

TABLE = RESULTS / "pretraining.csv"
COLUMNS = ["part", "model", "session", "target", "way", "bits_per_spike", "cpu_seconds"]
KINDS = {
    "timescales": ("timescales", {}),
    "transformer": ("transformer", {}),
    "transformer-areas": ("transformer", {"hide_areas": True}),
    "one-transformer-areas": ("transformer", {"hide_areas": True, "n_members": 1}),
}
FURTHER = ("ACA", "LS", "MOs", "SUB")  # targets of session 0, which has the fewest trials
Fit = Callable[[Problem, np.ndarray], Model]
"""(problem, training trials) -> a fitted model."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help=", ".join(KINDS))
    parser.add_argument("--part", choices=("inner", "test"), default="inner")
    parser.add_argument("--sessions", type=int, nargs="*", default=list(range(7)), help="scored")
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        RESULTS.mkdir(exist_ok=True)
        recordings = list(sc.load_all(REAL))
        for name in arguments.models:
            with sc.limit_threads():
                measure(name, arguments.part, recordings, arguments.sessions)
    print(describe())
    print(summary())


def measure(
    name: str, part: str, recordings: Sequence[sc.Recording], sessions: Sequence[int]
) -> None:
    base, settings = KINDS[name]
    problems = [sc.AreaToArea(largest(recording)).problem(recording) for recording in recordings]
    further = [(0, sc.AreaToArea(area).problem(recordings[0])) for area in FURTHER]
    every = [
        (session, problem)
        for session, problem in [*enumerate(problems), *further]
        if session in sessions
    ]

    def alone(problem: Problem, train: np.ndarray) -> Model:
        model = sc.models.MODELS[base](**settings)
        return model.fit(problem.x[train], problem.y[train], **problem.metadata(model.needs))

    score(name, part, "alone", every, alone)
    for session in sessions:
        mine = [(one, problem) for one, problem in every if one == session]
        if missing(name, part, "own", mine):
            core = pretrained(name, part, [problems[session]])
            score(name, part, "own", mine, partial(adapted, core, True))
    if any(missing(name, part, way, every) for way in ("core", "tuned")):
        core = pretrained(name, part, problems)
        score(name, part, "core", every, partial(adapted, core, False))
        score(name, part, "tuned", every, partial(adapted, core, True))


def pretrained(name: str, part: str, problems: Sequence[Problem]) -> sc.models.ManySessions:
    """A core learnt from the training trials of some sessions."""
    base, settings = KINDS[name]
    many = sc.models.ManySessions(base, settings)
    train = [split(problem, part).train for problem in problems]
    started = time.process_time()
    many.fit(
        [problem.x[rows] for problem, rows in zip(problems, train, strict=True)],
        [problem.y[rows] for problem, rows in zip(problems, train, strict=True)],
        **{fact: [problem.metadata([fact])[fact] for problem in problems] for fact in many.needs},
    )
    seconds = time.process_time() - started
    print(f"{name}, {part}: pretrained on {len(problems)} in {seconds:.0f} s of CPU time")
    return many


def adapted(many: sc.models.ManySessions, tune: bool, problem: Problem, train: np.ndarray) -> Model:
    facts = problem.metadata(many.needs)
    return many.adapt(problem.x[train], problem.y[train], tune=tune, **facts)


def largest(recording: sc.Recording) -> str:
    areas = {area: n for area, n in recording.areas.items() if area.lower() not in UNLABELED}
    return max(areas, key=lambda area: areas[area])


def split(problem: Problem, part: str) -> sc.splits.Fold:
    """Fold 0, or an inner split of its training trials."""
    fold = sc.make_folds(problem, 5)[0]
    if part == "test":
        return fold
    inner = split_inner_folds(fold.train.size, 3, seed=0)[0]
    return sc.splits.Fold(fold.train[inner.train], fold.train[inner.test])


def missing(
    name: str, part: str, way: str, every: Sequence[tuple[int, Problem]]
) -> list[tuple[int, Problem]]:
    """Sessions and problems without a row in the table."""
    if not TABLE.exists():
        return list(every)
    done = pd.read_csv(TABLE).query("model == @name and part == @part and way == @way")
    known = set(zip(done["session"], done["target"], strict=True))
    return [
        (session, problem) for session, problem in every if (session, problem.target) not in known
    ]


def score(name: str, part: str, way: str, every: Sequence[tuple[int, Problem]], fit: Fit) -> None:
    """Fit what is missing and write a row for each as soon as it is known."""
    for session, problem in missing(name, part, way, every):
        fold = split(problem, part)
        started = time.process_time()
        model = fit(problem, fold.train)
        seconds = time.process_time() - started
        truth = problem.y[fold.test]
        null = sc.metrics.null_rate(problem.y[fold.train], truth)
        value = sc.metrics.bits_per_spike(truth, model.predict(problem.x[fold.test]), null)
        row = [part, name, session, problem.target, way, f"{value:.4f}", f"{seconds:.1f}"]
        new = not TABLE.exists()
        with TABLE.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, row] if new else [row])
        print(*row, flush=True)


def summary() -> str:
    """Mean over the targets that all ways have, and how a pretrained core compares, target wise."""
    lines = [
        "| part | model | targets | way | bits/spike, mean | against alone "
        "| better on | CPU s per fit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (part, name), rows in pd.read_csv(TABLE).groupby(["part", "model"]):
        scores = rows.pivot(index=["session", "target"], columns="way", values="bits_per_spike")
        scores = scores.dropna()
        seconds = rows.groupby("way")["cpu_seconds"].mean()
        for way in scores:
            gain = scores[way] - scores["alone"]
            against = "" if way == "alone" else f"{gain.mean():+.4f}"
            better = "" if way == "alone" else f"{(gain > 0).sum()} of {len(gain)}"
            lines.append(
                f"| {part} | {name} | {len(scores)} | {way} | {scores[way].mean():.4f} | {against} "
                f"| {better} | {seconds[way]:.1f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
