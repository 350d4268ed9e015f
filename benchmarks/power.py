"""Found or not: a true coupling beside drift, a stimulus and a movement.

    python benchmarks/power.py --sessions 5                   # adds what is not there yet
    python benchmarks/power.py --coupling 0.01 --claims predict atlas
    python benchmarks/power.py --summary

A's fast factor is worth `coupling` bits per spike in B beyond everything else, by the true rates.
What can be found of it is less: the factor has to be read from A's spikes. One row per session and
claim goes to ``results/power.csv``.
"""

import argparse

from claims import PAIR_CLAIMS, Session, ask_all, summarize
from machine import RESULTS, describe

TABLE = RESULTS / "power.csv"
KINDS = {"drift": {}, "task": {"stimulus": 0.05, "movement": 0.05}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2, help="of each kind")
    parser.add_argument("--first", type=int, default=1000, help="seed of the first")
    parser.add_argument("--coupling", type=float, default=0.02, help="bits per spike")
    parser.add_argument("--neurons", type=int, default=60, help="in each area")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--claims", nargs="*", choices=list(PAIR_CLAIMS), default=list(PAIR_CLAIMS))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        sessions = [
            Session(
                f"{kind}, coupling {arguments.coupling:g}",
                arguments.neurons,
                arguments.trials,
                seed,
                tuple(arguments.claims),
                KINDS[kind] | {"coupling": arguments.coupling},
            )
            for seed in range(arguments.first, arguments.first + arguments.sessions)
            for kind in arguments.kinds
        ]
        ask_all(sessions, TABLE, arguments.workers)
    print(describe())
    print(summarize(TABLE))


if __name__ == "__main__":
    main()
