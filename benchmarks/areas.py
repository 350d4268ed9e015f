"""Areas hidden in the transformer's training: is it better, and does it bear the loss of an area?

    python benchmarks/areas.py          # adds what is not there yet
    python benchmarks/areas.py --summary

An inner split of the training trials of fold 0 of sessions 1 and 4, which development used anyway;
no test trial is touched. ``lost`` is the source area that ``predict_masked`` does not observe in
the scored trials; "none" is the usual prediction. One row per target, setting and lost area goes
to ``results/areas.csv``.
"""

import argparse
import csv

import numpy as np
import pandas as pd
from machine import REAL, RESULTS, describe

import spikecast as sc
from spikecast.models.inner_cv import split_inner_folds

TABLE = RESULTS / "areas.csv"
COLUMNS = ["session", "target", "hide_areas", "lost", "bits_per_spike"]
TARGETS = ((1, "VISpm"), (4, "LSc"), (1, "CA1"), (4, "CP"), (1, "VISl"), (4, "MOp"))
NONE = "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        RESULTS.mkdir(exist_ok=True)
        done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=COLUMNS)
        for session, target in TARGETS:
            for hide in (False, True):
                if done.query(
                    "session == @session and target == @target and hide_areas == @hide"
                ).empty:
                    with sc.limit_threads():
                        measure(session, target, hide)
    print(describe())
    print(summary())


def measure(session: int, target: str, hide: bool) -> None:
    """Fit once and write a row per lost area, together."""
    problem = sc.AreaToArea(target).problem(sc.load(REAL, session))
    train = sc.make_folds(problem, 5)[0].train
    inner = split_inner_folds(train.size, 3, seed=0)[0]
    fold = sc.splits.Fold(train[inner.train], train[inner.test])
    model = sc.models.Transformer(hide_areas=hide)
    model.fit(problem.x[fold.train], problem.y[fold.train], **problem.metadata(model.needs))

    activity = np.concatenate([problem.x, problem.y], axis=2)[fold.test]
    truth = problem.y[fold.test]
    null = sc.metrics.null_rate(problem.y[fold.train], truth)
    n_targets, rows = truth.shape[2], []
    for lost in (NONE, *np.unique(problem.areas)):
        observed = np.ones(activity.shape, dtype=bool)
        observed[..., -n_targets:] = False
        observed[..., :-n_targets][..., problem.areas == lost] = False
        rate = model.predict_masked(activity, observed)[..., -n_targets:]
        value = sc.metrics.bits_per_spike(truth, rate, null)
        rows.append([session, target, hide, lost, f"{value:.4f}"])
    new = not TABLE.exists()
    with TABLE.open("a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows] if new else rows)
    print(rows, flush=True)


def summary() -> str:
    """Per target: with all areas, and the mean over lost areas, without and with the setting."""
    table = pd.read_csv(TABLE)
    table["sources"] = np.where(table["lost"] == NONE, "all areas", "one area lost")
    means = table.pivot_table(
        index=["session", "target"], columns=["sources", "hide_areas"], values="bits_per_spike"
    ).dropna()
    lines = [
        "| session | target | all areas: plain / hidden | one area lost: plain / hidden |",
        "|---|---|---|---|",
    ]
    for label, row in [*means.iterrows(), (("mean", ""), means.mean())]:
        cells = [
            f"{row[sources, False]:.4f} / {row[sources, True]:.4f}"
            for sources in ("all areas", "one area lost")
        ]
        lines.append(f"| {label[0]} | {label[1]} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
