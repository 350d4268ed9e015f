"""Held-out neurons within one area (co-smoothing): models x areas on the seven real sessions.

    python benchmarks/cosmoothing.py            # adds what is not there yet
    python benchmarks/cosmoothing.py --summary

A quarter of an area's neurons is predicted from the other three, in the same bins of held-out
trials: the largest area of each session, 5 folds, models as they are by default. One row per
session and model goes to ``results/cosmoothing.csv`` as soon as it is known.
"""

import argparse
from concurrent.futures import Executor

import pandas as pd
from machine import REAL, RESULTS, UNLABELED, describe

import spikecast as sc

TABLE = RESULTS / "cosmoothing.csv"
MODELS = [
    "mean_rate",
    "factor_analysis",
    "pca_ridge",
    "poisson_glm",
    "timescales",
    "lfads",
    "transformer",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        with sc.open_executor(1000, arguments.workers) as pool:
            for session, recording in enumerate(sc.load_all(REAL)):
                measure(session, recording, arguments.models, pool)
    print(describe())
    print(summary())


def measure(
    session: int, recording: sc.Recording, models: list[str], pool: Executor | None
) -> None:
    sizes = {a: n for a, n in recording.areas.items() if a.lower() not in UNLABELED}
    area = max(sizes, key=lambda name: sizes[name])
    known = pd.read_csv(TABLE).query("session == @session")["model"] if TABLE.exists() else ()
    missing = [name for name in models if name not in set(known)]
    if not missing:
        return
    task = sc.HeldOutNeurons(fraction=0.25, area=area)
    scores = sc.cross_validate(missing, task, recording, folds=5, seed=0, executor=pool)
    whole = scores.table.query("fold == 'all' and metric == 'bits_per_spike'")
    rows = []
    for model in scores.models:
        row = whole.query("model == @model").iloc[0]
        interval = scores.interval(model)
        limits = {"bits_per_spike": interval.value, "low": interval.low, "high": interval.high}
        rows.append(
            {"session": session, "area": area, "model": model}
            | {name: round(value, 4) for name, value in limits.items()}
            | {"n_held_out": row["n_neurons"], "seconds_per_fit": round(row["fit_seconds"] / 5, 2)}
        )
    new = pd.DataFrame(rows)
    print(new.to_string(index=False), flush=True)
    new.to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)


def summary() -> str:
    """A line per model: bits per spike of every session's area, and their mean."""
    table = pd.read_csv(TABLE)
    table["where"] = table["session"].astype(str) + " " + table["area"]
    scores = table.pivot(index="model", columns="where", values="bits_per_spike")
    scores = scores.loc[scores.mean(axis=1).sort_values(ascending=False).index]
    seconds = table.groupby("model")["seconds_per_fit"].mean()
    lines = ["| model | " + " | ".join(scores.columns) + " | mean | s per fit |"]
    lines.append("|---" * (len(scores.columns) + 3) + "|")
    for model, row in scores.iterrows():
        cells = [f"{value:.3f}" for value in row]
        lines.append(f"| {model} | {' | '.join(cells)} | {row.mean():.4f} | {seconds[model]:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
