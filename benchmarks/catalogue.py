"""Every model of the catalogue on every target of the seven real sessions: is any below the null?

    python benchmarks/catalogue.py [MODELS]     # adds what is not there yet
    python benchmarks/catalogue.py --summary

The targets, sources and folds are those of ``targets.py``, but only fold 0 is fitted: this asks
whether a model with its default settings can be relied on, not which one is best by a little. One
row per session, target and model goes to ``results/catalogue.csv`` as soon as it is known.
"""

import argparse
import time

import pandas as pd
from machine import REAL, RESULTS, describe
from targets import target_areas

import spikecast as sc
from spikecast.evaluation.fit import Job, run_job

TABLE = RESULTS / "catalogue.csv"
NOT_HERE = {"recipe", "ensemble", "stack", "auto"}  # a minute per fit; made of the others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "models", nargs="*", default=[n for n in sc.models.MODELS if n not in NOT_HERE]
    )
    parser.add_argument("--sessions", type=int, nargs="*", default=list(range(7)))
    parser.add_argument("--first", type=int, help="only so many targets of each session")
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        for session, recording in enumerate(sc.load_all(REAL)):
            if session in arguments.sessions:
                for target in target_areas(recording)[: arguments.first]:
                    measure(session, target, recording, arguments.models)
    print(describe())
    print(summary())


def measure(session: int, target: str, recording: sc.Recording, models: list[str]) -> None:
    where = "session == @session and target == @target"
    known = pd.read_csv(TABLE).query(where)["model"] if TABLE.exists() else ()
    problem = sc.AreaToArea(target).problem(recording)
    fold = sc.make_folds(problem, 5, seed=0)[0]
    y = problem.y[fold.test]
    null = sc.metrics.null_rate(problem.y[fold.train], y)
    for name in models:
        if name in set(known):
            continue
        started = time.process_time()
        result = run_job(Job(name, sc.models.MODELS[name](), 0, fold, 0), problem.x, problem.y)
        row = {
            "session": session,
            "target": target,
            "model": name,
            "bits_per_spike": round(sc.metrics.bits_per_spike(y, result.prediction, null), 4),
            "cpu_seconds": round(time.process_time() - started, 2),
        }
        print(*row.values(), flush=True)
        pd.DataFrame([row]).to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)


def summary() -> str:
    """A line per model: mean and least score, and on how many targets it is below the null."""
    table = pd.read_csv(TABLE)
    scores = table.pivot(index=["session", "target"], columns="model", values="bits_per_spike")
    same = scores.dropna()  # the targets that every model has been fitted to
    lines = [
        f"| model | targets | bits/spike, mean | on the {len(same)} that all have | least "
        "| below the null on | CPU s per fit |",
        "|---|---|---|---|---|---|---|",
    ]
    seconds = table.groupby("model")["cpu_seconds"].mean()
    for model in same.mean().sort_values(ascending=False).index:
        score = scores[model].dropna()
        lines.append(
            f"| {model} | {len(score)} | {score.mean():.4f} | {same[model].mean():.4f} "
            f"| {score.min():.3f} | {(score < 0).sum()} | {seconds[model]:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
