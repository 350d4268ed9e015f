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

from claims import CLAIMS, LABEL_CLAIMS, PAIR_CLAIMS, Session, ask_all, read_arguments, summarize
from machine import RESULTS, describe

TABLE = RESULTS / "silence.csv"
KINDS = {
    "drift": {},
    "stimulus": {"stimulus": 0.05},
    "movement": {"movement": 0.05},
    "labels": {"label_sd": (2.0, 20.0)},
}


def main() -> None:
    arguments = read_arguments(__doc__, KINDS, CLAIMS, first=0)
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
