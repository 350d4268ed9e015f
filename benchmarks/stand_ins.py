"""The default model on sessions that stand in for poorer ones: few spikes, trials or targets.

    python benchmarks/stand_ins.py             # adds what is not there yet to results/stand_ins.csv
    python benchmarks/stand_ins.py --summary

Sessions 0, 2 and 6, which took no part in development; every third target; one random fold, seed 0.
`few` keeps 60 training trials of the recording at random, `thin` a third of the spikes of sources
and targets, `small` 15 target neurons, `poor` all three. Scores are pooled bits per spike above the
training trials' mean rate, on the test trials that all models share.
"""

import argparse
import csv
import time
from functools import partial

import numpy as np
import pandas as pd
from machine import REAL, RESULTS, UNLABELED, describe

import spikecast as sc

TABLE = RESULTS / "stand_ins.csv"
COLUMNS = ["session", "target", "kind", "model", "bits_per_spike", "seconds", "n_spikes"]
KINDS = ("full", "few", "thin", "small", "poor")
BEFORE = {  # the regression's search until November 2026: one validation part, two edges
    "widths": ((1.0, 3.0, 8.0), (2.0, 6.0)),
    "n_components": (30, 60, 120),
    "penalties": (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2),
    "n_inner": 1,
}
MODELS = {
    "poisson_glm before": partial(sc.models.PoissonGLM, **BEFORE),
    "poisson_glm": sc.models.PoissonGLM,
    "timescales": sc.models.Timescales,
    "stack": sc.models.Stack,
}
SESSIONS = (0, 2, 6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="*", default=list(SESSIONS))
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        measure(arguments.sessions)
    print(describe())
    print(summarize())


def measure(sessions: list[int]) -> None:
    RESULTS.mkdir(exist_ok=True)
    done = set()
    if TABLE.exists():
        done = set(pd.read_csv(TABLE)[["session", "target", "kind"]].itertuples(index=False))
        done = {tuple(row) for row in done}
    recordings = list(sc.load_all(REAL))
    for session in sessions:
        recording = recordings[session]
        areas = sorted(
            area
            for area, size in recording.areas.items()
            if size >= 20 and area.lower() not in UNLABELED
        )
        for target in areas[::3]:
            problem = sc.AreaToArea(target).problem(recording)
            for kind in KINDS:
                if (session, target, kind) not in done:
                    append(session, target, kind, *make_poorer(problem, kind, session))


def make_poorer(problem, kind: str, seed: int) -> tuple:
    """Return x and y of training and test trials, as poor as the kind says."""
    rng = np.random.default_rng(seed)
    x, y = np.asarray(problem.x), np.asarray(problem.y)
    fold = sc.splits.split_by_trial(len(x), 5, 0)[0]
    train = fold.train
    if kind in ("few", "poor") and len(train) > 60:
        train = np.sort(rng.permutation(train)[:60])
    if kind in ("thin", "poor"):
        x, y = rng.binomial(x, 1 / 3), rng.binomial(y, 1 / 3)
    if kind in ("small", "poor") and y.shape[2] > 15:
        y = y[..., np.sort(rng.permutation(y.shape[2])[:15])]
    y = y[..., y[train].any(axis=(0, 1))]
    return x[train], y[train], x[fold.test], y[fold.test]


def append(session: int, target: str, kind: str, x, y, x_test, y_test) -> None:
    null = sc.metrics.null_rate(y, y_test)
    rows = []
    for name, model in MODELS.items():
        started = time.process_time()
        fitted = model(seed=0).fit(x, y)
        seconds = time.process_time() - started
        score = sc.metrics.bits_per_spike(y_test, fitted.predict(x_test), null)
        rows.append(
            [session, target, kind, name, f"{score:.4f}", f"{seconds:.2f}", int(y_test.sum())]
        )
        print(*rows[-1], flush=True)
    new = not TABLE.exists()
    with TABLE.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        writer.writerows(rows)


def summarize() -> str:
    """Each kind: mean gain over the regression, least, share of targets above it, seconds."""
    table = pd.read_csv(TABLE)
    lines = [
        "| kind | targets | poisson_glm | model | against it, pooled | least | above it on | "
        "never more than 2 % below | CPU s, times the regression's |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        part = table[table["kind"] == kind]
        scores = part.pivot(index=["session", "target"], columns="model", values="bits_per_spike")
        seconds = part.groupby("model")["seconds"].mean()
        glm = scores["poisson_glm"]
        for model in ("poisson_glm before", "timescales", "stack"):
            gain = (scores[model] - glm) / glm.abs()
            lines.append(
                f"| {kind} | {len(glm)} | {glm.mean():.4f} | {model} "
                f"| {scores[model].mean() / glm.mean() - 1:+.1%} | {gain.min():+.1%} "
                f"| {(gain > 0).mean():.0%} | {(gain > -0.02).mean():.0%} "
                f"| {seconds[model] / seconds['poisson_glm']:.1f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
