"""Found or not: a true coupling beside drift, a stimulus and a movement.

    python benchmarks/power.py --sessions 5                   # adds what is not there yet
    python benchmarks/power.py --coupling 0.01 --claims predict atlas
    python benchmarks/power.py --summary

A's fast factor is worth `coupling` bits per spike in B beyond everything else, by the true rates.
What can be found of it is less: the factor has to be read from A's spikes. One row per session and
claim goes to ``results/power.csv``.
"""

from claims import PAIR_CLAIMS, Session, ask_all, read_arguments, summarize
from machine import RESULTS, describe

TABLE = RESULTS / "power.csv"
KINDS = {"drift": {}, "task": {"stimulus": 0.05, "movement": 0.05}}


def main() -> None:
    arguments = read_arguments(__doc__, KINDS, PAIR_CLAIMS, first=1000, coupling=0.02)
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
