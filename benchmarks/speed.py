"""Seconds to fit: timescales against the decks' recipe, in one process, one thread, one after the
other.

    python benchmarks/speed.py

Sessions 0 and 6 to MOs, fold 0. The first fit of a process pays for torch's start: both models are
fitted once on a few trials before the clock runs.
"""

import time

from machine import REAL, describe

import spikecast
from spikecast.evaluation import make_folds
from spikecast.models.recurrent import Recipe
from spikecast.models.timescales import Timescales
from spikecast.parallel.threads import limit_threads
from spikecast.tasks.tasks import AreaToArea


def seconds(model, x, y) -> float:
    started = time.perf_counter()
    model.fit(x, y)
    return time.perf_counter() - started


def main() -> None:
    print(describe())
    print(
        "| session -> MOs | recipe, s | timescales (three members), s | ratio |\n|---|---|---|---|"
    )
    with limit_threads():
        for session in (0, 6):
            problem = AreaToArea("MOs").problem(spikecast.load(REAL, session))
            train = make_folds(problem, 5)[0].train
            x, y = problem.x[train], problem.y[train]
            for warm_up in (Recipe(n_iterations=3), Timescales(epochs=1)):
                warm_up.fit(x[:20], y[:20])
            ours = sorted(seconds(Timescales(), x, y) for _ in range(3))[1]
            recipe = seconds(Recipe(), x, y)
            print(f"| {session} | {recipe:.2f} | {ours:.2f} | {recipe / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
