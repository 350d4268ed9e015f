"""Wrong claims on sessions of two areas that share nothing.

    python benchmarks/silence.py --sessions 5                 # adds what is not there yet
    python benchmarks/silence.py --neurons 15 --trials 100 --kinds drift labels
    python benchmarks/silence.py --summary

Each area drifts on its own, with a smoothness of 3 to 60 trials (``drift``); or, besides, both
follow a stimulus, or a recorded movement; or a label comes in runs that nothing in the session
knows (``labels``). Every claim is asked with its defaults. One row per session and claim goes to
``results/silence.csv``.
"""

import argparse

from claims import CLAIMS, LABEL_CLAIMS, PAIR_CLAIMS, Session, ask_all, summarize
from machine import RESULTS, describe

TABLE = RESULTS / "silence.csv"
KINDS = {
    "drift": {},
    "stimulus": {"stimulus": 0.05},
    "movement": {"movement": 0.05},
    "labels": {"label_sd": (2.0, 20.0)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2, help="of each kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--neurons", type=int, default=60, help="in each area")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--claims", nargs="*", choices=list(CLAIMS), default=list(CLAIMS))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        ask_all(list_sessions(arguments), TABLE, arguments.workers)
    print(describe())
    print(summarize(TABLE))


def list_sessions(arguments: argparse.Namespace) -> list[Session]:
    """Return the sessions, all kinds of one seed before the next seed."""
    return [
        Session(
            kind,
            arguments.neurons,
            arguments.trials,
            seed,
            tuple(
                name
                for name in arguments.claims
                if name in (LABEL_CLAIMS if kind == "labels" else PAIR_CLAIMS)
            ),
            KINDS[kind],
        )
        for seed in range(arguments.first, arguments.first + arguments.sessions)
        for kind in arguments.kinds
    ]


if __name__ == "__main__":
    main()
