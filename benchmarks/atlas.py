"""What an atlas costs: against scikit-learn pair by pair, by workers, in memory, per job.

    python benchmarks/atlas.py ridge            # all pairs of session 6, scikit-learn on a sample
    python benchmarks/atlas.py pairs            # CPU seconds per pair of each model, on a sample
    python benchmarks/atlas.py workers          # the wall time of two workers against one
    python benchmarks/atlas.py overhead         # of the engine, for jobs of one second
    python benchmarks/atlas.py memory           # peak of all processes, shared pages counted once
    python benchmarks/atlas.py cost             # of rungs and shift test, beside the source alone
    python benchmarks/atlas.py claims           # which of the real pairs pass, by session; minutes

Times of scikit-learn are of a random sample of pairs, all folds of each, times the number of
pairs: the loop has no work that pairs share.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from machine import REAL, describe
from sklearn.linear_model import RidgeCV

import spikecast as sc
from spikecast.analysis.conditions import number_conditions
from spikecast.analysis.interareal.pairwise import PENALTIES, WIDTH, Pair, pairwise_ridge
from spikecast.analysis.interareal.pairwise_rungs import Expected, expect_without_source
from spikecast.analysis.interareal.pairwise_shifts import score_shifts
from spikecast.models.base import RATE_FLOOR
from spikecast.models.preprocess import signed_sqrt, smooth
from spikecast.parallel import executors as engine
from spikecast.parallel.shared_data import share_value
from spikecast.runs.atlas import records
from spikecast.runs.atlas.plan import make_sources, name_data, plan_sessions
from spikecast.runs.atlas.settings import AtlasSettings
from spikecast.tasks.trial_facts import TrialFacts

SESSION = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["ridge", "pairs", *OTHERS])
    parser.add_argument("--pairs", type=int, default=6, help="how many pairs a sample has")
    arguments = parser.parse_args()
    print(describe())
    if arguments.what in ("ridge", "pairs"):
        {"ridge": ridge, "pairs": sampled}[arguments.what](arguments.pairs)
    else:
        OTHERS[arguments.what]()


# --------------------------------------------------------------------------------------- ridge


def ridge(n_pairs: int) -> None:
    recording = sc.load(REAL, SESSION)
    areas = [area for area in recording.areas if area != "root"]
    members = {area: np.flatnonzero(recording.area == area) for area in areas}
    pairs = {
        f"{one} > {other}": Pair(members[one], members[other])
        for one in areas
        for other in areas
        if one != other
    }
    folds = sc.splits.split_by_trial(recording.n_trials, 5)
    started = time.process_time()
    result = dict(pairwise_ridge(recording.activity, pairs, folds, np.zeros(recording.n_trials)))
    ours = time.process_time() - started
    chosen = np.random.default_rng(0).choice(list(pairs), n_pairs, replace=False)
    print(f"{len(pairs)} pairs, 5 folds, {len(PENALTIES)} penalties; CPU seconds, one thread")
    print(f"shared sums: {ours:.1f}")
    for name, inner in (("inner folds", True), ("leave one bin out", False)):
        started, worst = time.process_time(), 0.0
        for pair in chosen:
            score = scikit_learn(recording.activity, pairs[pair], folds, inner)
            worst = max(worst, abs(score - result[pair].ratios.pooled()))
        theirs = (time.process_time() - started) / n_pairs * len(pairs)
        print(
            f"RidgeCV, {name}: {theirs:.0f} (from {n_pairs} pairs), ratio {theirs / ours:.0f}, "
            f"largest difference of scores {worst:.1e}"
        )


def scikit_learn(
    activity: np.ndarray, pair: Pair, folds: list[sc.splits.Fold], inner: bool
) -> float:
    """Bits per spike of a pair: smoothed as ours, then RidgeCV fold by fold."""
    n_bins = activity.shape[1]
    z = signed_sqrt(smooth(activity[:, :, pair.source], WIDTH).astype(float))
    y = activity[:, :, pair.target].astype(float)
    gain = spikes = 0.0
    for fold in folds:
        flat = z[fold.train].reshape(-1, z.shape[2])
        target = y[fold.train].reshape(-1, y.shape[2])
        samples = np.arange(len(flat)).reshape(-1, n_bins)
        parts = [np.flatnonzero(np.isin(fold.train, other.test)) for other in folds]
        cuts = [
            (np.delete(samples, part, axis=0).ravel(), samples[part].ravel())
            for part in parts
            if part.size
        ]
        alphas = np.square(flat - flat.mean(axis=0)).sum(axis=0).mean() * np.array(PENALTIES)
        model = (
            RidgeCV(alphas, cv=cuts, scoring="neg_mean_squared_error") if inner else RidgeCV(alphas)
        )
        model.fit(flat, target)
        rate = model.predict(z[fold.test].reshape(-1, z.shape[2]))
        rate, mean = np.maximum(rate, RATE_FLOOR), target.mean(axis=0)
        fires, true = mean > 0, y[fold.test].reshape(-1, y.shape[2])
        gained = true * np.log(rate / np.where(fires, mean, 1)) - rate + mean
        gain += gained[:, fires].sum() / np.log(2)
        spikes += true[:, fires].sum()
    return gain / spikes


# --------------------------------------------------------------------------------------- pairs


def sampled(n_pairs: int) -> None:
    """CPU seconds of whole jobs (five folds, scores, intervals) of pairs of all sessions."""
    settings = AtlasSettings(data=[str(REAL)], models=["poisson_glm", "timescales"])
    planned = list(plan_sessions(settings, make_sources(name_data(settings.data))))
    every = [(session, pair) for session in planned for pair in session.pairs[0]]
    chosen = np.random.default_rng(0).choice(len(every), n_pairs, replace=False)
    for name, model in settings.build_models().items():
        spent = []
        for index in chosen:
            session, pair = every[index]
            recording = sc.load(REAL, session.index)
            trials = number_conditions(recording.trials)
            with share_value(recording, None) as handle:
                started = time.process_time()
                records.score_by_model(
                    handle, session, 0, pair, model, records.Scoring(trials, 1000, 0)
                )
                spent.append(time.process_time() - started)
        mean, error = np.mean(spent), np.std(spent, ddof=1) / np.sqrt(n_pairs)
        print(
            f"{name}: {mean:.1f} +- {error:.1f} CPU s per pair ({n_pairs} of {len(every)}), "
            f"{len(every) * mean / 60:.0f} CPU minutes for all"
        )


# ------------------------------------------------------------------------------------ the engine


def atlas(folder: Path, n_workers: int, *more: str) -> list[str]:
    words = [sys.executable, "-m", "spikecast.cli", "atlas", str(REAL), "--quiet", "--overwrite"]
    return [*words, "--out", str(folder), "--workers", str(n_workers), *more]


def workers() -> None:
    """poisson_glm over all pairs of session 0, start and page included; three minutes in all."""
    spent = {}
    with tempfile.TemporaryDirectory() as folder:
        for n in (1, 2):
            started = time.perf_counter()
            more = ("--sessions", "0", "--models", "poisson_glm")
            subprocess.run(atlas(Path(folder) / "run", n, *more), check=True, capture_output=True)
            spent[n] = time.perf_counter() - started
    print(f"seconds: {spent}; two workers take {spent[2] / spent[1]:.2f} of one's")


def overhead(n_jobs: int = 40) -> None:
    """Jobs that sleep for a second: what the engine adds to it."""
    for name in ("local", "dask-local"):
        with engine.open_executor(n_jobs, 2, name) as pool:
            calls = {str(n): (time.sleep, (0.0,)) for n in range(4)}
            list(engine.run_jobs(calls, pool))  # the processes have started
            started = time.perf_counter()
            calls = {str(n): (time.sleep, (1.0,)) for n in range(n_jobs)}
            list(engine.run_jobs(calls, pool))
            wall = time.perf_counter() - started
        print(f"{name}: {n_jobs} jobs of 1 s, 2 workers: {wall / (n_jobs / 2) - 1:.1%} above")


def memory() -> None:
    """Peak over time of the sum over processes of their proportional set size."""
    size = sum(sc.load(REAL, index).activity.nbytes for index in range(7)) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        for n in (1, 2):
            process = subprocess.Popen(atlas(Path(folder) / "run", n), stdout=subprocess.DEVNULL)
            peak = 0.0
            while process.poll() is None:
                peak = max(peak, sum(map(proportional, family(process.pid))) / 1e6)
                time.sleep(0.05)
            assert process.returncode == 0
            allowed = 2 * size + 300 * n
            print(f"{n} workers: peak {peak:.0f} MB; 2 x {size:.0f} + 300 x {n} = {allowed:.0f} MB")


def family(process: int) -> list[int]:
    """A process and all below it."""
    result = [process]
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            result += [one for child in task.read_text().split() for one in family(int(child))]
        except FileNotFoundError:
            continue
    return result


def proportional(process: int) -> float:
    """Bytes of a process; what it shares is divided by the number of those that share it."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0.0
    lines = (line.split() for line in text.splitlines())
    return next((1024.0 * int(line[1]) for line in lines if line[0] == "Pss:"), 0.0)


# ------------------------------------------------------------------------- beyond task and drift


def cost(session: int = 5) -> None:
    """CPU seconds of all pairs of a session: the source alone, and what stands around it."""
    settings = AtlasSettings(data=[str(REAL)], sessions=[session])
    (plan,) = plan_sessions(settings, make_sources(name_data(settings.data)))
    recording, pairs = sc.load(REAL, session), plan.pairs[0]
    activity, condition = recording.activity, number_conditions(recording.trials)
    facts = TrialFacts(np.arange(len(activity), dtype=float), condition)
    neurons = np.concatenate([one for pair in pairs.values() for one in pair])
    spent: dict[str, float] = {}

    def measure(what: str, function: Callable, *given):
        started = time.process_time()
        result = function(*given)
        if not isinstance(result, tuple | Expected):
            result = dict(result)
        spent[what] = time.process_time() - started
        return result

    for _ in range(2):  # the second time everything is loaded
        measure("the source alone", pairwise_ridge, activity, pairs, plan.folds, condition)
        expected = measure(
            "task and drift", expect_without_source,
            activity, neurons, plan.folds, sc.models.SourceFree(), facts,
        )  # fmt: skip
        measure(
            "alone and on top", pairwise_ridge, activity, pairs, plan.folds, condition, expected
        )
        measure("shift test", score_shifts, activity, pairs, expected, facts, plan.n_shifts)
    print(", ".join(f"{what}: {seconds:.2f}" for what, seconds in spent.items()))
    before = spent.pop("the source alone")
    print(f"{len(pairs)} pairs: {sum(spent.values()) / before:.1f} times the source alone")
    with tempfile.TemporaryDirectory() as folder:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        words = atlas(Path(folder) / "run", 1, "--sessions", str(session))
        subprocess.run(words, check=True, capture_output=True)
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"the command: {now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime:.1f} CPU s"
        )


def claims() -> None:
    """How many pairs of areas pass in every session; session 0 is not in recorded order."""
    tables = []
    for ordered, sessions in ((True, [1, 2, 3, 4, 5, 6]), (False, [0])):
        started = time.process_time()
        result = sc.atlas(REAL, workers=1, sessions=sessions, ordered=ordered)
        print(f"sessions {sessions}: {time.process_time() - started:.0f} CPU s")
        tables.append(result.cells)
    cells = pd.concat(tables)
    heads = ["session", "trials", "pairs", "above the mean", "above task and drift"]
    heads += ["p <= .05", "both", "pass", "halves that pass"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, part in [*cells.groupby("session", sort=False), ("all", cells)]:
        pairs, halves = (part[(part["source"] == part["target"]) == same] for same in (False, True))
        above, low = pairs["low"] > 0, pairs["p"] <= 0.05
        counts = [
            len(pairs), (pairs["train_mean_low"] > 0).sum(), above.sum(), low.sum(),
            (above & low).sum(), pairs["passes"].sum(),
            f"{halves['passes'].sum()} of {len(halves)}",
        ]  # fmt: skip
        n_trials = part["n_trials"].max() if name != "all" else ""
        lines.append(f"| {name} | {n_trials} | {' | '.join(map(str, counts))} |")
    print("\n".join(lines))


OTHERS = {
    "workers": workers,
    "overhead": overhead,
    "memory": memory,
    "cost": cost,
    "claims": claims,
}

if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
