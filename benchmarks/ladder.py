"""Every rung of the ladder on the real sessions, and which targets keep their verdict.

    python benchmarks/ladder.py                # adds what is not there yet
    python benchmarks/ladder.py --summary

One row per session and target goes to ``results/ladder.csv``: the score of each rung and of
``poisson_glm`` above the mean, what the source adds on top of the highest rung, the p of the shift
test and the verdict. Session 0 is not in recorded order, so it has no drift and no shift test.
"""

import argparse
import csv

import pandas as pd
from machine import REAL, RESULTS, UNLABELED, describe

import spikecast as sc
from spikecast.evaluation.verdict import judge_scores

TABLE = RESULTS / "ladder.csv"
MODELS = ("psth", "drift", "source_free", "poisson_glm")
COLUMNS = ["session", "target", "n_neurons", "n_trials", *MODELS, "above_rung"]
COLUMNS += ["gain", "low", "high", "p", "outcome", "seconds"]
MIN_NEURONS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="*", default=list(range(7)))
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        measure(arguments.sessions)
    print(describe())
    print(summarize(pd.read_csv(TABLE)))


def measure(sessions: list[int]) -> None:
    RESULTS.mkdir(exist_ok=True)
    if not TABLE.exists():
        TABLE.write_text(",".join(COLUMNS) + "\n")
    for session, recording in enumerate(sc.load_all(REAL)):
        if session not in sessions:
            continue
        if session == 0:
            recording = sc.Recording(recording.dataset.assign_attrs(ordered=False))
        for area, size in sorted(recording.areas.items()):
            done = pd.read_csv(TABLE).query("session == @session and target == @area")
            if size >= MIN_NEURONS and area.lower() not in UNLABELED and done.empty:
                append([session, area, *measure_target(recording, area)])


def measure_target(recording: sc.Recording, area: str) -> list:
    with sc.limit_threads():
        scores = sc.cross_validate(["poisson_glm"], sc.AreaToArea(area), recording)
    verdict, beyond = judge_scores(scores), scores.beyond
    rows = scores.table.query("fold == 'all'")
    return [
        rows["n_neurons"].max(),
        recording.n_trials,
        *(scores.interval(name).value if name in scores.models else "" for name in MODELS),
        verdict.above_rung.value,
        beyond.gain.value,
        beyond.gain.low,
        beyond.gain.high,
        beyond.shift_test.p if beyond.shift_test else "",
        verdict.outcome,
        rows.drop_duplicates("model")["fit_seconds"].sum(),
    ]


def append(row: list) -> None:
    with TABLE.open("a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(
            [f"{value:.5g}" if isinstance(value, float) else value for value in row]
        )
    print(row, flush=True)


def summarize(table: pd.DataFrame) -> str:
    """Return a row per target, and how many keep their verdict."""
    lines = [
        "| session | target | psth | drift | source_free | poisson_glm | source adds (95 %) | p | "
        "verdict |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table.sort_values(["session", "target"]).itertuples():
        scores = [getattr(row, name) for name in MODELS]
        cells = ["" if pd.isna(value) else f"{value:.3f}" for value in scores]
        adds = f"{row.gain:.3f} ({row.low:.3f} to {row.high:.3f})"
        p = "" if pd.isna(row.p) else f"{row.p:.3f}"
        line = [str(row.session), row.target, *cells, adds, p, row.outcome]
        lines.append(f"| {' | '.join(line)} |")
    counts = table.groupby("session")["outcome"].value_counts().to_dict()
    return "\n".join([*lines, "", str(counts)])


if __name__ == "__main__":
    main()
