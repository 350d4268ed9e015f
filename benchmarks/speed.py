"""Seconds to fit: timescales against the decks' recipe, in one process, one thread, one after the
other.

    python benchmarks/speed.py

Sessions 0 and 6 to MOs, fold 0. The first fit of a process pays for torch's start: both models are
fitted once on a few trials before the clock runs.
"""

import time

from machine import REAL, describe

import spikecast as sc


def seconds(model, x, y) -> float:
    started = time.perf_counter()
    model.fit(x, y)
    return time.perf_counter() - started


def main() -> None:
    print(describe())
    print(
        "| session -> MOs | recipe, s | timescales (three members), s | ratio |\n|---|---|---|---|"
    )
    with sc.limit_threads():
        for session in (0, 6):
            problem = sc.AreaToArea("MOs").problem(sc.load(REAL, session))
            train = sc.make_folds(problem, 5)[0].train
            x, y = problem.x[train], problem.y[train]
            for warm_up in (sc.models.Recipe(n_iterations=3), sc.models.Timescales(epochs=1)):
                warm_up.fit(x[:20], y[:20])
            ours = sorted(seconds(sc.models.Timescales(), x, y) for _ in range(3))[1]
            recipe = seconds(sc.models.Recipe(), x, y)
            print(f"| {session} | {recipe:.2f} | {ours:.2f} | {recipe / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
