"""Every rung of the ladder on the real sessions, and which targets keep their verdict.

    python benchmarks/ladder.py                # adds what is not there yet
    python benchmarks/ladder.py --summary
    python benchmarks/ladder.py --cost         # of the ladder, beside the default models

One row per session and target goes to ``results/ladder.csv``: the score of each rung above the
mean, what the source adds on top of the highest rung, the p of the shift test and the verdict. The
summary puts the score of ``poisson_glm`` from ``results/targets.csv`` beside them. Session 0 is not
in recorded order, so it has no drift and no shift test.
"""

import argparse
import csv
import time

import pandas as pd
from machine import REAL, RESULTS, UNLABELED, describe

import spikecast as sc
from spikecast.evaluation.verdict import judge_scores

TABLE = RESULTS / "ladder.csv"
RUNGS = ("psth", "drift", "source_free")
COLUMNS = ["session", "target", "n_neurons", "n_trials", *RUNGS]
COLUMNS += ["gain", "low", "high", "p", "outcome", "seconds"]
MIN_NEURONS = 20
COSTED = ((5, "VISp"), (6, "MOs"), (4, "MOp"))
DEFAULT = ["mean_rate", "psth", "pca_ridge", "reduced_rank", "poisson_glm", "timescales"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="*", default=list(range(7)))
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--cost", action="store_true")
    arguments = parser.parse_args()
    if arguments.cost:
        print(describe())
        print(compare_cost())
        return
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
        scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea(area), recording)
    verdict, beyond = judge_scores(scores), scores.beyond
    rows = scores.table.query("fold == 'all'")
    return [
        rows["n_neurons"].max(),
        recording.n_trials,
        *(scores.interval(name).value if name in scores.models else "" for name in RUNGS),
        beyond.gain.value,
        beyond.gain.low,
        beyond.gain.high,
        beyond.shift_test.p if beyond.shift_test else "",
        verdict.outcome,
        rows.drop_duplicates("model")["fit_seconds"].sum(),
    ]


def compare_cost() -> str:
    """Return the processor time of ``predict`` with the ladder over that without, per target."""
    lines = [
        "| session | target | without, s | rungs, s | beyond, s | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for session, area in COSTED:
        recording = sc.load(REAL, session)
        with sc.limit_threads():
            started = time.process_time()
            scores = sc.cross_validate(DEFAULT, sc.AreaToArea(area), recording, shifts=0)
            models = time.process_time() - started
            sc.cross_validate(["mean_rate"], sc.AreaToArea(area), recording)
            both = time.process_time() - started - models  # the rungs, and what is beyond them
        seconds = scores.table.query("fold == 'all'").drop_duplicates("model")
        rungs = seconds[seconds["model"].isin(RUNGS)]["fit_seconds"].sum()
        without = models - rungs
        lines.append(
            f"| {session} | {area} | {without:.1f} | {rungs:.1f} | {both - rungs:.1f} | "
            f"{(without + both) / without:.2f} |"
        )
    return "\n".join(lines)


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
    glm = pd.read_csv(RESULTS / "targets.csv").query("model == 'poisson_glm'")
    table = table.merge(glm[["session", "target", "bits_per_spike"]], how="left")
    for row in table.sort_values(["session", "target"]).itertuples():
        scores = [*(getattr(row, name) for name in RUNGS), row.bits_per_spike]
        cells = ["" if pd.isna(value) else f"{value:.3f}" for value in scores]
        adds = f"{row.gain:.3f} ({row.low:.3f} to {row.high:.3f})"
        p = "" if pd.isna(row.p) else f"{row.p:.3f}"
        line = [str(row.session), row.target, *cells, adds, p, row.outcome]
        lines.append(f"| {' | '.join(line)} |")
    counts = table.groupby("session")["outcome"].value_counts().to_dict()
    return "\n".join([*lines, "", str(counts)])


if __name__ == "__main__":
    main()
